"""A weaker model beside the one at work, for guidance to lead away from (Karras et al. 2024).

Knows specs and families' knobs; what guidance does with the two is the family's.
"""

from __future__ import annotations

from typing import Any

from genloom.errors import RequestError
from genloom.model import Model


def guiding(model: Model, guide: Model | None) -> dict[str, Any]:
    """The guide's net under the role that families know it by. RequestError where it makes other
    items, hears other prompts or speaks another way than the model."""
    if guide is None:
        return {}
    if "guidance" not in model.family.takes:
        raise RequestError(f"a {model.family.kind} model is not guided: leave the guide out")
    for what, here, there in (
        ("makes other items", model.codec.spec, guide.codec.spec),
        ("learnt another objective", _spoken(model), _spoken(guide)),
        ("hears other prompts", _heard(model), _heard(guide)),
    ):
        if here != there:
            raise RequestError(
                f"the guide {guide.recipe.name!r} {what} than {model.recipe.name!r}: give a weaker "
                "model of the same data, such as one that was trained for less long"
            )
    guide.nets.eval()
    return {"guide": guide.nets["net"].to(model.device)}


def _spoken(model: Model) -> tuple[str, Any]:
    """The family, and what its net puts out."""
    return model.family.kind, getattr(model.family, "predicts", None)


def _heard(model: Model) -> Any:
    """The prompts' spec, and the words or labels in the order of their ids."""
    prompt: Any = model.prompt
    known = (getattr(prompt, name, None) for name in ("labels", "words"))
    return None if prompt is None else (prompt.spec, [list(one) for one in known if one])

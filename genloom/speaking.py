"""Whose language a prompt codec speaks: a model of texts of ours, or a published encoder.

Finds and loads it. Knows no picture, no loop and no formula.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genloom import adapted, store
from genloom.codec.text.codec import TextCodec
from genloom.errors import ModelError, RecipeError
from genloom.model import Model
from genloom.net.language_model import LanguageModel
from genloom.weights import importing, published, text_encoders


def give_words(prompt: Any) -> None:
    """A prompt codec that speaks with a model, and has none yet, gets the one that it names."""
    if prompt is None or not hasattr(prompt, "take"):
        return
    if not prompt.model:
        raise RecipeError(
            "a spoken prompt needs a language model: name one with --set prompt.model=NAME"
        )
    prompt.take(*speaker_of(prompt.model))


def speaker_of(source: str) -> tuple[TextCodec, LanguageModel]:
    """The words and the net behind a name or a path. ModelError where it is no language model."""
    path = Path(source).expanduser()
    if (path / "config.json").is_file() and not (path / "recipe.json").is_file():
        if text_encoders.is_encoder(published.config_of(path)):
            return text_encoders.encoder_of(path)
        model = importing.bring(published.from_folder(path, path.resolve().name), Model)
    else:
        model = adapted.load(Model, store.existing(source))
        adapted.merge(model)
    nets: dict[str, Any] = dict(model.nets.items())
    net = nets.get("net")
    codec: Any = model.codec
    if type(codec) is not TextCodec:  # it is kept as one
        codec = TextCodec.upon(codec) if hasattr(codec, "given") else None
    if codec is None or not isinstance(net, LanguageModel) or net.config.experts is not None:
        raise ModelError(
            f"{source} cannot say what captions mean: give a model of texts, such as one trained "
            "by genloom train text, or the folder of a CLIP text encoder"
        )
    return codec, net.float()

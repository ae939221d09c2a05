"""From requests to tensors, by the model's codecs; refusals of what a model cannot act on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeGuard

import torch
from torch import Tensor

from genloom.codec.base import Condition
from genloom.codec.text.infill import infill, infill_ends
from genloom.engine.acting import takes_of
from genloom.engine.given import given, refuse_given
from genloom.engine.grammar import Grammar, Vocabulary
from genloom.errors import RequestError
from genloom.model import Model
from genloom.spec import ArraySpec, Encoded, FeatureSpec, Options, Request, Spec, TokenSpec


class Encoder:
    """Encodes requests for one model; keeps what takes long to make of its vocabulary."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._vocabulary: Vocabulary | None = None

    def __call__(self, request: Request) -> Encoded:
        """The request as tensors. RequestError when the model cannot act on it."""
        refuse(self.model, request)
        request = formed(self.model.codec, request)
        encoded, options = encode(self.model, request), request.options
        if options.schema is None and options.regex is None and options.grammar is None:
            return guided(self.model.codec, encoded)
        self._vocabulary = self._vocabulary or Vocabulary.of(self.model.codec)
        return replace(encoded, guide=Grammar.compile(options, self._vocabulary))


def formed(codec: Any, request: Request) -> Request:
    """With the grammar that a codec has for whatever answers such a prompt, where the request asks
    for no form of its own; a beam search and the filling of a gap have none."""
    options = request.options
    asked = options.schema, options.regex, options.grammar, options.beams, options.suffix
    form = getattr(codec, "form", None)
    if form is None or any(one is not None for one in asked):
        return request
    made = form(request.prompt, request.ids)
    return replace(request, options=replace(options, grammar=made))


def guided(codec: Any, encoded: Encoded) -> Encoded:
    """With the codec's own guide, where it has one; a beam search and what is to be drawn past its
    end have none."""
    guide = getattr(codec, "guide", None)
    options = encoded.options
    if encoded.guide is not None or guide is None:
        return encoded
    if options.beams is not None or options.ignore_eos:
        return encoded
    return replace(encoded, guide=guide(encoded.known))


def encode(model: Model, request: Request) -> Encoded:
    """The request as tensors, but for the form that a text is to have."""
    known, allowed, rules, prompt, options = None, {}, None, None, request.options
    others: dict[str, Any] = {}
    guide = None
    if model.prompt is not None:
        text, where = request.prompt, request.where
        worded = getattr(model.codec, "worded", None)  # conditions that a prompt can say
        if worded is not None:
            text, where = worded(text, where), None
        prompt = _prompt(model, text)
        others = _other_prompts(model, options)
        if where:
            raise RequestError("this model takes a prompt, not conditions: leave out --where")
    elif request.ids is not None:
        known = _begun(model.codec.spec, request.ids)
    elif options.suffix is not None:
        known = infill(model.codec, request.prompt or "", options.suffix)
        options = replace(options, stop_ids=(*options.stop_ids, *infill_ends(model.codec)))
    else:
        condition = _condition(model.codec, request)
        known, allowed, rules = condition.known, condition.allowed, condition.rules
        guide = condition.guide
        options = _wholly(model.codec, options)
    options = _amply(model.codec, options)
    device = model.device
    return Encoded(
        seed=request.seed,
        index=torch.arange(request.first, request.first + request.count, device=device),
        known=known,
        allowed=allowed,
        rules=rules,
        prompt=None if prompt is None else prompt.to(device),
        **others,
        **given(model, request),
        priority=request.priority,
        adapter=request.adapter or "",
        guide=guide,
        options=options,
    )


def _condition(codec: Any, request: Request) -> Condition:
    """What a prompt, conditions and a given item fix of ids."""
    if request.item is None or isinstance(codec.spec, ArraySpec):
        fixed: Condition = codec.condition(request.prompt, request.where)
        return fixed
    begin = getattr(codec, "given", None)
    if begin is None:
        raise RequestError("this model begins from no given item: leave it out", param="item")
    fixed = begin(request.item, request.prompt, request.where)
    return fixed


def _wholly(codec: Any, options: Options) -> Options:
    """Where an item has so many ids and no other number, that is how many are drawn."""
    whole = getattr(codec, "whole", None)
    if whole is None:
        return options
    if options.stop:
        raise RequestError("this model makes no texts: leave out stop strings")
    if options.min_tokens is not None:
        raise RequestError("min_tokens: items of this model all have as many ids: leave it out")
    longest = min(options.max_tokens or whole, whole)
    return replace(options, min_tokens=longest, max_tokens=longest)


def streams(spec: Spec) -> TypeGuard[TokenSpec]:
    """Whether items are runs of ids that end by themselves."""
    return isinstance(spec, TokenSpec) and spec.eos is not None


def _amply(codec: Any, options: Options) -> Options:
    """Where the codec says how many ids are enough for any item, that is the usual most."""
    ample = getattr(codec, "ample", None)
    return options if ample is None or options.max_tokens else replace(options, max_tokens=ample)


def _begun(spec: Spec, ids: tuple[int, ...]) -> Tensor:
    """long [L]: a beginning given in ids. RequestError where it is over the context."""
    if not isinstance(spec, TokenSpec) or spec.eos is None:
        raise RequestError("this model makes no runs of ids: give a prompt instead of ids")
    if len(ids) > spec.length - 1 or not all(0 <= i < spec.vocab for i in ids):
        raise RequestError(
            f"{len(ids)} ids were given: at most {spec.length - 1} fit into the context, each "
            f"from 0 to {spec.vocab - 1}"
        )
    return torch.tensor(ids, dtype=torch.long)


def _other_prompts(model: Model, options: Options) -> dict[str, Any]:
    """Those to keep away from and to go to, long [P] each."""
    texts = {"negative": options.negative, "towards": options.towards}
    return {
        name: _prompt(model, text).to(model.device)
        for name, text in texts.items()
        if text is not None
    }


def _prompt(model: Model, text: str | None) -> Tensor:
    """long [P], or features [P, E]; no prompt is padding throughout."""
    spec = model.prompt.spec
    if not text and getattr(model.prompt, "needed", False):
        raise RequestError("this model says what it is told: give a prompt", param="prompt")
    if isinstance(spec, FeatureSpec):
        return model.prompt.encode([text])[0].float()
    if text is None:
        return torch.full((spec.length,), spec.pad, dtype=torch.long)
    row = model.prompt.encode([text])[0]
    return torch.nn.functional.pad(row, (0, spec.length - len(row)), value=spec.pad)


def refuse(model: Model, request: Request) -> None:
    """RequestError for what this model cannot act on, rather than silence."""
    family, spec = model.family, model.codec.spec
    beside = {n for n in ("item", "mask", "control") if getattr(request, n) is not None}
    takes = takes_of(model)
    surplus = sorted((set(request.options.given()) | beside) - takes)
    if surplus:
        raise RequestError(
            f"a {family.kind} model has no option {', '.join(surplus)}: it takes "
            f"{', '.join(sorted(takes)) or 'none'}",
            param=surplus[0],
        )
    if isinstance(spec, TokenSpec):
        request.options.check_ids(spec.vocab)
    _refuse_beams(request)
    refuse_given(model, request)
    takes_text = model.prompt is not None or not isinstance(spec, ArraySpec)
    if request.prompt is not None and not takes_text:
        raise RequestError(
            "this model was trained without captions and takes no prompt: leave it out"
        )


def _refuse_beams(request: Request) -> None:
    options = request.options
    if options.beams is None:
        return
    if request.count > options.beams:
        raise RequestError(
            f"{request.count} texts are asked of {options.beams} beams: ask for as many at most"
        )
    free = {"beams", "max_tokens", "stop_ids", "logit_bias", "suffix"}
    other = sorted(set(options.given()) - free)
    if other:
        raise RequestError(f"a beam search draws nothing: leave out {', '.join(other)}")

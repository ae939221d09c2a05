"""Texts as ids for a suite: a whole text, and a context with what follows it.

As lm-evaluation-harness does: bos where the model has it before texts; the two parts encoded
together and told apart by the context's own length; blanks at the end of a context belong to what
follows. Knows a codec; no suite and no net.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genloom.model import Model

Ids = list[int]


class Encoding:
    """The ids of texts for one model."""

    def __init__(self, model: Model) -> None:
        codec: Any = model.codec
        self.codec, self.spec = codec, codec.spec
        self.lead = [self.spec.bos] if self.spec.leads else []

    def plain(self, texts: Sequence[str]) -> list[Ids]:
        """Without anything before."""
        return [ids.tolist() for ids in self.codec.encode(list(texts))]

    def whole(self, texts: Sequence[str]) -> list[Ids]:
        return [[*self.lead, *ids] for ids in self.plain(texts)]

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Ids, Ids]]:
        """(context, continuation) of texts. Both have at least one id."""
        moved = [_moved(context, text) for context, text in pairs]
        contexts = list(dict.fromkeys(context for context, _ in moved))
        known = dict(zip(contexts, self.whole(contexts), strict=True))
        wholes = self.plain([context + text for context, text in moved])
        out = []
        for (context, _), ids in zip(moved, wholes, strict=True):
            if not context:
                out.append(self._unled(ids))
                continue
            whole = [*self.lead, *ids]
            size = min(len(known[context]), len(whole) - 1)
            out.append((whole[:size], whole[size:]) if size else self._unled(ids))
        return out

    def _unled(self, ids: Ids) -> tuple[Ids, Ids]:
        """Behind bos, unless the text begins with it."""
        if ids[:1] == [self.spec.bos] and len(ids) > 1:
            return ids[:1], ids[1:]
        return [self.spec.bos], ids or [self.spec.bos]

    def said(self, ids: Sequence[int]) -> str:
        """The text of ids that were drawn."""
        return str(self.codec.stable_prefix(list(ids)))


def _moved(context: str, text: str) -> tuple[str, str]:
    kept = context.rstrip()
    return kept, context[len(kept) :] + text

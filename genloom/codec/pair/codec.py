"""The codec of pairs: a source and its completion <-> ids, of which the completion alone counts.

Knows the vocabulary (that of the text codec and one id more, which ends the source) and what is cut
where a pair is longer than the context. Files are in `pair_files`. Knows no family or net.
Shape legend: N pairs, L ids of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.pair.files import Tags, read_pairs
from genloom.codec.pair.item import Pair, pair
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.text.byte_pairs import END, PAD
from genloom.codec.text.codec import TextCodec
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

_KEYS = frozenset({"vocab", "length", "tags", "opener"})
_TEXT = "text"  # the folder of the text codec within
_ROOM = 4  # a source leaves one part in so many of the context for what answers it


class PairCodec:
    """Pairs as tokens: bos source SEP completion eos.

    vocab    ids of both sides together, as in the text codec: "auto", "bytes", a number, or "given"
             by the model that is gone on from; the id that ends a source comes on top
    length   ids of context; of a longer pair the source's end is cut off
    tags     whether a source begins with the language of its target ("deu: How are you?"), as the
             files' names tell it: "auto" where they tell several, "always", "never"
    """

    kind: ClassVar[str] = "pair"
    media: ClassVar[str] = "text/plain"
    suffix: ClassVar[str] = ".txt"
    preview_suffix: ClassVar[str] = ".txt"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = TokenSpec

    def __init__(
        self,
        *,
        vocab: int | Literal["auto", "bytes", "given"] = "auto",
        length: int = 256,
        tags: Tags = "auto",
    ) -> None:
        if tags not in get_args(Tags):
            raise RecipeError(f"codec.tags is {tags!r}: give one of {', '.join(get_args(Tags))}")
        self.text = TextCodec(vocab=vocab, length=length)
        self.vocab, self.length, self.tags = vocab, length, tags
        self.opener = ""  # a source of the training data, for who asks nothing
        self.notes: tuple[str, ...] = ()

    @property
    def separator(self) -> int:
        """The id that ends a source."""
        return len(self.text.pairs)

    @property
    def spec(self) -> TokenSpec:
        return TokenSpec(vocab=self.separator + 1, length=self.length, bos=END, eos=END, pad=PAD)

    # --- pairs

    def read(self, path: Path) -> Reading:
        """The pairs of a file or a folder; see `pair_files`."""
        return read_pairs(path, self.tags)

    def fit(self, items: Sequence[Any]) -> None:
        pairs = [_item(item, n) for n, item in enumerate(items, 1)]
        self.text.fit([side for one in pairs for side in (one.asked, str(one))])
        middle = sorted({one.asked for one in pairs}, key=lambda text: (len(text), text))
        self.opener = middle[len(middle) // 2] if middle else ""
        sizes = [a + b for a, b in zip(*map(self._sizes, _sides(pairs)), strict=True)]
        long = sum(size > self.length - 2 for size in sizes)
        told = f"{long:,} of {len(pairs):,} pairs are longer than the context of {self.length}"
        self.notes = (f"{told} tokens: the ends of their sources are cut off",) if long else ()

    def _sizes(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self.text.encode(texts)]

    def keys(self, items: Sequence[Any]) -> list[str]:
        """What must be alike for two pairs to be on one side of a split: their sources, whatever
        case and signs."""
        return [_item(item).key for item in items]

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [L] each, source SEP completion. A lone text is only its characters."""
        return [ids for ids, _ in self._joined(items)]

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L + 1] each, how much each id counts as a target: 1 for the completion and for
        the eos behind it, of which the last number speaks."""
        return [(torch.arange(len(ids) + 1) >= start).float() for ids, start in self._joined(items)]

    def _joined(self, items: Sequence[Any]) -> list[tuple[Tensor, int]]:
        """The ids of each item and where its completion begins."""
        pairs = [item if _lone(item) else _item(item) for item in items]
        asked = [getattr(one, "asked", "") for one in pairs]
        sources, targets = (self.text.encode(texts) for texts in (asked, list(map(str, pairs))))
        out = []
        for told, source, target in zip(asked, sources, targets, strict=True):
            if not told:
                out.append((target, len(target) + 1))
                continue
            source = source[: max(self._widest, self.length - 2 - len(target))]
            mark = torch.tensor([self.separator])
            out.append((torch.cat([source, mark, target]), len(source) + 1))
        return out

    @property
    def _widest(self) -> int:
        """Ids of the longest source that leaves room for its completion."""
        return max(1, self.length - 2 - self.length // _ROOM)

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[Pair]:
        """Pairs; each reads as its completion, so far as it is there."""
        return [self._pair(row.tolist()) for row in x]

    def stable_prefix(self, ids: Tensor | Sequence[int]) -> str:
        """The completion of ids still being generated. It only ever grows."""
        return str(self._pair(ids.tolist() if isinstance(ids, Tensor) else list(ids)))

    def _pair(self, ids: list[int]) -> Pair:
        ids = ids[1:] if ids[:1] == [END] else ids
        ids = ids[: ids.index(END)] if END in ids else ids
        if self.separator not in ids:
            return Pair(self.text.pairs.decode(ids))
        at = ids.index(self.separator)
        decode = self.text.pairs.decode
        return Pair(decode(ids[at + 1 :]), decode(ids[:at]))

    def answers(self, items: Sequence[Any]) -> list[str]:
        """The completions, as they are learnt."""
        return [str(_item(item)) for item in items]

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """The prompt as a source that is to be completed; without one, a source of the training
        data."""
        if where:
            raise RequestError(f"where={where!r}: a pair has no fields; give a prompt instead")
        (ids,) = self.text.encode([prompt or self.opener])
        if len(ids) > self._widest and prompt:
            raise RequestError(
                f"the prompt has {len(ids)} tokens; this model takes {self._widest} and leaves the "
                f"rest of its context of {self.length} for the answer: shorten it"
            )
        return Condition(known=self.question(prompt or self.opener))

    def question(self, source: str) -> Tensor:
        """long [L]: source SEP, the source's end cut off where it leaves no room."""
        (ids,) = self.text.encode([source])
        return torch.cat([ids[: self._widest], torch.tensor([self.separator])])

    # --- the rest of the protocol

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Pairs have no sides in pixels."""

    def features(self, items: Sequence[str]) -> Tensor:
        """float [N, F]: those of the texts that they read as."""
        return self.text.features([str(item) for item in items])

    def compare(self, real: Sequence[str], made: Sequence[str]) -> dict[str, float]:
        """Nothing: the score on held-out completions says more."""
        return {}

    def preview(self, items: Sequence[str], path: Path) -> Path:
        shown = [f"{i.asked}\n -> {i}" if isinstance(i, Pair) and i.asked else i for i in items]
        return self.text.preview(shown, path)

    def write(self, item: str, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """The completion, or one JSON line with both sides where the path ends in .jsonl."""
        path = Path(path)
        if path.suffix.lower() != ".jsonl" or not isinstance(item, Pair):
            return self.text.write(str(item), path, record)
        write_atomic(path, self.line(item).encode("utf-8", "replace"))
        return False

    def line(self, item: Any) -> str:
        """A pair as a line of JSON, as `read` has it."""
        one = _item(item)
        return json.dumps({"source": one.asked, "target": str(one)}, ensure_ascii=False) + "\n"

    def save(self, folder: Path) -> None:
        folder = Path(folder)
        self.text.save(folder / _TEXT)
        save_json(folder, self.kind, {key: getattr(self, key) for key in sorted(_KEYS)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            values = load_json(folder, cls.kind, _KEYS)
            opener = str(values.pop("opener"))
            codec = cls(**values)
        except RecipeError as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        codec.opener, codec.text = opener, TextCodec.load(Path(folder) / _TEXT)
        return codec


def _sides(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    return [one.asked for one in pairs], [str(one) for one in pairs]


def _lone(item: Any) -> bool:
    """A text without a source, such as a model made without one."""
    return isinstance(item, str) and not getattr(item, "source", "")


def _item(item: Any, number: int | None = None) -> Pair:
    """A pair that can be learnt from."""
    try:
        return pair(item)
    except RequestError as error:
        where = f"pair {number}" if number else "a pair"
        raise RequestError(f"{where} is of no use: {error}") from None

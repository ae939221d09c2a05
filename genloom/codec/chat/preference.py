"""The codec of preferences: pairs of conversations <-> ids, the last answers as targets.

Each item is two rows, the chosen answer's and the rejected one's; everything else is asked of the
chat codec within, which a trained model goes on to speak with. Knows no family or net.
Shape legend: N preferences, 2N rows in neighbours, L ids of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.chat.codec import ChatCodec
from genloom.codec.chat.conversation import Conversation
from genloom.codec.chat.preference_files import read_preferences
from genloom.codec.chat.preference_item import Preference, preference
from genloom.codec.chat.rendering import Renderer
from genloom.codec.chat.tally import Tally, Waiting
from genloom.codec.saving import load_json, save_json
from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import PublishedTokenizer
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

_KEYS = frozenset({"vocab", "length"})
_CHAT = "chat"  # the folder of the chat codec within


class PreferenceCodec:
    """Preferences as tokens.

    vocab    as of the chat codec; "given" is that of the model that a training starts from
    length   ids of context
    """

    kind: ClassVar[str] = "preference"
    media: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".jsonl"
    preview_suffix: ClassVar[str] = ".txt"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = TokenSpec
    group: ClassVar[int] = 2  # rows an item

    def __init__(
        self, *, vocab: int | Literal["auto", "bytes", "given"] = "auto", length: int = 512
    ) -> None:
        self.chat = ChatCodec(vocab=vocab, length=length)
        self.vocab, self.length = vocab, length
        self.tally = Tally("preferences")
        self._waiting = Waiting()

    @classmethod
    def of(cls, chat: ChatCodec) -> Self:
        """Over a chat codec as it stands."""
        made = cls(vocab=chat.vocab, length=chat.length)
        made.chat = chat
        return made

    @classmethod
    def upon(cls, codec: Any, length: int | None = None) -> Self:
        """For a training that starts from a model of chat, or of texts; see `ChatCodec.upon`."""
        return cls.of(ChatCodec.upon(codec, length))

    @property
    def spec(self) -> TokenSpec:
        return self.chat.spec

    @property
    def text(self) -> TextCodec:
        """The codec of plain texts within."""
        return self.chat.text

    @property
    def renderer(self) -> Renderer:
        """The template and the vocabulary at work."""
        return self.chat.renderer

    @property
    def opener(self) -> str:
        return self.chat.opener

    def given(self) -> PublishedTokenizer:
        """Vocabulary, control tokens and template in the published form."""
        return self.chat.given()

    # --- preferences

    def read(self, path: Path) -> Reading:
        """The preferences of a file or a folder; see `preference_files`."""
        return read_preferences(path)

    def fit(self, items: Sequence[Any]) -> None:
        """DataError where all pairs are equal or none is any."""
        pairs, reason = [], "there are none"
        for n, item in enumerate(items, 1):
            try:
                pairs.append(preference(item))
            except RequestError as error:
                reason = f"preference {n}: {error}"
        if not pairs:
            raise DataError(f"no preference can be learnt from ({reason}): give other pairs")
        self.chat.fit([pair.chosen for pair in pairs])
        self.tally = Tally("preferences")

    @property
    def notes(self) -> tuple[str, ...]:
        """How much of what was encoded since `fit` is not learnt from, and why."""
        return self.tally.notes(self.length)

    def keys(self, items: Sequence[Any]) -> list[str]:
        """What each begins with: pairs of one first question are on one side of a split."""
        return [_opening(item, n) for n, item in enumerate(items)]

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [L] each: of every preference the chosen, then the rejected conversation. One that
        cannot be learnt from has no ids on either side; a plain conversation has one row."""
        rows = [row for item in items for row in self._rows(item, self.tally)]
        self._waiting.keep(items, [weights for _, weights in rows])
        return [ids for ids, _ in rows]

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L] each: 1 where the answers speak that differ."""
        kept = self._waiting.take(items)
        return [w for item in items for _, w in self._rows(item)] if kept is None else kept

    def worths(self, items: Sequence[Any]) -> Tensor:
        """float [2N]: +1 for the chosen, -1 for the rejected."""
        return torch.tensor([1.0, -1.0]).repeat(len(items))

    def _rows(self, item: Any, tally: Tally | None = None) -> list[tuple[Tensor, Tensor]]:
        if _is_plain(item):
            (ids,), (weights,) = self.chat.encode([item]), self.chat.weights([item])
            return [(ids, weights)]
        try:
            rows = [self._row(talk) for talk in preference(item).sides]
        except RequestError as error:
            if tally is not None:
                tally.refuse(str(error))
            nothing = torch.zeros(0, dtype=torch.long)
            return [(nothing, nothing.float())] * self.group
        if tally is not None:
            longest = max(len(ids) for ids, _ in rows)
            learnt = all(bool(weights[: self.length].any()) for _, weights in rows)
            tally.add(longest, self.length, learnt)
        return rows

    def _row(self, talk: Conversation) -> tuple[Tensor, Tensor]:
        done = self.renderer.weighted(list(talk.messages), tools=talk.tools)
        return torch.tensor(done.ids, dtype=torch.long), _last_run(torch.tensor(done.weights))

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[Conversation]:
        """Conversations, one a row."""
        return self.chat.decode(x)

    def stable_prefix(self, ids: Tensor | Sequence[int]) -> str:
        """The text of ids still being generated. It only ever grows."""
        return self.chat.stable_prefix(ids)

    def spelt(self, ids: Sequence[int]) -> str:
        """The text of ids with every control token spelt out."""
        return self.chat.spelt(ids)

    def answers(self, items: Sequence[Any]) -> list[str]:
        """The chosen answers."""
        return [preference(item).chosen.messages[-1]["content"] for item in items]

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """As of a chat."""
        return self.chat.condition(prompt, where)

    # --- the rest of the protocol

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Conversations have no sides."""

    def features(self, items: Sequence[str]) -> Tensor:
        """float [N, F]: those of the texts that they read as."""
        return self.text.features(items)

    def compare(self, real: Sequence[str], made: Sequence[str]) -> dict[str, float]:
        """Nothing: the share of held-out pairs that are told apart says more."""
        return {}

    def preview(self, items: Sequence[str], path: Path) -> Path:
        return self.text.preview(items, path)

    def write(self, item: str, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """As of a chat."""
        return self.chat.write(item, path, record)

    def line(self, item: Any) -> str:
        """A preference as a line of JSON, as `read` has it."""
        pair = preference(item)
        told: dict[str, Any] = {
            "prompt": list(pair.shared),
            "chosen": list(pair.chosen.messages[-1:]),
            "rejected": list(pair.rejected.messages[-1:]),
        }
        told |= {"tools": pair.chosen.tools} if pair.chosen.tools else {}
        return json.dumps(told, ensure_ascii=False) + "\n"

    def save(self, folder: Path) -> None:
        """The chat codec in a folder of its own."""
        self.chat.save(Path(folder) / _CHAT)
        save_json(folder, self.kind, {key: getattr(self, key) for key in sorted(_KEYS)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            made = cls(**load_json(folder, cls.kind, _KEYS))
        except RecipeError as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        made.chat = ChatCodec.load(Path(folder) / _CHAT)
        return made


def _opening(item: Any, number: int) -> str:
    try:
        return " ".join(str(preference(item).shared[0]["content"]).lower().split())
    except RequestError:
        return f"\0{number}"  # nothing is learnt from it on either side


def _is_plain(item: Any) -> bool:
    """A text or a conversation, as `decode` makes them."""
    return isinstance(item, str) and not isinstance(item, Preference)


def _last_run(weights: Tensor) -> Tensor:
    """Only the last run of what counts: the answer, not the assistant's turns before it."""
    (rest,) = (weights == 0).nonzero(as_tuple=True)
    (spoken,) = weights.nonzero(as_tuple=True)
    if not len(spoken):
        return weights
    before = rest[rest < spoken[-1]]
    start = int(before[-1]) + 1 if len(before) else 0
    return weights * (torch.arange(len(weights)) >= start)

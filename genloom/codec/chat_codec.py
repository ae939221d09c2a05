"""The codec of conversations: messages <-> ids with control tokens, for models trained here.

Knows the vocabulary (that of the text codec and a few control tokens after it), the default
template, and how an answer is told from a conversation. Knows no family or net.
Shape legend: N conversations, L ids of one.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from tokenizers import AddedToken, Tokenizer
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.byte_pairs import END, PAD
from genloom.codec.chat import Renderer
from genloom.codec.chat_files import conversation, read_conversations
from genloom.codec.chat_template import BEGIN, CONTROLS, END_OF_TURN, MARKERS, TEMPLATE
from genloom.codec.chat_tokens import ChatTokens
from genloom.codec.conversation import Conversation
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.text import TextCodec
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

_KEYS = frozenset({"vocab", "length", "template", "opener"})
_TEXT = "text"  # the folder of the text codec within


class ChatCodec:
    """Conversations as tokens.

    vocab    ids of plain text, as in the text codec: "auto", "bytes" or a number; the control
             tokens come on top
    length   ids of context
    """

    kind: ClassVar[str] = "chat"
    media: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".jsonl"
    preview_suffix: ClassVar[str] = ".txt"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = TokenSpec

    def __init__(
        self, *, vocab: int | Literal["auto", "bytes"] = "auto", length: int = 512
    ) -> None:
        self.text = TextCodec(vocab=vocab, length=length)
        self.vocab, self.length = vocab, length
        self.template = TEMPLATE
        self.opener = ""  # a question of the training data, for who asks none

    @property
    def spec(self) -> TokenSpec:
        base = len(self.text.pairs)
        return TokenSpec(
            vocab=base + len(CONTROLS) + len(MARKERS),
            length=self.length,
            bos=END,
            eos=END,
            pad=PAD,
            ends=(base + CONTROLS.index(END_OF_TURN),),
        )

    @cached_property
    def renderer(self) -> Renderer:
        """The template and the vocabulary at work."""
        tokens = ChatTokens(self._tokenizer(), self.spec.vocab, self._spelt)
        return Renderer(self.template, tokens, self.spec)

    def _tokenizer(self) -> Tokenizer:
        pairs: Any = self.text.pairs  # ours, never a published model's
        made = Tokenizer.from_str(pairs.to_json())
        special = [AddedToken(name, special=True, normalized=False) for name in CONTROLS]
        made.add_special_tokens(special)
        made.add_tokens([AddedToken(name, normalized=False) for name in MARKERS])
        return made

    # --- conversations

    def read(self, path: Path) -> Reading:
        """The conversations of a file or a folder; see `chat_files`."""
        return read_conversations(path)

    def fit(self, items: Sequence[Any]) -> None:
        talks = [_item(item, n) for n, item in enumerate(items, 1)]
        self.text.fit([m["content"] for talk in talks for m in talk.messages])
        self.__dict__.pop("renderer", None)
        asked = [text for talk in talks for text in talk.said("user")[:1]]
        self.opener = min(asked, key=len, default="")

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [L] each, neither bos nor eos, of any length. A plain text is only its characters:
        it holds no control token, whatever it spells."""
        return [ids for ids, _ in map(self._weighted, items)]

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L] each: how much each id of `encode` counts as a target, 1 where the assistant
        speaks."""
        return [weights for _, weights in map(self._weighted, items)]

    def _weighted(self, item: Any) -> tuple[Tensor, Tensor]:
        if isinstance(item, str) and not getattr(item, "messages", ()):
            (ids,) = self.text.encode([str(item)])
            return ids, torch.zeros(len(ids))
        talk = _item(item)
        done = self.renderer.weighted(list(talk.messages), tools=talk.tools)
        return torch.tensor(done.ids, dtype=torch.long), torch.tensor(done.weights)

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[Conversation]:
        """Conversations; as a text an answer that is not ended yet stands alone."""
        return [self._talk(row.tolist()) for row in x]

    def stable_prefix(self, ids: Tensor | Sequence[int]) -> str:
        """The text of ids still being generated. It only ever grows."""
        return str(self._talk(ids.tolist() if isinstance(ids, Tensor) else list(ids)))

    def answers(self, items: Sequence[Any]) -> list[str]:
        """All that the assistant says in each, as it is learnt: with reasoning and calls."""
        out = []
        for ids, weights in map(self._weighted, items):
            spoken = ids[weights > 0].tolist()
            out.append(self._spelt([i for i in spoken if i not in self.spec.ends]))
        return out

    # --- ids

    def _spelt(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens spelt out, a last character still incomplete left out."""
        pairs: Any = self.text.pairs
        base, names = len(pairs), (*CONTROLS, *MARKERS)
        parts = []
        for one in ids:
            if 0 <= one < base:
                parts.append(pairs.pieces[one])
            elif one - base < len(names):
                parts.append(names[one - base].encode())
        return codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(parts))

    def _talk(self, ids: list[int]) -> Conversation:
        begin, end = (len(self.text.pairs) + CONTROLS.index(c) for c in (BEGIN, END_OF_TURN))
        start = 1 if ids[:1] == [END] else 0
        ids = ids[start : ids.index(END, start) if END in ids[start:] else len(ids)]
        messages, rest, closed = [], ids, True
        while begin in rest:
            rest = rest[rest.index(begin) + 1 :]
            stops = [rest.index(sign) for sign in (begin, end) if sign in rest]
            stop = min(stops, default=len(rest))
            role, _, content = self._spelt(rest[:stop]).partition("\n")
            messages.append({"role": role, "content": content})
            closed, rest = stop < len(rest), rest[stop:]
        if not messages:
            return Conversation(self._spelt([i for i in rest if i != end]))
        if closed:
            return Conversation.of(messages)
        return Conversation(messages[-1]["content"], messages)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """The prompt as a user's message that the assistant is to answer; without one, a question
        of the training data."""
        if where:
            raise RequestError(f"where={where!r}: a chat has no fields; give a prompt instead")
        asked = prompt or self.opener
        try:
            ids = self.renderer.prompt([{"role": "user", "content": asked}]).ids
        except RequestError:
            if prompt:
                raise
            ids = ()  # not even that fits into the context
        return Condition(known=torch.tensor(ids, dtype=torch.long) if ids else None)

    # --- the rest of the protocol

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Conversations have no sides."""

    def features(self, items: Sequence[str]) -> Tensor:
        """float [N, F]: those of the texts that they read as."""
        return self.text.features(items)

    def compare(self, real: Sequence[str], made: Sequence[str]) -> dict[str, float]:
        """Nothing: the score on held-out answers says more."""
        return {}

    def preview(self, items: Sequence[str], path: Path) -> Path:
        return self.text.preview(items, path)

    def write(self, item: str, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """The text, or one JSON line with "messages" where the path ends in .jsonl."""
        path = Path(path)
        if path.suffix.lower() != ".jsonl" or not getattr(item, "messages", ()):
            return self.text.write(str(item), path, record)
        write_atomic(path, self.line(item).encode("utf-8", "replace"))
        return False

    def line(self, item: Any) -> str:
        """A conversation as a line of JSON, as `read` has it."""
        talk = _item(item)
        told = {"messages": list(talk.messages), **({"tools": talk.tools} if talk.tools else {})}
        return json.dumps(told, ensure_ascii=False) + "\n"

    def save(self, folder: Path) -> None:
        """The vocabulary as tokenizer.json has it, and what is needed to read it again."""
        folder = Path(folder)
        self.text.save(folder / _TEXT)
        write_atomic(folder / "tokenizer.json", self._tokenizer().to_str().encode())
        save_json(folder, self.kind, {key: getattr(self, key) for key in sorted(_KEYS)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            values = load_json(folder, cls.kind, _KEYS)
            codec = cls(vocab=values["vocab"], length=values["length"])
            codec.template, codec.opener = str(values["template"]), str(values["opener"])
        except RecipeError as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        codec.text = TextCodec.load(Path(folder) / _TEXT)
        return codec


def _item(item: Any, number: int | None = None) -> Conversation:
    """A conversation that can be learnt from."""
    try:
        return conversation(item)
    except RequestError as error:
        where = f"conversation {number}" if number else "a conversation"
        raise RequestError(f"{where} is of no use: {error}") from None

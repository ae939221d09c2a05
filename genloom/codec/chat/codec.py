"""The codec of conversations: messages <-> ids with the turns of the assistant as targets.

Knows how conversations are learnt from, shown and kept; vocabulary and template are `chat_words`:
its own, or those of the model that a training starts from. Knows no family or net.
Shape legend: N conversations, L ids of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.chat.conversation import Conversation
from genloom.codec.chat.files import conversation, read_conversations
from genloom.codec.chat.rendering import Renderer
from genloom.codec.chat.tally import Tally, Waiting
from genloom.codec.chat.words import GivenWords, OwnWords
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.text.codec import GIVEN, TextCodec
from genloom.codec.text.tokenizer import PublishedTokenizer
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

_KEYS = frozenset({"vocab", "length", "template", "opener"})
_TEXT = "text"  # the folder of the text codec within


class ChatCodec:
    """Conversations as tokens.

    vocab    ids of plain text, as in the text codec: "auto", "bytes" or a number; the control
             tokens come on top; "given" is that of the model that a training starts from
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
        self, *, vocab: int | Literal["auto", "bytes", "given"] = "auto", length: int = 512
    ) -> None:
        self.words: OwnWords | GivenWords = OwnWords(TextCodec(vocab=vocab, length=length))
        self.vocab, self.length = vocab, length
        self.opener = ""  # a question of the training data, for who asks none
        self.tally = Tally()
        self._waiting = Waiting()

    @classmethod
    def of(cls, text: TextCodec, length: int | None = None) -> Self:
        """With the vocabulary and the template of a model of texts; a template of plain words where
        it has none. RequestError where the end of a turn cannot be told."""
        return cls._with(GivenWords.of(_within(text, length)))

    @classmethod
    def upon(cls, codec: Any, length: int | None = None) -> Self:
        """For a training that starts from a model with this codec: nothing is learnt anew.
        RecipeError where it is none of texts or conversations."""
        within = getattr(codec, "chat", codec)
        if isinstance(within, ChatCodec):
            words = within.words
            made = cls._with(type(words)(_within(words.text, length)))
            made.opener = within.opener
            return made
        if isinstance(within, TextCodec):
            return cls.of(within, length)
        raise RecipeError(
            f"a model of {codec.kind!r} cannot learn conversations: start from one of texts or chat"
        )

    @classmethod
    def _with(cls, words: OwnWords | GivenWords) -> Self:
        made = cls(vocab=GIVEN, length=words.text.length)
        made.words = words
        return made

    @property
    def text(self) -> TextCodec:
        """The codec of plain texts within."""
        return self.words.text

    @property
    def spec(self) -> TokenSpec:
        return self.words.spec

    @property
    def renderer(self) -> Renderer:
        """The template and the vocabulary at work."""
        return self.words.renderer

    @property
    def template(self) -> str:
        return self.renderer.template.text

    def given(self) -> PublishedTokenizer:
        """Vocabulary, control tokens and template in the published form."""
        return self.words.given()

    # --- conversations

    def read(self, path: Path) -> Reading:
        """The conversations of a file or a folder; see `chat_files`."""
        return read_conversations(path)

    def fit(self, items: Sequence[Any]) -> None:
        talks = [_item(item, n) for n, item in enumerate(items, 1)]
        if isinstance(self.words, OwnWords) and self.vocab != GIVEN:
            self.text.fit([text for talk in talks for text in _written(talk)])
            self.words = OwnWords(self.text, self.words.template)
        else:
            self.text.fit([])  # says what to do where no vocabulary was given
        asked = [text for talk in talks for text in talk.said("user")[:1]]
        self.opener = min(asked, key=len, default="")
        self.tally = Tally()

    @property
    def notes(self) -> tuple[str, ...]:
        """How much of what was encoded since `fit` is not learnt from, and why."""
        return self.tally.notes(self.length)

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [L] each, neither bos nor eos, of any length. A plain text is only its characters:
        it holds no control token, whatever it spells. What the template refuses has no ids."""
        done = [self._weighted(item, self.tally) for item in items]
        self._waiting.keep(items, [weights for _, weights in done])
        return [ids for ids, _ in done]

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L] each: how much each id of `encode` counts as a target, 1 where the assistant
        speaks."""
        kept = self._waiting.take(items)
        return [w for _, w in map(self._weighted, items)] if kept is None else kept

    def _weighted(self, item: Any, tally: Tally | None = None) -> tuple[Tensor, Tensor]:
        if isinstance(item, str) and not getattr(item, "messages", ()):
            (ids,) = self.text.encode([str(item)])
            return ids, torch.zeros(len(ids))
        talk = _item(item)
        try:
            done = self.renderer.weighted(list(talk.messages), tools=talk.tools)
        except RequestError as error:
            if tally is not None:
                tally.refuse(str(error))
            return torch.zeros(0, dtype=torch.long), torch.zeros(0)
        if tally is not None:
            learnt = any(done.weights[: self.length])
            tally.add(len(done.ids), self.length, learnt, done.lost)
        return torch.tensor(done.ids, dtype=torch.long), torch.tensor(done.weights)

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[Conversation]:
        """Conversations; as a text an answer that is not ended yet stands alone."""
        return [self.words.talk(row.tolist()) for row in x]

    def stable_prefix(self, ids: Tensor | Sequence[int]) -> str:
        """The text of ids still being generated. It only ever grows."""
        return str(self.words.talk(ids.tolist() if isinstance(ids, Tensor) else list(ids)))

    def spelt(self, ids: Sequence[int]) -> str:
        """The text of ids with every control token spelt out."""
        return self.words.spelt(ids)

    def answers(self, items: Sequence[Any]) -> list[str]:
        """All that the assistant says in each, as it is learnt: with reasoning and calls."""
        out, ends = [], {self.spec.eos, *self.spec.ends}
        for ids, weights in map(self._weighted, items):
            spoken = ids[weights > 0].tolist()
            out.append(self.spelt([i for i in spoken if i not in ends]))
        return out

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

    # --- disk

    def save(self, folder: Path) -> None:
        """The vocabulary as tokenizer.json has it, and what is needed to read it again. A template
        that came with another model stays with its tokenizer."""
        folder = Path(folder)
        self.text.save(folder / _TEXT)
        own = isinstance(self.words, OwnWords)
        if isinstance(self.words, OwnWords):
            tokenizer = self.words.tokenizer().to_str()
            write_atomic(folder / "tokenizer.json", tokenizer.encode())
        values = {key: getattr(self, key) for key in _KEYS - {"template"}}
        save_json(folder, self.kind, {**values, "template": self.template if own else None})

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            values = load_json(folder, cls.kind, _KEYS)
            codec = cls(vocab=values["vocab"], length=values["length"])
            codec.opener = str(values["opener"])
        except RecipeError as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        text, template = TextCodec.load(Path(folder) / _TEXT), values["template"]
        codec.words = GivenWords(text) if template is None else OwnWords(text, str(template))
        return codec


def _within(text: TextCodec, length: int | None) -> TextCodec:
    """The codec with its vocabulary as given, in a context of `length` ids. RecipeError where the
    model has no such context."""
    return TextCodec.upon(text, length)


def _written(talk: Conversation) -> Iterator[str]:
    """All that the template writes of a conversation: what is said, and the JSON of tools and
    calls, which without pieces of its own takes several times the ids."""
    yield from (json.dumps(tool, ensure_ascii=False) for tool in talk.tools or ())
    for message in talk.messages:
        yield message["content"]
        for call in message.get("tool_calls", ()):
            yield json.dumps(call["function"], ensure_ascii=False)


def _item(item: Any, number: int | None = None) -> Conversation:
    """A conversation that can be learnt from."""
    try:
        return conversation(item)
    except RequestError as error:
        where = f"conversation {number}" if number else "a conversation"
        raise RequestError(f"{where} is of no use: {error}") from None

"""Texts of a given form: a JSON schema, a regular expression or a grammar, as masks over ids.

A Grammar is compiled once and makes a Matcher for each sample, which says at every step which ids
may come next. Knows llguidance, which does the parsing, and its limits; knows no model or family.
Everything is bounded by size, never by a clock: the same request meets the same end everywhere.
Shape legend: V ids of the vocabulary.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from genloom.errors import RequestError
from genloom.spec import Options, TokenSpec

FORMS = ("schema", "regex", "grammar")  # the options that ask for a form
LARGEST = 1 << 17  # characters of a schema, regular expression or grammar
_STACK = 512 << 20  # bytes, of addresses only: 20,000 rules that lead into each other need 100 MB
_KEPT = 64  # compiled grammars, of
_KEPT_TEXT = 1 << 19  # characters together: 26 KB of a schema compiled are 2 MB
_TRIED = 4  # steps
_BLANKS = r"[\x20\x0A\x0D\x09]{1,32}"  # between the parts of JSON; without a bound some never end
_LIMITS = {
    "max_items_in_row": 1000,  # an object with 250 properties that may be left out
    "step_max_items": 50_000,  # fewer refuse plain expressions over 152,000 ids
    "step_lexer_fuel": 200_000,
    "initial_lexer_fuel": 1_000_000,
    "max_lexer_states": 50_000,
    "max_grammar_size": 500_000,
}


class Pairs(Protocol):
    """The vocabulary of a codec of texts."""

    pieces: list[bytes]  # what each id adds to a text, nothing for special ones
    tokenizer: Any

    def encode(self, texts: Sequence[str]) -> list[Tensor]: ...


class Vocabulary:
    """A codec's vocabulary as llguidance reads it: 0.4 s for 152,000 ids, so keep it."""

    def __init__(self, pairs: Pairs, spec: TokenSpec) -> None:
        import llguidance

        self.size = spec.vocab
        spelt: Any = _Spelling(pairs, spec)
        ends = [end for end in (spec.eos, *spec.ends) if end is not None]
        self.tokenizer = llguidance.LLTokenizer(spelt, n_vocab=spec.vocab, eos_token=ends)
        self._compiled: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, codec: Any) -> Vocabulary:
        """RequestError for a codec that makes no texts."""
        pairs = pairs_of(codec)
        if not isinstance(codec.spec, TokenSpec) or pairs is None:
            raise RequestError("this model makes no texts: leave out schema, regex and grammar")
        return cls(pairs, codec.spec)

    def matcher(self, grammar: str) -> Any:
        """A matcher at the beginning, compiled at most once. RequestError where it cannot be."""
        with self._lock:
            made = self._compiled.get(grammar)
            if made is None:
                made = self._compile(grammar)
                self._compiled[grammar] = made
                while len(self._compiled) > 1 and self._crowded():
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(grammar)
            return made.deep_copy()

    def _crowded(self) -> bool:
        return len(self._compiled) > _KEPT or sum(map(len, self._compiled)) > _KEPT_TEXT

    def _compile(self, grammar: str) -> Any:
        import llguidance

        limits = llguidance.LLParserLimits(**_LIMITS)
        made = _on_a_deep_stack(
            lambda: llguidance.LLMatcher(self.tokenizer, grammar, log_level=0, limits=limits)
        )
        if made.is_error():
            raise RequestError(f"the form of the text is refused: {_line(made.get_error())}")
        _try_out(Matcher(made.deep_copy(), self.size))
        return made


def pairs_of(codec: Any) -> Any:
    """The vocabulary of a codec of texts, None of any other."""
    pairs = getattr(codec, "pairs", None)
    given = getattr(getattr(codec, "words", None), "given", None)  # of a chat: control tokens count
    return given() if pairs is None and given is not None else pairs


@dataclass(frozen=True)
class Grammar:
    """A form of text, compiled. Calling it makes a Matcher at the beginning."""

    text: str  # as llguidance has it
    vocabulary: Vocabulary

    @staticmethod
    def compile(options: Options, vocabulary: Vocabulary) -> Grammar | None:
        """Of the schema, regex or grammar asked for, None without one. RequestError in one line
        where it is broken, too large, or asks for what is not there; it names the option."""
        field = next((name for name in FORMS if getattr(options, name) is not None), None)
        if field is None:
            return None
        try:
            text = _written(options)
            vocabulary.matcher(text)
        except RequestError as error:
            code = error.code or f"invalid_{field}"
            raise RequestError(str(error), param=field, code=code) from None
        return Grammar(text, vocabulary)

    def __call__(self, ids: Sequence[int] = ()) -> Matcher:
        """A matcher, after these ids of a sample that was interrupted."""
        made = Matcher(self.vocabulary.matcher(self.text), self.vocabulary.size)
        for one in ids:
            made.accept(one)
        return made


class Matcher:
    """Where one text is in its grammar."""

    def __init__(self, inner: Any, size: int) -> None:
        self._inner, self._size = inner, size

    def mask(self) -> Tensor:
        """int32 [ceil(V / 32)], a bit an id: what may come next, at least one. When nothing else
        may, it is what ends a text. RequestError where the grammar leads nowhere or became too
        large to follow."""
        out = torch.zeros(-(-self._size // 32), dtype=torch.int32)
        self._inner.unsafe_compute_mask_ptr(out.data_ptr(), 4 * len(out))
        if self._inner.is_error():
            raise RequestError(f"the grammar cannot go on: {_line(self._inner.get_error())}")
        if self._inner.is_stopped() and not self._inner.is_accepting():
            raise RequestError("the grammar cannot go on: no text meets it")
        return out

    def accept(self, drawn: int) -> None:
        """This id came. RequestError where the mask did not allow it."""
        if not self._inner.consume_token(drawn):
            raise RequestError(f"the grammar cannot go on: {_line(self._inner.get_error())}")

    def allows(self, ids: Sequence[int]) -> int:
        """How many of these ids, guessed, may come in this order."""
        return int(self._inner.validate_tokens(list(ids)))

    def forced(self) -> list[int]:
        """Ids that must come next, such as the keys of an object."""
        return list(self._inner.compute_ff_tokens())

    @property
    def finished(self) -> bool:
        """Whether only the end may follow."""
        return bool(self._inner.is_stopped())

    @property
    def complete(self) -> bool:
        """Whether the text so far meets the grammar."""
        return bool(self._inner.is_accepting())

    def rollback(self, count: int) -> None:
        """As if the last `count` ids had not come."""
        if not self._inner.rollback(count):
            raise RequestError(f"the grammar cannot go back by {count} ids")

    def copy(self) -> Matcher:
        return Matcher(self._inner.deep_copy(), self._size)


def _try_out(matcher: Matcher) -> None:
    """RequestError for what fails at the first steps: better now than in the middle of a text."""
    for _ in range(_TRIED):
        try:
            words = matcher.mask().nonzero()
            if not len(words):
                raise RequestError("this model can write nothing that meets it")
            if matcher.finished:
                return
            last = int(words[-1])
            word = int(matcher.mask()[last]) & 0xFFFFFFFF
            matcher.accept(32 * last + word.bit_length() - 1)
        except RequestError as error:
            raise RequestError(f"the form of the text is refused: {error}") from None


# --- from options to llguidance's own form ------------------------------------------------------


def _written(options: Options) -> str:
    import llguidance

    try:
        if options.schema is not None:
            schema = _bounded("schema", _schema(options.schema))
            blanks: Any = {"whitespace_pattern": _BLANKS} if schema.lstrip()[:1] == "{" else None
            return str(llguidance.LLMatcher.grammar_from_json_schema(schema, defaults=blanks))
        if options.regex is not None:
            regex = _whole(_bounded("regex", options.regex))
            return str(llguidance.LLMatcher.grammar_from_regex(regex))
        grammar = _bounded("grammar", options.grammar or "")
        return str(llguidance.grammar_from("grammar", grammar))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the form of the text is refused: {_line(str(error))}") from None


def _schema(given: Mapping[str, Any] | bool | str) -> str:
    """The schema as JSON; ValueError where it is none."""
    try:
        if isinstance(given, str):
            json.loads(_bounded("schema", given))
            return given
        return json.dumps(dict(given) if isinstance(given, Mapping) else given, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise ValueError(f"schema is no JSON ({error})") from None


def _bounded(name: str, text: str) -> str:
    if len(text) > LARGEST:
        why = f"{name} has {len(text):,} characters: at most {LARGEST:,} are taken"
        raise RequestError(why, code=f"{name}_too_large")
    return text


def _whole(regex: str) -> str:
    """Without the anchors at its ends: it always stands for the whole text."""
    regex = regex.removeprefix("^")
    escaped = re.search(r"(\\*)\$$", regex)
    return regex[:-1] if escaped and len(escaped[1]) % 2 == 0 else regex


def _line(error: str) -> str:
    """The sentence of an error of several lines."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    said = next((x for x in lines if x.startswith("error:")), lines[0] if lines else "unknown")
    if said.startswith("NoExtension"):
        return "no text meets it"
    said = said.removeprefix("error:").strip()
    return said if len(said) <= 200 else f"{said[:197]}..."


# --- the vocabulary -----------------------------------------------------------------------------


class _Spelling:
    """What llguidance asks of a tokenizer."""

    is_tokenizer_wrapper = True

    def __init__(self, pairs: Pairs, spec: TokenSpec) -> None:
        self._pairs = pairs
        pieces = pairs.pieces[: spec.vocab]
        self._pieces = [*pieces, *[b""] * (spec.vocab - len(pieces))]
        ends = {end for end in (spec.eos, *spec.ends) if end is not None}
        self.special_token_ids = [n for n, p in enumerate(self._pieces) if not p or n in ends]
        self.tokens = list(self._pieces)
        for number in self.special_token_ids:
            name = pairs.tokenizer.id_to_token(number)
            self.tokens[number] = (name or f"<|unused {number}|>").encode()
        self.eos_token_id = spec.eos
        self.bos_token_id = spec.bos
        self._longest: dict[bytes, int] | None = None

    def __call__(self, text: bytes | str) -> list[int]:
        data = text.encode() if isinstance(text, str) else bytes(text)
        try:
            ids: list[int] = self._pairs.encode([data.decode()])[0].tolist()
        except UnicodeDecodeError:
            return self._greedy(data)
        spelt = b"".join(self._pieces[n] for n in ids)
        return ids if spelt == data else self._greedy(data)  # some put a blank before every text

    def _greedy(self, data: bytes) -> list[int]:
        """The longest pieces from the left."""
        if self._longest is None:
            self._longest = {piece: n for n, piece in enumerate(self._pieces) if piece}
        longest, out, at = self._longest, [], 0
        most = max(map(len, longest), default=1)
        while at < len(data):
            size = next((n for n in range(most, 0, -1) if data[at : at + n] in longest), 0)
            if size:
                out.append(longest[data[at : at + size]])
            at += max(size, 1)
        return out


_STACKS = threading.Lock()


def _on_a_deep_stack(work: Callable[[], Any]) -> Any:
    """Compiling follows references by recursion: on a stack of 8 MB a chain of 3,000 rules ends the
    process with SIGSEGV (llguidance 1.9)."""
    out: list[Any] = []
    thread = threading.Thread(target=lambda: out.append(work()), daemon=True)
    with _STACKS:
        before = threading.stack_size(_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()
    if not out:
        raise RequestError("the form of the text is refused: it could not be compiled")
    return out[0]

"""A published tokenizer, as its tokenizer.json has it: a text <-> ids.

Knows normalisers, patterns and special tokens through the tokenizers library, and how the pieces
that the common decoders join are spelt in bytes. Knows no codec, model or hub.
"""

from __future__ import annotations

import codecs
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from genloom.codec.saving import write_atomic
from genloom.codec.text.byte_pairs import BYTE_VALUES, valid
from genloom.errors import ModelError
from genloom.spec import TokenSpec

LARGEST_FILE = 256 << 20  # bytes of a tokenizer.json; the largest published have 35 MB
SPECIAL, TEMPLATE = "special_tokens.json", "chat_template.jinja"
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "\u2581"  # how SentencePiece writes a blank


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Which ids begin and end a text.

    size: ids that the net knows. leads: bos precedes every text. ends: further ids that end one.
    tokens: the special tokens by their usual names (bos_token ...). template: a Jinja chat
    template; templates: others by name.
    """

    size: int
    bos: int
    eos: int
    pad: int
    leads: bool
    ends: tuple[int, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None
    templates: Mapping[str, str] = field(default_factory=dict)

    def spec(self, length: int) -> TokenSpec:
        return TokenSpec(
            vocab=self.size,
            length=length,
            bos=self.bos,
            eos=self.eos,
            pad=self.pad,
            leads=self.leads,
            ends=self.ends,
        )


class PublishedTokenizer:
    """The vocabulary and the rules of a tokenizer.json; immutable."""

    def __init__(self, text: str, policy: Policy) -> None:
        self.text, self.policy = text, policy
        self.tokenizer = parsed(text)
        self._lock = threading.Lock()
        added = self.tokenizer.get_added_tokens_decoder()
        self.special = frozenset(i for i, token in added.items() if token.special)
        decoder = json.loads(text).get("decoder")
        self._strips = _strips(decoder)
        # what each id adds to a text; special tokens nothing
        self.pieces = [b""] * policy.size
        spell, plain = _speller(decoder)
        for token, number in self.tokenizer.get_vocab(with_added_tokens=True).items():
            if number < policy.size and number not in self.special:
                self.pieces[number] = (plain if number in added else spell)(token)

    def __len__(self) -> int:
        return self.policy.size

    def spec(self, length: int) -> TokenSpec:
        return self.policy.spec(length)

    def encode(self, texts: Sequence[str], special: bool = False) -> list[Tensor]:
        """Ids of each text, long [L], without bos and eos. special: what spells a special token is
        that token, else it stays its characters."""
        with self._lock:
            self.tokenizer.encode_special_tokens = not special
            found = self.tokenizer.encode_batch_fast(
                [valid(text) for text in texts], add_special_tokens=False
            )
        rows = [torch.tensor(one.ids, dtype=torch.long) for one in found]
        return [row[row < self.policy.size] for row in rows]

    def beginning(self, text: str) -> Tensor:
        """Ids of a prompt: special tokens may be spelt in it."""
        return self.encode([text], special=True)[0]

    def decode(self, ids: Iterable[int], special: bool = False) -> str:
        """The text of the ids; a character not yet complete at their end is withheld, so that the
        text of a prefix is a prefix of the text. special: with the special tokens spelt out."""
        size, pieces = self.policy.size, self.pieces
        parts = []
        for number in ids:
            if special and number in self.special:
                parts.append(str(self.tokenizer.id_to_token(number)).encode())
            elif 0 <= number < size:
                parts.append(pieces[number])
        data = b"".join(parts)
        if self._strips and data[:1] == b" ":
            data = data[1:]
        return codecs.getincrementaldecoder("utf-8")("replace").decode(data)

    shown = decode

    # --- disk -----------------------------------------------------------------------------------

    def save(self, folder: Path) -> dict[str, Any]:
        """tokenizer.json, the special tokens and the templates; returns the rest of the policy."""
        policy = self.policy
        write_atomic(folder / "tokenizer.json", self.text.encode())
        tokens = json.dumps(dict(policy.tokens), ensure_ascii=False, indent=1)
        write_atomic(folder / SPECIAL, tokens.encode())
        self.save_templates(folder)
        keys = ("size", "bos", "eos", "pad", "leads")
        return {**{k: getattr(policy, k) for k in keys}, "ends": list(policy.ends)}

    def save_templates(self, folder: Path) -> None:
        """chat_template.jinja, and others by name."""
        for name, template in {"": self.policy.template, **self.policy.templates}.items():
            if template is not None:
                write_atomic(folder / _template_file(name), template.encode())

    @classmethod
    def load(cls, folder: Path, told: Mapping[str, Any]) -> PublishedTokenizer:
        """The inverse of `save`. ModelError where something is missing or damaged."""
        try:
            text = read_text(folder / "tokenizer.json", LARGEST_FILE)
            tokens = json.loads(read_text(folder / SPECIAL, LARGEST_FILE))
            usual = folder / TEMPLATE
            others = folder / "additional_chat_templates"
            values: dict[str, Any] = {**told, "ends": tuple(told["ends"])}
            policy = Policy(
                **values,
                tokens={str(k): str(v) for k, v in tokens.items()},
                template=usual.read_text("utf-8") if usual.is_file() else None,
                templates={p.stem: p.read_text("utf-8") for p in sorted(others.glob("*.jinja"))},
            )
        except FileNotFoundError as error:
            raise ModelError(f"{error.filename} is missing: restore the model folder") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        return cls(text, policy)


def parsed(text: str) -> Tokenizer:
    """The library's tokenizer. ModelError where it cannot be made, whatever the library raises."""
    try:
        made = Tokenizer.from_str(text)
    except BaseException as error:  # the library raises nothing narrower, and panics above it
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise ModelError(f"tokenizer.json cannot be used ({_line(error)})") from None
    made.no_truncation()
    made.no_padding()
    return made


def read_text(path: Path, most: int) -> str:
    if path.stat().st_size > most:
        raise ModelError(f"{path} is larger than any of its kind: it is not read")
    return path.read_text("utf-8")


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _template_file(name: str) -> str:
    return f"additional_chat_templates/{name}.jinja" if name else TEMPLATE


# --- how pieces are spelt -------------------------------------------------------------------------


def _parts(decoder: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """A decoder's steps."""
    if not decoder:
        return []
    return list(decoder.get("decoders") or [decoder])


Speller = Callable[[str], bytes]


def _speller(decoder: Mapping[str, Any] | None) -> tuple[Speller, Speller]:
    """token -> its bytes, of the vocabulary and of tokens added to it. ModelError for a decoder
    that does more than join pieces."""
    kinds = [part.get("type") for part in _parts(decoder)]
    if "ByteLevel" in kinds:
        return _byte_level, str.encode
    known = {"Replace", "ByteFallback", "Fuse", "Strip", "Metaspace", "Sequence"}
    if not kinds or set(kinds) - known:
        told = ", ".join(map(str, kinds)) or "none"
        raise ModelError(
            f"tokenizer.json joins its pieces by the decoder {told}: known are ByteLevel, "
            "Metaspace and sequences of Replace, ByteFallback, Fuse and Strip"
        )
    changes = [
        (part["pattern"]["String"], part["content"])
        for part in _parts(decoder)
        if part.get("type") == "Replace" and "String" in part.get("pattern", {})
    ]
    spell = partial(_sentence_piece, changes=changes or [(_SPACE, " ")])
    return spell, spell


def _byte_level(token: str) -> bytes:
    if all(letter in BYTE_VALUES for letter in token):
        return bytes(BYTE_VALUES[letter] for letter in token)
    return token.encode()


def _sentence_piece(token: str, changes: Sequence[tuple[str, str]]) -> bytes:
    byte = _BYTE.fullmatch(token)
    if byte:
        return bytes([int(byte[1], 16)])
    for old, new in changes:
        token = token.replace(old, new)
    return token.encode()


def _strips(decoder: Mapping[str, Any] | None) -> bool:
    """Whether a blank at the very beginning is only the tokenizer's own."""
    for part in _parts(decoder):
        if part.get("type") == "Strip" and part.get("start"):
            return True
        if part.get("type") == "Metaspace":
            return part.get("prepend_scheme", "always") != "never"
    return False

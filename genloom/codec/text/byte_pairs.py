"""Byte-level byte-pair encoding: a text <-> ids, exactly, for every text.

Knows bytes, merges and the tokenizers library. Knows no files of texts and no codec.
Ids: 0 <|endoftext|>, 1 <|pad|>, 2 + byte for the 256 bytes, then one id a merge. No merges at all
is the plain byte vocabulary. A text that spells a special token is encoded as its characters.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from genloom.errors import ModelError
from genloom.spec import TokenSpec

END, PAD, FIRST_BYTE = 0, 1, 2
SPECIAL = ("<|endoftext|>", "<|pad|>")
BYTES = FIRST_BYTE + 256  # the smallest vocabulary

# Pieces within which merges happen: a word with its blank and a short ending after an apostrophe;
# up to three digits; signs; line ends; blanks (all but the last, which belongs to the next word).
# Line ends stand alone so that a prompt that stops at one meets the pieces seen in training, and
# runs are bounded so that a million letters without a blank cost no more than other text.
_PIECES = (
    r" ?[\p{L}\p{M}]{1,64}(?:['\x{2019}]\p{L}{1,2}(?!\p{L}))?"
    r"| ?\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{M}\p{N}]{1,64}"
    r"|[\r\n]{1,64}"
    r"|[^\S\r\n]{1,64}(?!\S)"
    r"|[^\S\r\n]"
)
# Where a text may be cut without changing its ids: after a line end, or between ASCII words.
_CUT = re.compile(r"(?<=\n)(?=[!-~])|(?<=[!-~])(?= [!-~])")
_CHUNK = 1 << 16  # characters given to the library at a time
_BATCH = 64  # chunks in flight: the library keeps about 200 bytes a token until they are copied
_SAMPLE = 8 << 20  # characters that merges are learnt from: more changes little and takes longer


def _byte_letters() -> list[str]:
    """The printable letter by which byte-level vocabularies write each byte, by byte value."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    plain += range(ord("®"), ord("ÿ") + 1)
    letters = {byte: chr(byte) for byte in plain}
    rest = (byte for byte in range(256) if byte not in letters)
    letters |= {byte: chr(256 + n) for n, byte in enumerate(rest)}
    return [letters[byte] for byte in range(256)]


_LETTERS = _byte_letters()
BYTE_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}


class BytePairs:
    """A vocabulary of bytes and merges; immutable."""

    def __init__(self, merges: Sequence[tuple[str, str]] = ()) -> None:
        self.merges = tuple(merges)
        names = [*SPECIAL, *_LETTERS, *(left + right for left, right in self.merges)]
        known = {name: i for i, name in enumerate(names)}
        if len(known) != len(names) or any(p not in known for m in self.merges for p in m):
            raise ModelError("the merges of this vocabulary repeat or skip parts: it is damaged")
        self.tokenizer = _tokenizer(known, list(self.merges))
        self.pieces: list[bytes] = [b"", b"", *(_spelt(name) for name in names[FIRST_BYTE:])]

    @classmethod
    def learn(cls, texts: Iterable[str], vocab: int) -> BytePairs:
        """Merges by frequency until there are `vocab` ids or no pair occurs twice."""
        trainer = trainers.BpeTrainer(
            vocab_size=vocab - len(SPECIAL),
            min_frequency=2,
            initial_alphabet=_LETTERS,
            show_progress=False,
        )
        student = _tokenizer({}, [])
        student.train_from_iterator(_sample(list(texts)), trainer)
        merges = json.loads(student.to_str())["model"]["merges"]
        return cls([(left, right) for left, right in merges])

    def __len__(self) -> int:
        return BYTES + len(self.merges)

    def encode(self, texts: Sequence[str]) -> list[Tensor]:
        """Ids of each text, long [L]. A lone surrogate, which is no character, becomes U+FFFD."""
        if not self.merges:
            return [_plain(text) for text in texts]
        chunks, owners = [], []
        for owner, text in enumerate(texts):
            for chunk in _chunks(text):
                chunks.append(valid(chunk))
                owners.append(owner)
        parts: list[list[np.ndarray]] = [[] for _ in texts]
        for start in range(0, len(chunks), _BATCH):
            encoded = self.tokenizer.encode_batch_fast(chunks[start : start + _BATCH])
            for owner, one in zip(owners[start : start + _BATCH], encoded, strict=True):
                parts[owner].append(np.asarray(one.ids, dtype=np.int64))
        return [torch.from_numpy(np.concatenate(p)) if p else _plain("") for p in parts]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids; a character not yet complete at their end is withheld.

        So the text of a prefix of the ids is always a prefix of the text of all of them.
        """
        pieces, size = self.pieces, len(self.pieces)
        data = b"".join(pieces[i] for i in ids if 0 <= i < size)
        return codecs.getincrementaldecoder("utf-8")("replace").decode(data)

    def spec(self, length: int) -> TokenSpec:
        return TokenSpec(vocab=len(self), length=length, bos=END, eos=END, pad=PAD)

    def beginning(self, text: str) -> Tensor:
        """Ids of a prompt."""
        return self.encode([text])[0]

    def shown(self, ids: Sequence[int]) -> str:
        """The text up to its end; a bos before it is passed over."""
        start = 1 if ids[:1] == [END] else 0
        stop = ids.index(END, start) if END in ids[start:] else len(ids)
        return self.decode(ids[start:stop])

    def to_json(self) -> str:
        """In the layout of `tokenizer.json`, which other libraries read."""
        return self.tokenizer.to_str(pretty=False)

    @classmethod
    def from_json(cls, text: str) -> BytePairs:
        """Only the merges are taken, never the patterns: a hostile pattern can run for ever."""
        try:
            model = json.loads(text)["model"]
            merges = [(str(left), str(right)) for left, right in model["merges"]]
            made = cls(merges)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(f"tokenizer.json is damaged ({error})") from None
        if model.get("vocab") != made.tokenizer.get_vocab():
            raise ModelError("tokenizer.json numbers its vocabulary in another way than Genloom's")
        return made


def _tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    made = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    if vocab:
        made.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
        made.encode_special_tokens = True  # a text that spells one stays a text
    return made


def _spelt(name: str) -> bytes:
    try:
        return bytes(BYTE_VALUES[letter] for letter in name)
    except KeyError:
        raise ModelError(f"the vocabulary has a piece that spells no bytes: {name!r}") from None


def _plain(text: str) -> Tensor:
    data = np.frombuffer(valid(text).encode(), dtype=np.uint8)
    return torch.from_numpy(data.astype(np.int64) + FIRST_BYTE)


def valid(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text


def _chunks(text: str) -> Iterator[str]:
    """The text in parts whose ids, joined, are the ids of the whole."""
    start = 0
    while len(text) - start > _CHUNK:
        cut = _CUT.search(text, start + _CHUNK)
        if cut is None:
            break
        yield text[start : cut.start()]
        start = cut.start()
    if start < len(text):
        yield text[start:]


def _sample(texts: list[str]) -> Iterator[str]:
    """All chunks of a small collection, evenly spaced ones of a large one."""
    stride = max(1.0, sum(map(len, texts)) / _SAMPLE)
    taken = 0.0
    for number, chunk in enumerate(chunk for text in texts for chunk in _chunks(text)):
        if number >= taken:
            yield valid(chunk)
            taken += stride

"""The codec of texts: strings <-> runs of token ids. Code is text, too.

Knows how a vocabulary is chosen and how prompts, previews and features of texts are made. Reading
files is in `text_files`, the vocabulary itself in `byte_pairs` where it was learnt and in
`tokenizer` where it came with a published model. Knows no family or net.
Shape legend: N texts, L ids of a text, F features.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.saving import OPTIONS, load_json, save_json, write_atomic
from genloom.codec.text.byte_pairs import BYTES, SPECIAL, BytePairs
from genloom.codec.text.files import Documents, read_texts
from genloom.codec.text.tokenizer import PublishedTokenizer
from genloom.errors import OVER_CONTEXT, ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

_TINY = 200_000  # bytes; below it merges see too few examples to be worth their parameters
_SMALLEST, _LARGEST = 512, 8192
_LARGEST_FILE = 64 << 20  # bytes of a tokenizer.json; ours stay far below one
_FEATURES = 512
_OPTIONS = frozenset({"vocab", "length", "documents"})
_POLICY = "tokenizer"
GIVEN: Literal["given"] = "given"


class TextCodec:
    """Texts as byte-level tokens.

    vocab      ids in all, specials and the 256 bytes included; "bytes" is 258; "auto" takes plain
               bytes below 200 kB and else about the square root of the corpus in bytes; "given"
               is that of a published model, which learns nothing
    length     ids of context
    documents  what is one text: "file", "paragraph", "line", or "auto" for files cut at lines
               that say <|endoftext|>
    """

    kind: ClassVar[str] = "text"
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
        documents: Documents = "auto",
    ) -> None:
        fits = isinstance(vocab, int) and BYTES <= vocab <= 1 << 20
        if vocab not in ("auto", "bytes", GIVEN) and not fits:
            raise RecipeError(f"codec.vocab is {vocab!r}: give auto, bytes or {BYTES} to {1 << 20}")
        if not isinstance(length, int) or length < 2:
            raise RecipeError(f"codec.length is {length!r}: give a whole number of at least 2")
        if documents not in get_args(Documents):
            choices = ", ".join(get_args(Documents))
            raise RecipeError(f"codec.documents is {documents!r}: give one of {choices}")
        self.vocab, self.length, self.documents = vocab, length, documents
        self._pairs: BytePairs | PublishedTokenizer | None = None

    @classmethod
    def of(cls, tokenizer: PublishedTokenizer, length: int) -> Self:
        """With the vocabulary of a published model."""
        made = cls(vocab=GIVEN, length=length)
        made._pairs = tokenizer
        return made

    @classmethod
    def upon(cls, codec: Any, length: int | None = None) -> Self:
        """For a training that starts from a model with this codec: nothing is learnt anew. length:
        a shorter context. RecipeError where the model has none such, or is none of texts."""
        if not isinstance(codec, TextCodec) and not hasattr(codec, "given"):
            raise RecipeError(
                f"a model of {codec.kind!r} cannot learn texts: start from one of texts or chat"
            )
        most = codec.length if isinstance(codec, TextCodec) else codec.spec.length
        if length is not None and length > most:
            raise RecipeError(
                f"codec.length is {length:,}, but the model to start from has a context of "
                f"{most:,}: give {most:,} or less"
            )
        made = cls(vocab=GIVEN, length=length or most)
        made._pairs = codec.pairs if isinstance(codec, TextCodec) else codec.given()
        return made

    @property
    def pairs(self) -> BytePairs | PublishedTokenizer:
        """The vocabulary, learnt or given."""
        if self._pairs is None:
            raise ModelError("this text codec has no vocabulary yet: call fit or load first")
        return self._pairs

    @property
    def spec(self) -> TokenSpec:
        return self.pairs.spec(self.length)

    def read(self, path: Path) -> Reading:
        """The texts of a file or of a folder and all below it; see `text_files`."""
        return read_texts(path, self.documents)

    def fit(self, items: Sequence[str]) -> None:
        if self.vocab == GIVEN:
            if self._pairs is None:
                raise RecipeError(
                    'codec.vocab "given" is that of a model to start from: give one, or a number'
                )
            return
        size = sum(units(text)[1] for text in items)
        chosen = {"auto": _vocabulary(size), "bytes": BYTES}
        vocab = self.vocab if isinstance(self.vocab, int) else chosen[self.vocab]
        self._pairs = BytePairs.learn(items, vocab) if vocab > BYTES else BytePairs()

    def encode(self, items: Sequence[str]) -> list[Tensor]:
        """long [L] each, neither bos nor eos, of any length."""
        return self.pairs.encode(items)

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[str]:
        """Texts up to their eos; a bos before them is passed over.

        A last character whose bytes are not all there is left out; other broken bytes become
        U+FFFD.
        """
        return [self.stable_prefix(row) for row in x]

    def stable_prefix(self, ids: Tensor | Sequence[int]) -> str:
        """The text of ids still being generated, less a last character still incomplete.

        It only ever grows as ids are added, so it can be shown as it comes.
        """
        return self.pairs.shown(ids.tolist() if isinstance(ids, Tensor) else list(ids))

    def spelt(self, ids: Sequence[int]) -> str:
        """The text of ids with every special token spelt out."""
        pairs = self.pairs
        if isinstance(pairs, PublishedTokenizer):
            return pairs.decode(ids, special=True)
        parts, run = [], []
        for one in ids:
            if one < len(SPECIAL):
                parts += [pairs.decode(run), SPECIAL[one]]
                run = []
            else:
                run.append(one)
        return "".join([*parts, pairs.decode(run)])

    def captions(self, items: Sequence[str]) -> None:
        return None

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """The prompt as the ids that a text begins with."""
        if where:
            raise RequestError(f"where={where!r}: a text has no fields; give a prompt instead")
        if not prompt:
            return Condition()
        known = self.pairs.beginning(prompt)
        if len(known) > self.length - 1:
            raise RequestError(
                f"the prompt has {len(known)} tokens and the context of this model {self.length}: "
                f"shorten it to {self.length - 1} tokens",
                param="prompt",
                code=OVER_CONTEXT,
            )
        return Condition(known=known)

    def natural_side(self, items: Sequence[str]) -> None:
        """Texts have no sides."""

    def features(self, items: Sequence[str]) -> Tensor:
        """float [N, F]: hashed counts of runs of two to four characters, of length one."""
        rows = [_run_counts(text) for text in items]
        return torch.stack(rows).float() if rows else torch.zeros(0, _FEATURES)

    def compare(self, real: Sequence[str], made: Sequence[str]) -> dict[str, float]:
        """Nothing: the score on held-out text says more."""
        return {}

    def preview(self, items: Sequence[str], path: Path) -> Path:
        rule = "\n\n" + "-" * 72 + "\n\n"
        path = Path(path).with_suffix(self.suffix)
        return write_atomic(path, _file_bytes(rule.join(items) + "\n"))

    def write(self, item: str, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """Plain UTF-8, or one JSON line with "text" where the path ends in .jsonl."""
        path = Path(path)
        if path.suffix.lower() == ".jsonl":
            item = json.dumps({"text": item}, ensure_ascii=False) + "\n"
        write_atomic(path, _file_bytes(item))
        return False  # a text file has no place for a record

    def save(self, folder: Path) -> None:
        values = {key: getattr(self, key) for key in sorted(_OPTIONS)}
        if isinstance(self.pairs, PublishedTokenizer):
            values[_POLICY] = self.pairs.save(Path(folder))
        else:
            write_atomic(Path(folder) / "tokenizer.json", self.pairs.to_json().encode())
        save_json(folder, self.kind, values)

    @classmethod
    def load(cls, folder: Path) -> Self:
        path = Path(folder) / "tokenizer.json"
        try:
            if _comes_with_policy(path.parent):
                values = load_json(folder, cls.kind, _OPTIONS | {_POLICY})
                policy = values.pop(_POLICY)
                codec = cls(**values)
                codec._pairs = PublishedTokenizer.load(path.parent, policy)
                return codec
            codec = cls(**load_json(folder, cls.kind, _OPTIONS))
            if path.stat().st_size > _LARGEST_FILE:
                raise ModelError(f"{path} is larger than any vocabulary: it is not Genloom's")
            codec._pairs = BytePairs.from_json(path.read_text("utf-8"))
        except FileNotFoundError:
            raise ModelError(f"{path} is missing: the model folder is incomplete") from None
        except (OSError, UnicodeDecodeError, RecipeError) as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        return codec


def units(text: str) -> tuple[int, int]:
    """Characters and UTF-8 bytes, by which losses of different vocabularies compare."""
    return len(text), len(text.encode("utf-8", "surrogatepass"))


def _comes_with_policy(folder: Path) -> bool:
    try:
        return _POLICY in json.loads((folder / OPTIONS).read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return False  # what is wrong with it is said where it is read


def _vocabulary(size: int) -> int:
    """Ids for a corpus of `size` bytes: the power of two nearest its square root, within bounds."""
    if size < _TINY:
        return BYTES
    return min(max(1 << round(math.log2(size) / 2), _SMALLEST), _LARGEST)


def _file_bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _run_counts(text: str) -> Tensor:
    # Multiplicative hashing modulo 2^64; the high bits are the well mixed ones.
    codes = np.frombuffer(text.lower().encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    counts = np.zeros(_FEATURES)
    for size in (2, 3, 4):
        if len(codes) < size:
            break
        runs = np.lib.stride_tricks.sliding_window_view(codes, size)
        key = np.full(len(runs), size, np.uint64)
        for column in range(size):
            key = (key ^ runs[:, column]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        bins = (key * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(55)
        counts += np.bincount(bins.astype(np.int64), minlength=_FEATURES)
    return torch.from_numpy(counts / max(1.0, float(np.linalg.norm(counts))))

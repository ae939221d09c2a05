"""Sequences on disk: which files hold some, what each letter is read as, what is left out and why.

Knows alphabets, records and annotations. Cutting into windows is in `windows`. Knows no id.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.left_out import LeftOut
from genloom.codec.saving import write_atomic
from genloom.codec.sequence import gff
from genloom.codec.sequence.alphabet import ALPHABETS, Alphabet, looks
from genloom.codec.sequence.fasta import BARE, SUFFIXES, Record, is_fasta, records
from genloom.codec.sequence.headers import name_of, plain, words_of
from genloom.codec.sequence.item import BioSequence, fasta
from genloom.errors import DataError, RequestError

BLOCK = 16_384  # letters of a long sequence that lie on one side of a split
LEAST = 2  # letters of a sequence
BEFORE, INTO = 100, 50  # letters of a promoter: ahead of its gene, and of the gene
UNKNOWN = 0.5  # share of unknown letters from which a sequence says nothing
ILLEGAL = 0.02  # share of what are no letters at all from which a sequence is left out
_ENDS = b"*-."  # a stop, and the gaps of an alignment


@dataclass
class Tally:
    """What was read otherwise than it stands."""

    masked: int = 0
    gaps: int = 0
    letters: Counter[str] = field(default_factory=Counter)
    seen: set[int] = field(default_factory=set)
    repeats: int = 0

    def notes(self, alphabet: Alphabet) -> list[str]:
        out = []
        several = {k: n for k, n in self.letters.items() if k not in alphabet.read_as}
        if several:
            told = ", ".join(f"{n:,} {k}" for k, n in sorted(several.items()))
            out.append(f"letters that stand for several are read as {alphabet.unknown}: {told}")
        for letter, other in alphabet.read_as.items():
            if n := self.letters[letter]:
                out.append(f"{n:,} {letter} are read as {other}")
        if self.masked:
            out.append(f"{self.masked:,} lower-case (soft-masked) letters are read as upper case")
        if self.gaps:
            out.append(f"{self.gaps:,} gaps and stops are taken out")
        if self.repeats:
            out.append(f"{self.repeats:,} sequences stand there more than once; each counts")
        return out


def read_sequences(path: Path, alphabet: Alphabet, annotation: Path | None) -> Reading:
    """Every sequence under a file or a folder, long ones in blocks. DataError where they are of
    another alphabet, or an annotation is of other sequences."""
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give {', '.join(SUFFIXES)} files")
    files = _files(path)
    notes = [annotation] if annotation else [f for f in _under(path) if gff.is_gff(f)]
    left, tally, items = LeftOut(), Tally(), []
    others: Counter[str] = Counter()
    annotated = _Annotated([gff.read_gff(file) for file in notes])
    for file in files:
        label = plain(_stem(file).replace("_", " ")) if len(files) > 1 else ()
        for record in records(file):
            place = f"{file}: {name_of(record.header) or f'line {record.line}'}"
            if not _same_alphabet(record, alphabet, place, others, bool(items)):
                continue
            made = _read(record, alphabet, tally, label)
            if isinstance(made, DataError):
                left.add(place, str(made))
                continue
            items += annotated.parts(made, alphabet)
    _nothing(items, path, alphabet, others, left)
    annotated.check()
    return Reading(
        items=items,
        files=(*files, *notes),
        skipped=left.named,
        notes=(*tally.notes(alphabet), *annotated.notes(), *left.notes()),
        reasons=dict(left.reasons),
    )


def told_by(path: Path) -> Alphabet | None:
    """The alphabet of the first sequence that is long enough to tell."""
    if not path.exists():
        return None  # reading says so
    for file in _files(path):
        for record in records(file):
            if (found := looks(record.counts)) is not None:
                return found
    return None


def _under(path: Path) -> list[Path]:
    return [] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def _files(path: Path) -> list[Path]:
    if path.is_file():
        if gff.is_gff(path):
            raise DataError(
                f"{path} is an annotation: give the sequences, and this with --annotation"
            )
        return [path]
    found = [file for file in _under(path) if is_fasta(file)]
    if not found:
        raise DataError(f"{path} has no file that ends in {', '.join(SUFFIXES)}: give FASTA files")
    return found


def _stem(file: Path) -> str:
    return file.name.partition(".")[0]


def _same_alphabet(
    record: Record, alphabet: Alphabet, place: str, others: Counter[str], begun: bool
) -> bool:
    """Whether it may be of this alphabet. DataError where two stand beside each other."""
    found = looks(record.counts)
    if found is None or found is alphabet:
        return True
    others[found.called] += 1
    if begun:
        raise DataError(
            f"{place} holds {found.called} among {alphabet.called}: alphabets are not mixed; put "
            "each into a file of its own"
        )
    return False


def _nothing(
    items: Sequence[Any], path: Path, alphabet: Alphabet, others: Counter[str], left: LeftOut
) -> None:
    if others:
        called, count = others.most_common(1)[0]
        name = next(one.name for one in ALPHABETS.values() if one.called == called)
        more = f"{count:,} sequences of {called}"
        told = f"mixes {more} with {alphabet.called}" if items else f"holds {more}"
        what = "put each into a file of its own" if items else f"train it as {name}"
        raise DataError(f"{path} {told}, where {alphabet.called} are expected: {what}")
    if not items:
        why = f" ({left.told(1)})" if left.total else ""
        raise DataError(f"{path} has no sequences of {alphabet.called}{why}: give FASTA")


def _read(
    record: Record, alphabet: Alphabet, tally: Tally, label: Sequence[str]
) -> BioSequence | DataError:
    """The item, or why it is left out."""
    gaps = int(sum(record.counts[one] for one in _ENDS))
    data = record.data.rstrip(b"*")
    if b"*" in data:
        return DataError("a stop stands within it")
    data = data.translate(None, _ENDS)
    if len(data) < LEAST:
        return DataError(f"fewer than {LEAST} letters" if data else "empty")
    plain_ = data.translate(alphabet.table)
    illegal = plain_.count(b"\0")
    if illegal > ILLEGAL * len(data):
        shown = chr(data[plain_.find(b"\0")])
        return DataError(f"{shown!r} is no letter of {alphabet.called}")
    plain_ = plain_.replace(b"\0", alphabet.unknown.encode())
    if plain_.count(alphabet.unknown.encode()) >= UNKNOWN * len(data):
        return DataError("half of its letters or more are unknown")
    _count(record, alphabet, tally, gaps, plain_)
    said = dict.fromkeys((*words_of(record.header), *label))
    return BioSequence(plain_.decode("ascii"), name_of(record.header), tuple(said))


def _count(record: Record, alphabet: Alphabet, tally: Tally, gaps: int, plain_: bytes) -> None:
    tally.masked += record.masked
    tally.gaps += gaps
    usual = {ord(letter) for letter in alphabet.letters}
    for one in record.counts.nonzero()[0].tolist():
        if one not in usual and one not in _ENDS:
            tally.letters[chr(one)] += int(record.counts[one])
    digest = hash(plain_)
    tally.repeats += digest in tally.seen
    tally.seen.add(digest)


class _Annotated:
    """Annotations beside the sequences they are of."""

    def __init__(self, found: Sequence[gff.Annotation]) -> None:
        self.found = found
        self.met: set[str] = set()
        self.names: list[str] = []
        self.kinds: Counter[str] = Counter()
        self.parted = 0

    def parts(self, whole: BioSequence, alphabet: Alphabet) -> Iterator[BioSequence]:
        """A sequence as it is, or a long one in blocks with the features that lie within each."""
        features = self._features(whole, alphabet)
        if not features and (not alphabet.long or len(whole) <= BLOCK):
            yield whole
            return
        at = 0
        for start in range(0, len(whole), BLOCK):
            stop = min(start + BLOCK, len(whole))
            block = whole.piece(start, stop)
            block.name, mine = f"{whole.name}:{start + 1}-{stop}", []
            while at < len(features) and features[at].start < stop:
                one = features[at]
                at += 1
                if one.start < start or one.stop > stop:
                    self.parted += 1
                    continue
                self.kinds[one.kind] += 1
                mine.append(_feature(whole, one, alphabet))
            block.features = tuple(mine)
            yield block

    def _features(self, whole: BioSequence, alphabet: Alphabet) -> list[gff.Feature]:
        self.names.append(whole.name)
        out: list[gff.Feature] = []
        for one in self.found:
            own = one.features.get(whole.name, [])
            if not own:
                continue
            self.met.add(whole.name)
            if not alphabet.long:
                raise DataError(f"{one.path}: {alphabet.called} take no annotation: leave it out")
            size = one.sizes.get(whole.name, len(whole))
            last = max(feature.stop for feature in own)
            if size != len(whole) or last > len(whole):
                raise DataError(
                    f"{one.path} is of another sequence {whole.name!r}: it reaches to "
                    f"{max(size, last):,}, the sequence has {len(whole):,} letters"
                )
            out += [*own, *gff.promoters(own, len(whole), BEFORE, INTO)]
        return sorted(out, key=lambda one: (one.start, one.stop))

    def check(self) -> None:
        for one in self.found:
            if not self.met & set(one.features):
                theirs, ours = next(iter(one.features)), self.names[0]
                raise DataError(
                    f"{one.path} is of other sequences: it names {theirs!r}, the data {ours!r}: "
                    "give the annotation of this data"
                )

    def notes(self) -> list[str]:
        if not self.kinds:
            return []
        told = ", ".join(f"{n:,} {kind}" for kind, n in self.kinds.most_common())
        parted = f"; {self.parted:,} at the borders of blocks are left out" if self.parted else ""
        return [f"annotated: {told}{parted}"]


def _feature(whole: BioSequence, one: gff.Feature, alphabet: Alphabet) -> BioSequence:
    """As it is read, on its own strand."""
    letters = "".join(whole[start:stop] for start, stop in one.spans)
    letters = alphabet.turned(letters) if one.backward else str(letters)
    return BioSequence(letters, whole.name, (one.kind, *one.words))


def write_sequence(item: Any, path: Path, record: Mapping[str, Any] | None) -> bool:
    """As FASTA, packed where the name says so. RequestError for another ending."""
    name = path.name.lower()
    if not (is_fasta(path) or name.endswith(BARE)):
        raise RequestError(f"{path.name}: sequences are written as {', '.join(SUFFIXES)} or .txt")
    content = f"{item}\n" if re.search(r"\.(txt|seq|csv)$", name) else fasta([item])
    write_atomic(path, content.encode())
    return False

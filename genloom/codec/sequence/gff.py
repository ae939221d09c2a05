"""Annotations of genomes in GFF3: where genes and other features lie, and what is said of them.

Knows the nine columns, percent signs, joined parts of one feature. Knows no letters.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from genloom.codec.sequence.fasta import opened
from genloom.codec.sequence.headers import plain
from genloom.errors import DataError

SUFFIXES = (".gff", ".gff3")
GENE, PROMOTER = "gene", "promoter"
CODING = "CDS"
KINDS: Mapping[str, str] = {
    CODING: GENE,
    "tRNA": "trna",
    "rRNA": "rrna",
    "ncRNA": "ncrna",
    "promoter": PROMOTER,
    "terminator": "terminator",
    "enhancer": "enhancer",
}
_ID = re.compile(r"(?:^|;)\s*(ID|Parent|product|Name|pseudo)=([^;]*)")


@dataclass(frozen=True)
class Feature:
    """spans: its parts as start..stop from 0, in the order of the forward strand."""

    kind: str
    backward: bool
    spans: tuple[tuple[int, int], ...]
    words: tuple[str, ...]

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def stop(self) -> int:
        return self.spans[-1][1]


@dataclass(frozen=True)
class Annotation:
    """features by the name of the sequence they lie on; sizes: of these, where told."""

    path: Path
    features: Mapping[str, list[Feature]]
    sizes: Mapping[str, int]


def is_gff(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read_gff(path: Path) -> Annotation:
    """DataError names the first line that is none of GFF3."""
    parts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    told: dict[tuple[str, str], tuple[str, bool, tuple[str, ...]]] = {}
    sizes: dict[str, int] = {}
    try:
        with opened(path) as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if text.startswith("##FASTA"):
                    break
                if text.startswith("##sequence-region"):
                    _size(text, sizes)
                if not text.strip() or text.startswith("#"):
                    continue
                _row(text, f"{path}, line {number}", parts, told)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): check the file") from None
    features: dict[str, list[Feature]] = {}
    for key, spans in parts.items():
        kind, backward, words = told[key]
        features.setdefault(key[0], []).append(Feature(kind, backward, tuple(sorted(spans)), words))
    if not features:
        raise DataError(
            f"{path} names no {', '.join(KINDS)}: give an annotation in GFF3, or leave it out"
        )
    for some in features.values():
        some.sort(key=lambda one: (one.start, one.stop))
    return Annotation(path, features, sizes)


def _size(text: str, sizes: dict[str, int]) -> None:
    words = text.split()
    if len(words) == 4 and words[3].isdigit():
        sizes[words[1]] = int(words[3])


def _row(
    text: str,
    place: str,
    parts: dict[tuple[str, str], list[tuple[int, int]]],
    told: dict[tuple[str, str], tuple[str, bool, tuple[str, ...]]],
) -> None:
    cells = text.split("\t")
    if len(cells) != 9 or not (cells[3].isdigit() and cells[4].isdigit()):
        raise DataError(f"{place}: nine columns parted by tabs are expected, as GFF3 has them")
    kind = KINDS.get(cells[2])
    if kind is None:
        return
    start, stop = int(cells[3]) - 1, int(cells[4])
    if not 0 <= start < stop:
        raise DataError(f"{place}: from {start + 1} to {stop} is no stretch of a sequence")
    about = {name: unquote(value) for name, value in _ID.findall(cells[8])}
    if about.get("pseudo", "false") == "true":
        return
    own = about.get("ID") or f"{kind}:{start}:{stop}"
    key = unquote(cells[0]), f"{kind}\0{own}"
    parts.setdefault(key, []).append((start, stop))
    told[key] = kind, cells[6] == "-", plain(about.get("product", ""))


def promoters(features: list[Feature], size: int, before: int, into: int) -> Iterator[Feature]:
    """Stretches around the starts of genes that have room before them: `before` letters ahead of
    the gene, `into` of its own. size: of the sequence."""
    genes = [one for one in features if one.kind == GENE]
    for n, one in enumerate(genes):
        if one.backward:
            room = (genes[n + 1].start if n + 1 < len(genes) else size) - one.stop
            span = one.stop - into, one.stop + before
        else:
            room = one.start - (genes[n - 1].stop if n else 0)
            span = one.start - before, one.start + into
        if room >= before and one.stop - one.start > into:
            yield Feature(PROMOTER, one.backward, (span,), one.words)

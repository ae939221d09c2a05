"""Templates of texts that are written from rows: sentences, each said in several ways.

A line that begins with "- " is a sentence, lines with "| " below it say the same otherwise; an
empty line parts paragraphs, "# " is a remark. {column} is a value as it is written in the row,
{column: a=phrase; b=other} says it by phrases. What is around the fields states no numbers: those
are the row's to state. Knows files; no row and no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

from genloom.errors import UsageError

OURS = ("clinical", "email", "product")
LARGEST = 1 << 20
_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column, and the phrases that say its values where it is said by such."""

    column: str
    phrases: tuple[tuple[str, str], ...] = ()

    @cached_property
    def said(self) -> Mapping[str, str]:
        return dict(self.phrases)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Texts and fields in turn: one text more than fields."""

    texts: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.column for field in self.fields)


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """The same in several ways; opens: whether a paragraph begins with it."""

    variants: tuple[Variant, ...]
    opens: bool = False

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return {field.column: field for field in self.variants[0].fields}


@dataclass(frozen=True, kw_only=True)
class Template:
    name: str
    sentences: tuple[Sentence, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it states, in order."""
        return tuple(dict.fromkeys(c for s in self.sentences for c in s.fields))


def template_of(name: str) -> Template:
    """One of ours by its name, or a file. UsageError with the line where it is no template."""
    if name in OURS:
        place = resources.files("genloom.make") / "templates" / f"{name}.txt"
        return parse(place.read_text("utf-8"), name)
    path = Path(name).expanduser()
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} has more than {LARGEST:,} bytes: that is no template")
        return parse(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(OURS)
        raise UsageError(
            f"template {name!r} cannot be read ({error}): use {known} or a file"
        ) from None


def parse(text: str, name: str) -> Template:
    found: list[tuple[list[Variant], bool]] = []
    opens = False
    for number, line in enumerate(text.splitlines(), 1):
        line, where = line.rstrip(), f"{name}, line {number}"
        if not line:
            opens = bool(found)
        elif line.startswith("- "):
            found.append(([_variant(line[2:], where)], opens))
            opens = False
        elif line.startswith("| ") and found:
            found[-1][0].append(_variant(line[2:], where))
            _alike(found[-1][0], where)
        elif not line.startswith("#"):
            raise UsageError(f"{where}: a line begins with '- ', '| ' or '#', not {line[:20]!r}")
    if not any(variant.fields for variants, _ in found for variant in variants):
        raise UsageError(f"{name} has no field such as {{age}}: there is nothing to write from")
    sentences = tuple(Sentence(variants=tuple(v), opens=o) for v, o in found)
    return Template(name=name, sentences=sentences)


def _variant(line: str, where: str) -> Variant:
    texts, fields, end = [], [], 0
    for match in _FIELD.finditer(line):
        texts.append(line[end : match.start()])
        fields.append(Field(column=match[1].strip(), phrases=_phrases(match[2], where)))
        end = match.end()
    texts.append(line[end:])
    if any(re.search(r"[\d{}]", part) for part in texts):
        raise UsageError(
            f"{where}: numbers and braces stand in fields alone, since a number is a fact and "
            "facts come from the row"
        )
    columns = [field.column for field in fields]
    if len(set(columns)) < len(columns):
        raise UsageError(f"{where}: a sentence states a column once")
    if any(not part.strip() for part in texts[1:-1]) and any(not t for t in texts[1:-1]):
        raise UsageError(f"{where}: two fields need something between them, to be read apart")
    return Variant(texts=tuple(texts), fields=tuple(fields))


def _phrases(told: str | None, where: str) -> tuple[tuple[str, str], ...]:
    if told is None:
        return ()
    pairs = []
    for part in told.split(";"):
        value, sign, phrase = (x.strip() for x in part.partition("="))
        if not sign or not value or not phrase:
            raise UsageError(f"{where}: {part.strip()!r} is not of the form value=phrase")
        pairs.append((value, phrase))
    if len({p.lower() for _, p in pairs}) < len(pairs) or len(dict(pairs)) < len(pairs):
        raise UsageError(
            f"{where}: two values are said alike, or one twice: they cannot be read back"
        )
    return tuple(pairs)


def _alike(variants: list[Variant], where: str) -> None:
    first, last = (
        dict.fromkeys(sorted((f.column, f.phrases) for f in v.fields))
        for v in (variants[0], variants[-1])
    )
    if first != last:
        raise UsageError(f"{where}: a sentence states the same fields in all its ways")

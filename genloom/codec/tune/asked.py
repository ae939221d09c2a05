"""What is asked of a tune: fields as conditions or in words, and a motif in ABC to go on from.

Knows how people write types, metres and keys; makes the ids that a tune begins with. Knows no net.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.codec.tune.chords import plan_asked
from genloom.codec.tune.events import events, key_ids, metre_id
from genloom.codec.tune.item import HEADER
from genloom.codec.tune.words import (
    AFTER,
    ALIKE,
    BAR,
    BEFORE,
    DOUBLE,
    FIELDS,
    KINDS,
    METRES,
    MODE_NAMES,
    MODES_AT,
    NUMBER,
    REPEAT,
    TONICS_AT,
)
from genloom.errors import DataError, RequestError
from genloom.music.abc_reading import read_abc
from genloom.music.keys import parse_key, pitch_class
from genloom.music.metre import parse_metre

NAMES = {
    "type": "type",
    "kind": "type",
    "rhythm": "type",
    "metre": "metre",
    "meter": "metre",
    "key": "key",
    "tonic": "tonic",
    "mode": "mode",
}
CHORDS = "chords"
_MUSIC = re.compile(r"(^|\n)[XKTML]:|\|")
_NOTES = re.compile(r"[\^_=A-Ga-gz,'0-9/\s()\[\]<>-]+")
_KEY = re.compile(
    r"\b(?:in|key of)\s+([A-G](?:[#b\u266f\u266d]|\s?sharp|\s?flat)?)\b\s*([A-Za-z]*)"
)
_METRE = re.compile(r"\b(\d{1,2}/\d{1,2})\b")
_BAR_LINE = re.compile(r"[|\]:]\s*$")


@dataclass
class Asked:
    """fields: type, metre, tonic, mode -> id, in the order asked; motif: ABC or ""; plan: the ids
    of chords that are told ahead."""

    fields: dict[str, int] = field(default_factory=dict)
    motif: str = ""
    plan: list[int] = field(default_factory=list)

    def ids(self) -> list[int]:
        """What the tune begins with: the fields asked for, or with a motif all of them."""
        if not self.motif:
            return [*self.plan, *self.fields.values()]
        return [*self.plan, *motif(self.motif, self.fields)]


def asked(prompt: str | None, where: Any) -> Asked:
    """RequestError names what cannot be met."""
    fields, chords = split_where(where, CHORDS)
    out = Asked(fields=conditions(fields))
    text = (prompt or "").strip()
    _say(out, text)
    if chords is not None:
        head = motif(out.motif, out.fields)[:HEADER] if out.motif else []
        known = dict(zip(FIELDS, head, strict=False)) | out.fields
        out.plan = plan_asked(chords, known.get("tonic"))
    return out


def _say(out: Asked, text: str) -> None:
    """What a prompt says: a motif, or fields in words."""
    if not text:
        return
    if _MUSIC.search(text) or _NOTES.fullmatch(text):
        out.motif = text
        return
    said = words(text)
    if not said:
        raise RequestError(
            f"{text[:60]!r} says nothing of a tune: name a type, metre or key, such as 'a jig in D "
            "mixolydian', or begin one in ABC",
            param="prompt",
        )
    out.fields = {**said, **out.fields}


def split_where(where: Any, name: str) -> tuple[Any, str | None]:
    """Conditions without the one of this name, and what it says."""
    if not where:
        return None, None
    told = pairs(where)
    found = [value for key, value in told if key == name]
    return dict(pair for pair in told if pair[0] != name), found[-1] if found else None


def pairs(where: Any) -> list[tuple[str, str]]:
    """(name, value) of {"key": "D mix"} or "key = D mix and type = jig"."""
    if isinstance(where, Mapping):
        return [(_name(key), _value(value)) for key, value in where.items()]
    if not isinstance(where, str):
        raise RequestError("where: an object of fields is expected", param="where")
    parts = re.split(r"\s+and\s+|\s*,\s*(?=\w+\s*=)", where.strip())
    if not all("=" in part for part in parts):
        raise RequestError(
            f"where is {where[:60]!r}: give such as key = D mix and type = jig", param="where"
        )
    split = [part.split("=", 1) for part in parts]
    return [(_name(key), _value(value)) for key, value in split]


def _name(text: Any) -> str:
    return str(text).strip().lower()


def _value(value: Any) -> str:
    told = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return told.strip().strip("'\"= ")


def conditions(where: Any) -> dict[str, int]:
    """From {"key": "D mix", "type": "jig"} or "key = D mix and type = jig"."""
    out: dict[str, int] = {}
    for name, value in pairs(where) if where else ():
        plain = NAMES.get(name)
        if plain is None:
            raise RequestError(
                f"a tune has no field {name[:40]!r}: it has {', '.join((*NAMES, CHORDS))}, and "
                "with a given melody bars",
                param="where",
            )
        out |= _field(plain, value)
    return out


def _field(name: str, value: str) -> dict[str, int]:
    try:
        if name == "metre":
            return {"metre": metre_id(parse_metre(value))}
        if name == "type":
            return {"type": _type(value)}
        if name == "mode":
            return {"mode": key_ids(parse_key(f"C {value}"))[1]}
        if name == "tonic":
            return {"tonic": TONICS_AT + parse_key(value).pitch_class}
        tonic, mode = key_ids(parse_key(value))
        return {"tonic": tonic, "mode": mode}
    except DataError as error:
        raise RequestError(str(error), param="where") from None


def _type(value: str) -> int:
    name = " ".join(value.lower().replace("-", " ").split())
    name = ALIKE.get(name, name)
    if name not in KINDS:
        known = ", ".join(one for one in KINDS if one)
        raise RequestError(
            f"the type {value[:40]!r} is not known: use one of {known}", param="where"
        )
    return NUMBER[f"type {name}"]


def words(text: str) -> dict[str, int]:
    """What plain words say: "a slow air in A minor", "polka, 2/4"."""
    out: dict[str, int] = {}
    plain = f" {' '.join(re.sub(r'[^a-z/0-9]+', ' ', text.lower()).split())} "
    names = sorted((*KINDS[1:], *ALIKE), key=len, reverse=True)
    kind = next((one for one in names if f" {one} " in plain or f" {one}s " in plain), None)
    if kind is not None:
        out["type"] = _type(kind)
    metre = _METRE.search(text)
    if metre is not None and metre[1] in METRES:
        out["metre"] = NUMBER[f"metre {metre[1]}"]
    key = _KEY.search(text)
    if key is not None:
        sign = key[1][1:].strip().lower()
        name = key[1][0] + {"sharp": "#", "flat": "b"}.get(sign, key[1][1:])
        out["tonic"] = TONICS_AT + pitch_class(name.replace("\u266f", "#").replace("\u266d", "b"))
        mode = next((one for one in MODE_NAMES if one.startswith(key[2].lower()[:3])), None)
        if mode is not None and key[2]:
            out["mode"] = MODES_AT + MODE_NAMES.index(mode)
    return out


def motif(text: str, fields: Mapping[str, int]) -> list[int]:
    """The ids of ABC that a tune begins with; its own header counts where it says something. The
    last bar stays open where no bar line closes it."""
    opened = not _BAR_LINE.search(text)
    ids = _read(_headed(text, fields), opened)
    head = dict(zip(("type", "metre", "tonic", "mode"), ids[:HEADER], strict=True))
    own = {name for name, mark in (("type", "R:"), ("metre", "M:")) if _has(text, mark)}
    own |= {"tonic", "mode"} if _has(text, "K:") else set()
    clash = [n for n, one in fields.items() if n in own and head[n] != one]
    if clash:
        raise RequestError(f"the motif and where say unlike things of its {clash[0]}: say it once")
    body = ids[HEADER:]
    if body and body[-1] == DOUBLE and not text.rstrip().endswith(("||", "|]")):
        body[-1] = BAR
    return [*(fields.get(name, one) for name, one in head.items()), *body]


def _has(text: str, mark: str) -> bool:
    return any(line.startswith(mark) for line in text.splitlines())


def _headed(text: str, fields: Mapping[str, int]) -> str:
    """With a key and a metre, which it needs to be read."""
    lead = [] if _has(text, "X:") else ["X:1"]
    if not _has(text, "M:"):
        if "metre" not in fields:
            raise RequestError(
                "a motif needs its metre: add a line M:6/8, or where metre", param="where"
            )
        lead.append(f"M:{METRES[fields['metre'] - NUMBER['metre none']]}")
    if not _has(text, "L:"):
        lead.append("L:1/8")
    if not _has(text, "K:"):
        if "tonic" not in fields:
            raise RequestError("a motif needs its key: add a line K:D, or where key", param="where")
        key = parse_key("C").up(fields["tonic"] - TONICS_AT)
        mode = MODE_NAMES[fields["mode"] - MODES_AT] if "mode" in fields else "major"
        lead.append(f"K:{key.tonic} {mode}")
    lines = text.splitlines()
    first = [line for line in lines if re.match(r"[A-Z]:", line)]
    rest = [line for line in lines if not re.match(r"[A-Z]:", line)]
    keys = [line for line in first if line.startswith("K:")]
    others = [line for line in first if not line.startswith("K:")]
    ahead = [line for line in lead if not line.startswith("K:")]
    last = keys or [line for line in lead if line.startswith("K:")]
    return "\n".join(
        [
            *(line for line in others if line.startswith("X:")),
            *ahead,
            *(line for line in others if not line.startswith("X:")),
            *last,
            *rest,
        ]
    )


def _read(text: str, opened: bool) -> list[int]:
    try:
        scores = read_abc(text)
        if len(scores) != 1:
            raise DataError(f"a motif of {len(scores)} tunes: give one")
        return events(scores[0], open_end=opened)
    except DataError as error:
        raise RequestError(f"the motif cannot be read: {error}", param="prompt") from None


def gap(before: str, after: str, where: Any = None) -> list[int]:
    """The ids before what fills a gap: the header, AFTER, what comes behind it, BEFORE, and what
    stands before. before holds the header; after is music alone."""
    first = motif(before, conditions(where)) if before.strip() else []
    if len(first) <= HEADER and not first:
        raise RequestError("what stands before a gap needs a header: M:, K: and perhaps music")
    head = "\n".join(line for line in before.splitlines() if re.match(r"[A-Z]:", line))
    behind = motif(f"{head}\n{after}", conditions(where))[HEADER:]
    if behind and behind[-1] not in (BAR, REPEAT, DOUBLE):
        behind.append(DOUBLE)
    return [*first[:HEADER], AFTER, BAR, *behind, BEFORE, *first[HEADER:]]

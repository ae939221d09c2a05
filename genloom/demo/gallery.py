"""The page that shows what was made: one HTML file that asks nothing of any other machine.

Pieces of a page from texts, picture bytes, tables and quality rows, and the page around them. All
that comes from a model or from data is escaped; pictures lie inside as data. Knows no model.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from genloom.demo.plots import gauge, short
from genloom.trust.quality import Row

# Nothing may be fetched, even if some markup should slip through; style and pictures lie inside.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, kw_only=True)
class Room:
    """A part of the gallery. body is HTML made by this file; quality: rows under their model."""

    key: str
    title: str
    lead: str
    body: str
    quality: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def page(
    title: str, lead: str, facts: Mapping[str, str], rooms: Sequence[Room], commands: Sequence[str]
) -> str:
    """The whole file."""
    style = Path(__file__).with_name("gallery.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{escape(r.key)}">{escape(r.title)}</a>' for r in rooms)
    links += '<a href="#quality">Quality</a><a href="#records">Records</a>'
    told = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{style}</style></head><body>",
        f"<header><h1>{escape(title)}</h1><p>{escape(lead)}</p>",
        f'<dl class="facts">{told}</dl><nav>{links}</nav></header><main>',
        *(_room(room) for room in rooms),
        _quality(rooms),
        _records(rooms),
        _next(commands),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _room(room: Room) -> str:
    return (
        f'<section id="{escape(room.key)}"><h2>{escape(room.title)}</h2>'
        f'<p class="soft">{escape(room.lead)}</p>{room.body}</section>'
    )


# --- pieces -------------------------------------------------------------------------------------


def heading(text: str) -> str:
    return f"<h3>{escape(text)}</h3>"


def note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def completion(prompt: str, text: str) -> str:
    """A prompt, and in colour what a model wrote after it."""
    new = text.removeprefix(prompt)
    shown = f"<b>{escape(prompt)}</b>" if new != text else ""
    return f"<figure><pre>{shown}<span>{escape(new)}</span></pre></figure>"


def side_by_side(pieces: Sequence[str], kind: str = "wide") -> str:
    return f'<div class="{kind}">{"".join(pieces)}</div>'


def figure(caption: str, inner: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{inner}</figure>"


def picture(png: bytes, told: str, mark: str = "") -> str:
    """A PNG as it is, the record inside it included. mark: "right", "near" or "wrong"."""
    kind = f' class="{escape(mark)}"' if mark else ""
    data = base64.b64encode(png).decode("ascii")
    named = escape(told, quote=True)
    return f'<img{kind} alt="{named}" title="{named}" src="data:image/png;base64,{data}">'


def strip(prompt: str, below: str, pictures: Sequence[str]) -> str:
    """A prompt with the pictures made for it."""
    small = f"<small>{escape(below)}</small>" if below else ""
    label = f"<p>{escape(prompt)}{small}</p>"
    return f'<div class="strip">{label}<div class="row">{"".join(pictures)}</div></div>'


def key(**meanings: str) -> str:
    """What the colours mean: class -> words."""
    parts = (f'<i class="{escape(k)}"></i>{escape(v)}' for k, v in meanings.items())
    return f'<p class="note key">{"".join(parts)}</p>'


def rows(caption: str, columns: Sequence[str], cells: Sequence[Sequence[Any]]) -> str:
    """A table of values; numbers stand to the right."""
    numeric = [
        all(_numeric(row[n]) or row[n] is None for row in cells) for n in range(len(columns))
    ]
    head = "".join(_cell(name, right, "th") for name, right in zip(columns, numeric, strict=True))
    lines = (
        "".join(_cell(value, right, "td") for value, right in zip(row, numeric, strict=True))
        for row in cells
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return figure(caption, f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>')


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any, right: bool, tag: str) -> str:
    kind = ' class="n"' if right else ""
    return f"<{tag}{kind}>{escape(_plain(value))}</{tag}>"


def _plain(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "\N{EN DASH}"
    return short(float(value)) if _numeric(value) else str(value)


# --- quality, records, what next ------------------------------------------------------------------


def _quality(rooms: Sequence[Room]) -> str:
    lines = []
    for room in rooms:
        for model, measured in room.quality.items():
            lines.append(f'<tr class="head"><th colspan="6">{escape(model)}</th></tr>')
            lines += [_measured(row) for row in measured]
    head = "".join(
        _cell(name, right, "th")
        for name, right in (
            *(("metric", False), ("floor", True), ("this model", True), ("ceiling", True)),
            *(("from floor to ceiling", False), ("what it is", False)),
        )
    )
    lead = (
        "A number says little alone. The floor is what something trivial reaches, the ceiling what "
        "real data or a perfect model would; all of them were measured in this run, on data that "
        "the models were not shown."
    )
    return (
        f'<section id="quality"><h2>Quality</h2><p class="soft">{lead}</p><div class="scroll">'
        f"<table><tr>{head}</tr>{''.join(lines)}</table></div></section>"
    )


def _measured(row: Row) -> str:
    ends = (row.value, row.floor, row.ceiling)
    drawn = ""
    known = [float(end) for end in ends if end is not None and math.isfinite(end)]
    if len(known) == 3 and (known[2] > known[1]) == (row.better == "higher"):
        drawn = gauge(*known)
    arrow = "\N{UPWARDS ARROW}" if row.better == "higher" else "\N{DOWNWARDS ARROW}"
    numbers = "".join(
        f'<td class="n">{escape(figures(end))}</td>' for end in (row.floor, row.value, row.ceiling)
    )
    named = escape(row.metric.replace("_", " "))
    told = f'<td class="told">{escape(row.note)}</td>'
    return f"<tr><td>{named} {arrow}</td>{numbers}<td>{drawn}</td>{told}</tr>"


def figures(value: float | None) -> str:
    """Three figures that count, or a dash."""
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    return short(value) if abs(value) >= 100 or value == 0 else f"{value:.3g}"


def _records(rooms: Sequence[Room]) -> str:
    parts = []
    for room in rooms:
        for name, record in room.records.items():
            text = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True, default=str)
            parts.append(
                f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>"
            )
    lead = (
        "Each file beside this page, and each picture in it, carries such a record: what made it, "
        "from which data under which licence, with which seed."
    )
    return (
        f'<section id="records"><h2>Records</h2><p class="soft">{lead}</p>{"".join(parts)}'
        "</section>"
    )


def _next(commands: Sequence[str]) -> str:
    items = "".join(f"<li><code>{escape(command)}</code></li>" for command in commands)
    return f'<section id="next"><h2>Try next</h2><ol class="next">{items}</ol></section>'

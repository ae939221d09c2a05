"""A trust report as one HTML file: no script, nothing fetched, dark and light, made to be printed.

Knows the JSON of `report.py` and escapes all of it; knows no model and no measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from genloom.trust.report import told_time
from genloom.trust.weave import drawn

# Nothing may be fetched or run, even if some markup should slip through.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
COLUMNS = ("measure", "value", "floor", "ceiling", "floor to ceiling", "better")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def page_of(report: Mapping[str, Any]) -> str:
    """The whole file."""
    model = report["model"]
    style = Path(__file__).with_name("report.css").read_text("utf-8")
    title = f"Trust report: {model['name']}"
    links = "".join(
        f'<a href="#{plain(s["id"])}">{plain(s["title"])}</a>' for s in report["sections"]
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{plain(title)}</title><style>{style}</style></head><body>",
        f"<header>{drawn(model['weights'] or model['name'])}<div><p>Trust report</p>",
        f"<h1>{plain(model['name'])}</h1></div>{_facts(_head(report))}</header>",
        f'<nav aria-label="Sections">{links}</nav><main>',
        *map(_section, report["sections"]),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _link(section: Mapping[str, Any]) -> str:
    return f'<a href="#{plain(section["id"])}">{plain(section["title"])}</a>'


def _head(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    model = report["model"]
    told = {
        "medium": model["medium"],
        "family": model["family"],
        "on disk": size(model["bytes"]),
        "made": told_time(model["created"]) or "not told",
        "measured": told_time(report["measured"]) or "not yet",
        "report of": told_time(report["created"]),
        "by": f"Genloom {report['genloom']}",
    }
    return [{"name": name, "value": value} for name, value in told.items()]


def _section(section: Mapping[str, Any]) -> str:
    about = f"<p>{plain(section['about'])}</p>" if section["about"] else ""
    missing = "".join(f"<li>{plain(line)}</li>" for line in section["missing"])
    gaps = f'<ul class="missing">{missing}</ul>' if missing else ""
    inner = about + _table(section["rows"]) + _facts(section["facts"]) + gaps
    return (
        f'<section id="{plain(section["id"])}"><h2>{plain(section["title"])}</h2>{inner}</section>'
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    body = "".join(map(_row, rows))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" tabindex="0" role="group" aria-label="Measures">{table}</div>'


def _row(row: Mapping[str, Any]) -> str:
    note = f"<small>{plain(row['note'])}</small>" if row["note"] else ""
    code = f" <code>{plain(row['metric'])}</code>" if row["name"] != row["metric"] else ""
    ends = (
        f" <small>({number(row['low'])} to {number(row['high'])})</small>" if "low" in row else ""
    )
    numbers = "".join(
        f'<td class="number">{number(row[k])}{ends if k == "value" else ""}</td>'
        for k in ("value", "floor", "ceiling")
    )
    name = f'<th scope="row">{plain(row["name"])}{code}{note}</th>'
    return f"<tr>{name}{numbers}<td>{_scale(row['place'])}</td><td>{plain(row['better'])}</td></tr>"


def _scale(place: float | None) -> str:
    """A thread from floor to ceiling, woven as far as the value lies."""
    if place is None:
        return '<span class="number">-</span>'
    at = round(100 * place, 1)
    return (
        '<svg class="scale" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        f'aria-label="{round(100 * place)} % of the way from floor to ceiling">'
        f'<path class="thread" d="M0 4H100"/><path class="woven" d="M0 0H{at}V8H0z"/></svg>'
    )


def _facts(facts: Sequence[Mapping[str, Any]]) -> str:
    if not facts:
        return ""
    told = "".join(
        f"<div><dt>{plain(f['name'])}</dt><dd>{shown(f['value'])}</dd></div>" for f in facts
    )
    return f"<dl>{told}</dl>"


# --- values ---------------------------------------------------------------------------------------


def plain(text: Any) -> str:
    return escape("" if text is None else str(text))


def shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else plain(value)


def number(value: Any) -> str:
    """A value as people read it; "-" where there is none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:,.0f}"


def size(count: float) -> str:
    """Bytes in the unit that reads best."""
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"

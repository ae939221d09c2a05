"""What a search came to, as values, a table and a page: the best beside a random search and beside
what was learnt from.

Asks the items' codec to draw them; knows no medium. The page is one file that runs nothing.
"""

from __future__ import annotations

import csv
import html
import io
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genloom.codec.saving import write_atomic
from genloom.discovery.archive import Archive, Entry
from genloom.discovery.search import Found
from genloom.errors import GenloomError

TOPS = (1, 10, 100)
SHARE = 0.001  # of the training data, the best of it
SHOWN = 10
REPROACHED = 5


def values(found: Found) -> dict[str, Any]:
    """The report, JSON-ready."""
    archive, settings = found.archive, found.settings
    best = archive.best(SHOWN)
    trained = sorted(found.training, reverse=True)
    few = trained[: max(1, round(SHARE * len(trained)))]
    return {
        "score": settings.score,
        "budget": settings.budget,
        "scored": len(archive),
        "ended": found.ended,
        "fault": found.fault,
        "goal": _goal(found),
        "search": _told(archive),
        "random": _told(found.random),
        "training": {
            "items": len(trained),
            "best": trained[0] if trained else None,
            "best_share": SHARE,
            "mean_of_best_share": statistics.fmean(few) if trained else None,
            "least_of_best_share": few[-1] if trained else None,
        },
        "best": [_entry(e) for e in best],
        "reproached": [_entry(e) for e in _reproached(archive)],
        "diversity": _diversity(found.codec, archive.best(TOPS[-1])),
        "unsteady": found.unsteady,
        "could_not_be_scored": dict(found.failed),
        "settings": settings.told(),
    }


def _goal(found: Found) -> dict[str, Any] | None:
    goal = found.settings.goal
    if goal is None:
        return None
    best = found.archive.best(1)
    top = best[0].score if best else None
    return {"wanted": goal, "reached": top is not None and top >= goal, "best": top}


def _told(archive: Archive) -> dict[str, Any]:
    """Of one search. A mean over fewer than its number is None."""
    ranked = [e.score or 0.0 for e in archive.best(TOPS[-1])]
    many = len(ranked)
    tops = {f"top_{n}_mean": statistics.fmean(ranked[:n]) if many >= n else None for n in TOPS}
    good = [e.score for e in archive if e.good and e.score is not None]
    return {
        "scored": len(archive),
        "proposed": archive.proposed,
        "improper": archive.improper,
        "reproached": sum(bool(e.reproach) for e in archive),
        "could_not_be_scored": sum(e.score is None for e in archive),
        "mean": statistics.fmean(good) if good else None,
        **tops,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    told = {"item": entry.item, "score": entry.score, "at": entry.step}
    return {**told, "reproach": entry.reproach} if entry.reproach else told


def _reproached(archive: Archive) -> list[Entry]:
    """Those that scored best and nobody would take."""
    some = [e for e in archive if e.reproach and e.score is not None]
    return sorted(some, key=lambda e: -(e.score or 0.0))[:REPROACHED]


def _diversity(codec: Any, some: Sequence[Entry]) -> dict[str, Any]:
    """Of the best: how many are unlike in what their codec takes for alike, and one less the mean
    cosine of two of them in its features."""
    if len(some) < 2:
        return {"items": len(some), "kinds": len(some), "distance": None}
    space = codec.features([e.item for e in some]).float()
    space = space / space.norm(dim=1, keepdim=True).clamp(min=1e-9)
    many = len(some)
    alike = float((space @ space.T).sum() - many) / (many * (many - 1))
    kinds = len({e.bucket or e.key for e in some})
    return {"items": many, "kinds": kinds, "distance": round(1 - alike, 4)}


# --- files ----------------------------------------------------------------------------------------


def write(found: Found) -> dict[str, Path]:
    """report.json, report.html, archive.csv, and the best as their medium is written and drawn."""
    told, folder = values(found), found.folder
    best = [e.item for e in found.archive.best(TOPS[-1])]
    places = {"json": folder / "report.json", "csv": folder / "archive.csv"}
    write_atomic(places["csv"], _table(found.archive).encode("utf-8", "replace"))
    drawing = None
    if best:
        collected = getattr(found.codec, "collected", None)
        if collected is not None:
            places["best"] = folder / f"best{found.codec.suffix}"
            found.codec.write(collected(best), places["best"])
        try:
            preview = folder / f"best-{SHOWN}{found.codec.preview_suffix}"
            drawing = places["drawing"] = found.codec.preview(best[:SHOWN], preview)
        except GenloomError:
            drawing = None
    write_atomic(places["json"], (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    places["html"] = folder / "report.html"
    write_atomic(places["html"], page(told, found, drawing).encode("utf-8", "replace"))
    return places


def _table(archive: Archive) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["item", "score", "step", "kind", "reproach"])
    ranked = sorted(archive, key=lambda e: -(e.score if e.score is not None else float("-inf")))
    for e in ranked:
        writer.writerow([e.item, "" if e.score is None else e.score, e.step, e.bucket, e.reproach])
    return out.getvalue()


STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}table{border-collapse:collapse}td,th{padding:.2rem .8rem;"
    "border-bottom:1px solid #ddd;text-align:left}td.n{text-align:right}code{word-break:break-all}"
    "img{max-width:100%}.bad{color:#a00}"
)


def page(told: dict[str, Any], found: Found, drawing: Path | None) -> str:
    """The report as a page."""
    parts = [
        f"<h1>A search by {_safe(told['score'])}</h1>",
        f"<p>{told['scored']:,} items scored of a budget of {told['budget']:,}: "
        f"{_safe(told['ended'] or 'not to the end')}.</p>",
        *(f'<p class="bad">{_safe(line)}</p>' for line in remarks(told)),
        _compared(told),
        "<h2>The best so far</h2>",
        _curve(found),
        f"<h2>The {len(told['best'])} best</h2>",
    ]
    if drawing is not None and drawing.suffix in (".svg", ".png"):
        parts.append(f'<img src="{_safe(drawing.name)}" alt="the best, drawn">')
    parts.append(_listed(told["best"]))
    if told["reproached"]:
        parts += ["<h2>Scored well, but nobody would take</h2>", _listed(told["reproached"])]
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Search</title>'
        f"<style>{STYLE}</style><body>{body}</body></html>\n"
    )


def remarks(told: dict[str, Any]) -> list[str]:
    """What somebody ought to know before believing it, a sentence each."""
    out = [told["fault"]] if told["fault"] else []
    goal = told["goal"]
    if goal is not None and not goal["reached"]:
        best = "nothing" if goal["best"] is None else f"{goal['best']:.4g}"
        out.append(f"The goal of {goal['wanted']:g} was not reached: the best is {best}.")
    if told["unsteady"]:
        out.append(
            f"{told['unsteady']} of the best have another score when asked again: what was found "
            "may be chance."
        )
    for why, many in told["could_not_be_scored"].items():
        out.append(f"{many:,} items could not be scored: {why}.")
    if told["search"]["reproached"]:
        many = told["search"]["reproached"]
        out.append(f"{many:,} scored items are none that anybody would take: they are no finds.")
    return out


def _safe(text: Any) -> str:
    return html.escape(str(text))


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _compared(told: dict[str, Any]) -> str:
    rows = [("mean of the best 1", "top_1_mean"), ("of the best 10", "top_10_mean")]
    rows += [("of the best 100", "top_100_mean"), ("of all", "mean"), ("scored", "scored")]
    lines = [
        f"<tr><td>{name}</td><td class=n>{_number(told['search'][key])}</td>"
        f"<td class=n>{_number(told['random'][key])}</td></tr>"
        for name, key in rows
    ]
    training = told["training"]
    last = (
        f"<p>The best {100 * SHARE:g} % of {training['items']:,} training items have "
        f"{_number(training['mean_of_best_share'])} on average and "
        f"{_number(training['least_of_best_share'])} at least.</p>"
        if training["items"]
        else "<p>The training data was not scored.</p>"
    )
    head = "<tr><th></th><th>search</th><th>random search from the model</th></tr>"
    return f"<table>{head}{''.join(lines)}</table>{last}"


def _listed(entries: Sequence[dict[str, Any]]) -> str:
    lines = [
        f"<tr><td class=n>{_number(e['score'])}</td><td><code>{_safe(e['item'])}</code></td>"
        f"<td>{_safe(e.get('reproach', ''))}</td></tr>"
        for e in entries
    ]
    return f"<table>{''.join(lines)}</table>"


def _curve(found: Found) -> str:
    """The best score so far by the number of scores, of both searches."""
    lines = {"#2a5db0": _rising(found.archive), "#999": _rising(found.random)}
    every = [y for some in lines.values() for y in some]
    if len(every) < 2:
        return "<p>-</p>"
    low, high = min(every), max(every)
    size, gap = max(map(len, lines.values())), high - low or 1.0
    drawn = []
    for colour, some in lines.items():
        step = max(1, len(some) // 300)
        points = [(n, some[n]) for n in range(0, len(some), step)]
        told = " ".join(
            f"{40 + 640 * n / max(1, size - 1):.1f},{220 - 200 * (y - low) / gap:.1f}"
            for n, y in points
        )
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{told}"/>')
    words = (
        f'<text x="0" y="24" font-size="12">{high:.3g}</text>'
        f'<text x="0" y="224" font-size="12">{low:.3g}</text>'
        f'<text x="680" y="245" font-size="12" text-anchor="end">{size:,} scores; grey: the random '
        "search</text>"
    )
    return f'<svg viewBox="0 0 700 250" width="700" role="img">{"".join(drawn)}{words}</svg>'


def _rising(archive: Archive) -> list[float]:
    out: list[float] = []
    for entry in archive:
        value = entry.score if entry.good and entry.score is not None else None
        if value is None and not out:
            continue
        out.append(max(out[-1] if out else float("-inf"), value if value is not None else out[-1]))
    return out

"""A model's trust report: what is known of it, in sections of rows and facts, as JSON.

Gathers what its card says and what was measured of it (`measured.py`); measures nothing itself and
loads no torch, so that a server can tell it. What was not measured stands there as such.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genloom import registry, store
from genloom.machine import version_of
from genloom.trust.measured import kept, object_in

Told = dict[str, Any]
# Rows of a measurement that say how near what is made is to what was learnt; all others are of
# quality.
NEARNESS = {
    "nearest_training_distance": "Distance to the nearest training item",
    "near_copies": "Samples nearer to training than real held-out items are",
    "exact_copies": "Samples that equal a training item",
    "longest_overlap": "Longest run shared with training, characters",
    "verbatim_share": "Share that stands word for word in training",
}
PRIVACY = {
    "closer_to_train": "Rows nearer to a training row than to a held-out one",
    "closest_record": "Distance to the closest training row",
}
ATTACKS = {
    "closer_to_train": "Rows nearer to a training row than to a held-out one",
    "near_copies": "Rows nearer to a training row than real strangers are",
    "exact_copies": "Rows that equal a training row",
    "singling_out_one": "Singling a row out by one column",
    "singling_out": "Singling a row out by several columns",
    "linkability": "Linking two halves of a row",
    "inference": "Inferring a column from all others",
    "membership_caught": "Rows told to be learnt from, at 1 % wrong alarms",
    "membership_auc": "Telling rows learnt from",
}
NO_ATTACK = "Attacks: none was run against the model; genloom report MODEL --attack does it."
NO_SHADOWS = (
    "Membership: no shadows were trained; genloom report MODEL --attack --shadows 8 does it."
)
NO_ROWS = "Membership inference: attacks are on models of tables alone."
NO_BOUND = "Differential privacy: training added no noise, so no such bound holds."
ABSENT = (
    "Bias and stereotypes: no measure of the house looks for them.",
    "Personal data in what was learnt: the training data was not searched for it.",
    "Harmful content: nothing that is made is classified.",
    "Energy: it is not metered.",
)
REPEATS = "training_repeats"  # in a measurement's protocol
SUITES = "suite"  # a row of a suite of questions names it


def report_of(folder: Path) -> Told:
    """The report of the model in this folder; made anew each time it is asked for."""
    recipe, card = object_in(folder / "recipe.json"), object_in(folder / "card.json")
    measured = kept(folder)
    attacked = next((one for one in measured if _attacks(one)), None)
    own = next((one for one in measured if not _asks(one) and not _attacks(one)), None)
    sections = (
        _quality(own, card),
        _suites(filter(_asks, measured)),
        _nearness(own),
        _privacy(own),
        _attacked(attacked, card, recipe),
        _bound(card),
        _data(card, own),
        _making(card, recipe),
        {"id": "absent", "title": "Not measured", "missing": _absent(card, recipe)},
    )
    return {
        "model": _model(folder, recipe, card),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "genloom": version_of("genloom"),
        "measured": None if own is None else own["created"],
        "sections": [_whole(one) for one in sections if one],
    }


def _whole(section: Mapping[str, Any]) -> Told:
    return {"about": "", "rows": [], "facts": [], "missing": [], **section}


# --- what was measured ----------------------------------------------------------------------------


def _asks(measurement: Mapping[str, Any]) -> bool:
    """Whether it asked suites of questions."""
    return any(SUITES in row for row in measurement["rows"])


def _attacks(measurement: Mapping[str, Any]) -> bool:
    """Whether it attacked the model."""
    return bool(measurement["protocol"].get("attacks"))


def _quality(own: Told | None, card: Mapping[str, Any]) -> Told:
    trained = [_fact(f"{name}, at the end of training", v) for name, v in _box(card, "metrics")]
    section: Told = {"id": "quality", "title": "Quality", "facts": trained}
    if own is None:
        return section | {
            "missing": ["Not measured yet on data that was held out: genloom eval does it."]
        }
    near = NEARNESS | PRIVACY
    rows = [_row(row) for row in own["rows"] if row.get("metric") not in near]
    about = (
        "Each figure beside a floor (something trivial) and a ceiling (real data, or the ideal)."
    )
    return section | {
        "about": about,
        "rows": rows,
        "facts": [*_protocol(own), *trained],
        "missing": _undefined(rows),
    }


def _undefined(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Rows without a value: asked for, and not to be had."""
    return [
        f"{r['metric']}: {r['note'] or 'not defined here'}." for r in rows if r["value"] is None
    ]


def _suites(measured: Iterable[Told]) -> Told | None:
    """The newest answer to each suite's metric."""
    found: dict[str, Told] = {}
    for one in measured:
        for row in one["rows"]:
            name = f"{row[SUITES]} {row['metric']}"
            found.setdefault(name, {**_row(row), "metric": name, "on": one["created"]})
    if not found:
        return None
    return {"id": "suites", "title": "Suites of questions", "rows": list(found.values())}


def _nearness(own: Told | None) -> Told:
    title = "Memorisation"
    return _named("memorisation", title, NEARNESS, own, "Whether samples repeat what was learnt")


def _privacy(own: Told | None) -> Told | None:
    """Of models of tables, once they were measured."""
    section = _named("privacy", "Privacy of rows", PRIVACY, own, "Whether rows can be traced")
    return section if section.get("rows") else None


def _attacked(
    attacked: Told | None, card: Mapping[str, Any], recipe: Mapping[str, Any]
) -> Told | None:
    """What attacks came to, of models of tables."""
    section: Told = {"id": "attacks", "title": "Attacks"}
    if attacked is None:
        return section | {"missing": [NO_ATTACK]} if _can_be_attacked(recipe) else None
    rows = [{**_row(r), "name": ATTACKS.get(r["metric"], r["metric"])} for r in attacked["rows"]]
    told = attacked["protocol"]
    alarms = ", ".join(ATTACKS.get(name, name) for name in told.get("alarms") or ())
    facts = {
        "alarms": alarms or "none: no interval lies wholly beyond what strangers get",
        "attacked": told_time(attacked["created"]),
        **{
            k.replace("_", " "): told[k]
            for k in ("rows", "shadows", "seed", "seconds")
            if k in told
        },
    }
    about = (
        "Each attack is tried on rows that were learnt from and just so on strangers; in brackets "
        "the interval of 95 %."
    )
    missing = _undefined(rows) + ([] if told.get("shadows") else [NO_SHADOWS])
    return section | {
        "about": about,
        "rows": rows,
        "facts": [_fact(name, value) for name, value in facts.items()],
        "missing": missing,
    }


def _can_be_attacked(recipe: Mapping[str, Any]) -> bool:
    return dict(_box(recipe, "codec")).get("kind") in registry.names("attack")


def _bound(card: Mapping[str, Any]) -> Told | None:
    """What differential privacy bounds, and how it was kept."""
    told = dict(_box(card, "privacy"))
    if not told:
        return None
    counts = told.pop("counts", {}) or {}
    public = counts.pop("public", [])
    facts = [_fact(k.replace("_", " "), v) for k, v in told.items()]
    facts += [_fact(f"counts of columns, {k.replace('_', ' ')}", v) for k, v in counts.items()]
    facts += [_fact("taken as known to everybody", "; ".join(public))] if public else []
    about = (
        "Whatever is concluded from the model, the chance of concluding it with and without any "
        "one row differs by a factor of at most e^epsilon, but for a chance delta."
    )
    return {"id": "bound", "title": "Differential privacy", "about": about, "facts": facts}


def _absent(card: Mapping[str, Any], recipe: Mapping[str, Any]) -> list[str]:
    bound = [] if card.get("privacy") else [NO_BOUND]
    return [*bound, *([] if _can_be_attacked(recipe) else [NO_ROWS]), *ABSENT]


def _named(id: str, title: str, names: Mapping[str, str], own: Told | None, what: str) -> Told:
    rows = [] if own is None else [_row(r) for r in own["rows"] if r.get("metric") in names]
    rows = [{**row, "name": names[row["metric"]]} for row in rows]
    section: Told = {"id": id, "title": title, "rows": rows}
    if rows:
        about = "The same figure for real items that were held out is the ceiling: as near as that "
        return section | {"about": f"{about}is no copy.", "missing": _undefined(rows)}
    why = "not measured yet." if own is None else "the measures of this medium do not say."
    return section | {"missing": [f"{what}: {why}"]}


def _row(row: Mapping[str, Any]) -> Told:
    """A row with where its value lies: 0 at the floor, 1 at the ceiling, None where unknown."""
    told = {name: row.get(name) for name in ("metric", "value", "floor", "ceiling", "better")}
    told |= {"name": str(row.get("metric", "")), "note": str(row.get("note") or "")}
    told |= {end: row[end] for end in ("low", "high") if row.get(end) is not None}
    ends = (told["value"], told["floor"], told["ceiling"])
    return told | {"place": place_of(*ends, upward=told["better"] == "higher")}


def place_of(value: Any, floor: Any, ceiling: Any, upward: bool) -> float | None:
    """How far from floor to ceiling, within 0 and 1; None where the floor is no worse than the
    ceiling, as with very little data."""
    ends = (value, floor, ceiling)
    if not all(isinstance(x, int | float) and math.isfinite(x) for x in ends):
        return None
    if floor == ceiling or (ceiling > floor) is not upward:
        return None
    return min(1.0, max(0.0, (value - floor) / (ceiling - floor)))


def _protocol(own: Mapping[str, Any]) -> list[Told]:
    """How it was measured, but for what the model itself says."""
    told = {"measured": told_time(own["created"]), **own["protocol"]}
    known = ("model", "weights", "software", REPEATS)
    return [_fact(k.replace("_", " "), v) for k, v in told.items() if k not in known]


# --- what is known of it --------------------------------------------------------------------------


def _model(folder: Path, recipe: Mapping[str, Any], card: Mapping[str, Any]) -> Told:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {
        "name": folder.name,
        "medium": dict(_box(recipe, "codec")).get("kind", "unknown"),
        "family": dict(_box(recipe, "family")).get("kind", "unknown"),
        "weights": card.get("weights") or "",
        "bytes": sum(file.stat().st_size for file in files),
        "created": card.get("created"),
    }


def _data(card: Mapping[str, Any], own: Told | None) -> Told:
    """Where it learnt from: the manifest, and what of it was kept back."""
    section: Told = {"id": "data", "title": "Data"}
    data, protocol = dict(_box(card, "data")), dict(_box(card, "protocol"))
    if not data:
        source = [_fact(name, value) for name, value in _box(card, "source")]
        missing = ["What it learnt from: whoever trained it has not told it here."]
        return section | {"facts": source, "missing": missing}
    entries = data.get("entries") or []
    root = data.get("root")
    facts = {
        "source": Path(root).name if root else "from memory",
        "items": data.get("items"),
        "files": len(entries) or None,
        "bytes": sum(entry.get("size", 0) for entry in entries) or None,
        "SHA-256": data.get("sha256") or None,
        "licence": data.get("licence"),
        "licence found in": ", ".join(data.get("evidence") or ()) or None,
        "made by": ", ".join(data.get("credits") or ()) or None,
        "items held out": protocol.get("held_out_items"),
        "share held out": protocol.get("holdout"),
        "seed of the split": protocol.get("seed"),
        **_repeats(own),
        **_overlap(protocol.get("overlap") or {}),
    }
    told = [_fact(name, value) for name, value in facts.items() if value is not None]
    return section | {"facts": told, "missing": _gaps(data, protocol, own)}


def _repeats(own: Told | None) -> Told:
    """What the last measurement counted in the training data."""
    found = {} if own is None else own["protocol"].get(REPEATS) or {}
    if not found:
        return {}
    told = {"repeat an earlier item": f"{found['exact']:,} of {found['of']:,} training items"}
    return told if found["near"] is None else {**told, "nearly repeat one": f"{found['near']:,}"}


def _overlap(found: Mapping[str, Any]) -> Told:
    if not found:
        return {}
    of = f"of {found['of']:,} held-out texts"
    near = found.get("near")
    return {
        "held-out texts in training, too": f"{found['exact']:,} {of}",
        "nearly the same": "not looked for: too much text" if near is None else f"{near:,} {of}",
    }


def _gaps(data: Mapping[str, Any], protocol: Mapping[str, Any], own: Told | None) -> list[str]:
    gaps = []
    if not _repeats(own):
        gaps.append("Repeats within the training data: they are counted when it is measured.")
    if not protocol.get("overlap"):
        told = "Overlap between training and held-out data: counted for texts only."
        gaps.append(f"{told} Exact copies say it of other media.")
    if data.get("licence") in (None, "unknown"):
        gaps.append("Licence: none was found near the data, and none was given.")
    return gaps


def _making(card: Mapping[str, Any], recipe: Mapping[str, Any]) -> Told:
    """How it was trained or brought in, and with what."""
    hardware, software = dict(_box(card, "hardware")), dict(_box(card, "software"))
    parents = [f"{p.get('as', 'from')}: {_last(p.get('model'))}" for p in card.get("parents") or ()]
    nets = [f"{role}: {net.get('kind')}" for role, net in _box(recipe, "net")]
    facts = {
        "weights, SHA-256": card.get("weights"),
        "recipe": card.get("recipe"),
        "nets": ", ".join(nets) or None,
        "parents": ", ".join(parents) or None,
        "made": told_time(card.get("created")),
        "seconds of training": card.get("seconds"),
        "steps": card.get("steps"),
        "steps left out": card.get("skipped_steps"),
        "times rolled back": card.get("roll_backs"),
        "processor": hardware.get("processor"),
        "device": hardware.get("device"),
        "software": ", ".join(f"{name} {number}" for name, number in software.items()) or None,
        "notes": "; ".join(map(str, card.get("notes") or ())) or None,
    }
    told = [_fact(name, value) for name, value in facts.items() if value is not None]
    about = "Everything that it makes carries a sealed record of model, prompt, seed and options."
    return {"id": "making", "title": "How it was made", "about": about, "facts": told}


def told_time(told: Any) -> str | None:
    """As people read it, in UTC."""
    try:
        return f"{datetime.fromisoformat(told).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (TypeError, ValueError):
        return None if told is None else str(told)


def _last(place: Any) -> str:
    """A model by its name: where it lies is nobody's business."""
    return Path(str(place)).name


def _fact(name: str, value: Any) -> Told:
    plain = value if isinstance(value, str | int | float | bool) else json.dumps(value, default=str)
    return {"name": name, "value": plain}


def _box(told: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    found = told.get(name)
    return list(found.items()) if isinstance(found, Mapping) else []


def told_name(name: str) -> Told:
    """The report of a model by its name or path. ModelError where there is none."""
    return report_of(store.existing(name))

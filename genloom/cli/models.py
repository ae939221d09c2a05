"""`genloom models`, `show` and `rm`: what lies in model folders.

Words around shelf.py, which reads them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genloom.cli import output, settings
from genloom.errors import UsageError
from genloom.shelf import Summary, bytes_of, object_of, summary


def models(*, json: bool = False) -> None:
    """List the models of this user.

    Parameters
    ----------
    json
        Print JSON.
    """
    found = [summary(path) for path in settings.store().listed()]
    if json:
        output.values([asdict(each) for each in found])
    elif not found:
        print("no models yet: train one with  genloom train MEDIUM DATA", file=sys.stderr)
    else:
        output.table(
            ("name", "medium", "weights", "size", "trained", "quality"),
            [_line(each) for each in found],
        )


def show(model: str, /, *, json: bool = False) -> None:
    """What a model is, what it learnt from, and how good it is.

    Parameters
    ----------
    model
        Name or path.
    json
        Print its card and its recipe as JSON.
    """
    path = settings.store().existing(model)
    recipe, card = object_of(path / "recipe.json"), object_of(path / "card.json")
    if json:
        output.values({**asdict(summary(path)), "card": card, "recipe": recipe})
        return
    short = summary(path)
    data, seconds = card.get("data") or {}, card.get("seconds")
    source = card.get("source") or {}
    output.pairs(
        {
            "model": short.name,
            "path": short.path,
            "medium": short.medium,
            "family": short.family,
            "nets": ", ".join(f"{n}: {net['kind']}" for n, net in recipe.get("net", {}).items()),
            "prompt": (recipe.get("prompt") or {}).get("kind"),
            "weights": short.parameters,
            **_start(recipe.get("start") or {}),
            **_components(card),
            "on disk": output.size(short.bytes),
            "trained": short.created,
            "took": None if seconds is None else f"{output.duration(seconds)}, {_steps(card)}",
            "data": data.get("root") or ("from memory" if data else None),
            "items": data.get("items"),
            "chosen": (card.get("chosen") or {}).get("because"),
            "source": source.get("hub") or source.get("folder") or source.get("file"),
            "revision": source.get("revision"),
            "licence": data.get("licence") or source.get("licence"),
            "keeps": "; ".join(card.get("promises", ())) or None,
            "privacy": _privacy(card.get("privacy") or {}),
            "sha-256": data.get("sha256") or None,
        }
    )
    if card.get("metrics"):
        output.text("")
        output.table(("metric", "value"), list(card["metrics"].items()))


def _privacy(told: dict[str, Any]) -> str | None:
    """What differential privacy bounds, in a line."""
    if not told:
        return None
    return f"epsilon {told['epsilon']:.3g} at delta {told['delta']:.3g}, of {told['unit']}"


def remove(model: str, /, *, yes: bool = False) -> None:
    """Delete a model and what its training left.

    Parameters
    ----------
    model
        Name or path.
    yes
        Do not ask.
    """
    store = settings.store()
    path = store.existing(model)
    if not yes and not _agreed(path):
        print("kept", file=sys.stderr)
        return
    output.text(str(store.remove(model)))


def _start(start: Mapping[str, Any]) -> dict[str, Any]:
    """The models that it comes from."""
    adapter = start.get("adapter") or {}
    beside = f"{adapter.get('kind')} of rank {adapter.get('rank')} beside it" if adapter else None
    return {
        "goes on from": start.get("model") or None,
        "adapter": beside,
        "teacher": start.get("teacher") or None,
    }


def _components(card: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a published pipeline, and what its weights take in memory."""
    parts = card.get("components") or {}
    if not parts:
        return {}
    total = sum(part.get("weights", 0) for part in parts.values())
    told = {name: _part(part) for name, part in parts.items()}
    wide, half = output.size(4 * total), output.size(2 * total)
    return {**told, "memory": f"{wide} in 32 bits, {half} in 16 (--bits 16)"}


def _part(part: Mapping[str, Any]) -> str:
    if not part.get("weights"):
        return str(part["class"])
    types = ", ".join(part["types"])
    return f"{part['class']}, {part['weights']:,} weights in {types}, {output.size(part['bytes'])}"


def _line(s: Summary) -> tuple[Any, ...]:
    day = (s.created or "-").partition("T")[0]
    quality = f"{s.metric} {output.cell(s.value)}" if s.metric else "-"
    return (s.name, s.medium, s.parameters, output.size(s.bytes), day, quality)


def _steps(card: Mapping[str, Any]) -> str:
    return f"{card.get('steps', 0):,} steps"


def _agreed(path: Path) -> bool:
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError(f"{path} would be deleted: say --yes where nobody can be asked")
    question = f"delete {path} ({output.size(bytes_of(path))})? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

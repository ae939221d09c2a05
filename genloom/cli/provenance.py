"""`genloom verify`, `trace` and `replay`: words around `genloom.trust`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.ending import FAILED
from genloom.errors import DataError, UsageError

if TYPE_CHECKING:
    from genloom.api import Model

WIDEST = 200  # characters of a text that are shown


def verify(asset: str, /, *, model: str | None = None, json: bool = False) -> int:
    """Check that something is what its record says; leaves with 1 where it is not.

    Parameters
    ----------
    asset
        A file that was generated.
    model
        Where the model lies now, should it have moved.
    json
        Print the verdict as JSON.
    """
    from genloom.trust import provenance

    settings.store()
    verdict = provenance.verify(asset, model)
    if json:
        output.values(verdict.to_json())
    else:
        record = verdict.record or {}
        output.text(f"{asset}: " + ("as recorded" if verdict.ok else "; ".join(verdict.faults())))
        names = ("model", "prompt", "where", "seed", "created", "genloom")
        output.pairs({name: record.get(name) for name in names})
        if verdict.found:
            output.pairs({"record": verdict.place, "weights": verdict.model})
            output.pairs({"licence of the data": verdict.licence})
    return 0 if verdict.ok else FAILED


def trace(
    asset: str,
    /,
    *,
    count: Annotated[int, Parameter(name=["-n", "--count"])] = 5,
    model: str | None = None,
    json: bool = False,
) -> None:
    """Show the training items that are nearest to something that was generated.

    Parameters
    ----------
    asset
        A file that was generated.
    count
        How many neighbours.
    model
        Where the model lies now, should it have moved.
    json
        Print JSON.
    """
    from genloom.trust import memorisation

    if count < 1:
        raise UsageError(f"--count is {count}: give at least 1")
    loaded = _model_of(Path(asset).expanduser(), model)
    found = memorisation.trace(Path(asset).expanduser(), loaded, count)
    if json:
        output.values(found.to_json())
        return
    items = loaded.training_items()
    output.table(
        ("distance", "number", "training item"),
        [(n.distance, n.index, n.text or described(items, n.index)) for n in found.neighbours],
    )
    output.text("")
    output.pairs(
        {
            "held-out items as near": f"{found.share_nearer:.1%} of {found.held_out_items:,}",
            "their distances": f"{found.held_out['least']:.4g} to {found.held_out['most']:.4g}, "
            f"half below {found.held_out['median']:.4g}",
            "longest run shared": found.overlap and f"{len(found.overlap.text):,} characters",
            "of held-out passages": found.held_out_overlap,
        }
    )


def described(items: Any, index: int) -> str:
    """A training item in one line: a row's values, a picture's name, a text's beginning."""
    if hasattr(items, "iloc"):
        return ", ".join(f"{name}={value}" for name, value in items.iloc[index].items())
    item = items[index]
    if isinstance(item, str):
        return item[:WIDEST]
    return " ".join(part for part in (item.name, item.caption and f"({item.caption})") if part)


def _model_of(asset: Path, model: str | None) -> Model:
    """As named, else as the asset's record names it."""
    from genloom.trust import record_places

    if model is None:
        record, _ = record_places.find_record(asset)
        model = str((record or {}).get("model") or "")
        if not model:
            raise DataError(f"{asset} has no record that names its model: give it with --model")
    return settings.load(model)


def replay(
    asset: str,
    /,
    *,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    model: str | None = None,
    json: bool = False,
) -> None:
    """Make something again from its record, byte for byte.

    Parameters
    ----------
    asset
        A file that was generated.
    out
        Where to; beside it unless given.
    model
        Where the model lies now, should it have moved.
    json
        Print JSON.
    """
    from genloom.trust import provenance

    settings.store()
    path = provenance.replay(asset, out, model)
    output.values({"path": str(path)}) if json else output.text(str(path))

"""What was asked for: from a caller's arguments to a request, from a request to the record of an
asset, and back again.

Knows paths and digests of given files; loads no model and makes nothing.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from genloom import model as stored
from genloom import store
from genloom.data.source import file_sha256
from genloom.engine.choosing import needs_choosing, tries_of
from genloom.errors import DataError, RequestError
from genloom.spec import Options, Request

GIVEN = ("item", "mask", "control")  # fields of a request that may be files


def request_of(
    prompt: str | None,
    count: int,
    seed: int,
    where: Any,
    first: int,
    options: Options | None,
    fields: Mapping[str, Any],
) -> Request:
    """A request; fields are options by name, or an item, a mask or a control that is given.
    RequestError for an option that does not exist."""
    given = {name: fields[name] for name in GIVEN if fields.get(name) is not None}
    others = {name: value for name, value in fields.items() if name not in GIVEN}
    try:
        options = replace(options or Options(), **others)
    except TypeError as error:
        known = ", ".join((*Options.__dataclass_fields__, *GIVEN))
        raise RequestError(f"options {', '.join(fields)}: known are {known}") from error
    return Request(
        prompt=prompt, seed=seed, count=count, first=first, where=where, options=options, **given
    )


# --- records --------------------------------------------------------------------------------------


def record(
    model: stored.Model, request: Request, guide: stored.Model | None = None
) -> dict[str, Any]:
    """Where an asset comes from: everything that is needed to make it again. guide: the weaker
    model that guidance led away from."""
    data = model.card.get("data", {})
    where = request.where if isinstance(request.where, str | None) else dict(request.where)
    given = {n: _told(v) for n in GIVEN if (v := getattr(request, n)) is not None}
    return {
        "genloom": software()["genloom"],
        **_named(model),
        **({} if getattr(model, "bits", None) is None else {"bits": getattr(model, "bits", None)}),
        **({"adapter": model.card["adapter"]} if "adapter" in model.card else {}),
        "recipe": model.recipe.digest(),
        "data": {k: data[k] for k in ("sha256", "licence", "items", "credits") if data.get(k)},
        **_published(model),
        "media": model.codec.media,
        "prompt": request.prompt,
        "where": where,
        "seed": request.seed,
        "first": request.first,
        "count": request.count,
        "options": request.options.given() | _usual_tries(model, request),
        **({"given": given} if given else {}),
        **({} if guide is None else {"guide": _named(guide)}),
        "software": software() | getattr(model, "libraries", {}),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _usual_tries(model: stored.Model, request: Request) -> dict[str, int]:
    """As many as were drawn for each item that was kept, also where nobody asked for them: another
    version may usually draw others."""
    return {"tries": tries_of(model, request)} if needs_choosing(model, request) else {}


def _named(model: stored.Model) -> dict[str, str]:
    return {
        "model": store.told(model.folder) if model.folder else model.recipe.name,
        "weights": model.card.get("weights") or model.digest(),
    }


def _published(model: stored.Model) -> dict[str, Any]:
    """Where a published model is from: repository, revision, licence, digests of its files."""
    source = model.card.get("source") or {}
    kept = ("hub", "folder", "file", "revision", "licence", "files")
    found = {key: source[key] for key in kept if source.get(key)}
    return {"source": found} if "pipeline" in model.card else {}


def _told(value: Any) -> dict[str, str | None]:
    """Where a given file lies and what is in it; of what was given in memory, its bytes alone."""
    source = getattr(value, "source", value)  # of a picture that is not opened yet
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        return {"path": store.told(path), "sha256": file_sha256(path)}
    held = source if isinstance(source, bytes) else getattr(source, "tobytes", bytes)()
    return {"path": None, "sha256": hashlib.sha256(held).hexdigest()}


def software() -> dict[str, str]:
    """Versions of what computes."""
    try:
        own = version("genloom")
    except PackageNotFoundError:
        own = "unknown"
    return {"genloom": own, "torch": torch.__version__, "python": platform.python_version()}


# --- and back -------------------------------------------------------------------------------------


def request_in(record: Mapping[str, Any]) -> Request:
    """The request of a record, but for the files that were given. KeyError, TypeError, ValueError
    or RequestError where it does not say what was asked for."""
    options = dict(record["options"])
    options["stop"] = tuple(options.get("stop", ()))
    options["heard"] = tuple(options.get("heard", ()))
    asked = {key: record[key] for key in ("prompt", "seed", "first", "count", "where")}
    for told in dict(record.get("given", {})).values():
        _ = told["path"], told["sha256"]
    return Request(**asked, options=Options(**options))


def given_in(record: Mapping[str, Any], asset: Path) -> dict[str, Path]:
    """The files that the request of a record was given, found again where they lay or beside the
    asset. DataError where one is missing or is not what it was."""
    return {
        name: _found(name, told["path"], told["sha256"], asset)
        for name, told in dict(record.get("given", {})).items()
        if name in GIVEN
    }


def _found(name: str, path: str | None, sha256: str, asset: Path) -> Path:
    if path is None:
        raise DataError(
            f"{asset.name} was made from a {name} that was no file: only what was made from files "
            "can be made again"
        )
    places = [Path(path).expanduser(), asset.parent / Path(path).name]
    there = [place for place in places if place.is_file()]
    if not there:
        raise DataError(
            f"{asset.name} was made from the {name} {path}, which is missing: put it back, or "
            "beside the asset"
        )
    same = [place for place in there if file_sha256(place) == sha256]
    if not same:
        raise DataError(
            f"{asset.name} was made from the {name} {path}, which has changed since "
            f"({sha256[:12]} is recorded): put the old one back, or beside the asset"
        )
    return same[0]

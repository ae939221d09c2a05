"""Assets that say where they come from: write them with a record, check it, make them again.

The record holds a hash of the content and a seal, a hash of itself. They show that something was
changed, not by whom: there is no key, so a forger can seal anew. Knows no medium and no sampler.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from genloom import api, enhancing
from genloom.codec.base import Codec
from genloom.codec.saving import write_atomic
from genloom.data.source import file_sha256
from genloom.errors import (
    DataError,
    GenloomError,
    ModelError,
    RequestError,
    ResourceError,
    UsageError,
)
from genloom.requested import given_in, request_in
from genloom.spec import Request
from genloom.trust import apart
from genloom.trust import record_places as places

ASSET, SEAL, SHEET = "asset", "seal", "sheet"
PARTS, MADE = "models", "made"  # of what is made of several models' items: these, and as what
_DIGITS = 4


# --- writing --------------------------------------------------------------------------------------


def save(codec: Codec, items: Any, target: str | Path, record: Mapping[str, Any]) -> list[Path]:
    """Write items with the record of the request that made them; the paths written.

    A list makes one file an item: in a folder, or beside each other as name-0000.png where the
    target has a suffix. Anything else (a table) is one file. A single file that is named replaces
    what is there; a numbered one never does. record: as `api.record` makes it.
    """
    listed = isinstance(items, list | tuple)
    numbered = list(enumerate(items, start=record["first"])) if listed else [(None, items)]
    target = Path(target).expanduser()
    try:
        paths = _paths(target, codec, [number for number, _ in numbered])
        for path, (number, item) in zip(paths, numbered, strict=True):
            save_one(codec, item, path, number, record)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResourceError(
            f"{target} cannot be written ({reason}): choose another place with --out"
        ) from error
    return paths


def _paths(target: Path, codec: Codec, numbers: Sequence[int | None]) -> list[Path]:
    """Where each item goes; None numbers the only file of a whole collection."""
    single = len(numbers) == 1 and target.suffix and not target.is_dir()
    if single or not numbers:
        return [target] * len(numbers)
    folder, stem, suffix = target, "", codec.suffix
    if target.suffix and not target.is_dir():
        folder, stem, suffix = target.parent, f"{target.stem}-", target.suffix
    shift, digits = 0, max(_DIGITS, len(str(numbers[-1] or 0)))
    while True:
        paths = [folder / f"{stem}{(n or 0) + shift:0{digits}d}{suffix}" for n in numbers]
        taken = [n or 0 for n, path in zip(numbers, paths, strict=True) if path.exists()]
        if not taken:
            return paths
        shift += taken[-1] - (numbers[0] or 0) + 1


def save_one(
    codec: Codec, item: Any, path: Path, number: int | None, record: Mapping[str, Any]
) -> str:
    """Write one asset with its record, inside where the format can; the content's hash."""
    place = places.place_of(path)
    if place is not None:
        with tempfile.TemporaryDirectory() as folder:
            bare = Path(folder) / path.name
            codec.write(item, bare)
            content = place.content(bare)
        sealed = _sealed(record, number, place.of, content)
        if codec.write(item, path, sealed):
            return content
    codec.write(item, path, record)  # a JPEG is marked as made by a model; the rest lies beside
    content = file_sha256(path)
    sealed = _sealed(record, number, places.FILE, content)
    text = json.dumps(sealed, ensure_ascii=False, sort_keys=True, indent=1)
    write_atomic(places.side_car(path), f"{text}\n".encode())
    return content


def save_beside(path: Path, record: Mapping[str, Any]) -> None:
    """The record of a file that was written in parts, beside it; it vouches for every byte."""
    sealed = _sealed(record, None, places.FILE, file_sha256(path))
    text = json.dumps(sealed, ensure_ascii=False, sort_keys=True, indent=1)
    write_atomic(places.side_car(path), f"{text}\n".encode())


def _sealed(record: Mapping[str, Any], number: int | None, of: str, content: str) -> dict[str, Any]:
    asset = {"number": number, "of": of, "sha256": content}
    full = json.loads(json.dumps({**record, ASSET: asset}, default=_plain))
    return {**full, SEAL: _seal(full)}


def _seal(record: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of everything but the seal itself."""
    rest = {key: value for key, value in record.items() if key != SEAL}
    return hashlib.sha256(
        json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def _plain(value: Any) -> Any:
    """Numbers of numpy and the like, as conditions may hold them."""
    return value.item() if hasattr(value, "item") else str(value)


# --- checking -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What `verify` found out about a file.

    place    "inside" or "beside", where the record lies; None: there is none of ours
    intact   the record is as it was sealed
    content  the file's content is what the record was made for
    model    the model that the record names: "same" weights, "differs", "missing" here, "unknown"
    licence  of the data that the model learnt from
    """

    path: Path
    place: str | None = None
    intact: bool = False
    content: bool = False
    model: Literal["same", "differs", "missing", "unknown"] = "unknown"
    licence: str = "unknown"
    record: Mapping[str, Any] | None = None

    @property
    def found(self) -> bool:
        return self.record is not None

    @property
    def ok(self) -> bool:
        """The asset is what its record says. The model need not be at hand for that."""
        return self.found and self.intact and self.content

    def faults(self) -> list[str]:
        """What is wrong, one sentence each; empty when it is ok."""
        if not self.found:
            beside = places.side_car(self.path).name
            return [f"no record of Genloom inside it, and no {beside} beside it"]
        faults = [] if self.intact else ["the record was changed after it was made"]
        if not self.content:
            faults.append("the content is not what the record was made for")
        return faults

    def to_json(self) -> dict[str, Any]:
        values = {key: value for key, value in vars(self).items() if key != "path"}
        return {
            "path": str(self.path),
            "ok": self.ok,
            "found": self.found,
            **values,
            "faults": self.faults(),
        }


def verify(
    path: str | Path, model: str | Path | None = None, known: Collection[str] | None = None
) -> Verdict:
    """Whether a file is what its record says, and whether its model is at hand.

    model: where the model lies now, should it have moved. known: digests of the weights at hand,
    so that no model is looked for where a record, which may be anybody's, says that one lies.
    DataError when there is no such file.
    """
    path = Path(path).expanduser()
    record, place = places.find_record(path)
    if record is None or not ({SEAL, "genloom"} & record.keys()):
        return Verdict(path=path)
    asset, data, source = (_mapping(record.get(key)) for key in (ASSET, "data", "source"))
    intact = record.get(SEAL) == _seal(record)
    wanted = asset.get("sha256")
    content = isinstance(wanted, str) and places.content_hash(path, str(asset.get("of"))) == wanted
    return Verdict(
        path=path,
        place=place,
        intact=intact,
        content=content,
        model=_at_hand(record, model) if known is None else _among(record, known),
        licence=str(data.get("licence") or source.get("licence") or "unknown"),
        record=record,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _among(
    record: Mapping[str, Any], known: Collection[str]
) -> Literal["same", "differs", "missing"]:
    if PARTS in record:
        return _of_all([_among(_mapping(one), known) for one in _mapping(record[PARTS]).values()])
    return "same" if record.get("weights") in known else "missing"


def _at_hand(
    record: Mapping[str, Any], model: str | Path | None
) -> Literal["same", "differs", "missing"]:
    """By the weights themselves, not by what the card says of them."""
    if PARTS in record:
        return _of_all([_at_hand(_mapping(one), None) for one in _mapping(record[PARTS]).values()])
    try:
        found = api.fingerprint(model or str(record.get("model") or ""))
    except GenloomError:
        return "missing"
    return "same" if found == record.get("weights") else "differs"


def _of_all(
    found: Sequence[Literal["same", "differs", "missing"]],
) -> Literal["same", "differs", "missing"]:
    """Of several models the worst."""
    return next((bad for bad in ("differs", "missing") if bad in found), "same")


# --- making again ---------------------------------------------------------------------------------


def replay(
    path: str | Path, out: str | Path | None = None, model: str | Path | None = None
) -> Path:
    """Make the asset of a record again, byte for byte, next to it or at `out`.

    Only this item is made. Where that does not give the recorded content (a sum over another
    number of rows may differ in its last bit), it is made again among those that it was made with.
    """
    path = Path(path).expanduser()
    record = _trusted(path)
    target = _replayed(path, out)
    given = given_in(record, path)
    loaded, guide = _same_model(record, path, model), _guide(record, path)
    made = ""
    for request, row in _requests(record, given):
        items = _made(loaded, request, guide, record)
        with tempfile.TemporaryDirectory() as folder:
            new = Path(folder) / path.name
            item = _whole(loaded.codec, items, record) if row is None else items[row]
            made = save_one(loaded.codec, item, new, record[ASSET]["number"], _bare(record))
            if made == record[ASSET]["sha256"]:
                return _moved(new, target)
    raise GenloomError(
        f"{path.name} could not be made again: its content is {record[ASSET]['sha256'][:12]}, what "
        f"came out is {made[:12]}; it was made with {_versions(record.get('software'))}, here is "
        f"{_versions(api.software())}: use the same versions, machine and number of threads"
    )


def _made(model: api.Model, request: Request, guide: Any, record: Mapping[str, Any]) -> Any:
    """The items of a request; of what was enhanced in windows, the same windows."""
    how, mode = record.get(enhancing.RECORDED), record.get(apart.RECORDED)
    if mode is not None:
        return apart.apart(model, request, mode)[0]
    if not isinstance(how, Mapping):
        return api.exact(model, request, guide)
    if how.get("moving"):
        raise DataError("moving pictures are not made again from their record: enhance them anew")
    with enhancing.Enhancer(model, int(how.get("window", enhancing.WINDOW))) as enhancer:
        return [enhancer(request.control)] * request.count


def _trusted(path: Path) -> dict[str, Any]:
    """The record of the file. DataError where there is none or it was changed."""
    record, _ = places.find_record(path)
    if record is None or not ({SEAL, "genloom"} & record.keys()):
        raise DataError(
            f"{path} has no record of Genloom, neither inside nor in {places.side_car(path).name} "
            "beside it: only what was saved with its record can be made again"
        )
    if record.get(SEAL) != _seal(record):
        raise DataError(
            f"the record of {path} was changed after it was made, so it is not to be trusted: "
            "restore the file from a copy"
        )
    if MADE in record:
        raise DataError(
            f"{path.name} is a {str(record[MADE])[:20]} of several parts: make it again from its "
            f"brief with  genloom make {str(record[MADE])[:20]}  and the seed {record.get('seed')}"
        )
    try:
        request_in(record)
        _ = record["weights"], record[ASSET]["number"], record[ASSET]["sha256"]
    except (KeyError, TypeError, ValueError, RequestError) as error:
        raise DataError(
            f"the record of {path} does not say what was asked for ({type(error).__name__}: "
            f"{error}): it was not written by this program"
        ) from error
    return record


def _replayed(path: Path, out: str | Path | None) -> Path:
    if out is None:
        return path.with_name(f"{path.stem}-replay{path.suffix}")
    target = Path(out).expanduser()
    if target.is_dir():
        return target / path.name
    if target.suffix.lower() != path.suffix.lower():
        raise UsageError(
            f"{target} cannot hold {path.name} made again: give a name with {path.suffix!r}"
        )
    return target


def _same_model(record: Mapping[str, Any], path: Path, model: str | Path | None) -> api.Model:
    name = model or str(record.get("model") or "")
    try:
        beside = record.get("adapter")
        digest = api.fingerprint(name, beside)
        loaded = api.load(name, bits=record.get("bits"), adapter=beside)
    except ModelError as error:
        raise ModelError(
            f"{path.name} was made by the model {name!r}, which is not at hand ({error})"
        ) from error
    if digest != record["weights"]:
        raise ModelError(
            f"{path.name} was made by weights {str(record['weights'])[:12]}, but the model "
            f"{name!r} has {digest[:12]}: name the folder of the model that made it"
        )
    return loaded


def _guide(record: Mapping[str, Any], path: Path) -> api.Model | None:
    """The weaker model that guidance led away from, where there was one."""
    named = record.get("guide")
    return None if named is None else _same_model(_mapping(named), path, None)


def _requests(
    record: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[tuple[Request, int | None]]:
    """What to ask for, and which item of the answer is meant: alone first, then with its mates."""
    whole, number = replace(request_in(record), **given), record[ASSET]["number"]
    if number is None:
        yield whole, None
        return
    yield replace(whole, first=number, count=1), 0
    if whole.count > 1:
        yield whole, number - whole.first


def _whole(codec: Any, items: Any, record: Mapping[str, Any]) -> Any:
    """All items as one asset: as they are, or as the sheet that the record tells of."""
    if SHEET not in record:
        return items
    return codec.sheet(items, _mapping(record[SHEET]).get("columns")).image


def _bare(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in (ASSET, SEAL)}


def _moved(new: Path, target: Path) -> Path:
    """The asset and what lies beside it (a record, a mask), to where they are wanted."""
    for file in sorted(new.parent.iterdir()):
        beside = target.with_name(target.stem + file.name.removeprefix(new.stem))
        write_atomic(target if file == new else beside, file.read_bytes())
    return target


def _versions(software: Any) -> str:
    return ", ".join(f"{name} {number}" for name, number in _mapping(software).items()) or "unknown"

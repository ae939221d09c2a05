"""Finished items as the bytes of files, with the record of how they were made inside or beside.

Knows the road through a temporary folder; the formats are the codec's, the record trust's.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom import api
from genloom.errors import DataError, RequestError, ResourceError
from genloom.trust import provenance
from genloom.trust.record_places import find_record, side_car

if TYPE_CHECKING:
    from genloom.hosting.site import Site
    from genloom.spec import Request

MEDIA = {  # what Python's own table lacks
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonl",
    ".abc": "text/vnd.abc",
    ".mid": "audio/midi",
    ".fasta": "text/x-fasta",
    ".fa": "text/x-fasta",
    ".faa": "text/x-fasta",
    ".fna": "text/x-fasta",
    ".smi": "chemical/x-daylight-smiles",
    ".sdf": "chemical/x-mdl-sdfile",
    ".glb": "model/gltf-binary",
    ".obj": "model/obj",
    ".stl": "model/stl",
    ".ply": "model/ply",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".mxl": "application/vnd.recordare.musicxml",
}


@dataclass(frozen=True, kw_only=True)
class Asset:
    """record: what is sealed of it; inside: whether the data holds it, too."""

    data: bytes
    media: str
    suffix: str
    sha256: str
    record: Mapping[str, Any]
    inside: bool


def asset_of(
    codec: Any, item: Any, number: int | None, record: Mapping[str, Any], suffix: str
) -> Asset:
    """One item as a file. number: of it within its seed, None for a whole collection."""
    with tempfile.TemporaryDirectory(prefix="genloom-") as folder:
        path = Path(folder) / f"asset{suffix}"
        try:
            provenance.save_one(codec, item, path, number, record)
            told, place = find_record(path)
            data = path.read_bytes()
        except OSError as error:
            raise ResourceError(f"an asset cannot be written ({error.strerror})") from error
    return Asset(
        data=data,
        media=_media(codec, suffix),
        suffix=suffix,
        sha256=hashlib.sha256(data).hexdigest(),
        record=json.loads(json.dumps(told)),
        inside=place == "inside",
    )


def record_of(site: Site, request: Request) -> dict[str, Any]:
    """How it is made: the record of a request to this model, and of the adapter beside it."""
    told = api.record(site.model, request)
    if request.adapter is not None:
        told["adapter"] = site.adapters.get(request.adapter)
    return told


def finished(slot: int, made: Asset) -> dict[str, Any]:
    """What is told of a finished item beside its bytes."""
    return {
        "sample": slot,
        "media": made.media,
        "suffix": made.suffix,
        "sha256": made.sha256,
        "inside": made.inside,
        "record": dict(made.record),
    }


def bare(codec: Any, item: Any, suffix: str) -> bytes:
    """An item as a file, such as a preview, without a record."""
    with tempfile.TemporaryDirectory(prefix="genloom-") as folder:
        path = Path(folder) / f"asset{suffix}"
        codec.write(item, path)
        return path.read_bytes()


def suffix_of(codec: Any, wanted: Any) -> str:
    """The suffix of the files to make: the codec's own unless another is asked for."""
    if wanted is None:
        return str(codec.suffix)
    if not isinstance(wanted, str) or not wanted.strip(".").isalnum() or len(wanted.strip(".")) > 8:
        raise RequestError(f"suffix is {str(wanted)[:20]!r}: give one such as {codec.suffix}")
    return f".{wanted.strip('.').lower()}"


def _media(codec: Any, suffix: str) -> str:
    if suffix == codec.suffix:
        return str(codec.media)
    found = MEDIA.get(suffix) or mimetypes.guess_type(f"asset{suffix}")[0]
    return found or "application/octet-stream"


def verdict_of(
    data: bytes, name: str, weights: str | None, record: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What is found out about a file. weights: of the model at hand, by digest. record: what lies
    beside the file; one that is inside counts first."""
    suffix = Path(name).suffix[:16]
    with tempfile.TemporaryDirectory(prefix="genloom-") as folder:
        path = Path(folder) / f"asset{suffix}"
        path.write_bytes(data)
        if record:
            side_car(path).write_text(json.dumps(record), "utf-8")
        try:
            verdict = provenance.verify(path, known=frozenset({weights} if weights else ()))
        except DataError as error:
            return {"ok": False, "found": False, "faults": [str(error).replace(str(path), name)]}
    told = json.loads(json.dumps(verdict.to_json(), default=str))
    return {**told, "path": name, "faults": [f.replace(path.name, name) for f in told["faults"]]}

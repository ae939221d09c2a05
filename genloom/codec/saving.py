"""Atomic files for codecs: a crash at any byte leaves the old file or the new one, never a half.

Knows temporary names, fsync and one JSON file of options a folder. Knows no medium.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.errors import ModelError, ResourceError

OPTIONS = "codec.json"


def write_atomic(path: Path, content: bytes) -> Path:
    """Write all of `content` to `path`, or leave what was there. ResourceError where it fails."""
    path = Path(path)
    try:
        _replace(path, content)
    except OSError as error:
        why = error.strerror or str(error)
        raise ResourceError(
            f"cannot write {path} ({len(content):,} bytes): {why}; make room or go elsewhere"
        ) from error
    return path


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes 0600, and a model is meant to be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save_json(folder: Path, kind: str, values: Mapping[str, Any]) -> None:
    """One file that says which codec it is for and what that codec has learnt."""
    text = json.dumps({"kind": kind, **values}, ensure_ascii=False, indent=1)
    write_atomic(Path(folder) / OPTIONS, text.encode())


def load_json(
    folder: Path, kind: str, keys: frozenset[str], more: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The values of `save_json`. ModelError where the file is missing, damaged or another's. more:
    keys that may be there."""
    path = Path(folder) / OPTIONS
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: the model folder is incomplete") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): restore the model folder") from None
    if not isinstance(values, dict) or values.pop("kind", None) != kind:
        raise ModelError(f"{path} is not the file of the codec {kind!r}: restore the model folder")
    if set(values) - more != keys - more:
        wrong = ", ".join(sorted((set(values) - more) ^ (keys - more)))
        raise ModelError(f"{path}: keys missing or unknown: {wrong}; restore the model folder")
    return values

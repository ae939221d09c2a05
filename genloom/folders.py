"""A folder on disk that is written whole or not at all, and JSON files.

Written under a temporary name, fsynced, renamed: a crash at any moment leaves the old folder or the
new one. Knows nothing of what is inside, and costs no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genloom.errors import ModelError, ResourceError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary folder that takes the target's place when the block ends well, else goes."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        prefix = f".{target.name}.new-{os.getpid()}-"
        new = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    except OSError as error:
        raise _no_room(target, error) from error
    try:
        yield new
        sync(new)
        os.chmod(new, 0o755)
        old = _aside(target)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.rename(target, old)  # a crash here is mended by `recover`
        os.rename(new, target)
        _sync_file(target.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise _no_room(target, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def undamaged(folder: Path, digests: str) -> None:
    """ModelError where a file of the folder is not what the file `digests` (name -> SHA-256) says
    of it."""
    for name, digest in dict(read_json(folder / digests)).items():
        if file_digest(folder / name) != digest:
            raise ModelError(
                f"{folder} is damaged: {name} does not match its checksum; restore it from a copy "
                "or train it again"
            )


def _sweep(target: Path) -> None:
    """Remove what processes that died while saving here left behind."""
    prefix = f".{target.name}.new-"
    for left in target.parent.iterdir():
        pid = left.name.removeprefix(prefix).split("-")[0]
        if left.name.startswith(prefix) and pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)


def own_place(target: Path) -> None:
    """ModelError where something that is no model is in the way: saving would replace it."""
    try:
        there, taken = target.exists(), target.is_dir() and any(target.iterdir())
        strange = taken and not (target / "recipe.json").is_file()
    except OSError as error:
        raise _no_room(target, error) from error
    if strange:
        raise ModelError(f"{target} holds files that are no model: choose another place with --out")
    if there and not target.is_dir():
        raise ModelError(f"{target} is a file: choose another place with --out, or move it away")


def recover(path: Path) -> Path:
    """The folder; where a crash fell between the two renames, the earlier one is put back."""
    old = _aside(path)
    if not path.exists() and old.is_dir():
        os.rename(old, path)
    return path


def _aside(path: Path) -> Path:
    return path.parent / f".{path.name}.old"


def _no_room(target: Path, error: OSError) -> ResourceError:
    reason = error.strerror or str(error)
    return ResourceError(
        f"{target} could not be written ({reason}): choose another place with --out, or make room; "
        "what was there before is untouched"
    )


def sync(folder: Path) -> None:
    """Flush every file and folder below to the disk."""
    for path in sorted(folder.rglob("*")):
        _sync_file(path)
    _sync_file(folder)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))

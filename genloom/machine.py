"""This machine, as far as it can be told without loading torch: cores, memory, disk, libraries.

For `genloom doctor` and for the server's admins. Knows no command and no route.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# library -> what it is for
EXTRAS = {
    "PIL": "pictures",
    "pandas": "tables",
    "resvg_py": "drawings (SVG) as pictures",
    "rdkit": "molecules checked and drawn",
    "vtracer": "pictures as drawings (SVG)",
    "pyarrow": "Parquet files",
    "sklearn": "evaluation of tables",
    "rich": "live progress",
}
LEAST_DISK = 1 << 30  # bytes; below it a training may not be able to save


def facts() -> dict[str, Any]:
    """What is the same whatever is trained or served."""
    return {
        "genloom": version_of("genloom"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "torch": version_of("torch"),
        "cores": cores(),
        "memory_free": memory_free(),
    }


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cores() -> int:
    """Those that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def memory_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration):
        return None


def extras() -> dict[str, bool]:
    """Which of the libraries that not everybody needs are there."""
    return {name: importlib.util.find_spec(name) is not None for name in EXTRAS}


def disk_free(path: Path) -> int:
    """Bytes, where that folder is or would be made."""
    there = next(p for p in (path, *path.absolute().parents) if p.is_dir())
    return shutil.disk_usage(there).free


def unwritable(home: Path) -> str | None:
    """Why nothing can be written there; None where it can."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return None
    except OSError as error:
        return error.strerror or str(error)

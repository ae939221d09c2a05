"""`genloom doctor`: what this machine offers, and what keeps Genloom from working on it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import genloom
from genloom.cli import output, settings
from genloom.cli.ending import FAILED

# library -> what it is for
EXTRAS = {
    "PIL": "pictures",
    "pandas": "tables",
    "resvg_py": "drawings (SVG) as pictures",
    "vtracer": "pictures as drawings (SVG)",
    "pyarrow": "Parquet files",
    "sklearn": "evaluation of tables",
    "rich": "live progress",
}
LEAST_DISK = 1 << 30  # bytes; below it a training may not be able to save


def doctor(*, json: bool = False) -> int:
    """Look at this machine: torch, cores, memory, disk, extras. Leaves with 1 on a fault.

    Parameters
    ----------
    json
        Print JSON.
    """
    found, faults = _machine(), []
    home = settings.store().home()
    fault = _unwritable(home)
    if fault:
        faults.append(f"{home} cannot be written ({fault}): set GENLOOM_HOME to another folder")
    free = shutil.disk_usage(_there(home)).free
    if free < LEAST_DISK:
        faults.append(f"{output.size(free)} of disk are free at {home}: make room for models")
    faults += _device_faults()
    found |= {"home": str(home), "disk_free": free, "extras": _extras(), "faults": faults}
    if json:
        output.values(found)
    else:
        _tell(found)
    return FAILED if faults else 0


def _machine() -> dict[str, Any]:
    import torch

    from genloom.net.quantize import kernels
    from genloom.sandbox import strength

    cuda = torch.cuda.is_available()
    return {
        "genloom": genloom.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "torch": torch.__version__,
        "build": f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU",
        "threads": torch.get_num_threads(),
        "cores": _cores(),
        "memory_free": _memory(),
        "device": torch.cuda.get_device_name(0) if cuda else "cpu",
        "vector_units": torch.backends.cpu.get_cpu_capability(),
        "kernels": kernels(),
        "sandbox": str(strength()),
    }


def _cores() -> int:
    """Those that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration):
        return None


def _device_faults() -> list[str]:
    """GENLOOM_DEVICE names something that works."""
    import torch

    from genloom import api
    from genloom.errors import UsageError

    try:
        torch.zeros(1, device=api.pick_device(settings.device()))
    except (UsageError, RuntimeError, AssertionError) as error:
        return [f"GENLOOM_DEVICE={settings.device()} does not work: {str(error).splitlines()[0]}"]
    return []


def _extras() -> dict[str, bool]:
    return {name: importlib.util.find_spec(name) is not None for name in EXTRAS}


def _there(path: Path) -> Path:
    """The nearest folder that exists."""
    return next(p for p in (path, *path.absolute().parents) if p.is_dir())


def _unwritable(home: Path) -> str | None:
    """Why nothing can be written there; None where it can."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _tell(found: dict[str, Any]) -> None:
    sizes = ("memory_free", "disk_free")
    plain = {k: v for k, v in found.items() if k not in ("extras", "faults")}
    named = {k: output.size(v) if k in sizes and v is not None else v for k, v in plain.items()}
    output.pairs({k.replace("_", " "): v for k, v in named.items()})
    for name, there in found["extras"].items():
        output.text(f"{name}: {'there' if there else 'missing'}, for {EXTRAS[name]}")
    for fault in found["faults"]:
        print(f"fault: {fault}", file=sys.stderr)

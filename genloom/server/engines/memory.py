"""How much memory hosts take and could take: bytes on disk, bytes in use, bytes that are free.

Knows files and processes; not which model is worth its room.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

SPARE = 1.25  # of the bytes on disk: weights, and what they work with
BASE = 256 << 20  # of a host, besides its model
WEIGHTS = (".safetensors", ".gguf")


def weight_bytes(folder: Path) -> int:
    """Of a model on disk; what cannot be read counts nothing here: loading it tells why."""
    total = 0
    with suppress(OSError):
        for path in folder.rglob("*"):
            if path.suffix in WEIGHTS:
                total += path.stat().st_size
    return total


def needed(folder: Path) -> int:
    """What a host of this model will take, as far as can be told before."""
    return int(weight_bytes(folder) * SPARE) + BASE


def held(pid: int) -> int:
    """Bytes of a process; of pages that several share, its part. 0 where it is gone."""
    with suppress(OSError, StopIteration, ValueError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) << 10
    with suppress(OSError, ValueError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def free() -> int:
    """Bytes that could be taken on this machine, within the limit of its group of processes."""
    if not sys.platform.startswith("linux"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    lines = Path("/proc/meminfo").read_text().splitlines()
    told = next(line for line in lines if line.startswith("MemAvailable"))
    there = int(told.split()[1]) << 10
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        stat = (group / "memory.stat").read_text().split()
        kept = int(stat[stat.index("inactive_file") + 1])  # given back when it is needed
        there = min(there, most - used + kept)
    return max(0, there)


def shown(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"

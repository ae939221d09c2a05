"""Compiles the C++ sources beside this file into one shared library, where there is a compiler.

Called by the build hook at install and by `python -m genloom.native.build`. Needs the standard
library alone, and a compiler in the GNU style. The kernels are compiled once per instruction set;
which one runs is decided when the library is loaded.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPILERS = ("c++", "g++", "clang++")
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-pthread", "-fvisibility=hidden", "-w")

_NARROW = ["-mavx2", "-mfma", "-mf16c"]
_WIDE = [*_NARROW, *(f"-mavx512{part}" for part in ("f", "bw", "vl", "dq", "vnni"))]
_BF16 = [*_WIDE, "-mavx512bf16"]
# instruction set -> its flags; what a compiler does not know is left out
SETS: dict[str, list[str]] = {
    "avx2": _NARROW,
    "avx512": _WIDE,
    "avx512_bf16": _BF16,
    "amx": [*_BF16, "-mamx-tile", "-mamx-int8", "-mamx-bf16"],
}


class CannotBuild(Exception):
    """In one line, why there is no library."""


def library() -> Path:
    """Where the library is, or would be."""
    return HERE / ("kernels.dll" if sys.platform == "win32" else "kernels.so")


def version() -> str:
    """Of the sources: a library that says another is stale."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.cpp"), *HERE.glob("*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def build(compiler: str = "", target: Path | None = None) -> Path:
    """Compile; CannotBuild where that fails. The library appears whole or not at all."""
    compiler = compiler or _compiler()
    target = target or library()
    _finish(_spawn([compiler, "--version"]))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sets = [name for name in SETS if _x86() and _knows(compiler, SETS[name], place)]
        jobs = [("plain", ["-O2"]), *((name, SETS[name]) for name in sets)]
        running = [_start(compiler, place, name, flags) for name, flags in jobs]
        have = [f"-DGL_{name.upper()}" for name in sets]
        have.append(f'-DGL_VERSION="{version()}"')
        running.append(
            _spawn(
                [compiler, *FLAGS, *have, "-c", str(HERE / "api.cpp"), "-o", str(place / "api.o")]
            )
        )
        _finish(*running)
        objects = [str(path) for path in sorted(place.glob("*.o"))]
        made = place / target.name
        _finish(_spawn([compiler, "-shared", "-pthread", "-o", str(made), *objects]))
        fresh = target.with_name(target.name + ".tmp")
        shutil.copy(made, fresh)
        os.replace(fresh, target)
    return target


def _compiler() -> str:
    for name in COMPILERS:
        if found := shutil.which(name):
            return found
    raise CannotBuild(f"no C++ compiler found ({', '.join(COMPILERS)})")


def _x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def _knows(compiler: str, flags: Sequence[str], place: Path) -> bool:
    source = place / "probe.cpp"
    source.write_text("#include <immintrin.h>\nint main() { return 0; }\n", "ascii")
    command = [compiler, *flags, "-c", str(source), "-o", str(place / "probe.out")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _start(compiler: str, place: Path, name: str, flags: Sequence[str]) -> subprocess.Popen[str]:
    source, made = str(HERE / "kernels.cpp"), str(place / f"{name}.o")
    return _spawn([compiler, *FLAGS, *flags, f"-DGL_TABLE=gl_{name}", "-c", source, "-o", made])


def _spawn(command: Sequence[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise CannotBuild(f"{command[0]} does not run ({error.strerror})") from None


def _finish(*running: subprocess.Popen[str]) -> None:
    said = [process.communicate()[0] for process in running]
    for process, told in zip(running, said, strict=True):
        if process.returncode:
            raise CannotBuild(f"the compiler failed: {told.strip()[-2000:]}")


if __name__ == "__main__":
    try:
        print(build(sys.argv[1] if sys.argv[1:] else ""))
    except CannotBuild as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)

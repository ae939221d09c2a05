"""Run in a process of its own: how much memory an import, a mapping and a loading take beyond what
the libraries do, in bytes, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

import genloom
from genloom.api import Model


def status(name: str) -> int:
    """VmHWM: bytes that this process held at most; VmRSS: those it holds."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return 1024 * int(line.split()[1])
    raise OSError(f"no {name}")


def main(source: str, target: str) -> None:
    """The least demanding first: a peak is never forgotten."""
    torch.set_num_threads(1)
    torch.ones(64, 64) @ torch.ones(64, 64)
    before, told = status("VmHWM"), {}
    genloom.import_weights(source, name=target)
    told["import"] = status("VmHWM") - before
    held = status("VmRSS")
    mapped = Model.load(target, dtype="stored")
    told["map"] = status("VmRSS") - held
    del mapped
    Model.load(target)
    told["load"] = status("VmHWM") - before
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

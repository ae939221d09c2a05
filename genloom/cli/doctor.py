"""`genloom doctor`: what this machine offers, and what keeps Genloom from working on it."""

from __future__ import annotations

import sys
from typing import Any

from genloom import machine
from genloom.cli import output, settings
from genloom.cli.ending import FAILED


def doctor(*, json: bool = False) -> int:
    """Look at this machine: torch, cores, memory, disk, extras. Leaves with 1 on a fault.

    Parameters
    ----------
    json
        Print JSON.
    """
    found, faults = _machine(), []
    home = settings.store().home()
    fault = machine.unwritable(home)
    if fault:
        faults.append(f"{home} cannot be written ({fault}): set GENLOOM_HOME to another folder")
    free = machine.disk_free(home)
    if free < machine.LEAST_DISK:
        faults.append(f"{output.size(free)} of disk are free at {home}: make room for models")
    faults += _device_faults()
    found |= {"home": str(home), "disk_free": free, "extras": machine.extras(), "faults": faults}
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
        **machine.facts(),
        "build": f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU",
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(0) if cuda else "cpu",
        "vector_units": torch.backends.cpu.get_cpu_capability(),
        "kernels": kernels(),
        "studio": _studio(),
        "sandbox": str(strength()),
    }


def _studio() -> str:
    """Whether `genloom studio` has a page to show."""
    try:
        from genloom.studio.pages import built
    except ImportError:
        return "none, for want of the extra server"
    return "built" if built() else "none, for want of Node.js and npm when Genloom was installed"


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


def _tell(found: dict[str, Any]) -> None:
    sizes = ("memory_free", "disk_free")
    plain = {k: v for k, v in found.items() if k not in ("extras", "faults")}
    named = {k: output.size(v) if k in sizes and v is not None else v for k, v in plain.items()}
    output.pairs({k.replace("_", " "): v for k, v in named.items()})
    for name, there in found["extras"].items():
        output.text(f"{name}: {'there' if there else 'missing'}, for {machine.EXTRAS[name]}")
    for fault in found["faults"]:
        print(f"fault: {fault}", file=sys.stderr)

"""Build hook: compiles the native CPU kernels into the package, where a compiler is at hand.

An install never fails for want of one: without the library everything runs through torch, and
`genloom doctor` says so. A wheel with the library is for one platform, one without for any.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "genloom/native/"


class NativeKernels(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        builder = _builder(Path(self.root))
        try:
            made = builder.build()
        except builder.CannotBuild as fault:
            print(f"genloom: no native kernels, torch serves instead: {fault}", file=sys.stderr)
            return
        build_data["artifacts"].append(f"/{LIBRARY}{made.name}")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _builder(root: Path) -> ModuleType:
    """genloom/native/build.py by its path: the package itself needs torch, which is not here."""
    spec = importlib.util.spec_from_file_location("native_build", root / LIBRARY / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

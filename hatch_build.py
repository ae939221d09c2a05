"""Build hook: what is made ahead. The native CPU kernels, where a compiler is at hand,
and the studio's page, where Node and npm's registry are.

An install never fails for want of either: without the kernels everything runs through torch,
without the page the server serves its interface alone, and `genloom doctor` says which is there. A
wheel with the kernels is for one platform, one without for any. An sdist holds the built page.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = "genloom/native/"
SITE = "genloom/studio/site"
BUILDER = "web/build.py"


class MadeAhead(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        if not (self._root / BUILDER).is_file():
            return []
        builder = _module("web_build", self._root / BUILDER)
        return [builder.WHEEL] if builder.needs_wheel() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._site(build_data)
        if self.target_name == "wheel":
            self._kernels(build_data)

    @property
    def _root(self) -> Path:
        return Path(self.root)

    def _kernels(self, build_data: dict[str, Any]) -> None:
        # by its path: the package itself needs torch, which is not here
        builder = _module("native_build", self._root / KERNELS / "build.py")
        try:
            made = builder.build()
        except builder.CannotBuild as fault:
            print(f"genloom: no native kernels, torch serves instead: {fault}", file=sys.stderr)
            return
        build_data["artifacts"].append(f"/{KERNELS}{made.name}")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def _site(self, build_data: dict[str, Any]) -> None:
        place = self._root / BUILDER
        if not place.is_file():
            print(f"genloom: no studio: its sources ({place.parent}) are not here", file=sys.stderr)
            return
        builder = _module("web_build", place)
        try:
            builder.build()
        except builder.CannotBuild as fault:
            print(f"genloom: no studio: {fault}", file=sys.stderr)
            return
        build_data["artifacts"].append(f"/{SITE}/")


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

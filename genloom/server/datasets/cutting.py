"""Many files out of the one upload they came in: laid end to end, they are cut by their sizes.

The folder is whole or not there. Knows bytes and paths; no owner and no medium.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from genloom.folders import sync
from genloom.server.datasets.names import placed
from genloom.server.failure import Failure
from genloom.server.records.trouble import on_disk

PIECE = 1 << 20
WHOLE = 200  # files that are synced one by one; more of them together


def cut(whole: Path, names: Sequence[str], sizes: Sequence[int], folder: Path) -> Path:
    """Write the files below `folder`; the one file itself where it is alone."""
    if sum(sizes) != whole.stat().st_size:
        told = f"the files have {sum(sizes)} bytes, but {whole.stat().st_size} came"
        raise Failure(400, f"files: {told}", code="upload_incomplete", param="files")
    draft = folder.with_name(f".{folder.name}")
    with on_disk():
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        try:
            paths = list(placed(names))
            with whole.open("rb") as source:
                for path, size in zip(paths, sizes, strict=True):
                    _copy(source, draft / path, size, sync_it=len(paths) <= WHOLE)
            if len(paths) > WHOLE:
                os.sync()
            os.rename(draft, folder)
            sync(folder.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return folder / paths[0] if len(paths) == 1 else folder


def _copy(source: IO[bytes], target: Path, size: int, sync_it: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as file:
        left = size
        while left:
            data = source.read(min(PIECE, left))
            file.write(data)
            left -= len(data)
        file.flush()
        if sync_it:
            os.fsync(file.fileno())

"""Many rows into one file, part by part: constant memory, progress, and the record beside the file.

Words and paths around `genloom.streamed`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from genloom.cli import output

MANY = 50_000  # rows, from which they are written in parts


def wanted(want: Any) -> bool:
    """Whether a request is for many rows of a file that can be written in parts."""
    writer, options = getattr(want.model.codec, "writer", None), want.request.options
    if want.target is None or want.request.count < MANY or writer is None or want.grid:
        return False
    shares = (options.balance, options.fair, options.weights)
    return shares == (None, None, None) and writer(Path(want.target).expanduser()) is not None


def deliver(want: Any, quiet: bool) -> None:
    """Make and write them."""
    from genloom import streamed
    from genloom.trust import provenance
    from genloom.trust.record_places import side_car

    path = Path(want.target).expanduser()
    shown = not quiet and sys.stderr.isatty()
    with want.model.codec.writer(path) as writer:
        for part in streamed.parts(want.model, want.request):
            writer.add(part)
            if shown:
                said = f"\r{writer.rows:,} of {want.request.count:,} rows"
                print(said, end="", file=sys.stderr, flush=True)
    if shown:
        print(file=sys.stderr)
    record = want.record()
    if want.recorded:
        provenance.save_beside(path, record)
    else:
        side_car(path).unlink(missing_ok=True)
    if want.json:
        told = {"record": record} if want.recorded else {}
        output.values({"files": [str(path)], "rows": writer.rows, **told})
    else:
        output.text(str(path))

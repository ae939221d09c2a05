"""`genloom animate`: a loop of motion out of one picture, or a data set of such loops. No model.

Words and paths around codec/image/puppet.py.
"""

from __future__ import annotations

import json as text_of
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from genloom.cli import output
from genloom.errors import UsageError


def animate(
    *pictures: str,
    motion: Literal["idle", "walk", "hop"] = "idle",
    frames: int = 8,
    rate: float = 10.0,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    sheet: bool = False,
    json: bool = False,
) -> None:
    """Let the figure of a picture breathe, walk or hop, as a loop without a seam.

    Several pictures, or a folder, become a data set of loops with captions, which genloom train
    video learns from.

    Parameters
    ----------
    pictures
        Pictures of a figure before nothing or one colour; or a folder of them.
    motion
        idle, walk or hop.
    frames
        Of a loop.
    rate
        Frames a second.
    out
        A .gif, .webp, .png (APNG), .mp4 or .webm; for several pictures a folder.
    sheet
        Also all frames on one PNG, and the list of them that engines for games read.
    json
        Print JSON.
    """
    if not 1 <= rate <= 60:
        raise UsageError(f"rate is {rate:g}: 1 to 60 frames a second are expected")
    if not pictures:
        raise UsageError("give a picture of a figure, or a folder of them")
    alone = len(pictures) == 1 and not Path(pictures[0]).expanduser().is_dir()
    if alone:
        files = _one(Path(pictures[0]).expanduser(), motion, frames, rate, out, sheet)
        told: dict[str, Any] = {"files": files}
    else:
        if sheet:
            raise UsageError("--sheet is of one picture: leave it out, or give one")
        told = _set([Path(p).expanduser() for p in pictures], motion, frames, rate, out)
    if json:
        output.values({**told, "motion": motion, "frames": frames, "rate": rate})
        return
    output.text("\n".join(told["files"]))


def _one(
    path: Path, motion: str, frames: int, rate: float, out: str | None, sheet: bool
) -> list[str]:
    from genloom.codec.image.pictures import Picture
    from genloom.codec.image.puppet import loop
    from genloom.codec.image.sheets import Sheet
    from genloom.trust import provenance

    target = Path(out or f"{path.stem}-{motion}.gif").expanduser()
    image = Picture(path, name=str(path)).open()
    made = loop(image, motion, frames)
    writer = _writer(target, frames, rate)
    record = _record(path, motion, frames, rate)
    provenance.save_one(writer, made, target, None, record)
    files = [str(target)]
    if sheet:
        board, beside = Sheet.of(made), target.with_name(f"{target.stem}-sheet.png")
        pages: Any = _Pages()
        provenance.save_one(pages, board.image, beside, None, record)
        files += [str(beside), str(board.write_atlas(beside.with_suffix(".json"), beside.name))]
    return files


def _set(
    paths: list[Path], motion: str, frames: int, rate: float, out: str | None
) -> dict[str, Any]:
    """A folder of GIFs, and metadata.jsonl with what each shows."""
    from genloom.codec.image.albums import read_album
    from genloom.codec.image.puppet import loop
    from genloom.codec.saving import write_atomic
    from genloom.errors import DataError

    folder = Path(out or f"{paths[0].stem}-{motion}").expanduser()
    if folder.suffix:
        raise UsageError(
            f"{folder} is the name of a file: loops of several pictures go to a folder"
        )
    rows, left_out, number = [], {}, 0
    for picture in (one for path in paths for one in read_album(path).items):
        try:
            made = loop(picture.open(), motion, frames)
        except DataError as error:
            left_out[picture.name] = str(error)
            continue
        name = f"{number:06d}.gif"
        _writer(folder / name, frames, rate).write(made, folder / name)
        caption = f"{picture.caption or 'a figure'}, {motion}"
        rows.append({"file_name": name, "text": caption} | _credited(picture.credit))
        number += 1
    if not rows:
        raise DataError("none of the pictures shows a figure before a background")
    lines = "".join(text_of.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomic(folder / "metadata.jsonl", lines.encode())
    return {"files": [str(folder)], "loops": len(rows), "left_out": left_out}


def _credited(credit: str) -> dict[str, str]:
    return {"author": credit} if credit else {}


def _writer(target: Path, frames: int, rate: float) -> Any:
    from genloom.codec.image.animations import KEPT, Moving
    from genloom.codec.video.containers import WRITTEN

    if target.suffix.lower() in WRITTEN:
        return _Film(rate)
    if target.suffix.lower() not in KEPT:
        known = ", ".join((*KEPT, *WRITTEN))
        raise UsageError(f"{target.name}: loops are written as {known}")
    return Moving([round(1000 / rate)] * frames, 0)


class _Film:
    """Writes frames as a film, on white where they are clear."""

    suffix = ".mp4"

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def write(self, item: Any, path: Path, record: Any = None) -> bool:
        import numpy as np

        from genloom.codec.image.resize import flattened
        from genloom.codec.video.files import write_clip
        from genloom.codec.video.frames import Frames

        pixels = np.stack([np.asarray(flattened(one, "RGB", "white")) for one in item])
        return write_clip(Frames(pixels, self.rate), path, record)


class _Pages:
    """Writes one picture."""

    suffix = ".png"

    def write(self, item: Any, path: Path, record: Any = None) -> bool:
        from genloom.codec.image.files import write_picture

        return write_picture(item, path, record)


def _record(path: Path, motion: str, frames: int, rate: float) -> dict[str, Any]:
    from datetime import UTC, datetime

    from genloom.data.source import file_sha256
    from genloom.requested import software

    return {
        "genloom": software()["genloom"],
        "made": "animation",
        "media": "image/gif",
        "models": {},
        "seed": 0,
        "motion": motion,
        "frames": frames,
        "rate": rate,
        "given": {"item": {"path": path.name, "sha256": file_sha256(path)}},
        "software": software(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }

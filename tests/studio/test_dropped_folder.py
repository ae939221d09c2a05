"""A folder dropped on the Train room by the browser's own drag, as from a desktop: it is walked,
and what is hidden stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_folder_is_walked(opened: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    for n in range(120):  # more than a reader of folders gives at once
        place = folder / f"part {n % 3}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{n}.txt").write_text(f"the {n}th letter says {n * 7} words\n", "utf-8")
    (folder / ".hidden.txt").write_text("not this one", "utf-8")
    page = opened("#/train")
    box = page.locator(".train-drop").bounding_box()
    at = {"x": box["x"] + 40, "y": box["y"] + 20}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    page.get_by_role("region", name="What was understood").wait_for(timeout=60_000)
    assert page.get_by_role("heading", level=1).inner_text() == "letters"
    assert page.get_by_text("120", exact=True).count()

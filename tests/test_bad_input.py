"""Input as bad as it comes, through the whole of a training: a typed error of one line, or a note
of what was left out and a model that works. What a single part refuses is tested with that part.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toys import texts

from genloom import api
from genloom.errors import DataError, RequestError, UsageError
from genloom.train.log import Event

ROWS = 240
TINY = [
    *("train.steps=3", "train.judge=0", "train.preview=0", "train.compile=off"),
    *("net.net.width=32", "net.net.depth=1", "data.batch=8"),
]
TEXT = [*TINY, "net.net.heads=2", "codec.length=32"]


def heard(medium: str, data: Any, out: Path, changes: list[str]) -> tuple[api.Model, list[Event]]:
    events: list[Event] = []
    made = api.train(medium, data, out=out, size="tiny", changes=changes, listener=events.append)
    return made, events


def plain() -> dict[str, list[str]]:
    """Columns of cells as a file spells them, without fault."""
    return {
        "age": [str(20 + n % 50) for n in range(ROWS)],
        "group": ["old" if n % 50 > 30 else "young" for n in range(ROWS)],
    }


def written(path: Path, columns: dict[str, list[str]], extra: str = "") -> Path:
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n" + extra, "utf-8")
    return path


# --- pictures -----------------------------------------------------------------------------------


def test_one_broken_picture_among_a_thousand_is_left_out_counted_and_named(tmp_path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(999):
        Image.fromarray(np.full((8, 8), n % 256, np.uint8)).save(folder / f"{n:03}.png")
    (folder / "broken.png").write_bytes((folder / "000.png").read_bytes()[:40])
    changes = [*TINY, "net.net.heads=2", "codec.size=8"]
    model, events = heard("image", folder, tmp_path / "m", changes)
    read = next(e for e in events if e.kind == "read")
    assert read.values["items"] == 999
    assert list(read.values["skipped"]) == ["broken.png"]
    assert len(model.generate(2)) == 2


# --- tables -------------------------------------------------------------------------------------


def hard(kind: str) -> tuple[dict[str, list[str]], str]:
    """(columns, further lines) of a file with one fault."""
    columns, extra = plain(), ""
    if kind == "ragged rows":
        extra = "44,old,9,9\n45\n"
    elif kind == "missing":
        columns["never"] = [""] * ROWS
    elif kind == "mixed":
        columns["pay"] = ["n.a." if n % 40 == 0 else f"{n}.5" for n in range(ROWS)]
    elif kind == "cell":
        columns["word"] = ["x" * 1_000_000 if n == 7 else f"w{n % 5}" for n in range(ROWS)]
    elif kind == "numbers":
        columns["rate"] = [("nan", "inf", "-inf", f"0.{n}")[n % 4] for n in range(ROWS)]
    return columns, extra


SAID = {
    "ragged rows": "2 rows left out",
    "missing": "'never'",
    "mixed": "'pay' holds numbers but",
    "cell": "'word'",
    "numbers": "'rate' has 111 infinite values, taken as missing",
}


@pytest.mark.parametrize("kind", SAID)
def test_a_table_with_one_fault_is_learnt_and_the_fault_is_told(tmp_path, kind) -> None:
    columns, extra = hard(kind)
    file = written(tmp_path / "a.csv", columns, extra)
    model, events = heard("table", file, tmp_path / "m", TINY)
    told = [note for e in events for note in e.values.get("notes", ())]
    assert any(SAID[kind] in note for note in told), told
    rows = model.generate(20)
    assert list(rows.columns) == list(columns) and len(rows) == 20
    numbers = rows.select_dtypes("number").to_numpy(dtype=float)
    assert not np.isinf(numbers).any()
    if kind == "missing":
        assert rows["never"].isna().all()
    if kind == "cell":
        assert rows["word"].dropna().astype(str).str.len().max() < 20


def test_names_that_are_empty_or_doubled_are_made_distinct(tmp_path) -> None:
    cells = "".join(f"{n % 9},{n % 7},{n % 5}\n" for n in range(ROWS))
    (tmp_path / "a.csv").write_text("a,,a\n" + cells)
    model, events = heard("table", tmp_path / "a.csv", tmp_path / "m", TINY)
    rows = model.generate(5)
    assert rows.shape == (5, 3) and rows.columns.is_unique and all(rows.columns)
    assert next(e for e in events if e.kind == "read").values["notes"]


def test_ten_thousand_categories(tmp_path) -> None:
    rng = np.random.default_rng(0)
    names = np.where(rng.random(30_000) < 0.5, rng.integers(0, 10_000, 30_000), 7)
    frame = pd.DataFrame({"name": [f"n{n}" for n in names], "x": rng.integers(0, 9, 30_000)})
    assert frame["name"].nunique() > 7_000
    model, _ = heard("table", frame, tmp_path / "m", TINY)
    assert len(model.generate(50)) == 50


@pytest.mark.parametrize(
    "where",
    ["salary > 3", "age > 500", "age > 40 and age < 30", "age = 1; DROP TABLE", "age > (", "1=1"],
)
def test_conditions_that_cannot_be_met_or_read(people, where) -> None:
    with pytest.raises(RequestError) as caught:
        people.generate(3, where=where)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> api.Model:
    folder = tmp_path_factory.mktemp("people")
    return heard("table", written(folder / "a.csv", plain()), folder / "m", TINY)[0]


# --- texts --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("corpus") / "a.txt"
    file.write_text("\n\n".join(texts(60)))
    return file


def test_another_encoding_is_read_and_told(tmp_path, corpus) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(("déjà vu, garçon — " + corpus.read_text()).encode("cp1252", "replace"))
    _, events = heard("text", file, tmp_path / "m", TEXT)
    read = next(e for e in events if e.kind == "read")
    assert any("cp1252" in note or "windows-1252" in note.lower() for note in read.values["notes"])


def test_bytes_that_are_no_text_are_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(DataError) as caught:
        heard("text", tmp_path / "a.txt", tmp_path / "m", TEXT)
    assert "\n" not in str(caught.value)


def test_a_folder_with_nothing_readable_names_what_was_tried(tmp_path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.zzz").write_bytes(bytes(range(128, 256)) * 4 + bytes(9))
    for medium in ("text", "image", "table"):
        with pytest.raises(DataError, match=r"zzz|\.png|\.txt|\.csv"):
            heard(medium, folder, tmp_path / "m", [])


def test_a_prompt_longer_than_the_context_and_an_unknown_key(tmp_path, corpus) -> None:
    model, _ = heard("text", corpus, tmp_path / "m", TEXT)
    with pytest.raises(RequestError, match="context"):
        model.generate("x" * 500)
    with pytest.raises(UsageError, match=r"width"):
        heard("text", corpus, tmp_path / "other", [*TEXT, "net.net.widht=64"])


# --- the machine --------------------------------------------------------------------------------

SMALL = """
import os, resource, sys
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from genloom import api
from genloom.errors import GenloomError
{before}
try:
    api.train("text", sys.argv[1], out=sys.argv[2], size="tiny", changes=sys.argv[3:])
except GenloomError as error:
    print(type(error).__name__, error)
else:
    print("done")
"""


def limited(before: str, corpus: Path, out: Path, *changes: str) -> str:
    """What a training says in a process in which this was done first."""
    code = SMALL.format(tests=str(Path(__file__).parent), before=before)
    done = subprocess.run(
        [sys.executable, "-c", code, str(corpus), str(out), *TEXT, *changes],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.slow
def test_memory_that_runs_out_in_a_step_is_told_and_the_earlier_model_stays(
    tmp_path, corpus
) -> None:
    out = tmp_path / "m"
    before = heard("text", corpus, out, TEXT)[0].digest()
    limit = """
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (600 << 20), used + (600 << 20)))
"""
    said = limited(limit, corpus, out, "data.batch=200000")
    assert said.startswith("ResourceError") and "batch" in said and "\n" not in said
    assert api.load(out).digest() == before


def test_a_folder_that_is_read_only_is_told(tmp_path, corpus) -> None:
    place = tmp_path / "locked"
    place.mkdir()
    place.chmod(0o555)
    drop = ""
    if os.getuid() == 0:  # the rights of a folder mean nothing to root
        top = Path(tempfile.gettempdir())
        for folder in (tmp_path, *tmp_path.parents, corpus.parent):
            if folder.is_relative_to(top) and folder != top:
                folder.chmod(0o755)
        drop = "os.setgid(65534); os.setuid(65534)"
    said = limited(drop, corpus, place / "m")
    assert said.startswith("ResourceError") and "cannot be written" in said and "\n" not in said
    assert not list(place.iterdir())

"""What somebody sends as an archive is laid out only where nothing in it may climb, link or run."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from genloom.errors import ModelError, Stopped
from genloom.hosting.archive import unpacked


def quiet(stage: str, done: int, of: int) -> None:
    return None


def archive(place: Path, fill: Callable[[ZipFile], None]) -> Path:
    made = place / "model.zip"
    with ZipFile(made, "w", ZIP_DEFLATED) as opened:
        opened.writestr("tiny/config.json", "{}")
        fill(opened)
    return made


def test_the_folder_with_the_model_is_found_and_gone_in_the_end(tmp_path: Path) -> None:
    made = archive(tmp_path, lambda z: z.writestr("tiny/model.safetensors", b"\0" * 100_000))
    heard: list[tuple[str, int, int]] = []
    with unpacked(made, tmp_path / "in", lambda *told: heard.append(told)) as folder:
        assert folder.name == "tiny" and (folder / "model.safetensors").stat().st_size == 100_000
        assert folder.parent.name.startswith(".arrived-")
    assert list((tmp_path / "in").iterdir()) == []
    assert heard[-1] == ("unpacking", 100_002, 100_002)


def link(opened: ZipFile) -> None:
    entry = ZipInfo("tiny/vocab.txt")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    opened.writestr(entry, "/etc/passwd")


@pytest.mark.parametrize(
    ("fill", "why"),
    [
        (lambda z: z.writestr("../out.json", "{}"), "leads elsewhere"),
        (lambda z: z.writestr("/tmp/out.json", "{}"), "leads elsewhere"),
        (lambda z: z.writestr("tiny\\..\\..\\out.json", "{}"), "leads elsewhere"),
        (lambda z: z.writestr("tiny/pytorch_model.bin", b"\x80\x02."), "no model here has"),
        (lambda z: z.writestr("tiny/run.py", "print(1)"), "no model here has"),
        (lambda z: z.writestr("/".join("abcdefghij") + ".json", "{}"), "too long"),
        (lambda z: z.writestr("tiny/model.safetensors", bytes(30 << 20)), "swells"),
        (link, "no plain file"),
    ],
    ids=["climbs", "absolute", "backslash", "pickle", "program", "deep", "swells", "link"],
)
def test_what_must_not_be_there(tmp_path: Path, fill: Callable[[ZipFile], None], why: str) -> None:
    made = archive(tmp_path, fill)
    with pytest.raises(ModelError, match=why), unpacked(made, tmp_path / "in", quiet):
        pass
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "out.json").exists()


def test_a_stop_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(stage: str, done: int, of: int) -> None:
        raise Stopped("stopped")

    made = archive(tmp_path, lambda z: z.writestr("tiny/a.json", "{}"))
    with pytest.raises(Stopped), unpacked(made, tmp_path / "in", stop):
        pass
    assert list((tmp_path / "in").iterdir()) == []


def test_an_archive_of_no_model(tmp_path: Path) -> None:
    made = tmp_path / "notes.zip"
    with ZipFile(made, "w") as opened:
        opened.writestr("notes.txt", "nothing")
    with pytest.raises(ModelError, match="holds no model"), unpacked(made, tmp_path, quiet):
        pass
    broken = tmp_path / "broken.zip"
    broken.write_bytes(made.read_bytes()[:-30])
    with pytest.raises(ModelError, match="no archive"), unpacked(broken, tmp_path, quiet):
        pass

"""Data sets of clips are looked at, cleaned and split like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from genloom.cli import main
from genloom.codec.video.collections import read_clips


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    told = capsys.readouterr()
    assert ended.value.code == 0, told.err
    return json.loads(told.out)


def test_inspect_clean_and_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (6, 4, 8, 10), dtype=np.uint8)
    pixels[5] = pixels[2]  # the same again
    np.savez(tmp_path / "some.npz", frames=pixels)
    rows = [json.dumps({"index": n, "caption": f"clip {n % 5}"}) for n in range(6)]
    (tmp_path / "some.jsonl").write_text("\n".join(rows), "utf-8")
    found = json.dumps(said(["data", "inspect", str(tmp_path / "some.npz")], capsys))
    assert '"10 x 8": 6' in found and '"distinct captions": 5' in found
    said(["data", "clean", str(tmp_path / "some.npz"), str(tmp_path / "clean")], capsys)
    items = read_clips(tmp_path / "clean").items
    assert [one.caption for one in items] == [f"clip {n}" for n in range(5)]
    assert np.abs(items[1].open().pixels[..., 0].astype(int) - pixels[1]).mean() < 4

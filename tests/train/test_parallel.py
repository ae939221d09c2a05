"""Two processes learn what one learns from the same batches."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genloom import api

SCRIPT = Path(__file__).with_name("two_ranks.py")


def start(rank: int, ranks: int, port: int, *args: str) -> subprocess.Popen:
    told = {
        "RANK": str(rank),
        "WORLD_SIZE": str(ranks),
        "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
        "TORCHELASTIC_RUN_ID": "test",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, *args],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fit(folder: Path, ranks: int, *args: str) -> list[str]:
    """Run to the end; what each process complained of."""
    return [bad for _, bad in together(ranks, str(SCRIPT), str(folder), *args)]


def together(ranks: int, *args: str) -> list[tuple[str, str]]:
    """What each process printed, and what it complained of where it failed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = [start(r, ranks, port, *args) for r in range(ranks)]
    try:
        told = [p.communicate(timeout=90) for p in running]
    finally:
        for p in running:
            p.kill()
    return [(out, bad if p.returncode else "") for p, (out, bad) in zip(running, told, strict=True)]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    assert fit(folder, 1, "text", "9", "1") == [""]
    assert fit(folder, 2, "text", "9", "1") == ["", ""]
    return folder


def weights(folder: Path, name: str) -> np.ndarray:
    return np.fromfile(folder / f"weights{name}", dtype=np.float32)


def test_two_processes_give_the_weights_of_one(learnt):
    one, first, second = (weights(learnt, n) for n in ("0of1", "0of2", "1of2"))
    assert np.array_equal(first, second)
    assert np.abs(one - first).max() < 1e-5


def steps(folder: Path, ranks: int) -> list[float]:
    lines = (folder / f"run{ranks}" / "metrics.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return [line["nats"] for line in told if line["kind"] == "step"]


def test_what_is_logged_is_of_the_whole_batch_and_once(learnt):
    alone, together = steps(learnt, 1), steps(learnt, 2)
    assert len(alone) == len(together) == 4
    assert together == pytest.approx(alone, rel=1e-4)


@pytest.mark.slow
def test_a_batch_too_small_to_share_is_told(tmp_path):
    told = fit(tmp_path, 2, "text", "1", "1")
    assert all("cannot be shared by 2 processes" in text for text in told)


@pytest.mark.slow
def test_the_whole_of_a_training_by_two_processes(tmp_path):
    (tmp_path / "poem.txt").write_text("a rose is a rose is a rose. " * 400)
    out = tmp_path / "m"
    first, second = together(
        2, "-m", "genloom", "train", "text", str(tmp_path / "poem.txt"), "--out", str(out),
        "--size", "tiny", "--set", "train.steps=12", "--set", "train.judge=4", "--json",
    )  # fmt: skip
    assert (first[1], second[1]) == ("", "")
    assert json.loads(first[0])["steps"] == 12 and not second[0]
    assert api.load(out).card["steps"] == 12
    told = (tmp_path / "m.run" / "metrics.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in told]
    assert kinds.count("step") == 12 and kinds.count("done") == 1

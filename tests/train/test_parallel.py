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

SCRIPT = Path(__file__).with_name("two_ranks.py")


def start(folder: Path, rank: int, ranks: int, port: int, *args: str) -> subprocess.Popen:
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
        [sys.executable, str(SCRIPT), str(folder), *args],
        env={**os.environ, **told},
        stderr=subprocess.PIPE,
        text=True,
    )


def fit(folder: Path, ranks: int, *args: str) -> list[str]:
    """Run to the end; what each process complained of."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = [start(folder, r, ranks, port, *args) for r in range(ranks)]
    try:
        told = [p.communicate(timeout=90)[1] for p in running]
    finally:
        for p in running:
            p.kill()
    return [text if p.returncode else "" for p, text in zip(running, told, strict=True)]


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


def test_what_is_logged_is_of_the_whole_batch(learnt):
    lines = [
        json.loads(line)
        for line in (learnt / "run1" / "metrics.jsonl").read_text().splitlines()
        if '"step"' in line
    ]
    losses = [line["nats"] for line in lines if line["kind"] == "step"]
    # one training and then the other wrote to the first rank's folder, the second rank's saw one
    both = [
        json.loads(line) for line in (learnt / "run0" / "metrics.jsonl").read_text().splitlines()
    ]
    alone = [line["nats"] for line in both if line["kind"] == "step"][:4]
    assert losses == pytest.approx(alone, rel=1e-4)


def test_a_batch_too_small_to_share_is_told(tmp_path):
    told = fit(tmp_path, 2, "text", "1", "1")
    assert all("cannot be shared by 2 processes" in text for text in told)

"""Weights go through memory once: what importing and loading take, measured from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_models import llama

MOST = 1.15  # of the weights' size
SLACK = 20 << 20  # bytes of libraries that are loaded on the way
SIZES = {
    "small": {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6},
    "large": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 9},
}
LARGE = pytest.param("large", marks=[pytest.mark.slow, pytest.mark.timeout(600)])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
@pytest.mark.parametrize("size", ["small", LARGE])
def test_weights_go_through_memory_once(size: str, tmp_path: Path) -> None:
    source, target = tmp_path / "came", tmp_path / "model"
    llama(source, vocab=16_000 if size == "large" else 4_000, dtype=torch.bfloat16, **SIZES[size])
    weights = (source / "model.safetensors").stat().st_size
    assert weights > (240 << 20 if size == "large" else 48 << 20)
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("importing_memory.py"), source, target],
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    grown = json.loads(ran.stdout)
    print({kind: round(count / weights, 3) for kind, count in grown.items()})
    assert grown["import"] <= MOST * weights + SLACK
    assert grown["map"] <= 0.1 * weights + SLACK, "nothing is touched yet"
    assert grown["load"] <= MOST * 2 * weights + SLACK, "bf16 becomes fp32, tensor by tensor"

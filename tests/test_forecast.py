"""What is decided before a training: the faster way is kept, the slower or impossible is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
import torch
from toys import MADE, job, material_of

from genloom import forecast
from genloom.forecast import decide, fast_bf16
from genloom.train.loop import Loop

CPU = torch.device("cpu")


def rows(micro: int):
    """Rows by a transformer; a batch in eight parts takes longer and is the same training."""
    return material_of(MADE["row by transformer"](accumulate=micro))


def test_what_is_faster_is_kept_and_what_is_slower_is_not(tmp_path):
    slow, fast = rows(8), rows(1)
    of_slow, of_fast = (forecast._probe(m, tmp_path, CPU) for m in (slow, fast))
    assert of_fast.seconds < 0.6 * of_slow.seconds
    kept = forecast._faster(slow, of_slow, tmp_path, CPU, accumulate=1)
    assert kept.seconds < of_slow.seconds and slow.recipe.train.accumulate == 1
    kept = forecast._faster(fast, of_fast, tmp_path, CPU, accumulate=8)
    assert kept is of_fast and fast.recipe.train.accumulate == 1


GIVEN_UP = """
import sys
from pathlib import Path

import torch
from toys import MADE, material_of

from genloom import forecast

run, device = Path(sys.argv[1]), torch.device("cpu")
material = material_of(MADE["row by GAN"]())
found = forecast._probe(material, run, device)
assert forecast._faster(material, found, run, device, compile="on") is found
assert material.recipe.train.compile != "on"
"""


@pytest.mark.slow
def test_what_cannot_be_done_is_given_up(tmp_path):
    """The compiler has no gradient of a gradient, which a GAN's penalty takes. In a process of its
    own: after many others it may compile nothing any more, which is no error and no slower."""
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    told = [sys.executable, "-c", GIVEN_UP, str(tmp_path)]
    done = subprocess.run(told, env={**os.environ, **path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_short_training_is_neither_compiled_nor_rounded(tmp_path):
    material = rows(1)
    decide(material, None, None, 0.0, tmp_path, CPU)
    assert material.recipe.train.compile == "off" and material.recipe.train.precision == "auto"


def test_bf16_is_told_of_processors_that_have_it():
    told = getattr(torch.cpu, "get_capabilities", dict)()
    assert fast_bf16(CPU) == any(told.get(k) for k in ("avx512_bf16", "amx_bf16", "arm_bf16"))
    assert not fast_bf16(torch.device("cuda"))


@pytest.mark.parametrize("name", ["text", "picture by flow", "row by transformer"])
def test_training_in_bf16_learns_what_training_in_fp32_does(tmp_path, name):
    losses = {}
    for precision in ("fp32", "bf16"):
        heard = []
        ready = job(MADE[name](steps=20, precision=precision), tmp_path / precision)
        ready.listener = heard.append
        Loop(ready).fit()
        steps = [e.values for e in heard if e.kind == "step"]
        losses[precision] = [next(iter(v.values())) for v in steps]
        assert all(p.dtype == torch.float32 for p in ready.model.nets.parameters())
        shutil.rmtree(tmp_path / precision)
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.05)

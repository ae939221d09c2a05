"""Saves that are killed or run out of disk; run by test_model, not a test. Argument: a folder."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from toys import MADE, shaken

from genloom.api import Model
from genloom.errors import ResourceError

TRIES = 6


def save_until_killed(target: Path, models: list[Model]) -> None:
    while True:
        for model in models:
            model.save(target)


def killed(target: Path, models: list[Model]) -> None:
    known = {m.digest() for m in models}
    for n in range(TRIES):
        child = os.fork()
        if child == 0:
            save_until_killed(target, models)
        time.sleep(0.02 + 0.013 * n)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert Model.load(target).digest() in known, "neither the one before nor the new one"


def full(target: Path, models: list[Model]) -> None:
    models[0].save(target)
    before = sorted(os.listdir(target.parent))
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            models[1].save(target)
        except ResourceError as error:
            os._exit(0 if "could not be written" in str(error) else 3)
        os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sorted(os.listdir(target.parent)) == before, "something half-written remains"
    assert Model.load(target).digest() == models[0].digest()


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    models = [shaken(MADE["row by transformer"](), folder / "run", seed) for seed in (0, 1)]
    (folder / "kill").mkdir()
    models[0].save(folder / "kill" / "m")
    killed(folder / "kill" / "m", models)
    (folder / "full").mkdir()
    full(folder / "full" / "m", models)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

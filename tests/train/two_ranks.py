"""One training by as many processes as the environment says; run by test_parallel, not a test.

Arguments: the folder, the toy recipe's name, batch, micro-batches.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from toys import MADE, job

from genloom.train import parallel
from genloom.train.loop import Loop


def main(folder: str, name: str, batch: str, accumulate: str) -> None:
    torch.set_num_threads(1)
    parallel.join()
    made = MADE[name](steps=4, accumulate=int(accumulate), weight_decay=0.0, save_seconds=0.0)
    made = replace(made, data=replace(made.data, batch=int(batch)))
    rank = parallel.rank()
    loop = Loop(job(made, Path(folder) / f"run{parallel.ranks()}", stop=lambda: False))
    outcome = loop.fit()
    weights = torch.cat([p.detach().flatten() for p in loop.params])
    weights.numpy().tofile(Path(folder) / f"weights{rank}of{parallel.ranks()}")
    assert outcome.steps == 4


if __name__ == "__main__":
    main(*sys.argv[1:])

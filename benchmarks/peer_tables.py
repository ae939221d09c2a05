"""A table made by SDV's synthesizers, run in that peer's environment.

Usage: peer_tables.py ctgan|tvae|copula TRAIN.csv ROWS OUT.csv [SECONDS]
Their defaults (CTGAN and TVAE: 300 epochs); kinds of columns are told as the scores are told them.
With SECONDS no epoch begins after that time, but for the first.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import pandas as pd
from ctgan.synthesizers import ctgan, tvae
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer

warnings.filterwarnings("ignore")


class Bounded:
    """Epochs until the time is up, one at least: in the place of the progress bar that CTGAN and
    TVAE go round."""

    def __init__(self, until):
        self.until, self.done = until, 0

    def __call__(self, epochs, **_):
        for epoch in epochs:
            if self.done and time.perf_counter() > self.until:
                return
            yield epoch
            self.done += 1


def main():
    kind, path, rows, out, *seconds = sys.argv[1:]
    train = pd.read_csv(path, skipinitialspace=True)
    sorts = {
        c: {"sdtype": "numerical" if train[c].dtype.kind in "if" else "categorical"}
        for c in train.columns
    }
    metadata = Metadata.load_from_dict({"tables": {"table": {"columns": sorts}}})
    made = {
        "copula": lambda: GaussianCopulaSynthesizer(metadata),
        "ctgan": lambda: CTGANSynthesizer(metadata, enable_gpu=False),
        "tvae": lambda: TVAESynthesizer(metadata, enable_gpu=False),
    }[kind]()
    begun = time.perf_counter()
    bound = Bounded(begun + float(seconds[0]) if seconds else float("inf"))
    ctgan.tqdm = tvae.tqdm = bound
    made.fit({"table": train})
    fitted = time.perf_counter()
    table = made.sample(int(rows))["table"]
    done = time.perf_counter()
    table.to_csv(out, index=False)
    told = {"fit_s": round(fitted - begun, 1), "sample_s": round(done - fitted, 2)}
    print(json.dumps({**told, "epochs": bound.done}))


if __name__ == "__main__":
    main()

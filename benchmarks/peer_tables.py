"""A table made by SDV's synthesizers, run in that peer's environment.

Usage: peer_tables.py ctgan|tvae|copula TRAIN.csv ROWS OUT.csv [SECONDS]
Their defaults (CTGAN and TVAE: 300 epochs); kinds of columns are told as the scores are told them.
With SECONDS as many of the epochs as that time holds, by the time of one and of three before, which
do not count.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer

warnings.filterwarnings("ignore")


def timed(make, table, epochs):
    """(what was fitted, seconds)."""
    made = make(epochs)
    begun = time.perf_counter()
    made.fit({"table": table})
    return made, time.perf_counter() - begun


def epochs_within(make, table, seconds):
    one, three = (timed(make, table, epochs)[1] for epochs in (1, 3))
    each = max(1e-3, (three - one) / 2)
    return max(1, min(300, int((seconds - one) / each) + 1))


def main():
    kind, path, rows, out, *seconds = sys.argv[1:]
    train = pd.read_csv(path, skipinitialspace=True)
    sorts = {
        c: {"sdtype": "numerical" if train[c].dtype.kind in "if" else "categorical"}
        for c in train.columns
    }
    metadata = Metadata.load_from_dict({"tables": {"table": {"columns": sorts}}})
    make = {
        "copula": lambda epochs: GaussianCopulaSynthesizer(metadata),
        "ctgan": lambda epochs: CTGANSynthesizer(metadata, enable_gpu=False, epochs=epochs),
        "tvae": lambda epochs: TVAESynthesizer(metadata, enable_gpu=False, epochs=epochs),
    }[kind]
    epochs = 300
    if seconds and kind != "copula":
        epochs = epochs_within(make, train, float(seconds[0]))
    made, taken = timed(make, train, epochs)
    fitted = time.perf_counter()
    table = made.sample(int(rows))["table"]
    done = time.perf_counter()
    table.to_csv(out, index=False)
    told = {"fit_s": round(taken, 1), "sample_s": round(done - fitted, 2), "epochs": epochs}
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""A table made by SDV's synthesizers, run in that peer's environment.

Usage: peer_tables.py ctgan|tvae|copula TRAIN.csv ROWS OUT.csv
Their defaults (CTGAN and TVAE: 300 epochs); kinds of columns are told as the scores are told them.
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


def main():
    kind, path, rows, out = sys.argv[1:5]
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
    made.fit({"table": train})
    fitted = time.perf_counter()
    table = made.sample(int(rows))["table"]
    done = time.perf_counter()
    table.to_csv(out, index=False)
    print(json.dumps({"fit_s": round(fitted - begun, 1), "sample_s": round(done - fitted, 2)}))


if __name__ == "__main__":
    main()

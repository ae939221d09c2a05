"""Fit mostlyai-engine's TabularARGN with differential privacy and sample:
peer_private_tables.py TRAIN.csv ROWS OUT.csv EPSILON DELTA MINUTES

A third of epsilon goes to what values there are (its default is 1), the rest to the training. Runs
in the peer's own environment.
"""

import json
import sys
import time

import pandas
from mostlyai.engine import TabularARGN

train, rows, out, epsilon, delta, minutes = sys.argv[1:]
private = {
    "max_epsilon": 2 * float(epsilon) / 3,
    "value_protection_epsilon": float(epsilon) / 3,
    "delta": float(delta),
}
model = TabularARGN(
    max_training_time=float(minutes),
    random_state=1,
    verbose=0,
    device="cpu",
    differential_privacy=private,
)
begun = time.perf_counter()
model.fit(pandas.read_csv(train, skipinitialspace=True))
fitted = time.perf_counter() - begun
model.sample(n_samples=int(rows)).to_csv(out, index=False)
print(json.dumps({"fit_s": round(fitted, 1)}))

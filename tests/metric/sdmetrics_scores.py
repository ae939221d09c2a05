"""Runs inside an environment that has SDMetrics: prints its scores of two CSV files as JSON.

usage: python sdmetrics_scores.py REAL.csv MADE.csv NUMBER_COLUMNS_AS_JSON
"""

import json
import sys
import warnings

import pandas as pd

warnings.filterwarnings("ignore")
from sdmetrics.reports.single_table import QualityReport  # noqa: E402

numbers = json.loads(sys.argv[3])
real, made = (
    pd.read_csv(path, skipinitialspace=True, keep_default_na=False, na_values=[""])
    for path in sys.argv[1:3]
)
for frame in (real, made):
    words = [name for name in frame if name not in numbers]
    frame[words] = frame[words].astype(object)
sdtypes = {c: {"sdtype": "numerical" if c in numbers else "categorical"} for c in real.columns}
report = QualityReport()
report.generate(real, made, {"columns": sdtypes}, verbose=False)
shapes = report.get_details("Column Shapes")
pairs = report.get_details("Column Pair Trends")
average = report.get_properties().set_index("Property")["Score"]
print(
    json.dumps(
        {
            "shape": average["Column Shapes"],
            "trend": average["Column Pair Trends"],
            "columns": dict(zip(shapes["Column"], shapes["Score"], strict=True)),
            "pairs": [
                [one, other, None if score != score else score]
                for one, other, score in zip(
                    pairs["Column 1"], pairs["Column 2"], pairs["Score"], strict=True
                )
            ],
        }
    )
)

"""Our numbers against those that lm-evaluation-harness gave for the same model and items.

harness_0_4_13.json holds ten of its own tasks over small local files, what it answered, and its
versions; benchmarks/bench_harness.py --record wrote it, from an export of the model that
fixed_model.py writes. Items longer than the context are among them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fixed_model
import pytest

from genloom import api
from genloom.trust.suites.measuring import evaluate

TOLD: dict[str, Any] = json.loads(
    Path(__file__).with_name("harness_0_4_13.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def model() -> api.Model:
    return fixed_model.model()


@pytest.mark.parametrize("name", TOLD["suites"])
def test_numbers_are_the_harness_s(model: api.Model, tmp_path: Path, name: str) -> None:
    told = TOLD["suites"][name]
    for part, rows in told["files"].items():
        file = tmp_path / name / f"{part}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    report = evaluate(model, [name], tmp_path, shots=told["shots"], tokens=TOLD["tokens"])
    own = {row.metric: row.value for row in report.rows}
    assert {k: own[k] for k in told["scores"]} == pytest.approx(told["scores"], rel=1e-5)
    for item, resps in zip(report.items[name], told["resps"], strict=True):
        said = [resp[0] for resp in resps]
        if "text" in item:
            mine, theirs = (t.rstrip("\N{REPLACEMENT CHARACTER}") for t in (item["text"], said[0]))
            assert mine == theirs  # a last character that is not complete is told in two ways
            continue
        nats = [float(one[0] if isinstance(one, list) else one) for one in said]
        assert (item.get("logprobs") or [-item["nats"]]) == pytest.approx(nats, rel=1e-5, abs=1e-3)


def test_the_record_covers_what_is_hard() -> None:
    """Every kind but code, examples, contexts that are cut, answers that match and that do not."""
    assert len(TOLD["suites"]) == 10 and TOLD["versions"]["lm_eval"] == "0.4.13"
    assert sum(one["shots"] > 0 for one in TOLD["suites"].values()) >= 7

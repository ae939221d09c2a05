"""Trainings by dataset: the plan, one job however often it is sent, live metrics and previews, an
end that keeps the best, and those of the command line beside them."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from trainings_place import QUICK, Asking, picture, rows

from genloom import api, store
from genloom.errors import Stopped

STEPS = ("start", "step")


@pytest.fixture(scope="module")
def table(asking: Asking) -> dict:
    return asking.looked(asking.upload({"people.csv": rows()}))


def test_a_plan_tells_what_it_takes_and_what_cannot_be(asking: Asking, table: dict) -> None:
    asked = {"dataset": table["id"], "preset": "table", "size": "tiny", "changes": QUICK}
    plan = asking.post("plans", asked)
    assert plan["steps"] == 12 and plan["parameters"] > 0 and plan["peak_bytes"] > 0
    assert plan["quality"]["metric"] == "tstr_auc" and plan["judged"] is True
    assert plan["quality"]["source"] == "docs/benchmarks.md, Tables: beside others"
    told = {one["name"]: one for one in plan["settings"]}
    assert told["train.steps"]["value"] == 12 and "weights move" in told["train.steps"]["about"]
    assert "net.net.depth" in told
    for change, word in (("train.rate=99", "rate"), ("train.no=1", "no"), ("codec.x=1", "x")):
        error = asking.post("plans", {**asked, "changes": [change]}, 400)["error"]
        assert error["param"] == "changes" and word in error["message"]
    asking.post("plans", {**asked, "minutes": 1}, 400)
    asking.post("plans", {**asked, "dataset": "ds_none"}, 404)


def test_sent_twice_it_is_one_training_that_is_told_to_its_end(asking: Asking, table: dict) -> None:
    asked = {"model": "new", "medium": "table", "size": "tiny", "dataset": table["id"]}
    asked |= {"changes": QUICK, "suffix": "once"}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    jobs = {asking.post("fine_tuning/jobs", asked, headers=headers)["id"] for _ in range(3)}
    (job,) = jobs
    name = next(t["id"] for t in asking.get("trainings")["data"] if t["job"] == job)
    assert [t["job"] for t in asking.get("trainings")["data"]].count(job) == 1
    found = asking.until(f"trainings/{name}", "state", ("finished", "failed"))
    assert found["state"] == "finished" and found["model"] and found["dataset"] == table["id"]
    told = asking.get(f"trainings/{name}/metrics")
    kinds = [event["kind"] for event in told["events"]]
    assert kinds[0] == "start" and kinds[-1] == "done" and kinds.count("step") == 12
    assert {"judge", "preview"} <= set(kinds) and told["more"] is False
    assert asking.get(f"trainings/{name}/metrics", after=told["next"])["events"] == []
    shown = next(e["path"] for e in told["events"] if e["kind"] == "preview")
    answer = asking.http.get(f"/v1/trainings/{name}/previews/{shown}")
    assert "age" in answer.text and "sandbox" in answer.headers["content-security-policy"]
    asking.get(f"trainings/{name}/previews/..%2Fmetrics.jsonl", 404)
    assert name in [model["id"] for model in asking.get("models")["data"]]


@pytest.mark.slow
def test_ended_early_it_keeps_the_best(asking: Asking, table: dict) -> None:
    name = asking.train(table, "table", "train.steps=100000", "train.judge=100", "train.preview=0")
    asking.until(f"trainings/{name}", "state", ("running",))
    _stepped(asking, name, 8)
    asking.post(f"trainings/{name}/end")
    found = asking.until(f"trainings/{name}", "state", ("finished", "failed"))
    assert found["state"] == "finished" and found["step"] < 100000
    assert "told to end" in found["last"]["done"]["ended"]


@pytest.mark.slow
def test_paused_it_goes_on_from_the_command_line(asking: Asking, table: dict) -> None:
    name = asking.train(table, "table", "train.steps=4000", "train.judge=0", "train.preview=0")
    _stepped(asking, name, 5)
    asking.post(f"trainings/{name}/pause")
    asking.until(f"trainings/{name}", "state", ("paused",))
    reached = asking.get(f"trainings/{name}")["step"]
    data = asking.get(f"trainings/{name}")["data"]
    seen = []
    with pytest.raises(Stopped):
        api.train(
            "table",
            data,
            out=name,
            resume=True,
            listener=lambda event: seen.append(event.step) if event.kind in STEPS else None,
            stop=lambda: len(seen) > 20,
        )
    assert seen[0] == reached
    asking.post(f"trainings/{name}/resume")
    asking.until(f"trainings/{name}", "state", ("running",))
    asking.post(f"trainings/{name}/cancel")
    assert asking.until(f"trainings/{name}", "state", ("cancelled",))["step"] >= max(seen)


@pytest.mark.slow
def test_one_of_the_command_line_is_seen_paused_and_gone_on_with(asking: Asking) -> None:
    file = asking.data / "own.csv"
    file.write_bytes(rows())
    changes = [*QUICK, "train.steps=3000", "train.judge=0", "train.preview=0"]

    def train() -> None:
        with pytest.raises(Stopped):
            api.train("table", file, out="own", size="tiny", changes=changes)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        _stepped(asking, "own", 3)
        found = asking.until("trainings/own", "state", ("running",))
        assert found["job"] is None and found["medium"] == "table" and found["memory"] > 0
        assert found["steps"] == 3000
    finally:
        asking.post("trainings/own/pause")
        thread.join(60)
    assert asking.until("trainings/own", "state", ("stopped",))["step"] < 3000
    asking.post("trainings/own/resume")
    assert asking.until("trainings/own", "state", ("running",))["job"]
    asking.post("trainings/own/end")
    assert asking.until("trainings/own", "state", ("finished",))["model"]
    assert store.existing("own")
    asking.http.delete("/v1/trainings/own").raise_for_status()
    asking.get("trainings/own", 404)


@pytest.mark.slow
def test_pictures_are_learnt_and_shown(asking: Asking) -> None:
    files = {f"{'ab'[n % 2]}/{n}.png": picture(n) for n in range(24)}
    made = asking.looked(asking.upload(files))
    assert made["found"]["summary"]["captioned"] == 24
    little = ("codec.size=8", "net.net.width=32", "net.net.heads=2", "net.net.depth=1")
    name = asking.train(made, "image", *little, "family.steps=2", "train.judge=0")
    found = asking.until(f"trainings/{name}", "state", ("finished", "failed"))
    assert found["state"] == "finished", found
    shown = found["last"]["preview"]["path"]
    answer = asking.http.get(f"/v1/trainings/{name}/previews/{shown}")
    assert answer.content.startswith(b"\x89PNG")


def _stepped(asking: Asking, name: str, step: int, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = asking.http.get(f"/v1/trainings/{name}")
        if answer.status_code == 200 and answer.json()["step"] >= step:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} has not come to step {step}")

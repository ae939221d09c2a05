"""A server that is killed at once in the middle of a batch and of a training: the next one on the
same records goes on with both, and does nothing twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import openai
import pytest
import small_server

from genloom import store

ADDRESS = re.compile(r"serving at (http://[\w.:]+)")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home of its own, with a model."""
    folder = tmp_path_factory.mktemp("killed")
    before = store.home()
    store.set_home(folder)
    small_server.words(folder)
    store.set_home(before)
    return folder


@contextmanager
def serving(place):
    command = [sys.executable, "-m", "genloom", "serve", "--port", "0", "--home", str(place)]
    said = place / "said"
    with said.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            told = eventually(said.read_text, lambda text: ADDRESS.search(text))
            url = f"{ADDRESS.search(told)[1]}/v1"
            with openai.OpenAI(base_url=url, api_key="none", timeout=100) as client:
                yield client, process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
        finally:
            process.kill()


def killed(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)


def eventually(ask, good, seconds=170):
    end = time.monotonic() + seconds
    while not good(found := ask()):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_batch_goes_on_behind_its_last_line(place):
    bodies = [{"model": "words", "prompt": "The ", "seed": n, "max_tokens": 50} for n in range(80)]
    url = "/v1/completions"
    lines = [
        json.dumps({"custom_id": str(n), "method": "POST", "url": url, "body": body})
        for n, body in enumerate(bodies)
    ]
    with serving(place) as (client, process):
        file = client.files.create(file=("a.jsonl", "\n".join(lines).encode()), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h")
        (log,) = eventually(lambda: [*place.glob("server/batches/*/answers")], lambda x: x)
        eventually(lambda: log.read_bytes().count(b"\n"), lambda done: done >= 4)
        killed(process)
    done = [json.loads(one.split(b" ", 2)[2]) for one in log.read_bytes().splitlines(True)[:4]]
    assert log.read_bytes().count(b"\n") < 80, "it was killed in the middle"
    with log.open("ab") as torn:
        torn.write(b'79 0 {"half')
    with serving(place) as (client, process):
        batch = eventually(
            lambda: client.batches.retrieve(batch.id), lambda b: b.status == "completed"
        )
        made = [json.loads(x) for x in client.files.content(batch.output_file_id).text.splitlines()]
        alone = client.completions.create(**bodies[79]).choices[0].text
    assert [one["custom_id"] for one in made] == [str(n) for n in range(80)]
    assert all(one in made for one in done), "what was answered was not asked again"
    assert made[79]["response"]["body"]["choices"][0]["text"] == alone
    assert not log.parent.exists()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_training_goes_on_from_its_checkpoint(place):
    pairs = [{"prompt": f"say {n}", "completion": f" it is {n}"} for n in range(24)]
    data = "\n".join(map(json.dumps, pairs)).encode()
    hyper = {"n_epochs": 15, "batch_size": 2}
    with serving(place) as (client, process):
        jobs = client.fine_tuning.jobs
        file = client.files.create(file=("a.jsonl", data), purpose="fine-tune")
        job = jobs.create(
            model="words",
            training_file=file.id,
            method={"type": "supervised", "supervised": {"hyperparameters": hyper}},
        )
        eventually(
            lambda: jobs.list_events(job.id, limit=1).data,
            lambda events: events and events[0].type == "metrics",
        )
        killed(process)
    with serving(place) as (client, process):
        jobs = client.fine_tuning.jobs
        job = eventually(lambda: jobs.retrieve(job.id), lambda job: job.status == "succeeded")
        told = [one.message for one in jobs.list_events(job.id, limit=1000).data]
        made = client.chat.completions.create(
            model=job.fine_tuned_model,
            messages=[{"role": "user", "content": "say 3"}],
            max_completion_tokens=4,
        )
    assert "taken up again: its server is gone" in told and "Training goes on" in told
    assert told.count("Training started") == 1
    assert made.usage.completion_tokens > 0

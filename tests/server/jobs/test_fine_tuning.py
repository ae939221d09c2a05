"""Fine-tuning with the official library: a real training whose model answers, what is refused, what
fails with its line, what is stopped and goes on."""

from __future__ import annotations

import base64
import csv
import io
import json
import time
import zipfile

import openai
import pytest
from PIL import Image

PAIRS = [{"prompt": f"say {n}", "completion": f"it is {n}"} for n in range(24)]
LONG = {"n_epochs": 50, "batch_size": 2}


def sent(client, lines, name="learn.jsonl", purpose="fine-tune"):
    data = lines if isinstance(lines, bytes) else "\n".join(map(json.dumps, lines)).encode()
    return client.files.create(file=(name, data), purpose=purpose).id


def supervised(**hyperparameters):
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def begun(client, lines=PAIRS, method=None, **more):
    asked = {"model": "words", "seed": 3, **more}
    asked["method"] = method or supervised(n_epochs=1, batch_size=8)
    return client.fine_tuning.jobs.create(training_file=sent(client, lines), **asked)


def until(client, job, *statuses, seconds=110):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = client.fine_tuning.jobs.retrieve(job.id)
        if job.status in statuses:
            return job
        assert job.status not in ("failed", "succeeded", "cancelled"), job
        time.sleep(0.2)
    raise AssertionError(f"still {job.status} after {seconds} s")


def stepping(client, job):
    """Wait for the first step."""
    end = time.monotonic() + 110
    while time.monotonic() < end:
        events = client.fine_tuning.jobs.list_events(job.id, limit=1).data
        if events and events[0].type == "metrics":
            return
        time.sleep(0.1)
    raise AssertionError("no step was told")


def test_a_model_learns_and_answers_by_its_name(client):
    held = sent(client, PAIRS[:4])
    job = begun(
        client,
        method=supervised(n_epochs=3, batch_size=8, learning_rate_multiplier=0.5),
        suffix="mine",
        metadata={"who": "test"},
        validation_file=held,
    )
    assert job.status in ("queued", "validating_files") and job.fine_tuned_model is None
    assert job.method.supervised.hyperparameters.n_epochs == 3 and job.metadata == {"who": "test"}
    job = until(client, job, "succeeded")
    assert job.fine_tuned_model.startswith("ft:words:") and ":mine:" in job.fine_tuned_model
    assert job.trained_tokens > 0 and job.finished_at >= job.created_at and job.error is None
    asked = [{"role": "user", "content": "say 3"}]
    made = client.chat.completions.create(
        model=job.fine_tuned_model, messages=asked, max_completion_tokens=4
    )
    assert made.model == job.fine_tuned_model and made.usage.completion_tokens > 0
    assert job.fine_tuned_model in [model.id for model in client.models.list().data]
    events = client.fine_tuning.jobs.list_events(job.id, limit=100).data
    assert events[0].message.startswith("New fine-tuned model")
    steps = [one.data for one in events if one.type == "metrics" and "train_loss" in one.data]
    assert steps and all(one["train_loss"] > 0 and one["total_steps"] for one in steps)
    (file,) = job.result_files
    rows = list(csv.DictReader(io.StringIO(client.files.content(file).text)))
    assert float(rows[0]["train_loss"]) == pytest.approx(steps[-1]["train_loss"])
    assert any(row["valid_loss"] for row in rows)
    kept = client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert kept and kept[0].fine_tuned_model_checkpoint.startswith(job.fine_tuned_model)
    assert client.models.retrieve(kept[0].fine_tuned_model_checkpoint).id
    assert client.fine_tuning.jobs.list(limit=1).data[0].id == job.id


@pytest.mark.slow
def test_a_table_is_learnt_from_nothing(client):
    rows = "\n".join(f"{n % 50 + 18},{'ab'[n % 2]}" for n in range(120))
    file = sent(client, f"age,side\n{rows}\n".encode(), "people.csv")
    job = client.fine_tuning.jobs.create(
        model="new",
        training_file=file,
        method=supervised(n_epochs=1),
        extra_body={"medium": "table", "size": "tiny"},
    )
    job = until(client, job, "succeeded")
    assert client.models.retrieve(job.fine_tuned_model).model_dump()["medium"] == "table"


def zipped(entries):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return made.getvalue()


def picture(n):
    made = io.BytesIO()
    colour = (220, 30, 30) if n % 2 else (30, 30, 220)
    Image.new("RGB", (8, 8), colour).save(made, "png")
    return made.getvalue()


def begun_from(client, file, medium, *changes):
    return client.fine_tuning.jobs.create(
        model="new",
        training_file=file,
        method=supervised(n_epochs=1, batch_size=8),
        extra_body={"medium": medium, "size": "tiny", "changes": [*LITTLE, *changes]},
    )


LITTLE = ["net.net.width=32", "net.net.heads=2", "net.net.depth=1", "train.preview=0"]


@pytest.mark.slow
def test_a_folder_of_pictures_comes_as_an_archive(client):
    entries = {f"toys/{['blue', 'red'][n % 2]}/{n}.png": picture(n) for n in range(16)}
    file = sent(client, zipped({**entries, "__MACOSX/toys/._0.png": b"x"}), "toys.zip")
    job = begun_from(client, file, "image", "codec.size=8", "family.steps=2")
    job = until(client, job, "succeeded")
    told = client.models.retrieve(job.fine_tuned_model).model_dump()
    assert told["medium"] == "image"
    made = client.images.generate(
        model=job.fine_tuned_model, prompt="red", response_format="b64_json"
    )
    assert Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json))).size == (8, 8)


@pytest.mark.slow
def test_a_folder_of_texts_comes_as_an_archive(client):
    file = sent(
        client, zipped({f"book/{n}.txt": f"say {n} again " * 9 for n in range(12)}), "b.zip"
    )
    job = begun_from(client, file, "text", "codec.length=64")
    told = client.models.retrieve(until(client, job, "succeeded").fine_tuned_model)
    assert told.model_dump()["medium"] == "text"


@pytest.mark.slow
def test_what_is_paused_or_cancelled_goes_on_where_it_stood(client):
    jobs = client.fine_tuning.jobs
    job = begun(client, method=supervised(**LONG))
    stepping(client, job)
    running = jobs.retrieve(job.id)
    assert running.status == "running" and running.estimated_finish
    jobs.pause(job.id)
    assert until(client, job, "paused").finished_at is None
    reached = jobs.list_events(job.id, limit=1).data[0].message
    jobs.resume(job.id)
    stepping(client, job)
    assert until(client, job, "running")
    assert jobs.cancel(job.id).status in ("running", "cancelled")
    assert until(client, job, "cancelled").finished_at
    assert jobs.cancel(job.id).status == "cancelled"
    told = [one.message for one in jobs.list_events(job.id, limit=1000).data]
    assert "its state is kept" in reached and told[0].startswith("Training stopped")
    steps = [int(m.split()[1].split("/")[0]) for m in reversed(told) if m.startswith("Step ")]
    assert steps == sorted(set(steps)), "no step was taken twice"
    with pytest.raises(openai.ConflictError):
        jobs.pause(job.id)


def test_a_line_that_cannot_be_learnt_is_named(client):
    asked, told = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    bad = [{"messages": [asked, told]}] * 9 + [{"messages": [asked]}]
    job = begun(client, bad)
    end = time.monotonic() + 110
    while (job := client.fine_tuning.jobs.retrieve(job.id)).status != "failed":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert job.error.code == "invalid_training_file" and job.error.param == "training_file"
    assert "line 10" in job.error.message and job.error.line == 10
    assert job.fine_tuned_model is None and job.trained_tokens is None


GRADER = {"type": "python", "name": "mine", "source": "def grade(a, b): return 1"}
REFUSED = [
    ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
    ({"suffix": "../up"}, "suffix"),
    ({"seed": -1}, "seed"),
    ({"training_file": "file-none"}, "training_file"),
    ({"method": supervised(n_epochs=0)}, "n_epochs"),
    ({"model": "new"}, "medium"),
    ({"method": {"type": "reinforcement", "reinforcement": {"grader": GRADER}}}, "grader"),
    *(
        (
            {
                "method": {
                    "type": "reinforcement",
                    "reinforcement": {"grader": {"type": "reward", "reward": reward}},
                }
            },
            "grader.reward",
        )
        for reward in ("python score.py", "score.py:f", "exact+sh", "tests", "/bin/true")
    ),
]


@pytest.mark.parametrize(("change", "param"), REFUSED)
def test_what_cannot_be_done_is_refused_with_its_field(client, change, param):
    asked = {"model": "words", "training_file": "file-x", **change}
    with pytest.raises(openai.BadRequestError) as error:
        client.fine_tuning.jobs.create(**asked)
    assert param in error.value.param


def test_a_model_that_is_not_there_is_not_found(client):
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.create(model="../words", training_file="file-x")


@pytest.mark.slow
def test_a_model_learns_what_is_preferred(client):
    """Pairs of a better and a worse answer, as OpenAI's clients send them, move a model that
    speaks: its loss is that of preferences, told step by step."""
    asked = [{"role": "user", "content": "say 3"}]
    speaks = until(client, begun(client, method=supervised(n_epochs=1, batch_size=8)), "succeeded")
    answers = {
        name: [{"role": "assistant", "content": text}]
        for name, text in (("preferred_output", "it is 3"), ("non_preferred_output", "no"))
    }
    lines = [{"input": {"messages": asked}, **answers}] * 16
    method = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 1, "batch_size": 4}}}
    job = begun(client, lines, method, model=speaks.fine_tuned_model)
    job = until(client, job, "succeeded")
    events = client.fine_tuning.jobs.list_events(job.id, limit=100).data
    losses = [one.data["train_loss"] for one in events if one.type == "metrics"]
    assert losses[-1] == pytest.approx(0.693, abs=0.01) and losses[0] < losses[-1]  # newest first
    made = client.chat.completions.create(
        model=job.fine_tuned_model, messages=asked, max_completion_tokens=4
    )
    assert made.usage.completion_tokens > 0

"""Training by rewards from end to end: it helps, goes on exactly, and survives broken rewards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import toys

from genloom import api, rollouts
from genloom.errors import DataError, RewardError, Stopped, UsageError
from genloom.forecast import fresh, job_of
from genloom.material import Material, prepare
from genloom.model import Model
from genloom.net.lora import Adapter
from genloom.rollouts import Rollouts
from genloom.train.log import Event, silent
from genloom.train.loop import Loop
from genloom.trust.quality import evaluate
from genloom.tuning import start_of

TASKS = [{"prompt": f"{letter}{n} ", "answer": letter} for n in range(8) for letter in "abc"]
QUICK = [
    *("train.steps=6", "train.judge=0", "data.batch=3", "family.tries=4", "family.max_tokens=5"),
    *("data.holdout=0.2", "train.compile=off", "train.precision=fp32"),
]


def low_letters(item: Mapping[str, Any]) -> float:
    """The share of a try that is in the first half of what bytes there are."""
    text = item["completion"]
    return sum(ord(c) < 100 for c in text) / max(1, len(text))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of texts in which no weight is zero."""
    folder = tmp_path_factory.mktemp("base")
    model = toys.shaken(toys.MADE["text"](), folder / "run")
    model.save(folder / "model")
    return folder / "model"


def trained(base: Path, out: Path, reward: Any = low_letters, *changes: str, **rest: Any) -> Any:
    asked = [*QUICK, *changes]
    return api.train(
        "reward", TASKS, out=out, size="tiny", start=base, reward=reward, changes=asked, **rest
    )


def material(base: Path, reward: Any = low_letters, **rest: Any) -> Material:
    start = start_of(base, rest.pop("adapter", None), None, None)
    args = ("reward", TASKS, "tiny", None, 0, QUICK, None, silent, None, start, 1.0, reward)
    return prepare(*args)


def loader(base: Path, reward: Any = low_letters, **rest: Any) -> Rollouts:
    made = material(base, reward, **rest)
    found = made.loader(fresh(made, Model))
    assert isinstance(found, Rollouts)
    return found


# ---- the batches


def test_batches_are_what_the_model_says_and_what_it_is_worth(base: Path) -> None:
    seen: list[dict[str, Any]] = []

    def reward(item: Mapping[str, Any]) -> float:
        seen.append(dict(item))
        return low_letters(item)

    made = loader(base, reward)
    (batch,) = made.batches(0)
    spec, worth = batch.spec, batch.worth
    assert worth is not None and worth.shape == (12,) and batch.count() == 12
    assert torch.allclose(worth.view(3, 4).sum(1), torch.zeros(3), atol=1e-6)
    rewards = torch.tensor([low_letters(item) for item in seen]).view(3, 4)
    assert torch.allclose(worth.view(3, 4), rewards - rewards.mean(1, keepdim=True), atol=1e-6)
    for row, item in enumerate(seen):
        drawn = batch.x[row][batch.weight[row] > 0].tolist()
        ended = drawn[-1] == spec.eos
        assert len(drawn) == 5 or ended
        said = drawn[:-1] if ended else drawn
        assert made.codec.decode([torch.tensor(said)])[0] == item["completion"]
        start = batch.x[row, : int((batch.weight[row] > 0).nonzero()[0])].tolist()
        assert start == [spec.bos, *made.codec.encode([item["prompt"]])[0].tolist()]
    assert made.told["reward"] == pytest.approx(float(rewards.mean()), abs=1e-5)


def test_batches_are_a_function_of_seed_step_and_weights(base: Path) -> None:
    made = loader(base)
    first, second = made.batches(3)[0], made.batches(3)[0]
    assert torch.equal(first.x, second.x) and torch.equal(first.worth, second.worth)
    assert not torch.equal(first.x[:, -3:], made.batches(4)[0].x[:, -3:])
    model = made.model
    assert model is not None
    with torch.no_grad():
        for p in model.nets.parameters():
            p.mul_(1.5)
    moved = made.batches(3)[0]
    assert moved.x.shape != first.x.shape or not torch.equal(moved.x, first.x)
    assert model.nets.training is False


def test_parts_of_a_batch_are_the_batch(base: Path) -> None:
    made = loader(base)
    (whole,), parts = made.batches(1), made.batches(1, 2)
    assert len(parts) == 2 and sum(len(part.x) for part in parts) == len(whole.x)
    assert torch.equal(torch.cat([part.worth for part in parts]), whole.worth)
    assert all(len(part.x) % 4 == 0 for part in parts)


def test_the_net_comes_back_in_the_mode_it_was_in(base: Path) -> None:
    made = loader(base)
    assert made.model is not None
    made.model.nets.train()
    made.batches(0)
    assert made.model.nets.training


# ---- the training


def test_what_is_rewarded_becomes_commoner(base: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    changes = ("train.steps=25", "train.rate=0.004", "family.tries=8", "data.batch=4")
    model = trained(base, tmp_path / "m", low_letters, *changes, listener=heard.append)
    steps = [dict(e.values) for e in heard if e.kind == "step"]
    assert {"reward", "reward_deviation", "length", "no_signal", "loss"} <= steps[0].keys()
    rewards = [step["reward"] for step in steps]
    assert sum(rewards[-5:]) > sum(rewards[:5]) + 0.5
    assert model.recipe.family.kind == "policy" and model.codec.kind == "text"
    assert isinstance(model.generate("a", max_tokens=4)[0], str)
    assert api.load(tmp_path / "m").card["parents"][0]["as"] == "start"


def test_a_stopped_training_goes_on_bit_by_bit(base: Path, tmp_path: Path) -> None:
    whole = trained(base, tmp_path / "whole")
    polls = iter(range(100))
    with pytest.raises(Stopped):
        trained(base, tmp_path / "parts", stop=lambda: next(polls) == 2)
    parts = trained(base, tmp_path / "parts", resume=True)
    assert whole.digest() == parts.digest()


def test_an_adapter_learns_from_rewards_too(base: Path, tmp_path: Path) -> None:
    made = material(base, adapter=Adapter(rank=2, targets=("qkv",)))
    model = fresh(made, Model)
    job = job_of(made, model, tmp_path, silent, lambda: False, False)
    before = job.loader.batches(0)[0]
    with torch.no_grad():
        for p in model.nets.parameters():
            if p.requires_grad:
                p.add_(0.5)
    after = job.loader.batches(0)[0]
    assert before.x.shape != after.x.shape or not torch.equal(before.x, after.x)
    Loop(job).fit()


def test_a_divergence_keeps_to_the_start(base: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    trained(base, tmp_path / "m", low_letters, "family.kl=0.1", listener=heard.append)
    steps = [dict(e.values) for e in heard if e.kind == "step"]
    assert steps[0]["kl"] == pytest.approx(0.0, abs=1e-4) and steps[-1]["kl"] > 0


def test_held_out_tasks_are_tried_greedily(base: Path, tmp_path: Path) -> None:
    model = trained(base, tmp_path / "m", low_letters, "train.judge=3")
    assert -model.card["metrics"]["held_out_loss"] == model.card["metrics"]["held_out_reward"]


def test_quality_is_the_reward_on_held_out_tasks(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path / "m", "length:2")
    report = evaluate(tmp_path / "m", TASKS, training=TASKS, count=5)
    row = report["reward"]
    assert row.floor == 1.0 and row.ceiling == 1.0 and 0 <= row.value <= 1.0
    assert report.protocol["tasks"] == 5


# ---- what goes wrong


def test_a_reward_that_fails_loses_nothing(base: Path, tmp_path: Path) -> None:
    """Mended, the training ends as if nothing had happened."""
    file, flag = tmp_path / "own.py", tmp_path / "broken"
    file.write_text(
        "from pathlib import Path\n"
        "def own(item):\n"
        f"    if Path({str(flag)!r}).exists(): raise KeyError('gone')\n"
        "    return len(item['completion'])\n"
    )
    words = f"{file}:own"
    whole = trained(base, tmp_path / "whole", words)

    def heard(event: Event) -> None:
        if event.kind == "step" and event.step == 3:
            flag.touch()

    with pytest.raises(RewardError, match=r"step 3, try 1 .*KeyError: 'gone'.*--resume"):
        trained(base, tmp_path / "m", words, listener=heard)
    flag.unlink()
    assert trained(base, tmp_path / "m", words, resume=True).digest() == whole.digest()


def test_a_reward_without_a_signal_is_said_early(base: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    changes = ("train.steps=12",)
    trained(base, tmp_path / "m", lambda item: 0.5, *changes, listener=heard.append)
    told = [e.values["told"] for e in heard if e.kind == "guard"]
    assert len(told) == 1 and "no try was better than its siblings" in told[0]


def test_what_is_missing_is_asked_for(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--from MODEL"):
        api.train("reward", TASKS, out=tmp_path / "m", reward="exact")
    with pytest.raises(UsageError, match="--reward"):
        trained(base, tmp_path / "m", None)
    with pytest.raises(DataError, match="no tasks that this model can try"):
        trained(base, tmp_path / "m", "tests")


def test_tasks_that_do_not_fit_are_counted(base: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    path = tmp_path / "tasks.jsonl"
    long = {"prompt": "x" * 500, "answer": "b"}
    lines = [*TASKS, {"prompt": "no answer"}, long, {**long, "prompt": "y" * 400}]
    path.write_text("\n".join(map(json.dumps, lines)))
    changes = [*QUICK, "train.steps=1", "data.holdout=0"]
    api.train(
        "reward", path, out=tmp_path / "m", size="tiny", start=base, reward="exact",
        changes=changes, listener=heard.append,
    )  # fmt: skip
    notes = [n for e in heard if e.kind == "fit" for n in e.values["notes"]]
    assert any("2 tasks" in n and "N tokens" in n for n in notes)
    assert any("1 tasks" in n and "no answers" in n for n in notes)


def test_tries_that_became_all_as_good_finish_and_those_that_always_were_do_not(base, monkeypatch):
    monkeypatch.setattr(rollouts, "USELESS", 2)
    for begun, ends in ((0.2, True), (1.0, False)):
        made = material(base, lambda item: 1.0)
        loader: Any = made.loader(fresh(made, Model))
        loader.begun = begun
        loader.batches(0)
        assert not loader.finished
        if ends:
            loader.batches(1)
            assert "as much as its siblings" in loader.finished
        else:
            with pytest.raises(RewardError, match="nothing can be learnt"):
                loader.batches(1)
        made.close()


def test_a_loader_that_has_finished_ends_the_training_as_it_stands(tmp_path):
    ready = toys.job(toys.MADE["text"](steps=50), tmp_path / "run")
    ready.loader.finished = "nothing is left"
    outcome = Loop(ready).fit()
    assert outcome.steps == 1 and outcome.ended == "nothing is left"


def test_a_training_that_never_learnt_is_given_up(base, tmp_path, monkeypatch):
    monkeypatch.setattr(rollouts, "USELESS", 3)
    with pytest.raises(RewardError, match="nothing can be learnt"):
        trained(base, tmp_path / "m", lambda item: 1.0, "train.steps=50", "family.kl=0")

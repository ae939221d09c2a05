"""A training with epsilon, end to end: what its card states, what is refused, how it goes on."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from genloom import api, store
from genloom.errors import DataError, GenloomError, Stopped

SMALL = ("train.steps=6", "net.net.summed=16", "net.net.width=16", "net.net.depth=1")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    import pandas

    rng = np.random.default_rng(0)
    age = rng.integers(20, 60, 1500)
    frame = pandas.DataFrame({"age": age, "job": np.where(age > 40, "old", "new")})
    file = tmp_path_factory.mktemp("people") / "people.csv"
    frame.to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def model(people, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "m"
    return api.train("table", people, out=out, epsilon=4, changes=SMALL)


def test_the_card_states_what_bounds_a_row(model):
    told = model.card["privacy"]
    assert 0 < told["epsilon"] <= told["epsilon_asked"] == 4
    assert told["epsilon"] > 3.9 and told["delta"] == pytest.approx(1e-5)
    assert told["accountant"].startswith("Opacus") and told["sampling"] == "Poisson"
    assert told["noise_multiplier"] > 0 and told["clip"] == 1.0 and told["steps"] == 6
    assert told["counts"]["queries"] == 5 and told["counts"]["public"]
    assert "one row" in told["unit"]


def test_nothing_in_the_model_lets_a_guess_at_the_data_be_tested(model):
    told = json.dumps(model.card) + (model.folder / "README.md").read_text()
    assert model.card["data"]["sha256"] == "" and model.card["data"]["entries"] == []
    assert model.card["metrics"] == {} and "job" not in told
    assert not (store.run_folder(model.folder) / "noise.key").exists()
    assert len(model.training_items()) + len(model.held_out_items()) == 1500


@pytest.mark.slow
def test_the_same_seed_makes_another_model(model, people, tmp_path):
    other = api.train("table", people, out=tmp_path / "m", epsilon=4, changes=SMALL)
    assert other.digest() != model.digest()
    assert len(other.generate(20)) == 20


def test_a_training_that_was_stopped_goes_on_with_the_same_noise(people, tmp_path):
    polls = iter([False] * 3 + [True])
    out = tmp_path / "m"
    with pytest.raises(Stopped):
        api.train("table", people, out=out, epsilon=4, changes=SMALL, stop=lambda: next(polls))
    run = store.run_folder(out)
    assert (run / "noise.key").stat().st_mode & 0o077 == 0
    shutil.copytree(run, tmp_path / "kept")
    first = api.train("table", people, out=out, resume=True)
    shutil.rmtree(run)
    shutil.copytree(tmp_path / "kept", run)
    second = api.train("table", people, out=out, resume=True)
    assert first.digest() == second.digest()
    assert first.card["privacy"]["steps"] == 6
    shutil.rmtree(run)
    shutil.copytree(tmp_path / "kept", run)
    (run / "noise.key").unlink()
    with pytest.raises(GenloomError, match="gone"):
        api.train("table", people, out=out, resume=True)


@pytest.mark.parametrize(
    "more, said",
    [
        ({"epsilon": 0}, "more than 0"),
        ({"epsilon": -3}, "more than 0"),
        ({"epsilon": float("nan")}, "more than 0"),
        ({"epsilon": 3, "delta": 0.0}, "more than 0"),
        ({"epsilon": 3, "delta": 0.5}, "hand out a row"),
        ({"delta": 1e-5}, "goes with --epsilon"),
        ({"epsilon": 3, "changes": ("train.judge=5",)}, "has to be 0"),
        ({"epsilon": 3, "changes": ("data.ramp=0.5",)}, "has to be 0"),
        ({"epsilon": 3, "changes": ("privacy.clip=-1",)}, "privacy.clip"),
        ({"epsilon": 3, "checkpoints": 2}, "checkpoints"),
    ],
)
def test_what_cannot_hold_is_refused(people, tmp_path, more, said):
    with pytest.raises(GenloomError, match=said):
        api.train("table", people, out=tmp_path / "m", **more)
    assert not (tmp_path / "m").exists()


def test_other_media_and_arrays_are_refused(people, tmp_path):
    (tmp_path / "a.txt").write_text("some text\n" * 50)
    with pytest.raises(GenloomError, match="cannot learn from noisy counts"):
        api.train("text", tmp_path / "a.txt", out=tmp_path / "m", epsilon=3)
    with pytest.raises(GenloomError, match="use the medium table"):
        api.train("table-flow", people, out=tmp_path / "m", epsilon=3)


def test_going_on_from_a_model_is_not_counted_and_refused(model, people, tmp_path):
    with pytest.raises(GenloomError, match="train anew"):
        api.train("table", people, out=tmp_path / "m", start=model)
    with pytest.raises(GenloomError, match="train anew"):
        api.train("table", people, out=tmp_path / "m", start=model, epsilon=3)


def test_a_handful_of_rows_is_refused(tmp_path):
    (tmp_path / "few.csv").write_text("a,b\n" + "".join(f"{n % 3},x\n" for n in range(60)))
    with pytest.raises(DataError, match="told of privately"):
        api.train("table", tmp_path / "few.csv", out=tmp_path / "m", epsilon=3)

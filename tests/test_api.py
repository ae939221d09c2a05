"""train, plan, load, generate on tiny data of each medium, and what their refusals say."""

from __future__ import annotations

import numpy as np
import pytest
from toys import captioned, frame, texts

from genloom import api
from genloom.errors import DataError, ModelError, RequestError, ResourceError, Stopped, UsageError

SMALL = ["train.steps=10", "train.judge=0", "train.preview=0", "data.holdout=0.2"]
TEXT = [*SMALL, "net.net.width=32", "net.net.depth=1", "net.net.heads=2", "codec.length=32"]
TABLE = [*SMALL, "net.net.width=32", "net.net.depth=1"]
IMAGE = [*SMALL, "net.net.width=32", "net.net.depth=1", "net.net.heads=2"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "corpus.txt"
    file.write_text("\n\n".join(texts(60)))
    return file


@pytest.fixture(scope="module")
def text(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "text"
    return api.train("text", corpus, out=out, size="tiny", changes=TEXT)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "table"
    return api.train("table", frame(200), out=out, size="tiny", changes=TABLE)


def test_text_is_learnt_saved_and_generated(text, corpus):
    assert text.card["steps"] == 10 and text.card["data"]["root"] == str(corpus.resolve())
    made = text.generate(count=2, seed=1, max_tokens=20)
    assert len(made) == 2 and all(isinstance(x, str) for x in made)
    assert api.load(text.folder).generate(count=2, seed=1, max_tokens=20) == made
    assert api.generate(text.folder, count=2, seed=1, max_tokens=20) == made
    assert text.generate(count=2, seed=2, max_tokens=20) != made


def test_the_nth_sample_does_not_depend_on_how_many_are_asked_for(text):
    made = text.generate(count=4, seed=3, max_tokens=12)
    assert text.generate(count=1, seed=3, first=2, max_tokens=12) == made[2:3]


def test_a_number_is_the_count(text):
    assert len(text.generate(3, max_tokens=4)) == 3


def test_the_same_training_gives_the_same_weights(text, corpus, tmp_path):
    again = api.train("text", corpus, out=tmp_path / "m", size="tiny", changes=TEXT)
    assert again.digest() == text.digest()


def test_items_are_read_again_from_where_they_lay(text):
    assert "".join(text.training_items()) and "".join(text.held_out_items())


def test_table_rows_are_a_frame_of_the_same_columns(table):
    made = table.generate(20, seed=1)
    assert list(made.columns) == ["age", "job", "pay"] and len(made) == 20
    assert set(made["job"]) <= {"clerk", "cook", "retired"}
    assert table.generate(20, seed=1).equals(made)
    (third,) = table.generate(1, seed=1, first=2).to_dict("records")
    assert third == made.to_dict("records")[2]


def test_rows_meet_their_conditions(table):
    made = table.generate(8, seed=1, where={"job": "cook"})
    assert len(made) == 8 and set(made["job"]) == {"cook"}


def test_data_from_memory_cannot_be_read_again(table):
    with pytest.raises(DataError, match="data from memory"):
        table.training_items()


def test_pictures_are_learnt_with_their_captions(tmp_path):
    pictures = captioned(24)
    model = api.train("image", pictures, out=tmp_path / "m", size="tiny", changes=IMAGE)
    made = model.generate("above", count=2, seed=4)
    assert len(made) == 2
    (second,) = model.generate("above", count=1, seed=4, first=1)
    apart = np.asarray(second).astype(int) - np.asarray(made[1]).astype(int)
    assert abs(apart).max() <= 1


def test_a_stopped_training_is_resumed_to_the_same_weights(text, corpus, tmp_path):
    polls = iter([False] * 3 + [True])
    out = tmp_path / "m"
    with pytest.raises(Stopped):
        api.train("text", corpus, out=out, size="tiny", changes=TEXT, stop=lambda: next(polls))
    assert not out.exists()
    model = api.train("text", corpus, out=out, resume=True)
    assert model.digest() == text.digest() and out.is_dir()
    with pytest.raises(ModelError, match="nothing to resume"):
        api.train("text", corpus, out=out, resume=True)


def test_a_damaged_run_is_told(corpus, tmp_path):
    (tmp_path / "m.run" / "checkpoint").mkdir(parents=True)
    (tmp_path / "m.run" / "recipe.json").write_text("{")
    with pytest.raises(ModelError, match="train without --resume"):
        api.train("text", corpus, out=tmp_path / "m", resume=True)


def test_a_folder_of_something_else_is_not_trained_over(corpus, tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ModelError, match="choose another place"):
        api.train("text", corpus, out=tmp_path, changes=TEXT)


def test_plan_says_what_it_takes_and_keeps_nothing(tmp_path):
    plan = api.plan("table", frame(200), size="tiny", changes=TABLE, price=36.0)
    assert plan.steps == 10 and 0 < plan.seconds < 100 and plan.parameters > 1000
    assert plan.cost == pytest.approx(plan.seconds / 100)
    assert 0 < plan.peak_bytes < plan.free_bytes


def test_plan_refuses_what_cannot_fit_before_taking_memory(corpus):
    huge = [*TEXT, "net.net.width=65536", "net.net.depth=48"]
    with pytest.raises(ResourceError, match=r"GiB, but .* GiB are free"):
        api.plan("text", corpus, size="tiny", changes=huge)


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_empty_data_is_told(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        api.train("text", tmp_path / "a.txt", out=tmp_path / "m", changes=TEXT)
    assert "\n" not in str(caught.value)


def test_missing_data_is_told(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        api.train("table", tmp_path / "none.csv", out=tmp_path / "m")


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_rows_are_told(tmp_path, count):
    with pytest.raises(DataError, match="give at least"):
        api.train("table", frame(64)[:count], out=tmp_path / "m", changes=TABLE)


def test_a_prompt_without_captions_is_told(tmp_path):
    plain = [p.source for p in captioned(16)]
    with pytest.raises(DataError, match="needs captions"):
        api.train(
            "image",
            plain,
            out=tmp_path / "m",
            size="tiny",
            changes=[*IMAGE, 'prompt={"kind": "words"}'],
        )


@pytest.mark.parametrize(
    "given, error",
    [
        ({"size": "huge"}, UsageError),
        ({"minutes": 0}, UsageError),
        ({"device": "gpu9"}, UsageError),
        ({"changes": ["net.net.widht=3"]}, UsageError),
        ({"out": ""}, UsageError),
    ],
)
def test_what_is_asked_wrongly_is_told(corpus, tmp_path, given, error):
    with pytest.raises(error) as caught:
        api.train("text", corpus, **{"out": tmp_path / "m", "size": "tiny", **given})
    assert "\n" not in str(caught.value)


def test_an_unknown_option_or_model_is_told(text):
    with pytest.raises(RequestError, match=r"temprature.*known are"):
        text.generate(temprature=2)
    with pytest.raises(ModelError, match="no model"):
        api.load("nosuchmodel")

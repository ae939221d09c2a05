"""A chat model goes on from pairs, whole or by an adapter, and a student from its teacher: through
the one loop, exact under resume, with frozen nets that no checkpoint holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import toys

import genloom
from genloom.api import fingerprint
from genloom.errors import RecipeError, Stopped, UsageError
from genloom.recipe import Part, Recipe

HOW = ["train.judge=0", "train.preview=0", "data.batch=4", "train.compile=off"]
STEPS = 8


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model that was taught for a moment."""
    folder = tmp_path_factory.mktemp("chat") / "model"
    made = toys.recipe(Part("chat", toys.OPTIONS["chat"][0]), Part("autoregressive"), NET, steps=4)
    genloom.train(made, toys.talks(), out=folder)
    return folder


NET = {"net": "transformer"}


def going_on(medium: str | Recipe, data, out: Path, *changes: str, **how):
    heard: list = []
    steps = [] if "resume" in how else [*HOW, f"train.steps={STEPS}", *changes]
    model = genloom.train(medium, data, out=out, changes=steps, listener=heard.append, **how)
    return model, [event.values for event in heard if event.kind == "step"]


@pytest.mark.parametrize("adapter", [None, "lora"])
@pytest.mark.parametrize("form", ["dpo", "orpo"])
def test_pairs_are_learnt_from_a_chat_model(chat, tmp_path, form, adapter):
    before = fingerprint(chat)
    pairs = toys.preferences()
    how = (f"family.form={form}", "train.rate=0.01", "family.beta=0.5")
    model, told = going_on("preference", pairs, tmp_path / "m", *how, start=chat, adapter=adapter)
    assert told[-1]["margin"] > told[0]["margin"] + 0.1
    if form == "dpo":  # beside itself a net has no margin, with an adapter or without
        assert told[0]["margin"] == pytest.approx(0, abs=1e-4)
    assert fingerprint(chat) == before
    loaded = genloom.load(tmp_path / "m")
    words = {"max_tokens": 8, "temperature": 0.0}
    assert loaded.generate("say a", **words) == model.generate("say a", **words)


@pytest.mark.parametrize("adapter", [None, "lora"])
def test_a_stopped_training_ends_as_if_it_had_not_been(chat, tmp_path, adapter):
    """The reference is made anew from the start: no checkpoint holds it."""
    how = {"start": chat, "adapter": adapter}
    whole, _ = going_on("preference", toys.preferences(), tmp_path / "whole", **how)
    polls = iter([False] * 3 + [True])
    with pytest.raises(Stopped):
        going_on(
            "preference", toys.preferences(), tmp_path / "cut", stop=lambda: next(polls), **how
        )
    cut, _ = going_on("preference", toys.preferences(), tmp_path / "cut", resume=True)
    assert cut.digest() == whole.digest()


def test_a_student_learns_from_its_teacher(tmp_path):
    texts = toys.texts(60)
    made = toys.recipe(Part("text", toys.OPTIONS["text"][0]), Part("autoregressive"), NET, steps=40)
    teacher = genloom.train(made, texts, out=tmp_path / "teacher")
    student, told = going_on(
        "distil", texts, tmp_path / "student", "net.net.width=32", teacher=tmp_path / "teacher"
    )
    assert told[-1]["divergence"] < told[0]["divergence"]
    assert student.codec.spec.vocab == teacher.codec.spec.vocab
    assert student.card["parents"] and len(genloom.load(tmp_path / "student").generate("the")) == 1


def test_a_teacher_of_another_vocabulary_is_refused_with_what_to_do(chat, tmp_path):
    texts = toys.texts(60)
    for name, options in (("bytes", 0), ("pairs", 1)):
        codec = Part("text", toys.OPTIONS["text"][options])
        made = toys.recipe(codec, Part("autoregressive"), NET, steps=1)
        genloom.train(made, texts, out=tmp_path / name)
    with pytest.raises(RecipeError, match=r"another vocabulary .* train on these") as caught:
        going_on(
            "distil", texts, tmp_path / "m", start=tmp_path / "pairs", teacher=tmp_path / "bytes"
        )
    assert "\n" not in str(caught.value)


def test_what_is_lacking_is_said(chat, tmp_path):
    with pytest.raises(UsageError, match="--from MODEL"):
        going_on("preference", toys.preferences(), tmp_path / "m")
    with pytest.raises(UsageError, match="--teacher MODEL"):
        going_on("distil", toys.texts(60), tmp_path / "m", start=chat)
    with pytest.raises(RecipeError, match=r"hands out 1 row: use family 'autoregressive'"):
        going_on("chat", toys.talks(), tmp_path / "m", "family.kind=preference")
    with pytest.raises(RecipeError, match=r"hands out 2 rows: use family 'preference'"):
        going_on(
            "preference", toys.preferences(), tmp_path / "m", 'family={"kind":"autoregressive"}'
        )

"""Every number stands between a floor and a ceiling that deserve the names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_data import people

from genloom import api
from genloom.errors import DataError, UsageError
from genloom.trust import quality_image, quality_table
from genloom.trust.captions import Slot
from genloom.trust.quality import Report, Row, evaluate


@pytest.fixture(scope="module")
def text_report(text_model: api.Model) -> Report:
    return evaluate(text_model, count=4)


@pytest.fixture(scope="module")
def image_report(image_model: api.Model) -> Report:
    return evaluate(image_model, shown=10)


@pytest.fixture(scope="module")
def table_report(table_model: api.Model) -> Report:
    return evaluate(table_model)


def test_reports_state_what_they_used(
    text_report: Report, image_report: Report, table_report: Report
) -> None:
    for report in (text_report, image_report, table_report):
        values = json.loads(json.dumps(report.to_json(), allow_nan=False))
        assert values["protocol"]["seed"] == 0 and values["protocol"]["held_out_items"] >= 1
        assert len({row["metric"] for row in values["rows"]}) == len(values["rows"])
        for row in report.rows:
            assert row.note and row.floor is not None and row.ceiling is not None, row.metric
    assert table_report.protocol["target"] == "rich" and table_report.protocol["task"] == "class"
    assert text_report.protocol["scored_tokens"] == text_report.protocol["scored_bytes"]


def test_not_a_number_is_no_json() -> None:
    row = Row(metric="a", value=float("nan"), floor=float("inf"))
    assert Report(rows=(row,)).to_json()["rows"][0]["value"] is None


# ---- texts


def test_the_stream_is_scored_once_and_whole(text_model: api.Model, text_report: Report) -> None:
    """The rates of all units come from one sum, and each byte of held-out text is in it."""
    held = text_model.held_out_items()
    characters = sum(map(len, held))
    assert text_report.protocol["scored_characters"] == characters
    bits, nats = text_report["bits_per_byte"], text_report["nats_per_character"]
    assert nats.value == pytest.approx(bits.value * np.log(2))
    assert 1.0 < bits.value < 8.0  # it has learnt a little, and is not told the answer
    assert bits.ceiling == pytest.approx(bits.value, rel=0.05)  # 20 steps memorise nothing
    assert 0 < bits.floor < bits.value  # counting does better than 20 steps


def test_a_copying_writer_is_seen(text_model: api.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    training = text_model.training_items()[0]
    monkeypatch.setattr(api.Model, "generate", lambda self, *_, **__: [training[100:400]])
    report = evaluate(text_model)
    assert report["verbatim_share"].value == 1.0
    assert report["longest_overlap"].value == 300 == report["longest_overlap"].floor
    assert report["longest_overlap"].ceiling < 60


def test_a_babbling_writer_is_seen(text_model: api.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.Model, "generate", lambda self, *_, **__: ["moon " * 50])
    report = evaluate(text_model)
    assert report["distinct_2"].value == report["distinct_2"].floor < 0.1
    assert report["repetition_4"].value == report["repetition_4"].floor > 0.9
    assert report["distinct_2"].ceiling > 0.5


# ---- pictures


def test_floors_of_pictures_are_below_ceilings(image_report: Report) -> None:
    for name in ("recognised", "recall", "taught_by_made"):
        assert image_report[name].floor < image_report[name].ceiling, name
    for name in ("frechet_distance", "kernel_distance"):
        assert image_report[name].floor > image_report[name].ceiling, name
    assert image_report["recognised"].ceiling == 1.0  # bars are easy
    assert image_report["exact_copies"].value == 0.0


def test_a_perfect_painter(image_model: api.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that are training pictures of the right class are recognised, and are copies."""
    training = image_model.training_items()
    by_class: dict[str, list[Any]] = {}
    for picture in training:
        by_class.setdefault(picture.caption, []).append(picture)
    monkeypatch.setattr(
        quality_image,
        "_make",
        lambda model, held, seed: [by_class[p.caption].pop() for p in held],
    )
    report = evaluate(image_model, shown=10)
    assert report["recognised"].value == 1.0 and report["exact_copies"].value == 1.0
    assert report["nearest_training_distance"].value == 0.0
    assert report["frechet_distance"].value < report["frechet_distance"].floor / 2


def test_every_picture_is_made_as_asked(image_model: api.Model) -> None:
    held = image_model.held_out_items()
    made = quality_image._make(image_model, held, seed=3)
    captions = [picture.caption for picture in held]
    first = {c: sum(captions.index(o) < captions.index(c) for o in captions) for c in captions}
    where = captions.index("upright")
    alone = image_model.generate("upright", 1, seed=3, first=first["upright"])[0]
    apart = np.asarray(made[where], int) - np.asarray(alone, int)
    assert abs(apart).max() <= 1  # the last bit of a float may differ with the batch


def test_slots_are_judged_one_by_one_and_together() -> None:
    rng = torch.Generator().manual_seed(0)
    across = torch.randint(0, 2, (200,), generator=rng)
    bright = torch.randint(0, 2, (200,), generator=rng)
    x = torch.full((200, 1, 8, 8), -1.0)
    for n in range(200):
        place = slice(3, 5)
        where = (0, place) if across[n] else (0, slice(None), place)
        x[n][where] = 1.0 if bright[n] else -0.4
    captions = [
        f"{'light' if b else 'dim'} {'bar' if a else 'pole'}"
        for a, b in zip(across, bright, strict=True)
    ]
    found = [Slot.of([c.split()[0] for c in captions]), Slot.of([c.split()[1] for c in captions])]
    pictures = quality_image.Pictures(x=x, labels=torch.tensor([s.labels for s in found]))
    judge = quality_image._teach(pictures, found, 0, 10)
    half = torch.arange(200) % 2 == 0
    wrong = pictures.labels.clone()
    wrong[0, half] = 1 - wrong[0, half]  # the shade is not what was asked in half of them
    own = quality_image.Pictures(x=x, labels=wrong)
    both, shade, form = quality_image._recognised(judge, own, pictures, found)
    assert both.value == pytest.approx(0.5, abs=0.02) and both.ceiling > 0.98
    assert shade.value == both.value and form.value > 0.98
    assert 0.25 <= both.floor < shade.floor < 0.65


def test_the_floor_keeps_places_and_breaks_pictures() -> None:
    x = torch.zeros(50, 3, 4, 4)
    x += torch.arange(50.0)[:, None, None, None]  # each picture has a grey of its own
    x[:, 1] += 100.0
    x[:, :, 2, 3] = -7.0  # a pixel that all share
    floor = quality_image._shuffled(x, 20, seed=0)
    assert floor.shape == (20, 3, 4, 4) and bool((floor[:, :, 2, 3] == -7.0).all())
    assert torch.equal(floor[:, 0, 0], floor[:, 1, 0] - 100.0)  # a pixel keeps its colour
    assert float(floor[:, 0].flatten(1).std(1).min()) > 5.0


# ---- tables


def test_floors_of_tables_are_below_ceilings(table_report: Report) -> None:
    assert table_report["tstr_auc"].floor < 0.65 < 0.9 < table_report["tstr_auc"].ceiling
    for name in ("shape_error", "trend_error", "two_sample_auc", "exact_copies"):
        assert table_report[name].floor > table_report[name].ceiling, name
    assert table_report["two_sample_auc"].ceiling == pytest.approx(0.5, abs=0.12)
    assert table_report["exact_copies"].value < 0.1


def test_a_perfect_copy(table_model: api.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    training = table_model.training_items()
    monkeypatch.setattr(api.Model, "generate", lambda self, *_, **__: training)
    report = evaluate(table_model)
    assert report["exact_copies"].value == 1.0 and report["closest_record"].value == 0.0
    assert report["shape_error"].value == 0.0 and report["trend_error"].value == 0.0
    assert report["tstr_auc"].value == report["tstr_auc"].ceiling
    assert report["closer_to_train"].value > 0.6


def test_fresh_rows_of_the_same_kind_are_ideal(
    table_model: api.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.Model, "generate", lambda self, *_, **__: people(400, seed=77))
    report = evaluate(table_model)
    assert report["two_sample_auc"].value == pytest.approx(0.5, abs=0.1)
    assert report["closer_to_train"].value == pytest.approx(0.5, abs=0.1)
    assert report["tstr_auc"].value > 0.85 and report["trend_error"].value < 15


def test_the_scores_are_those_of_the_published_protocol() -> None:
    """Against the protocol written out with scikit-learn's own encoders."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.preprocessing import OrdinalEncoder

    real, rest, own = (people(n, seed) for n, seed in ((300, 1), (120, 2), (300, 3)))
    own["city"] = own["city"].sample(frac=1, random_state=0).to_numpy()
    own["rich"] = own["rich"].sample(frac=1, random_state=1).to_numpy()
    numbers, words = ["age", "height"], ["city"]
    encode = OrdinalEncoder().fit(pd.concat([real, rest, own])[words])

    def features(frame: pd.DataFrame) -> np.ndarray:
        return np.hstack([frame[numbers].to_numpy(float), encode.transform(frame[words])])

    model = HistGradientBoostingClassifier(random_state=0).fit(features(own), own.rich == "yes")
    auc = roc_auc_score(rest.rich == "yes", model.predict_proba(features(rest))[:, 1])
    both = pd.concat([real.sample(300, random_state=0), own.sample(300, random_state=0)])
    x = np.hstack([features(both), (both.rich == "yes").to_numpy(float)[:, None]])
    label = np.r_[np.zeros(300), np.ones(300)]
    guess = cross_val_predict(
        HistGradientBoostingClassifier(random_state=0), x, label, cv=3, method="predict_proba"
    )

    kinds = {"age": "number", "city": "choice", "height": "number", "rich": "choice"}
    task = quality_table._task(real, kinds, None)
    assert task.column == "rich"
    task = quality_table.Task(column="rich", goal="class", positive="yes")
    used = quality_table._utility(task, real, rest, own, own, kinds, 0)
    assert used.value == pytest.approx(auc, abs=1e-12)
    told = quality_table._two_samples(real, own, own, rest, kinds, task, 0)
    assert told.value == pytest.approx(roc_auc_score(label, guess[:, 1]), abs=1e-12)


def test_a_target_may_be_named(table_model: api.Model) -> None:
    report = evaluate(table_model, target="height", count=200)
    row = report["tstr_r2"]
    assert row.ceiling > 0.2 and row.floor < 0.1 and row.ceiling > row.floor
    assert report.protocol["task"] == "value" and report.protocol["rows"] == 200
    with pytest.raises(UsageError, match="no learnt column"):
        evaluate(table_model, target="wage")


# ---- what is asked for


def test_other_data_may_be_given(table_model: api.Model, tmp_path: Any) -> None:
    people(100, seed=5).to_csv(tmp_path / "new.csv", index=False)
    report = evaluate(table_model, tmp_path / "new.csv", count=100)
    assert report.protocol["held_out_items"] == 100
    assert report.protocol["data"].endswith("new.csv")
    from_memory = evaluate(table_model, people(100, seed=5), count=100)
    assert from_memory["tstr_auc"] == report["tstr_auc"]


def test_the_same_seed_gives_the_same_numbers(table_model: api.Model) -> None:
    one, two = (evaluate(table_model, seed=3, count=100) for _ in range(2))
    assert one.rows == two.rows
    assert one.rows != evaluate(table_model, seed=4, count=100).rows


def test_a_model_may_be_named_and_is_watched(text_model: api.Model) -> None:
    stages: list[str] = []
    evaluate(
        text_model.folder, count=1, listener=lambda event: stages.append(event.values["stage"])
    )
    assert len(stages) >= 4 and len(set(stages)) == len(stages)


def test_what_cannot_be_asked(text_model: api.Model, tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="target"):
        evaluate(text_model, target="x")
    with pytest.raises(UsageError, match="count"):
        evaluate(text_model, count=0)
    with pytest.raises(DataError, match="does not exist"):
        evaluate(text_model, tmp_path / "gone.txt")
    with pytest.raises(DataError, match="held-out"):
        evaluate(text_model, [])

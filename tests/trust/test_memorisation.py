"""A planted copy is found first and judged near; what is new is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from genloom import api
from genloom.data.split import take
from genloom.errors import DataError
from genloom.spec import Request
from genloom.trust.memorisation import copies, trace
from genloom.trust.provenance import save


def test_a_copied_passage_is_found(text_model: api.Model) -> None:
    training = text_model.training_items()[0]
    planted = training[1003:1163]
    found = trace(planted, text_model)
    first = found.neighbours[0]
    assert first.index == 0 and abs(first.start - 1003) <= 1 and first.distance < 1e-6
    assert first.text == planted
    assert found.overlap.text == planted and found.overlap.start == 1003
    assert found.share_nearer == 0.0 and found.held_out["least"] > 0
    assert found.held_out_overlap < len(planted)
    assert len(found.neighbours) == 5 and found.neighbours[1].distance > 0.1


def test_a_new_passage_is_as_far_as_real_ones(text_model: api.Model) -> None:
    fresh = text_model.held_out_items()[0][200:360]
    found = trace(fresh, text_model)
    assert found.overlap.text in fresh and len(found.overlap.text) < 60
    assert found.share_nearer > 0.0
    nonsense = trace("qzx jkw vvq " * 10, text_model)
    assert nonsense.share_nearer == 1.0
    assert nonsense.neighbours[0].distance > found.neighbours[0].distance


def test_overlaps_count_characters_not_bytes(tmp_path: Path, text_model: api.Model) -> None:
    first, second = "äöü ß " * 30, "the øre und åre " * 10
    model = _with_data(text_model, [first, second], ["ganz andere Wörter stehen hier " * 8])
    found = trace("xx øre und åre", model)
    assert found.overlap.index == 1 and second[found.overlap.start :].startswith(found.overlap.text)
    assert found.overlap.text == " øre und åre"


def test_a_copied_picture_is_found(image_model: api.Model, place: Path) -> None:
    training = image_model.training_items()
    found = trace(training[17], image_model, count=3)
    assert found.neighbours[0].index == 17 and found.neighbours[0].distance == 0.0
    assert len(found.neighbours) == 3 and found.share_nearer == 0.0
    assert found.overlap is None


def test_a_saved_picture_names_its_model(image_model: api.Model, tmp_path: Path) -> None:
    request = Request(prompt="upright", count=1)
    items = api.exact(image_model, request)
    (path,) = save(image_model.codec, items, tmp_path / "a.png", api.record(image_model, request))
    by_name, by_hand = trace(path), trace(items[0], image_model)
    assert by_name == by_hand
    bare = tmp_path / "bare.png"
    items[0].save(bare)
    with pytest.raises(DataError, match="name the model"):
        trace(bare)


def test_a_copied_row_is_found_among_others(table_model: api.Model) -> None:
    training = table_model.training_items()
    strange = pd.DataFrame({"age": [79], "city": ["south"], "height": [151.0], "rich": ["no"]})
    asset = pd.concat([strange, training.iloc[[123]]], ignore_index=True)
    found = trace(asset, table_model)
    first = found.neighbours[0]
    assert first.item == 1 and first.distance == 0.0
    assert training.iloc[first.index].equals(training.iloc[123].rename(training.index[first.index]))
    assert found.neighbours[1].item == 0 and found.neighbours[1].distance > 0
    alone = trace(strange, table_model)
    assert len(alone.neighbours) == 5 and alone.share_nearer > 0.5


def test_traces_are_json(text_model: api.Model) -> None:
    values = trace("the old house", text_model).to_json()
    assert values["neighbours"][0]["distance"] >= 0 and values["overlap"]["text"]


def test_missing_and_changed_data_is_said(
    image_model: api.Model, place: Path, tmp_path: Path
) -> None:
    picture = image_model.training_items()[0].source
    kept = tmp_path / "kept.png"
    shutil.move(picture, kept)
    try:
        with pytest.raises(DataError, match="changed"):
            trace(kept, image_model)
    finally:
        shutil.move(kept, picture)
    assert trace(picture, image_model).neighbours[0].distance == 0.0


@pytest.mark.parametrize("empty", ["", "  \n", []])
def test_nothing_to_trace(text_model: api.Model, empty: object) -> None:
    with pytest.raises(DataError):
        trace(empty, text_model)


# ---- exact copies


def test_copies_of_rows(table_model: api.Model) -> None:
    training, held = table_model.training_items(), table_model.held_out_items()
    half = pd.concat([take(training, range(10)), take(held, range(10))], ignore_index=True)
    half.loc[10:, "height"] = 1000.0  # no real row is that tall
    found = copies(table_model, half)
    assert found.rate == 0.5 and found.copied == tuple(range(10))
    assert found.held_out < 0.2 and found.held_out_items == len(held)


def test_copies_of_pictures(image_model: api.Model) -> None:
    training = image_model.training_items()
    found = copies(image_model, [training[3], *image_model.generate("across", 2)])
    assert found.copied == (0,) and found.held_out == 0.0


def test_copies_of_texts(text_model: api.Model) -> None:
    training = text_model.training_items()[0]
    found = copies(text_model, [training[50:150], training[50:149] + "#", " "])
    assert found.copied == (0,) and found.rate == pytest.approx(1 / 3)
    assert found.held_out == 0.0


def _with_data(model: api.Model, train: list[str], held: list[str]) -> api.Model:
    """The same model, as if it had learnt from these."""

    class Elsewhere(api.Model):
        def training_items(self) -> list[str]:
            return train

        def held_out_items(self) -> list[str]:
            return held

    return Elsewhere(
        recipe=model.recipe, codec=model.codec, prompt=None, nets=model.nets, card=model.card
    )

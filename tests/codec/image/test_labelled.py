"""Pictures with masks: layouts in, arrays and back, boxes, counts in words, files out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import toys
from PIL import Image

from genloom.codec.image.labelled import LabelledCodec
from genloom.codec.image.labelled_item import Labelled, asked, found, parts, plural, told
from genloom.codec.image.pictures import Picture
from genloom.errors import DataError, ModelError, RecipeError, RequestError

CLASSES = ("car", "sign", "box")


def mask_of(*rectangles, side=16):
    mask = np.zeros((side, side), np.uint8)
    for number, x, y, width, height in rectangles:
        mask[y : y + height, x : x + width] = number
    return mask


def pair(mask, seed=0, classes=CLASSES):
    pixels = np.random.default_rng(seed).integers(0, 256, (*mask.shape, 3), dtype=np.uint8)
    return Labelled(picture=Picture(Image.fromarray(pixels)), mask=mask, classes=classes)


@pytest.fixture
def codec():
    made = LabelledCodec(size=16)
    made.fit([pair(mask_of((1, 1, 1, 4, 3)), n) for n in range(4)])
    return made


def test_parts_are_connected_over_corners_and_around_bends():
    mask = np.array(
        [[1, 0, 1, 0, 0], [1, 0, 1, 0, 1], [1, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool
    )
    assert parts(mask) == [(0, 0, 4, 4, 8), (4, 1, 1, 1, 1)]
    assert parts(np.zeros((3, 3), bool)) == []
    assert parts(np.ones((3, 4), bool)) == [(0, 0, 4, 3, 12)]


def test_parts_agree_with_filling_by_hand():
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((12, 9)) < 0.45
        left, seen = {tuple(p) for p in np.argwhere(mask).tolist()}, []
        while left:
            front, size = [left.pop()], 1
            while front:
                i, j = front.pop()
                near = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left
                left -= near
                front += near
                size += len(near)
            seen.append(size)
        assert sorted(seen) == sorted(part[4] for part in parts(mask))


def test_boxes_leave_out_specks():
    mask = mask_of((1, 2, 3, 4, 2), (1, 10, 10, 1, 1), (2, 0, 0, 3, 3))
    boxes = found(mask, CLASSES)
    assert [(b.label, b.x, b.y, b.width, b.height, b.pixels) for b in boxes] == [
        ("car", 2, 3, 4, 2, 8),
        ("sign", 0, 0, 3, 3, 9),
    ]


def test_counts_are_said_and_read_back():
    counts = {"car": 2, "sign": 1, "box": 3}
    assert told(counts) == "2 cars, 1 sign, 3 boxes"
    assert asked("3 boxes and a sign, 2 Cars", CLASSES) == counts
    assert told(asked("no cars", CLASSES)) == told({}) == "nothing"
    assert asked("nothing", CLASSES) == asked("", CLASSES) == {"car": 0, "sign": 0, "box": 0}
    assert [plural(word) for word in ("lorry", "day", "bus", "man")] == [
        *("lorries", "days", "buses", "mans")
    ]
    for text in ("2 trees", "cars", "two cars", "-1 car"):
        with pytest.raises(RequestError, match="no count of car, sign, box"):
            asked(text, CLASSES)


def test_prompts_and_conditions_become_the_words_of_training(codec):
    assert codec.worded("a sign and 2 cars", None) == "2 cars, 1 sign"
    assert codec.worded(None, {"sign": 1, "car": 2}) == "2 cars, 1 sign"
    assert codec.worded(None, "sign = 1 and car=2") == "2 cars, 1 sign"
    assert codec.worded(None, None) is None
    with pytest.raises(RequestError, match="once"):
        codec.worded("2 cars", {"car": 2})
    with pytest.raises(RequestError):
        codec.worded(None, {"tree": 2})


def test_picture_and_mask_come_back_together(codec):
    items = [pair(mask_of((1, 1, 1, 4, 3), (3, 9, 9, 5, 4)), n) for n in range(3)]
    x = codec.encode(items)
    assert x.shape == (3, 6, 16, 16) and set(x[:, 3:].unique().tolist()) == {-1.0, 1.0}
    assert [span.name for span in codec.spec.spans] == ["picture", *CLASSES]
    for before, after in zip(items, codec.decode(x), strict=True):
        assert np.array_equal(before.labels(), after.labels())
        assert np.array_equal(np.asarray(before.image), np.asarray(after.image))
        assert after.counts == {"car": 1, "sign": 0, "box": 1} and after.caption == "1 car, 1 box"
    assert codec.captions(items) == ["1 car, 1 box"] * 3


def test_decode_never_fails_on_a_legal_tensor(codec):
    made = codec.decode(torch.full((1, 6, 16, 16), float("nan")))[0]
    assert not made.labels().any() and made.caption == "nothing"


def test_numbers_are_never_blended(codec):
    large = pair(mask_of((3, 10, 10, 30, 20), side=50))
    small = codec.encode([large])[0, 3:]
    assert set(small.unique().tolist()) == {-1.0, 1.0}
    assert (small[2] > 0).any() and not (small[:2] > 0).any()


def test_save_and_load(codec, tmp_path):
    codec.save(tmp_path)
    loaded = LabelledCodec.load(tmp_path)
    assert loaded.spec == codec.spec and loaded.classes == CLASSES
    (tmp_path / "codec.json").write_text((tmp_path / "codec.json").read_text().replace("crop", "x"))
    with pytest.raises(ModelError):
        LabelledCodec.load(tmp_path)
    for options in ({"mode": "RGBA"}, {"fit": "pad"}, {"least": 0}):
        with pytest.raises(RecipeError):
            LabelledCodec(**options)


# --- files ----------------------------------------------------------------------------------------


def write_folder(folder, layout, masks):
    """Three pictures with their masks in one of the layouts."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, mask in enumerate(masks):
        names = {
            "beside": (f"{n}.png", f"{n}_mask.png"),
            "folders": (f"images/{n}.png", f"masks/{n}.png"),
        }[layout]
        for name, image in zip(names, (pair(mask).image, Image.fromarray(mask)), strict=True):
            (folder / name).parent.mkdir(exist_ok=True)
            image.save(folder / name)


@pytest.mark.parametrize("layout", ["beside", "folders"])
def test_masks_beside_pictures(tmp_path, layout):
    masks = [mask_of((n + 1, n, n, 4, 3)) for n in range(3)]
    write_folder(tmp_path, layout, masks)
    codec = LabelledCodec(size=16)
    reading = codec.read(tmp_path)
    assert [item.classes for item in reading.items] == [("class 1", "class 2", "class 3")] * 3
    assert all(np.array_equal(i.labels(), m) for i, m in zip(reading.items, masks, strict=True))
    assert len(reading.files) == 6
    (tmp_path / "classes.txt").write_text("car\nsign\nbox\n")
    codec.fit(codec.read(tmp_path).items)
    assert codec.captions(codec.read(tmp_path).items) == ["1 car", "1 sign", "1 box"]


def test_masks_of_two_shades_of_colours_and_of_indices(tmp_path):
    mask = mask_of((1, 2, 2, 5, 5))
    for name, image in {
        "grey": Image.fromarray(mask * 255),
        "bits": Image.fromarray(mask * 255).convert("1"),
        "colour": Image.fromarray(np.stack([mask * 200, mask * 10, mask * 0], -1)),
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        pair(mask).image.save(folder / "a.png")
        image.save(folder / "a_mask.png")
        item = LabelledCodec(size=16).read(folder).items[0]
        assert item.classes == ("thing",) and np.array_equal(item.labels(), mask), name


def test_bad_pairs_are_left_out_and_told(tmp_path):
    write_folder(tmp_path, "beside", [mask_of((1, 1, 1, 4, 4)), mask_of()])
    picture = pair(mask_of()).image
    for name in ("alone", "small", "broken"):
        picture.save(tmp_path / f"{name}.png")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "small_mask.png")
    (tmp_path / "broken_mask.png").write_bytes(b"no picture")
    reading = LabelledCodec(size=16).read(tmp_path)
    assert [item.picture.name for item in reading.items] == ["0.png", "1.png"]  # black is sound
    assert set(reading.skipped) == {"alone.png", "small.png", "broken.png"}
    assert "16 x 16, its mask 4 x 4" in reading.skipped["small.png"]
    smooth = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    smooth.save(tmp_path / "0_mask.png")
    with pytest.raises(DataError, match="without smoothing"):
        LabelledCodec(size=16).read(tmp_path)
    with pytest.raises(DataError, match="no picture with its mask"):
        (tmp_path / "empty").mkdir()
        LabelledCodec(size=16).read(tmp_path / "empty")


def coco(tmp_path, **changes):
    pair(mask_of()).image.save(tmp_path / "a.png")
    values = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "gone.png"}],
        "categories": [{"id": 30, "name": "sign"}, {"id": 4, "name": "car"}],
        "annotations": [
            {"image_id": 7, "category_id": 4, "bbox": [1, 2, 5, 4]},
            {"image_id": 7, "category_id": 30, "segmentation": [[9, 9, 14, 9, 14, 14, 9, 14]]},
        ],
    }
    (tmp_path / "annotations.json").write_text(json.dumps({**values, **changes}))


def test_coco_boxes_and_polygons(tmp_path):
    coco(tmp_path)
    reading = LabelledCodec(size=16).read(tmp_path)
    assert set(reading.skipped) == {"gone.png"}
    (item,) = reading.items
    assert item.classes == ("car", "sign")
    car, sign = item.boxes
    assert (car.label, car.x, car.y, car.width, car.height) == ("car", 1, 2, 5, 4)
    assert (sign.label, sign.x, sign.y) == ("sign", 9, 9)


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": [{"image_id": 7, "category_id": 99, "bbox": [1, 2, 5, 4]}]},
        {"categories": []},
        {"annotations": [{"image_id": 7, "category_id": 4, "bbox": ["a", 2, 5, 4]}]},
        {"annotations": [{"image_id": 7, "category_id": 4, "segmentation": {"counts": "x"}}]},
        {"images": "none"},
    ],
)
def test_damaged_annotations_are_refused(tmp_path, changes):
    coco(tmp_path, **changes)
    with pytest.raises(DataError):
        LabelledCodec(size=16).read(tmp_path)


def test_what_is_written_is_read_again(codec, tmp_path):
    item = pair(mask_of((1, 1, 1, 4, 3), (2, 9, 9, 5, 4)))
    assert codec.write(item, tmp_path / "0000.png", {"seed": 1}) is True
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *("0000.png", "0000_boxes.json", "0000_mask.png")
    ]
    told_ = json.loads((tmp_path / "0000_boxes.json").read_text())
    assert told_["counts"] == {"car": 1, "sign": 1, "box": 0}
    assert told_["boxes"][0] == {"label": "car", "box": [1, 1, 4, 3], "pixels": 12}
    (again,) = codec.read(tmp_path).items
    assert again.classes == CLASSES and np.array_equal(again.labels(), item.labels())
    with pytest.raises(RequestError, match="mask"):
        codec.write(item, tmp_path / "a_mask.png")
    sheet = codec.preview([item, again], tmp_path / "sheet.png")
    assert Picture(sheet).open().width > 300


def test_toys_are_told():
    codec = LabelledCodec(size=8)
    codec.fit(toys.labelled())
    assert set(codec.captions(toys.labelled())) == {"1 car", "1 car, 1 sign"}
    scores = codec.compare(toys.labelled(), toys.labelled())
    assert scores["class_share_error"] == 0

"""What is told of pictures: shapes, ranges, randomness of its own, and what is read from disk."""

from __future__ import annotations

import zipfile

import pytest
import torch
from PIL import Image, ImageDraw

from genloom.codec.image import damage
from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.controls import (
    KINDS,
    Coarse,
    Damaged,
    Edges,
    Grey,
    Masked,
    control_of,
    grey,
)
from genloom.errors import DataError, RecipeError, RequestError


def pictures(count: int = 6, channels: int = 3, side: int = 24) -> torch.Tensor:
    """Rectangles of a colour on another."""
    rng = torch.Generator().manual_seed(1)
    x = torch.rand(count, channels, 1, 1, generator=rng).expand(-1, -1, side, side).clone() - 1
    x[:, :, 6:18, 6:18] += 0.9
    return x


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"beside"}))
def test_a_control_has_its_channels_and_its_range(kind, channels):
    control, x = control_of(kind), pictures(channels=channels)
    told = control.told(x, seeded())
    assert told.shape == (6, control.channels(channels), 24, 24)
    assert bool(told.isfinite().all()) and told.abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("kind", ["coarse", "damaged", "masked"])
def test_what_is_drawn_depends_on_the_generator_alone(kind):
    control = control_of({"kind": "coarse", "damage": 1.0} if kind == "coarse" else kind)
    x = pictures()
    assert torch.equal(control.told(x, seeded(3)), control.told(x, seeded(3)))
    assert not torch.equal(control.told(x, seeded(3)), control.told(x, seeded(4)))


def test_edges_are_where_brightness_changes():
    told = Edges().told(pictures(1), seeded())[0, 0]
    assert told[6, 12] > 0.5 and told[12, 6] > 0.5
    assert told[12, 12] < -0.95 and told[1, 1] < -0.95


def test_a_drawing_is_taken_as_the_edges_themselves():
    drawing = torch.ones(3, 24, 24)
    drawing[:, 10] = -1.0  # a black line on white
    told = Edges().of(drawing, None)
    assert torch.equal(told[0], -drawing[0])
    photo = pictures(1)[0]
    assert torch.equal(Edges().of(photo, None), Edges().told(photo[None], seeded())[0])


def test_coarse_pictures_are_means_of_squares_as_large_as_before():
    x = pictures(side=16)
    told = Coarse(factor=4).told(x, seeded())
    assert torch.allclose(told[:, :, ::4, ::4], torch.nn.functional.avg_pool2d(x, 4), atol=0.005)
    assert torch.equal(told[:, :, :4, :4], told[:, :, :1, :1].expand(-1, -1, 4, 4))


def test_grey_keeps_brightness_and_transparency():
    x = pictures(channels=4)
    told = Grey().told(x, seeded())
    assert torch.allclose(told[:, 0], 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])
    assert torch.equal(told[:, 1], x[:, 3])
    assert torch.equal(grey(x[:, :1]), x[:, :1])


def test_masks_say_where_they_took_something_out():
    x = pictures(32)
    told = Masked().told(x, seeded())
    hole = told[:, 3:] > 0
    assert bool((told[:, :3][hole.expand(-1, 3, -1, -1)] == 0).all())
    assert bool((told[:, :3] == x)[~hole.expand(-1, 3, -1, -1)].all())
    share = hole.float().mean((1, 2, 3))
    assert 0.15 < share.mean() < 0.7 and share.min() > 0


def test_damage_grows_with_its_measure_and_none_is_none():
    x = pictures(32)
    gaps = [float((Damaged(damage=m).told(x, seeded()) - x).abs().mean()) for m in (0, 0.5, 1.0)]
    assert gaps[0] < 0.003 < gaps[1] < gaps[2]


def test_each_kind_of_damage_leaves_what_it_does_not_touch():
    x, none, strong = pictures(4), torch.zeros(4), torch.ones(4)
    for kind in (damage.blurred, damage.blocky, damage.noisy, damage.scratchy):
        assert torch.allclose(kind(x, none, seeded()), x, atol=1e-3), kind.__name__
        assert (kind(x, strong, seeded()) - x).abs().mean() > 0.003, kind.__name__
    flat = torch.full((2, 3, 20, 20), 0.25)  # no side is a multiple of a block
    assert torch.allclose(damage.blurred(flat, torch.ones(2)), flat, atol=1e-5)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("edge", "use one of edges"),
        ({"kind": "coarse", "factr": 2}, "did you mean 'factor'"),
        ({"kind": "coarse", "factor": 1}, "use 2 to 16"),
        ({"kind": "damaged", "damage": 9}, "use 0"),
        ({"factor": 2}, "use one of"),
    ],
)
def test_a_wrong_option_says_what_to_use(option, told):
    with pytest.raises(RecipeError, match=told):
        ImageCodec(size=32, mode="RGB", control=option)


def test_a_factor_has_to_divide_the_grid():
    with pytest.raises(RecipeError, match="does not divide"):
        ImageCodec(size=30, mode="RGB", control={"kind": "coarse", "factor": 4})


# --- the codec ------------------------------------------------------------------------------------


def test_the_size_follows_from_what_is_given():
    codec = ImageCodec(size=32, mode="RGB", control={"kind": "coarse", "factor": 4})
    small = Image.new("RGB", (5, 9), "red")
    assert codec.grid_told(small) == (36, 20)
    told = codec.control(small, (36, 20))
    assert told.shape == (3, 36, 20) and told[0].min() == 1 and told[1].max() == -1
    assert ImageCodec(size=32, mode="RGB", control="edges").grid_told(small) == (32, 32)


def test_a_codec_keeps_what_it_tells(tmp_path):
    codec = ImageCodec(size=8, mode="RGB", control={"kind": "coarse", "factor": 2, "damage": 0.5})
    codec.save(tmp_path)
    loaded = ImageCodec.load(tmp_path)
    assert loaded.telling == codec.telling and loaded.spec == codec.spec
    assert loaded.spec.control == 3


def test_a_tensor_is_what_is_told_already():
    codec = ImageCodec(size=8, mode="RGB", control="masked")
    told = torch.zeros(4, 12, 8)
    assert codec.grid_told(told) == (12, 8) and torch.equal(codec.control(told, (12, 8)), told)
    with pytest.raises(RequestError, match="is expected"):
        codec.control(torch.zeros(3, 12, 8), (12, 8))
    with pytest.raises(RequestError, match="finite"):
        codec.control(told * float("nan"), (12, 8))


def test_a_broken_control_picture_is_a_request_error(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    codec = ImageCodec(size=8, mode="RGB", control="edges")
    with pytest.raises(RequestError, match="control picture"):
        codec.control(tmp_path / "x.png", (8, 8))


def album(folder, missing: bool = False) -> None:
    for number in range(3):
        image = Image.new("RGB", (8, 8), (number * 80, 0, 0))
        image.save(folder / f"p{number}.png")
        if not missing or number:
            other = Image.new("L", (8, 8), 0)
            ImageDraw.Draw(other).rectangle((0, 0, 3, 7), fill=50 * number)
            place = folder / "control" if number == 2 else folder
            place.mkdir(exist_ok=True)
            other.save(place / (f"p{number}.png" if number == 2 else f"p{number}_control.png"))


@pytest.mark.parametrize("packed", [False, True])
def test_what_lies_beside_is_read_with_the_picture(tmp_path, packed):
    album(tmp_path)
    place = tmp_path
    if packed:
        place = tmp_path / "all.zip"
        with zipfile.ZipFile(place, "w") as archive:
            for path in sorted(tmp_path.rglob("*.png")):
                archive.write(path, path.relative_to(tmp_path).as_posix())
    codec = ImageCodec(size=8, mode="RGB", control={"kind": "beside", "mode": "L"})
    reading = codec.read(place)
    assert [p.name for p in reading.items] == ["p0.png", "p1.png", "p2.png"]
    x = codec.encode(reading.items)
    assert x.shape == (3, 4, 8, 8) and codec.spec.control == 1
    item, told = codec.told(x, seeded())
    assert item.shape[1] == 3 and torch.allclose(told[2, 0, :, :4], torch.tensor(100 / 127.5 - 1))
    assert codec.encode(codec.decode(item)).shape == (3, 3, 8, 8)  # what is made stands alone
    assert codec.features(reading.items).shape[0] == 3


def test_a_picture_without_the_one_beside_it_is_named(tmp_path):
    album(tmp_path, missing=True)
    codec = ImageCodec(size=8, mode="RGB", control="beside")
    with pytest.raises(DataError, match=r"p0\.png"):
        codec.read(tmp_path)

"""The presets that make pictures out of pictures: legal at every size, and they train."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from test_enhancing import picture

from genloom import api
from genloom.enhancing import Enhancer
from genloom.recipe import Facts
from genloom.recipes import restoring

CHOOSERS = {
    "upscale": restoring.choose,
    "upscale-2x": restoring.choose_twice,
    "upscale-gan": restoring.choose_adversarial,
    "restore": restoring.choose_restoring,
    "colourise": restoring.choose_colouring,
}
SMALL = ("net.net.width=8", "net.net.depth=1", "train.compile=off", "data.batch=4")


@pytest.mark.parametrize("name", CHOOSERS)
def test_every_size_is_legal(name):
    for size in restoring.SIZES:
        for side in (None, 28, 64):
            made = CHOOSERS[name](size, Facts(items=100, units=100, side=side))
            made.check()
            assert made.name == name


@pytest.mark.parametrize("name", CHOOSERS)
def test_it_trains_shows_what_it_does_and_enhances(name, tmp_path):
    items = [picture(16, 16).rotate(90 * (n % 4)) for n in range(16)]
    changes = (*SMALL, "train.steps=4", "train.preview=4", "codec.size=16")
    small = ("net.critic.base=8", "net.critic.group=8") if name == "upscale-gan" else ()
    model = api.train(name, items, out=tmp_path / "m", size="tiny", changes=(*changes, *small))
    assert list((tmp_path / "m.run" / "previews").glob("*.png"))
    with Enhancer(api.load(tmp_path / "m")) as enhancer:
        made = enhancer(picture(12, 20))
    factor = model.codec.telling.factor
    assert made.size == (12 * factor, 20 * factor) and made.mode == "RGB"


@pytest.mark.slow
def test_enlarging_beats_the_bicubic_filter(tmp_path):
    """Squares of one colour, which have corners that no filter knows."""
    rng = torch.Generator().manual_seed(0)

    def square() -> Image.Image:
        numbers = torch.randint(0, 256, (6,), generator=rng).tolist()
        image = Image.new("RGB", (16, 16), tuple(numbers[:3]))
        left, top = (torch.randint(1, 6, (2,), generator=rng)).tolist()
        image.paste(tuple(numbers[3:]), (left, top, left + 5, top + 5))
        return image

    items = [square() for _ in range(512)]
    changes = ("train.steps=200", "train.preview=0", "net.net.width=24", "net.net.depth=3")
    changes = (*changes, "codec.size=16", "train.compile=off", "train.precision=fp32")
    model = api.train("upscale-2x", items[:480], out=tmp_path / "m", size="tiny", changes=changes)
    real = model.codec.even(items[480:])
    told = model.codec.told(real, rng)[1]
    small = told[..., ::2, ::2]
    filtered = torch.nn.functional.interpolate(small, (16, 16), mode="bicubic")
    made = model.nets["net"](told)[0]
    errors = [float((x.detach() - real).square().mean()) for x in (made, filtered)]
    assert 10 ** (2 / 10) * errors[0] < errors[1], errors  # at least 2 dB

"""Requests that bring a picture along, through the engine: what comes out, who shares a flight,
memory that runs out, previews, and all that is refused before anything is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toys import MADE, captioned, shaken

from genloom.codec.image.codec import ImageCodec
from genloom.engine.engine import Engine
from genloom.engine.generation import PREVIEWS
from genloom.errors import RequestError, ResourceError
from genloom.model import Model
from genloom.spec import Options, Request

STEPS = 4
MASK = np.zeros((8, 8), np.uint8)
MASK[:, 4:] = 255


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return shaken(MADE["picture by flow"](), tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def weaker(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return shaken(MADE["picture by flow"](), tmp_path_factory.mktemp("toy"), seed=7)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return shaken(MADE["row by flow"](), tmp_path_factory.mktemp("toy"))


def picture(number: int = 0) -> Image.Image:
    image: Image.Image = captioned()[number].open()
    return image


def asked(prompt: str | None = "above", seed: int = 3, count: int = 1, **fields: Any) -> Request:
    given = {n: fields.pop(n) for n in ("item", "mask", "control") if n in fields}
    options = Options(**{"steps": STEPS, **fields})
    return Request(prompt=prompt, seed=seed, count=count, options=options, **given)


def made(model: Model, request: Request, **engine: Any) -> torch.Tensor:
    with Engine(model, **engine) as at_work:
        generation = at_work.submit(request)
        generation.result()
        found: torch.Tensor = generation.tensors()
    return found


EDITS: list[dict[str, Any]] = [
    {"item": picture(), "strength": 0.6},
    {"item": picture(1), "mask": MASK},
    {"item": picture(2), "outpaint": (0, 2, 0, 2)},
    {"seamless": True},
    {"size": (4, 12)},
    {"negative": "below", "guidance": 3.0},
    {"towards": "below", "frames": 5},
    {"guidance": 2.0, "guidance_interval": (0.2, 0.9), "solver": "heun"},
]


@pytest.mark.parametrize("fields", EDITS, ids=lambda f: "+".join(f))
def test_an_edit_is_the_same_whatever_shares_the_engine(
    model: Model, fields: dict[str, Any]
) -> None:
    alone = made(model, asked(**fields))
    with Engine(model) as engine:
        others = [engine.submit(asked(seed=9 + n, count=2, **f)) for n, f in enumerate(EDITS)]
        engine.tick()
        mine = engine.submit(asked(**fields))
        others += [engine.submit(asked(seed=5, count=3))]
        mine.result()
        assert torch.equal(mine.tensors(), alone)
        for other in others:
            other.result()
    plain = made(model, asked(prompt="below" if "towards" in fields else "above"))
    assert alone.shape != plain.shape or not torch.equal(alone, plain)


def test_what_is_varied_shares_a_flight_with_what_is_not(model: Model) -> None:
    with Engine(model) as engine:
        engine.submit(asked())
        engine.submit(asked(item=picture(), strength=0.9))
        engine.tick()
        assert len(engine.flights) == 1
        engine.submit(asked(item=picture(), mask=MASK))
        engine.tick()
        assert len(engine.flights) == 2


def test_pixels_that_stay_are_as_they_were_given(model: Model) -> None:
    before = np.asarray(picture())
    with Engine(model) as engine:
        image = engine.submit(asked(item=picture(), mask=MASK)).result()[0]
    after = np.asarray(image)
    assert np.array_equal(after[:, :4], before[:, :4])
    assert (after[:, 4:] != before[:, 4:]).mean() > 0.5


def test_through_latents_too_the_pixels_that_stay_are_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made_of = shaken(MADE["picture by flow of latents"](), tmp_path_factory.mktemp("toy"))
    before = np.asarray(picture())
    with Engine(made_of) as engine:
        image = engine.submit(asked(None, item=picture(), mask=MASK)).result()[0]
        wide = engine.submit(asked(None, item=picture(), outpaint=(0, 8, 0, 0))).result()[0]
        with pytest.raises(RequestError, match=r"12 x 8 is no multiple of 8.* 8 or 16 wide"):
            engine.submit(asked(None, item=picture(), outpaint=(0, 4, 0, 0)))
        shown = [n.item for n in engine.submit(asked(None, item=picture(), mask=MASK))]
    for one in (image, *shown):
        assert np.array_equal(np.asarray(one)[:, :4], before[:, :4])
    assert (np.asarray(image)[:, 4:] != before[:, 4:]).mean() > 0.5
    assert wide.size == (16, 8) and np.array_equal(np.asarray(wide)[:, :8], before)


def test_a_given_picture_goes_to_the_grid_of_its_shape() -> None:
    codec = ImageCodec(size=8, mode="RGB", sizes=[[4, 16]])
    assert codec.grid_near(picture()) == (8, 8)
    assert codec.grid_near(picture().resize((60, 20))) == (4, 16)


def test_holes_are_filled_unless_a_strength_is_given(model: Model) -> None:
    given = picture().convert("RGBA")
    given.putalpha(Image.fromarray(255 - MASK))
    filled, varied = made(model, asked(item=given)), made(model, asked(item=given, strength=0.5))
    whole = model.codec.encode([picture()])[0]
    assert torch.equal(filled[0, :, :, :4], whole[:, :, :4])
    assert not torch.isclose(varied[0, :, :, :4], whole[:, :, :4]).all()


def test_a_picture_grows(model: Model) -> None:
    wide = made(model, asked(item=picture(), outpaint=(2, 4, 0, 0)))[0]
    assert wide.shape == (3, 10, 12)
    assert torch.equal(wide[:, 2:, :8], model.codec.encode([picture()])[0])


def test_frames_are_the_same_whichever_are_asked_for(model: Model) -> None:
    five = made(model, asked(count=5, towards="below", towards_seed=8))
    one = Request(prompt="above", seed=3, first=3, options=asked(count=5, towards="below").options)
    options = replace(one.options, towards="below", towards_seed=8, frames=5)
    assert torch.equal(made(model, replace(one, options=options)), five[3:4])


# --- a guide --------------------------------------------------------------------------------------


def test_a_guide_changes_what_is_made_and_itself_changes_nothing(
    model: Model, weaker: Model
) -> None:
    plain, guided = made(model, asked()), made(model, asked(), guide=weaker)
    assert not torch.equal(plain, guided)
    twin = made(model, asked(guidance=2.5), guide=model)
    assert torch.allclose(twin, plain, atol=1e-4)


def test_guides_of_other_things_are_refused(
    model: Model, weaker: Model, rows: Model, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = shaken(MADE["picture by class"](), tmp_path_factory.mktemp("toy"))
    gan = shaken(MADE["picture by GAN"](), tmp_path_factory.mktemp("toy"))
    for one, guide, word in (
        (model, rows, "other items"),
        (model, other, "another objective"),
        (gan, gan, "not guided"),
    ):
        with pytest.raises(RequestError, match=word):
            Engine(one, guide=guide)


# --- memory ---------------------------------------------------------------------------------------


class Narrow(torch.nn.Module):
    """A net that has room for a few items."""

    def __init__(self, net: Any, room: int) -> None:
        super().__init__()
        self.net, self.room, self.prompt = net, room, net.prompt
        self.widest = 0

    def forward(self, x: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(x) > self.room:
            raise MemoryError("cannot allocate")
        self.widest = max(self.widest, len(x))
        out: torch.Tensor = self.net(x, *rest)
        return out


def test_where_memory_runs_out_flights_are_halved_and_items_stay_the_same(model: Model) -> None:
    whole = made(model, asked(count=12))
    with Engine(model) as engine:
        narrow = Narrow(engine.nets["net"], 3)
        engine.nets = {"net": narrow}
        generation = engine.submit(asked(count=12))
        generation.result()
        late = engine.submit(asked(count=8))
        late.result()
    assert torch.equal(generation.tensors(), whole) and torch.equal(late.tensors(), whole[:8])
    assert narrow.widest == 3 and engine.together == 3


def test_where_one_item_is_too_much_its_request_gives_up_alone(model: Model) -> None:
    with Engine(model) as engine:
        engine.nets = {"net": Narrow(engine.nets["net"], 0)}
        generation = engine.submit(asked(count=2))
        with pytest.raises(ResourceError, match="memory ran out with 1 samples in flight"):
            generation.result()
        assert not engine.flights and not engine.open


def test_large_items_count_for_several(model: Model) -> None:
    with Engine(model, rows=8) as engine:
        large = engine.submit(asked(count=3, size=(16, 16)))  # four times the usual each
        engine.submit(asked(count=9))
        engine.tick()
        assert [(len(f), f.weight) for f in engine.flights] == [(2, 4)]
        large.result()
        huge = engine.submit(asked(size=(32, 32)))  # twice as much as may fly together
        huge.result()
    assert torch.equal(large.tensors(), made(model, asked(count=3, size=(16, 16))))
    assert huge.tensors().shape == (1, 3, 32, 32)


# --- previews -------------------------------------------------------------------------------------


def test_a_long_way_is_shown_a_few_times_and_counted_throughout(model: Model) -> None:
    with Engine(model) as engine:
        news = list(engine.submit(asked(steps=40)))
    assert [n.step for n in news[:-1]] == list(range(1, 40))
    assert {n.steps for n in news[:-1]} == {40}
    shown = [n.item is not None for n in news]
    assert sum(shown) == PREVIEWS and shown[-1] and shown[4]


def test_who_wants_no_previews_hears_of_the_steps_alone(model: Model) -> None:
    with Engine(model) as engine:
        generation = engine.submit(asked(steps=10))
        generation.shown = False
        news = list(generation)
    assert [n.step for n in news] == [*range(1, 10), 0]
    assert all(n.item is None for n in news) and len(generation.items()) == 1


def test_stopping_half_way_leaves_nothing_in_flight(model: Model) -> None:
    with Engine(model) as engine:
        generation = engine.submit(asked(steps=40))
        for news in generation:
            if news.step == 5:
                generation.cancel()
        assert not engine.flights and generation.made == 0


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"mask": MASK}, "a mask says what .* give the item"),
        ({"strength": 0.5}, "strength says how much"),
        ({"outpaint": (2, 2, 2, 2)}, "outpaint says what"),
        ({"item": picture(), "mask": np.zeros((8, 8), np.uint8)}, "black everywhere"),
        ({"item": "nowhere.png"}, "no such file"),
        ({"control": picture()}, "without a control picture"),
        ({"size": (9, 8)}, "8 x 9 is no multiple of 2.* 8 wide and 8 or 10 high"),
        ({"item": picture(), "outpaint": (0, 3, 0, 0)}, "11 x 8 is no multiple of 2"),
        ({"size": (2, 2)}, "4 to 4096"),
        ({"negative": "below", "guidance": 1.0}, "acts through guidance"),
        ({"truncation": 0.5}, "no option truncation"),
        ({"towards": "below"}, "2 or more frames"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    model: Model, fields: dict[str, Any], word: str
) -> None:
    with Engine(model) as engine:
        with pytest.raises(RequestError, match=word) as error:
            engine.submit(asked(**fields))
        assert "\n" not in str(error.value) and not engine.open


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"item": picture()}, "take no an item to begin from|no item"),
        ({"size": (8, 8)}, "another size"),
        ({"seamless": True}, "no edges"),
        ({"negative": "a"}, "takes no prompt"),
        ({"towards": "a", "frames": 3}, "takes no prompt"),
    ],
)
def test_rows_are_no_pictures(rows: Model, fields: dict[str, Any], word: str) -> None:
    with Engine(rows) as engine, pytest.raises(RequestError, match=word):
        engine.submit(asked(prompt=None, **fields))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("steps", 0),
        ("steps", 1_000_000),
        ("guidance", float("nan")),
        ("strength", 1.5),
        ("strength", float("nan")),
        ("outpaint", (0, 0, 0, 0)),
        ("outpaint", (1, 2)),
        ("outpaint", (-1, 0, 0, 1)),
        ("guidance_interval", (0.8, 0.2)),
        ("guidance_interval", (0.5,)),
        ("guidance_interval", (0.0, float("nan"))),
        ("size", (8,)),
        ("frames", 1),
        ("towards_seed", -1),
        ("seamless", "yes"),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(RequestError, match=option) as error:
        Options(**{option: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("prompt", ["above \u4e0a", "\u4e0a" * 9999 + " above", ""])
def test_captions_of_any_length_and_script_make_a_picture(model: Model, prompt: str) -> None:
    with Engine(model) as engine:
        assert engine.submit(asked(prompt=prompt)).result()[0].size == (8, 8)


def test_a_caption_of_ten_thousand_words_is_refused_by_their_number(model: Model) -> None:
    with Engine(model) as engine, pytest.raises(RequestError, match=r"10000 words.*shorten"):
        engine.submit(asked(prompt="above " * 10_000))


@pytest.mark.parametrize("prompt", ["\u4e0a" * 10_000, "\0\n\t?", "\U0001f642"])
@pytest.mark.parametrize("place", ["prompt", "negative", "towards"])
def test_captions_without_a_known_word_are_refused_in_one_line(
    model: Model, place: str, prompt: str
) -> None:
    fields: dict[str, Any] = {"guidance": 2.0, "count": 2, place: prompt}
    with Engine(model) as engine, pytest.raises(RequestError, match=r"no word .* known") as error:
        engine.submit(asked(**fields))
    assert len(str(error.value)) < 300 and "\n" not in str(error.value)

"""Codecs built on an autoencoder: latents of one spread, runs of codes behind captions, and a
folder that needs nothing else."""

from __future__ import annotations

import shutil

import pytest
import torch
import toys
from PIL import Image

from genloom import material
from genloom.codec.latent.captioned_runs import EOS, FIRST
from genloom.codec.latent.codec import SPREAD, LatentCodec
from genloom.codec.latent.codes import CodesCodec
from genloom.engine.engine import Engine
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.model import Model
from genloom.recipe import Facts, Part
from genloom.recipes.latent import choose, choose_codes
from genloom.spec import Options, Request
from genloom.train.log import silent

CODES = toys.OPTIONS["codes"][0]
LATENT = toys.OPTIONS["latent"][0]


@pytest.fixture
def latent() -> LatentCodec:
    codec = LatentCodec(**LATENT)
    codec.fit(toys.captioned())
    return codec


@pytest.fixture
def codes() -> CodesCodec:
    codec = CodesCodec(**CODES)
    codec.fit(toys.captioned())
    return codec


def test_latents_have_one_spread_in_every_channel(latent):
    x = latent.encode(toys.captioned())
    assert x.shape == (24, *latent.spec.shape) == (24, 8, 2, 2)
    assert torch.allclose(x.std((0, 2, 3)), torch.full((8,), SPREAD), rtol=0.02)
    assert torch.allclose(x.mean((0, 2, 3)), torch.zeros(8), atol=1e-4)


def test_latents_are_decoded_as_the_autoencoder_does(latent):
    items = toys.captioned()[:3]
    coder = latent.coder
    wanted = coder.pictures.decode(coder.outer(coder.latents(items)))
    for a, b in zip(latent.decode(latent.encode(items)), wanted, strict=True):
        assert a.tobytes() == b.tobytes()


def test_numbers_that_are_none_decode(latent):
    assert len(latent.decode(torch.full((2, *latent.spec.shape), float("nan")))) == 2
    assert latent.decode([]) == []


def test_given_pictures_masks_and_sizes_are_brought_to_the_latents_grid(latent):
    assert latent.grid_of((16, 8)) == (4, 2)
    with pytest.raises(RequestError, match="nearest is 8 x 20"):
        latent.grid_of((21, 8))
    picture, mask = Image.new("RGB", (8, 8), "red"), Image.new("L", (8, 8), 0)
    mask.putpixel((7, 0), 255)
    assert latent.begin(picture, (2, 2)).shape == (8, 2, 2)
    assert latent.fresh(mask, (2, 2), picture).tolist() == [[0, 1], [0, 0]]


def test_a_run_is_the_caption_then_codes_and_only_these_are_learnt(codes):
    items = toys.captioned()
    ids, weights = codes.encode(items)[0], codes.weights(items)[0]
    assert len(ids) == codes.led + codes.codes == 1 + 4
    assert ids[0] == FIRST + codes.prompts.encode([items[0].caption])[0, 0]
    assert bool((ids[1:] >= FIRST + codes.prompts.spec.vocab).all())
    assert weights.tolist() == [0, 1, 1, 1, 1, 1]


def test_every_legal_run_decodes_to_a_picture_of_the_usual_size(codes):
    vocab = codes.spec.vocab
    rng = torch.Generator().manual_seed(0)
    runs = [torch.randint(vocab, (n,), generator=rng) for n in (0, 1, 2, 5, 9, 40)]
    assert [image.size for image in codes.decode([*runs, torch.tensor([EOS])])] == [(8, 8)] * 7


def test_what_lacks_counts_as_the_middle(codes):
    whole = torch.tensor([FIRST, *(codes._first + n for n in (3, 20, 7, 35))])
    part = codes.decode([whole[:3]])[0]
    middle = torch.full((2,), codes._first + codes._middle)
    assert part.tobytes() == codes.decode([torch.cat((whole[:3], middle))])[0].tobytes()
    assert part.tobytes() != codes.decode([whole])[0].tobytes()


def test_captions_begin_a_run_and_unknown_ones_are_refused(codes):
    known = codes.condition("above", None).known
    assert torch.equal(known, codes.encode(toys.captioned()[1:2])[0][:1])
    assert codes.condition(None, None).known.tolist() == [FIRST]  # the empty caption
    with pytest.raises(RequestError, match="unknown class"):
        codes.condition("sideways", None)
    plain = CodesCodec(**CODES, caption="none")
    plain.fit(toys.captioned())
    with pytest.raises(RequestError, match="takes no prompt"):
        plain.condition("above", None)


def test_some_pictures_are_learnt_without_their_caption(codes):
    items = toys.captioned()
    more = codes.vary(items, 0)[len(items) :]
    assert len(more) == 2 and not any(picture.caption for picture in more)
    assert all(int(run[0]) == FIRST for run in codes.encode(more))


def test_words_of_captions_are_filled_up_to_one_length():
    codec = CodesCodec(**CODES, caption="words")
    items = toys.captioned()
    items[0] = type(items[0])(items[0].source, "bright all over")
    codec.fit(items)
    assert codec.led == 3 and {len(run) for run in codec.encode(items)} == {3 + 4}
    assert codec.condition("bright", None).known.tolist()[1:] == [FIRST, FIRST]


def test_it_is_said_which_model_is_wanted(tmp_path):
    with pytest.raises(RecipeError, match="train one on the same pictures"):
        LatentCodec().fit(toys.captioned())
    with pytest.raises(RecipeError, match="image-tokenizer"):
        CodesCodec(**LATENT).fit(toys.captioned())
    with pytest.raises(ModelError, match="no autoencoder at"):
        LatentCodec(autoencoder=str(tmp_path)).fit(toys.captioned())
    other = toys.shaken(toys.MADE["picture by flow"](), tmp_path / "run")
    with pytest.raises(ModelError, match="is no autoencoder"):
        LatentCodec(autoencoder=str(other.save(tmp_path / "other"))).fit(toys.captioned())


def test_a_model_needs_its_autoencoder_no_longer(tmp_path):
    """Neither to make pictures nor to read its data."""
    copy = tmp_path / "autoencoder"
    shutil.copytree(CODES["autoencoder"], copy)
    codec = CodesCodec(autoencoder=str(copy))
    codec.fit(toys.captioned())
    (tmp_path / "codec").mkdir()
    codec.save(tmp_path / "codec")
    shutil.rmtree(copy)
    again = CodesCodec.load(tmp_path / "codec")
    runs = codec.encode(toys.captioned())
    for a, b in zip(again.decode(runs), codec.decode(runs), strict=True):
        assert a.tobytes() == b.tobytes()


def test_damage_is_named(latent, tmp_path):
    latent.save(tmp_path)
    (tmp_path / "autoencoder.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        LatentCodec.load(tmp_path)


@pytest.mark.parametrize(("chooser", "option"), [(choose, LATENT), (choose_codes, CODES)])
def test_presets_train_where_they_are_told_of_an_autoencoder(chooser, option, tmp_path):
    draft = chooser("tiny", Facts(items=24, units=24, captions=["a", "b"], side=2))
    small = ("train.steps=2", "net.net.width=32", "net.net.depth=1", "net.net.heads=2")
    made = draft.with_(f"codec.autoencoder={option['autoencoder']}", *small)
    ready = material.prepare(made, toys.captioned(), None, None, 0, (), None, silent, None)
    assert ready.nets()["net"] is not None


def test_a_preset_sees_the_grid_of_the_autoencoder_that_it_is_told_of():
    asked = (f"codec.autoencoder={LATENT['autoencoder']}",)
    args = ("image-latent", toys.captioned(), "tiny", None, 0, asked, None, silent, None)
    made = material.prepare(*args)
    assert made.codec.spec.grid == (2, 2) and made.recipe.net["net"].options["patch"] == 1
    assert made.recipe.prompt == Part("label")


# --- pictures from codes --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def painter(tmp_path_factory) -> Model:
    folder = tmp_path_factory.mktemp("codes")
    return toys.shaken(toys.MADE["picture by codes"](), folder)


def test_a_picture_draws_as_many_codes_as_it_has(painter):
    with Engine(painter) as engine:
        runs = engine.submit(Request(prompt="above", count=5))
        runs.result()
        assert {len(run) for run in runs.tensors()} == {1 + 4}
        short = engine.submit(Request(count=1, options=Options(max_tokens=2)))
        assert short.result()[0].size == (8, 8) and len(short.tensors()[0]) == 1 + 2
        with pytest.raises(RequestError, match="makes no texts"):
            engine.submit(Request(options=Options(stop=("x",))))


def test_drafts_are_shown_while_codes_come(painter):
    with Engine(painter) as engine:
        told = [p for p in engine.submit(Request(prompt="below", seed=3)) if p.item is not None]
        finished = engine.submit(Request(prompt="below", seed=3)).result()[0]
    assert len(told) == 4 and [p.finished for p in told] == [False, False, False, True]
    assert all(p.item.size == (8, 8) for p in told)
    assert [(p.step, p.steps) for p in told[:-1]] == [(1, 4), (2, 4), (3, 4)]
    assert told[-1].item.tobytes() == finished.tobytes()


def test_a_picture_of_a_seed_is_the_same_among_others(painter):
    with Engine(painter) as engine:
        alone = engine.submit(Request(prompt="above", seed=7))
        first = alone.result()[0].tobytes()
        crowd = [engine.submit(Request(prompt=p, seed=7, count=3)) for p in ("below", "above")]
        assert crowd[1].result()[0].tobytes() == first

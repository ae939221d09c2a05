"""Recordings as runs of codes: their order, what is no code, a folder that needs nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import toys

from genloom.codec.latent.captioned_runs import EOS, FIRST
from genloom.codec.latent.sound_codes import SoundCodesCodec
from genloom.engine.engine import Engine
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.spec import Options, Request

OPTIONS = toys.OPTIONS["sound_codes"][0]


@pytest.fixture
def codec() -> SoundCodesCodec:
    made = SoundCodesCodec(**OPTIONS)
    made.fit(toys.sounds())
    return made


def test_a_run_is_the_caption_then_place_by_place_the_levels(codec: SoundCodesCodec) -> None:
    items = toys.sounds()
    run, weights = codec.encode(items)[0], codec.weights(items)[0]
    first = FIRST + codec.prompts.spec.vocab
    x = codec.mono(items[0].open())
    wanted = codec.coder.ids(x)[:2] + first + torch.tensor([[0], [16]])
    assert run[0] == FIRST + codec.prompts.encode([items[0].caption])[0, 0]
    assert run[codec.led :].tolist() == wanted.T.flatten().tolist()
    assert len(weights) == len(run) + 1
    assert weights.tolist() == [0.0] * codec.led + [1.0] * (len(run) - codec.led + 1)
    assert int(run.max()) < codec.spec.vocab and len(run) < codec.spec.length


def test_a_sound_is_what_the_tokenizer_makes_of_its_codes(codec: SoundCodesCodec) -> None:
    items = toys.sounds(3)
    for item, made in zip(items, codec.decode(codec.encode(items)), strict=True):
        ids = codec.coder.ids(codec.mono(item.open()))[:2, : codec.most]
        assert torch.equal(made.samples[0], codec.coder.waves(ids).clamp(-1, 1))


def test_what_is_no_code_ends_a_sound(codec: SoundCodesCodec) -> None:
    run = codec.encode(toys.sounds(1))[0]
    place = codec.cut.hop * codec.coder.net.config.every
    cut = torch.cat((run[: codec.led + 5], torch.tensor([EOS, 3, 4])))
    assert codec.decode([cut])[0].samples.shape[1] == 2 * place
    assert codec.decode([run[: codec.led]])[0].samples.abs().max() == 0
    strange = torch.full((9,), codec.spec.vocab - 1)
    assert bool(codec.decode([strange])[0].samples.isfinite().all())


def test_the_longest_is_cut(codec: SoundCodesCodec) -> None:
    short = SoundCodesCodec(**OPTIONS, seconds=0.05)
    short.fit(toys.sounds())
    assert short.most < codec.most
    assert max(map(len, short.encode(toys.sounds()))) == short.led + 2 * short.most
    assert short.spec.length == short.led + 2 * short.most + 1


def test_it_is_kept_with_its_tokenizer(codec: SoundCodesCodec, tmp_path: Path) -> None:
    codec.save(tmp_path)
    loaded = SoundCodesCodec.load(tmp_path)
    run = codec.encode(toys.sounds(2))
    assert loaded.spec == codec.spec
    for a, b in zip(codec.decode(run), loaded.decode(run), strict=True):
        assert torch.equal(a.samples, b.samples)


def test_a_model_makes_sounds_of_a_class_that_end_by_themselves(tmp_path: Path) -> None:
    model = toys.shaken(toys.MADE["sound by codes"](), tmp_path)
    caption = toys.sounds()[0].caption
    with Engine(model) as engine:
        a, b = engine.submit(Request(prompt=caption, count=2, seed=3)).result()
        (short,) = engine.submit(Request(options=Options(max_tokens=8))).result()
        with pytest.raises(RequestError, match="no fields"):
            engine.submit(Request(where={"voice": "anna"})).result()
    assert a.rate == b.rate == 8000 and short.samples.shape[1] <= 4 * 64


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="train sound-tokenizer"):
        SoundCodesCodec().fit(toys.sounds())
    with pytest.raises(RecipeError, match="tokenizer has 3"):
        SoundCodesCodec(**{**OPTIONS, "levels": 4}).fit(toys.sounds())
    with pytest.raises(ModelError, match="sound-tokenizer"):
        SoundCodesCodec(autoencoder=str(tmp_path)).fit(toys.sounds())
    with pytest.raises(ModelError, match="no tokenizer of sounds but"):
        SoundCodesCodec(autoencoder=toys.autoencoder()).fit(toys.sounds())
    with pytest.raises(RecipeError, match=r"codec\.levels"):
        SoundCodesCodec(levels=-1)

"""The codec of samples: windows in training, sounds of any length at use; the vocoder that gives
mel frames of another codec their sound."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import toys

from genloom.codec.sound.codec import SoundCodec
from genloom.codec.sound.recordings import Recording
from genloom.codec.sound.vocoding import Vocoder
from genloom.codec.sound.waves import WavesCodec
from genloom.engine.engine import Engine
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.recipe import Part
from genloom.sound.wave import Sound
from genloom.spec import Request

OPTIONS = toys.OPTIONS["waves"][0]


def noise(count: int, seed: int = 0, rate: int = 8000) -> Sound:
    rng = torch.Generator().manual_seed(seed)
    return Sound(0.1 * torch.randn(1, count, generator=rng), rate)


def fitted(**more: object) -> WavesCodec:
    codec = WavesCodec(**{**OPTIONS, **more})  # type: ignore[arg-type]
    codec.fit([Recording(noise(n)) for n in (500, 1500, 4000)])
    return codec


def test_windows_are_parts_of_the_recording_and_come_with_their_frames() -> None:
    codec = fitted()
    (x,) = codec.encode([noise(4000)])
    seen = set()
    for seed in range(4):
        window, told = codec.told(x[None], torch.Generator().manual_seed(seed))
        assert told is not None and window.shape[1:] == codec.spec.shape
        begin = next(n for n in range(4000) if torch.equal(x[:, n : n + 1024], window[0]))
        seen.add(begin)
        assert torch.allclose(told[0], codec.scaled(codec.cut.mel(window[0, 0])), atol=1e-5)
    assert len(seen) > 1


def test_windows_hold_no_more_silence_than_they_must() -> None:
    codec = fitted(control="")
    (x,) = codec.encode([noise(1500)])
    assert x.shape[1] > 2 * 1024 or x.shape[1] > 1500
    for seed in range(8):
        window, told = codec.told(x[None], torch.Generator().manual_seed(seed))
        assert told is None and bool((window != 0).all())


def test_a_model_makes_a_sound_of_any_length_from_its_frames(tmp_path: Path) -> None:
    model = toys.shaken(toys.MADE["sound by vocoder"](), tmp_path)
    with Engine(model) as engine:
        for count in (50, 3001):
            (made,) = engine.submit(Request(control=noise(count))).result()
            assert made.samples.shape[1] == -(-count // 32) * 32
        with pytest.raises(RequestError, match="finite numbers"):
            engine.submit(Request(control=torch.zeros(3, 7))).result()


def test_a_net_that_hears_every_place_alone_refuses_coarser_frames(tmp_path: Path) -> None:
    made = toys.recipe(Part("waves", OPTIONS), Part("flow"), {"net": "diffusion_transformer"})
    with pytest.raises(RecipeError, match="vocoder"):
        toys.job(made, tmp_path)


def kept(folder: Path) -> Path:
    return toys.shaken(toys.MADE["sound by vocoder"](), folder / "run").save(folder / "vocoder")


def test_frames_get_their_sound_from_a_vocoder_kept_inside(tmp_path: Path) -> None:
    folder = kept(tmp_path)
    codec = SoundCodec(vocoder=str(folder))
    codec.fit(toys.sounds())
    assert codec.cut == Vocoder.of(folder).frames and codec.spec.channels == 16
    x = codec.encode(toys.sounds(4))
    (tmp_path / "codec").mkdir()
    codec.save(tmp_path / "codec")
    for path in folder.rglob("*.safetensors"):
        path.unlink()  # the codec has its own
    loaded = SoundCodec.load(tmp_path / "codec")
    whole, alone = codec.decode(x), [loaded.decode([one])[0] for one in x]
    assert all(torch.equal(a.samples, b.samples) for a, b in zip(whole, alone, strict=True))
    plain = SoundCodec(window=128, hop=32, bands=16)
    plain.fit(toys.sounds())
    other = plain.decode(x)[0].samples
    assert other.shape != whole[0].samples.shape or not torch.equal(other, whole[0].samples)


def test_other_frames_than_the_vocoders_are_refused(tmp_path: Path) -> None:
    codec = SoundCodec(vocoder=str(kept(tmp_path)), hop=64)
    with pytest.raises(RecipeError, match="vocoder has 32"):
        codec.fit(toys.sounds())


def test_what_is_no_vocoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train vocoder"):
        Vocoder.of(tmp_path)
    with pytest.raises(ModelError, match="no vocoder but"):
        Vocoder.of(Path(toys.autoencoder()))

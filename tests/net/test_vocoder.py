"""The vocoder: its pitch head, a voice that keeps the pitch it is told, any number of frames."""

from __future__ import annotations

import pytest
import torch

from genloom.net.pitch_head import PitchHead
from genloom.net.vocoder import LEVELS, VALUES, Vocoder, VocoderConfig
from genloom.sound.pitch import pitches
from genloom.spec import ArraySpec

SPEC = ArraySpec(grid=(2048,), channels=1, control=16, stride=128)
SMALL = {"width": 16, "depth": 1}


def net(**more: float) -> Vocoder:
    torch.manual_seed(0)
    return Vocoder(VocoderConfig(**{**SMALL, **more}), SPEC, None)  # type: ignore[arg-type]


def test_the_head_learns_what_frames_tell_of_the_pitch() -> None:
    """Frames whose first number is the pitch, whose second says whether there is one."""
    torch.manual_seed(0)
    head = PitchHead(2, 0.9, 8.0)
    optimiser = torch.optim.AdamW(head.parameters(), 5e-3)
    for _ in range(60):
        turns, voiced = torch.rand(16, 12) * 6 + 1, torch.rand(16, 12) > 0.3
        told = torch.stack((turns.log(), voiced.float()), 1)
        loss = head.error(head(told), turns, voiced)
        assert loss.shape == (16,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
    found, chance = head.found(head(told).detach())
    assert float((found / turns).log2().abs()[voiced].mean()) < 0.1
    assert float(((chance > 0.5) == voiced).float().mean()) > 0.95


def test_a_voice_keeps_the_pitch_that_it_is_told() -> None:
    made = net()
    with torch.no_grad():
        made.out.weight.zero_()
        bias = made.out.bias.view(made.config.short, VALUES, -1)
        bias[:] = 0
        bias[:, [LEVELS[0], LEVELS[2]]] = -20  # no free part, no noise
        turns, voiced = torch.tensor([[1.3], [2.7]]).expand(2, 32), torch.ones(2, 32).bool()
        voiced[:, 16:] = False
        x = made.frames.waves(made.spectrum(torch.zeros(2, 18, 32), turns / 128, voiced))
    found, alike = pitches(x, made.cut, 0.9 / 128, 8 / 128)
    assert torch.allclose(found[:, 4:12] * 128, turns[:, 4:12], rtol=5e-3)
    assert float(alike[:, 4:12].min()) > 0.9
    assert float(x[:, 18 * 128 :].abs().max()) < 1e-6


def test_in_training_it_learns_the_pitch_of_what_it_is_shown() -> None:
    made, told, shown = net(), torch.randn(2, 16, 16), 0.1 * torch.randn(2, 1, 2048)
    out, parts = made(told, shown)
    assert out.shape == shown.shape and parts["pitch_error"].shape == (2,)
    assert made(told)[1] == {}
    (out.square().sum() + parts["pitch_error"].sum()).backward()
    for name, weight in made.named_parameters():
        assert weight.grad is not None and float(weight.grad.abs().sum()) > 0, name


@torch.no_grad()
def test_at_rest_it_makes_any_number_of_frames_whatever_else_is_made() -> None:
    made = net().eval()
    told = torch.randn(3, 16, 9)
    out, _ = made(told)
    assert out.shape == (3, 1, 9 * 128)
    for n in range(3):
        assert torch.equal(made(told[n : n + 1])[0][0], out[n])
    assert made(told[:, :, :1])[0].shape == (3, 1, 128)


@pytest.mark.parametrize(
    ("more", "told"),
    [({"short": 3}, "divisor"), ({"highest": 0.1}, "pitches"), ({"overlap": 1}, "overlap")],
)
def test_sizes_that_do_not_fit_are_refused(more: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        net(**more)

"""The critic of signals: it learns to tell, hears every period and window, and no prompt."""

from __future__ import annotations

import pytest
import torch

from genloom.family.adversarial import Adversarial
from genloom.net.wave_critic import VERDICTS, WaveCritic, WaveCriticConfig, folded
from genloom.spec import ArraySpec, Batch, TokenSpec

SPEC = ArraySpec(grid=(1024,), channels=1)
SMALL = {"windows": (64, 128), "periods": (3,), "base": 4, "most": 8}


def critic(**more: object) -> WaveCritic:
    torch.manual_seed(0)
    return WaveCritic(WaveCriticConfig(**{**SMALL, **more}), SPEC, None)  # type: ignore[arg-type]


def test_folding_loses_nothing() -> None:
    x = torch.randn(2, 1, 1000)
    for period in (2, 3, 7):
        rows = folded(x, period)
        assert rows.shape == (2, 1, -(-1000 // period), period)
        assert torch.allclose(rows.flatten(1)[:, :1000] / 10, x[:, 0])


def test_every_stack_has_as_many_verdicts_and_shows_its_layers() -> None:
    x = 0.1 * torch.randn(2, 1, 1024)
    made = critic()
    assert made(x).shape == (2, 3 * VERDICTS)
    assert len(made.seen(x)) == 9 and all(len(layer) == 2 for layer in made.seen(x))


def test_it_learns_to_tell_a_hoarse_tone_from_a_clear_one() -> None:
    """Through the loss of the family, with its penalties: gradients of gradients pass."""
    made, rival = critic(), Adversarial(penalty=0.1, penalised=0.5)
    optimiser = torch.optim.AdamW(made.parameters(), 3e-3, betas=(0.5, 0.99))
    time, gaps = torch.arange(1024), []
    for _ in range(25):
        pitch, phase = 0.02 + 0.02 * torch.rand(8, 1, 1), 6 * torch.rand(8, 1, 1)
        clear = 0.2 * torch.sin(2 * torch.pi * pitch * time + phase)
        rough = 0.2 * torch.sin(2 * torch.pi * pitch * time + torch.randn(8, 1, 1024).cumsum(2) / 4)
        loss = rival.judge(made, Batch(spec=SPEC, x=clear, weight=torch.ones(8)), rough)
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        gaps.append(float(loss.parts["gap"]) / 8)
    assert gaps[-1] > gaps[0] + 0.2


def test_a_prompt_and_pictures_are_refused() -> None:
    config = WaveCriticConfig()
    with pytest.raises(ValueError, match="prompt"):
        WaveCritic(config, SPEC, TokenSpec(vocab=4, length=1, bos=0, eos=None, pad=0))
    with pytest.raises(ValueError, match="one axis"):
        WaveCritic(config, ArraySpec(grid=(8, 8), channels=1), None)
    for more, told in (({"windows": (), "periods": ()}, "empty"), ({"periods": (1,)}, "periods")):
        with pytest.raises(ValueError, match=told):
            critic(**more)

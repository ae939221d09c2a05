"""Residual codes: each level nearer, ids that say all, levels left out at times, no dead entry."""

from __future__ import annotations

import pytest
import torch

from genloom.net.residual_codes import Level, ResidualCodes
from genloom.net.sound_tokenizer import SoundTokenizer, SoundTokenizerConfig
from genloom.spec import ArraySpec

SPEC = ArraySpec(grid=(1024,), channels=1, control=8, stride=64)
SMALL = {"width": 16, "depth": 1, "latent": 6, "levels": 3, "codes": 16, "dimensions": 4}


def tokenizer(**more: int) -> SoundTokenizer:
    torch.manual_seed(0)
    return SoundTokenizer(SoundTokenizerConfig(**{**SMALL, **more}), SPEC, None)


def test_ids_say_all_that_comes_out() -> None:
    torch.manual_seed(0)
    codes = ResidualCodes(6, 3, 16, 4).eval()
    z = torch.randn(2, 6, 5)
    ids = codes.ids(z)
    assert ids.shape == (2, 3, 5) and torch.allclose(codes.values(ids), codes(z)[0], atol=1e-6)
    assert torch.equal(codes.ids(z[:1]), ids[:1])


def test_each_level_comes_nearer_once_it_has_learnt() -> None:
    torch.manual_seed(0)
    codes = ResidualCodes(6, 3, 16, 4)
    optimiser = torch.optim.AdamW(codes.parameters(), 5e-3)
    for _ in range(150):
        z = torch.randn(8, 6, 20)
        out, error = codes(z)
        optimiser.zero_grad()
        ((out - z).square().mean() + error.mean()).backward()
        optimiser.step()
    z = torch.randn(8, 6, 50)
    with torch.no_grad():
        ids = codes.eval().ids(z)
        gaps = [float((codes.values(ids[:, :n]) - z).square().mean()) for n in (1, 2, 3)]
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 0.6
    assert len(ids[:, 0].unique()) > 12  # of 16


def test_an_entry_that_nothing_chose_is_drawn_to_what_there_is() -> None:
    level = Level(4, 8, 4)
    z = torch.randn(1, 4).expand(6, 4)
    level(z)[1].mean().backward()
    grad = level.entries.grad
    assert grad is not None and bool((grad.abs().sum(1) > 0).all())
    level.eval().zero_grad()
    level(z)[1].mean().backward()
    assert int((level.entries.grad.abs().sum(1) > 0).sum()) == 1  # type: ignore[union-attr]


def test_gradients_pass_the_codes() -> None:
    codes = ResidualCodes(6, 2, 16, 4)
    z = torch.randn(2, 6, 5, requires_grad=True)
    codes(z)[0].sum().backward()
    assert z.grad is not None and float(z.grad.abs().sum()) > 0


def test_in_training_some_items_have_their_first_levels_alone() -> None:
    torch.manual_seed(0)
    codes = ResidualCodes(6, 4, 16, 4)
    drawn = codes._drawn(torch.zeros(400, 6, 1))
    assert 0.5 < float((drawn == 4).float().mean()) < 0.75 and int(drawn.min()) == 1
    assert bool((codes.eval()._drawn(torch.zeros(9, 6, 1)) == 4).all())


@torch.no_grad()
def test_a_signal_is_made_of_its_codes_alone() -> None:
    made, told = tokenizer().eval(), torch.randn(2, 8, 7)
    ids = made.ids(told)
    assert ids.shape == (2, 3, 4)
    whole, again = made(told)[0], made.frames(ids, 7)
    assert whole.shape == (2, 1, 7 * 64) and torch.equal(made.vocoder(again)[0], whole)
    assert again.shape == told.shape and made.frames(ids[:, :1]).shape == (2, 8, 8)


def test_in_training_codes_and_pitch_are_learnt() -> None:
    made = tokenizer()
    out, parts = made(torch.randn(2, 8, 16), 0.1 * torch.randn(2, 1, 1024))
    assert set(parts) == {"code_error", "frame_error", "pitch_error"}
    (out.square().sum() + sum(p.sum() for p in parts.values())).backward()
    assert float(made.encoder.into.weight.grad.abs().sum()) > 0  # type: ignore[union-attr]


@pytest.mark.parametrize("more", [{"every": 0}, {"levels": 40}, {"codes": 1}, {"latent": 0}])
def test_sizes_that_make_no_codes_are_refused(more: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(more))):
        tokenizer(**more)

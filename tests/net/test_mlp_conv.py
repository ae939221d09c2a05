"""Shapes of the row nets and the convolutional nets, probabilities of choices, the ladder."""

from __future__ import annotations

import pytest
import torch

from genloom.net.conv import ConvBlock, ConvConfig, ConvCritic, ConvGenerator, ladder
from genloom.net.mlp import MLPConfig, MLPCritic, MLPDenoiser, MLPGenerator, squash
from genloom.spec import ArraySpec, Span, TokenSpec

ROW = ArraySpec(
    grid=(),
    channels=6,
    spans=(
        Span(name="age", start=0, size=1, kind="number"),
        Span(name="job", start=1, size=3, kind="choice"),
        Span(name="sex", start=4, size=2, kind="choice"),
    ),
)
LABEL = TokenSpec(vocab=4, length=1, bos=0, eos=None, pad=0)
SMALL = MLPConfig(width=16, depth=2, latent=5)
CONV = ConvConfig(base=8, most=16, group=8, latent=6, prompt_width=8)
PICTURE = ArraySpec(grid=(8, 16), channels=3)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def shaken(net: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn(p.shape, generator=rng())
    return net


def test_squash_makes_each_choice_a_distribution_and_leaves_numbers() -> None:
    x = 3 * torch.randn(7, 6, generator=rng())
    out = squash(x, ROW)
    assert torch.equal(out[:, 0], x[:, 0])
    for low, high in ((1, 4), (4, 6)):
        chance = (out[:, low:high] + 1) / 2
        assert bool((chance > 0).all())
        assert torch.allclose(chance.sum(1), torch.ones(7))
        assert torch.equal(chance.argmax(1), x[:, low:high].argmax(1))
    plain = ArraySpec(grid=(), channels=6)
    assert torch.equal(squash(x, plain), x)


@pytest.mark.parametrize("prompt", [None, LABEL], ids=["free", "told"])
def test_row_nets_have_their_shapes_and_hear_the_prompt(prompt: TokenSpec | None) -> None:
    x, z, time = torch.randn(4, 6), torch.randn(4, 5), torch.rand(4)
    ids = None if prompt is None else torch.tensor([[1], [2], [3], [0]])
    other = None if ids is None else ids.flip(0)
    denoiser, generator, critic = (
        shaken(net(SMALL, ROW, prompt)) for net in (MLPDenoiser, MLPGenerator, MLPCritic)
    )
    assert denoiser(x, time, ids).shape == (4, 6)
    assert generator(z, ids).shape == (4, 6)
    assert critic(x, ids).shape == (4,)
    for call in (
        lambda p: denoiser(x, time, p),
        lambda p: generator(z, p),
        lambda p: critic(x, p),
    ):
        assert torch.allclose(call(ids), call(other)) == (prompt is None)


def test_the_mlp_generator_puts_out_probabilities() -> None:
    out = shaken(MLPGenerator(SMALL, ROW, None))(torch.randn(4, 5))
    assert torch.allclose(((out[:, 1:4] + 1) / 2).sum(1), torch.ones(4))


def test_an_untrained_denoiser_says_nothing() -> None:
    net = MLPDenoiser(SMALL, ROW, None)
    assert bool((net(torch.randn(4, 6), torch.rand(4)) == 0).all())


def test_a_small_picture_is_one_vector() -> None:
    ids = torch.tensor([[1], [2], [3], [0]])
    denoiser, generator, critic = (
        shaken(net(SMALL, PICTURE, LABEL)) for net in (MLPDenoiser, MLPGenerator, MLPCritic)
    )
    made = generator(torch.randn(4, 5), ids)
    assert made.shape == (4, 3, 8, 16)
    assert denoiser(made, torch.rand(4), ids).shape == made.shape
    assert critic(made, ids).shape == (4,)


@pytest.mark.parametrize(
    ("grid", "patch", "hoped"),
    [
        ((16, 16), 1, [((4, 4), 16), ((8, 8), 16), ((16, 16), 8)]),
        ((8, 16), 1, [((4, 8), 16), ((8, 16), 8)]),
        ((16, 16), 2, [((4, 4), 16), ((8, 8), 8)]),
        ((9, 16), 1, [((9, 16), 8)]),
        ((4, 4), 1, [((4, 4), 8)]),
    ],
)
def test_the_ladder_halves_and_widens(
    grid: tuple[int, ...], patch: int, hoped: list[tuple[tuple[int, int], int]]
) -> None:
    config = ConvConfig(base=8, most=16, patch=patch)
    assert ladder(ArraySpec(grid=grid, channels=1), config) == hoped


def test_the_ladder_refuses_what_it_cannot_halve() -> None:
    with pytest.raises(ValueError, match="two axes"):
        ladder(ArraySpec(grid=(8,), channels=1), CONV)
    with pytest.raises(ValueError, match="patch 3"):
        ladder(ArraySpec(grid=(8, 8), channels=1), ConvConfig(patch=3))


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("prompt", [None, LABEL], ids=["free", "told"])
def test_pictures_come_out_and_are_judged(patch: int, prompt: TokenSpec | None) -> None:
    config = ConvConfig(**{**vars(CONV), "patch": patch})
    generator = shaken(ConvGenerator(config, PICTURE, prompt))
    critic = shaken(ConvCritic(config, PICTURE, prompt))
    ids = None if prompt is None else torch.tensor([[1], [2], [0]])
    z = torch.randn(3, 6, generator=rng())
    made = generator(z, ids)
    assert made.shape == (3, 3, 8, 16)
    verdict = critic(made, ids)
    assert verdict.shape == (3,)
    if ids is not None:
        assert not torch.allclose(generator(z, ids.flip(0))[0], made[0], atol=1e-4)
        assert not torch.allclose(critic(made, ids.flip(0))[0], verdict[0], atol=1e-4)


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    generator, critic = (net(CONV, PICTURE, None).eval() for net in (ConvGenerator, ConvCritic))
    z = torch.randn(19, 6, generator=rng())
    with torch.inference_mode():
        made = generator(z)
        verdict = critic(made)
        for n in (0, 15, 16, 18):
            assert torch.equal(generator(z[n : n + 1])[0], made[n])
            assert torch.equal(critic(made[n : n + 1])[0], verdict[n])
    assert torch.allclose(generator.train()(z), made, atol=1e-5)  # whole, not in groups


def test_a_convolution_block_begins_near_the_identity() -> None:
    x = torch.randn(2, 8, 6, 6, generator=rng())
    with torch.no_grad():
        change = ConvBlock(8, CONV)(x) - x
    assert 0 < float(change.std()) < 0.3


def test_what_is_bounded_stays_within_and_the_rest_does_not() -> None:
    for net, small in ((MLPGenerator, SMALL), (ConvGenerator, CONV)):
        for bounded in (True, False):
            config = type(small)(**{**vars(small), "bounded": bounded})
            made = 40 * torch.randn(64, config.latent, generator=rng())
            most = float(shaken(net(config, PICTURE, None))(made).detach().abs().max())
            assert (most <= 1) == bounded


def test_a_critic_has_a_verdict_before_it_hears_the_prompt() -> None:
    ids = torch.tensor([[1], [2], [3]])
    x = torch.randn(3, 3, 8, 16, generator=rng())
    for net, small in ((MLPCritic, SMALL), (ConvCritic, CONV)):
        critic = shaken(net(small, PICTURE, LABEL))
        alone = critic(x, None)
        assert not torch.allclose(alone, critic(x, ids))
        with torch.no_grad():
            for p in critic.prompt.parameters():
                p.zero_()
        assert torch.allclose(alone, critic(x, ids), atol=1e-6)


STYLED = ConvConfig(**{**vars(CONV), "styled": True})


def test_a_styled_generator_hears_latent_and_prompt_at_every_grid() -> None:
    generator = shaken(ConvGenerator(STYLED, PICTURE, LABEL))
    z, ids = torch.randn(3, 6, generator=rng()), torch.tensor([[1], [2], [3]])
    with torch.no_grad():
        generator.into.weight.zero_()  # the coarsest grid hears nothing now
        made = generator(z, ids)
        assert not torch.allclose(made, generator(z.flip(0), ids), atol=1e-4)
        assert not torch.allclose(made, generator(z, ids.flip(0)), atol=1e-4)


def test_entrances_are_all_that_a_latent_is_multiplied_with() -> None:
    plain, styled = (ConvGenerator(c, PICTURE, LABEL) for c in (CONV, STYLED))
    assert plain.entrances().shape == (16 * 4 * 8, 6)
    hidden = [24, 16]  # of the two blocks, the coarser first
    assert styled.entrances().shape == (16 * 4 * 8 + sum(hidden), 6)
    assert MLPGenerator(SMALL, ROW, None).entrances().shape == (16, 5)


@pytest.mark.parametrize("grid", [(8, 16), (9, 13), (40, 24)])
@pytest.mark.parametrize("prompt", [None, LABEL], ids=["free", "told"])
def test_a_critic_of_patches_judges_places_of_any_grid(
    grid: tuple[int, int], prompt: TokenSpec | None
) -> None:
    config = ConvConfig(**{**vars(CONV), "patches": True, "patch": 2, "levels": 2})
    critic = shaken(ConvCritic(config, ArraySpec(grid=(16, 16), channels=3), prompt)).eval()
    ids = None if prompt is None else torch.tensor([[1], [2], [0]])
    x = torch.randn(3, 3, *grid, generator=rng())
    verdict = critic(x, ids)
    down = [(side + 1) // 2 // 2 for side in grid]
    assert verdict.shape == (3, down[0] * down[1])
    assert torch.equal(critic(x[1:2], None if ids is None else ids[1:2])[0], verdict[1])
    with torch.no_grad():
        x[:, :, -1, -1] += 5
    far = verdict - critic(x, ids)
    assert bool((far[:, -1] != 0).all())  # the last place sees it
    if grid == (40, 24):
        assert bool((far[:, 0] == 0).all())  # the first does not


def test_levels_bound_the_ladder() -> None:
    config = ConvConfig(base=8, most=64, levels=2)
    assert ladder(ArraySpec(grid=(32, 32), channels=1), config) == [((16, 16), 16), ((32, 32), 8)]


def test_what_is_told_besides_reaches_both_parties_at_every_grid() -> None:
    spec = ArraySpec(grid=(8, 16), channels=3, control=2)
    generator, critic = (shaken(net(STYLED, spec, LABEL)) for net in (ConvGenerator, ConvCritic))
    z, ids = torch.randn(3, 6, generator=rng()), torch.tensor([[1], [2], [3]])
    told = torch.randn(3, 2, 8, 16, generator=rng())
    made = generator(z, ids, told)
    assert made.shape == (3, 3, 8, 16)
    assert not torch.allclose(made, generator(z, ids, told.flip(0)), atol=1e-4)
    verdict = critic(made, ids, told)
    assert verdict.shape == (3,)
    assert not torch.allclose(verdict, critic(made, ids, told.flip(0)), atol=1e-4)


def test_what_a_critic_sees_has_every_grid_and_ends_in_its_verdict() -> None:
    critic = shaken(ConvCritic(CONV, PICTURE, None))
    x = torch.randn(3, 3, 8, 16, generator=rng())
    assert [tuple(h.shape[1:]) for h in critic.seen(x)] == [(8, 8, 16), (16, 4, 8)]
    mlp = shaken(MLPCritic(SMALL, PICTURE, None))
    assert torch.allclose(mlp.out(mlp.seen(x)[-1])[:, 0], mlp(x))

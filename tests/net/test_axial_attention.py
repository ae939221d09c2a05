"""Attention in two turns is full attention under a mask; patches of unequal sides fit together."""

from __future__ import annotations

import pytest
import torch

from genloom.net.attention import plain_attention
from genloom.net.axial_attention import AxialAttention
from genloom.net.diffusion_transformer import DiffusionTransformer, DiffusionTransformerConfig
from genloom.spec import ArraySpec


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("before", [0, 3])
def test_it_is_full_attention_under_a_mask(layer, before):
    slices, places, rng = 3, 4, torch.Generator().manual_seed(0)
    length = before + slices * places
    q, k, v = (torch.randn(2, length, 2, 8, generator=rng) for _ in range(3))
    there = torch.ones(2, length, dtype=torch.bool)
    there[1, 1:before] = False
    cell = torch.arange(slices * places)
    line = cell % places if layer else cell // places
    mask = torch.zeros(length, length, dtype=torch.bool)
    mask[before:, before:] = line[:, None] == line[None, :]
    mask[:, :before] = True
    full = plain_attention(q, k, v, mask[None, None] & there[:, None, None, :])
    made = AxialAttention(slices, before, there if before else None)(layer, q, k, v)
    seen = there[..., None, None].expand_as(full)  # what stands where nothing is matters to nobody
    assert torch.allclose(made[seen], full[seen], atol=1e-5)


def test_patches_are_cut_and_put_together():
    config = DiffusionTransformerConfig(width=32, depth=1, heads=2, patches=(2, 4, 3))
    net = DiffusionTransformer(config, ArraySpec(grid=(4, 8, 6), channels=2), None)
    x = torch.randn(2, 2, 4, 8, 6)
    cut = net._patches(x)
    assert cut.shape == (2, 2 * 2 * 2, 2 * 24) and torch.equal(net._grid(cut, (4, 8, 6)), x)
    first = x[:, :, :2, :4, :3].reshape(2, -1)
    assert torch.equal(cut[:, 0], first)
    with pytest.raises(ValueError, match="patch 2x4x3 must divide"):
        DiffusionTransformer(config, ArraySpec(grid=(4, 8, 8), channels=2), None)
    with pytest.raises(ValueError, match="one for each axis"):
        DiffusionTransformer(config, ArraySpec(grid=(8, 6), channels=2), None)

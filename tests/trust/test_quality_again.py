"""Models that make given pictures again are measured by how near they come; codes as pictures."""

from __future__ import annotations

import toys

from genloom.api import Model
from genloom.trust.quality_image import measure


def measured(model: Model, **options):
    items = toys.captioned()
    rows, used = measure(
        model, items[:16], items[16:], seed=0, count=None, tell=lambda _: None, **options
    )
    return {row.metric: row for row in rows}, used


def test_an_autoencoder_that_learnt_is_nearer_than_the_mean_picture(tmp_path):
    name = "picture through a latent"
    learnt = toys.trained(toys.MADE[name](steps=60, rate=6e-3), tmp_path / "a")
    rows, used = measured(learnt)
    assert used["pictures"] == 8 and used["floor"] == "the mean training picture"
    assert rows["psnr"].value > rows["psnr"].floor + 1
    assert rows["ssim"].ceiling == 1.0 and rows["sharpness"].value > 0
    new, _ = measured(toys.shaken(toys.MADE[name](), tmp_path / "b"))
    assert new["psnr"].value < rows["psnr"].value - 3


def test_what_was_told_is_the_floor_of_what_restores(tmp_path):
    rows, used = measured(toys.shaken(toys.MADE["picture enlarged"](), tmp_path))
    assert used["floor"] == "what was told" and rows["psnr"].floor > 10


def test_pictures_from_codes_and_latents_are_measured_as_pictures(tmp_path):
    for name in ("picture by codes", "picture by flow of latents"):
        rows, used = measured(toys.shaken(toys.MADE[name](), tmp_path / name[-5:]), shown=0)
        assert used["pictures"] == 8 and rows["frechet_distance"].value > 0
        assert rows["exact_copies"].value == 0

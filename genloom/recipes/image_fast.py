"""Pictures in one, two or four steps: a trained flow model that learns to jump, before a critic.

Made to start from a model: genloom train image-fast DATA --from MODEL. It keeps the model's codec,
net and prompts; the model's guidance is worked in.
"""

from __future__ import annotations

from dataclasses import replace

from genloom.recipe import Facts, Part, Recipe
from genloom.recipes import image, image_gan

SIZES, MINUTES = image.SIZES, image.MINUTES


def choose(size: str, facts: Facts) -> Recipe:
    """The image preset of a size, for a start that is a flow model."""
    made, rival = image.choose(size, facts), image_gan.choose(size, facts)
    # Of the rate, what goes on from a model gets a twentieth. Both parties move by AdamW without
    # momentum, as those of a GAN do.
    train = replace(made.train, steps=2000, rate=1e-2, muon_rate=0.0, betas=(0.0, 0.99))
    return replace(
        made,
        name="image-fast",
        family=Part("consistency", {"adversarial": 0.3}),
        net={**made.net, "critic": rival.net["critic"]},
        train=train,
    )

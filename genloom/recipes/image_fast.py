"""Pictures in one, two or four steps: a trained flow model that learns to jump, before a critic.

Made to start from a model: genloom train image-fast DATA --from MODEL. It keeps the model's codec,
net and prompts; the model's guidance is worked in. On MNIST, beside a flow of 1,044 steps with a
Frechet distance of 0.49 in 24 steps and 1.06 in two (random features, 600 pictures; real against
real 0.09), 400 steps come to 0.40 in two steps and 0.31 in four. Strokes are rougher than the
flow's, which the distance does not see: look at the pictures, too.
"""

from __future__ import annotations

from dataclasses import replace

from genloom.recipe import Facts, Part, Recipe
from genloom.recipes import image, image_gan
from genloom.recipes.expectation import Expectation

SIZES, MINUTES = image.SIZES, image.MINUTES
EXPECTED = {
    "image-fast": Expectation(
        metric="% of real digits recognised by who saw made ones alone",
        value=97.0,
        higher=True,
        floor=11.0,
        floor_is="pixels drawn one by one",
        ceiling=98.9,
        ceiling_is="taught by real digits",
        data="MNIST by class, two steps",
        size=None,
        minutes=17.0,
        machine="one core beside other work, after the flow's",
        section="Images: MNIST by class, four ways",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The image preset of a size, for a start that is a flow model."""
    made, rival = image.choose(size, facts), image_gan.choose(size, facts)
    # What goes on from a model gets a twentieth of the rate, and a tenth of Muon's. Without the
    # critic two steps of that flow come to 0.55; by AdamW alone, before a critic, to 0.47 where
    # these rates come to 0.40.
    train = replace(made.train, steps=1500, rate=1e-2, muon_rate=0.05, betas=(0.0, 0.99))
    return replace(
        made,
        name="image-fast",
        family=Part("consistency", {"adversarial": 0.3}),
        net={**made.net, "critic": rival.net["critic"]},
        train=train,
    )

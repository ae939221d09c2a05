"""Latents of a generator: an item of its own is found again, directions are what they claim."""

from __future__ import annotations

import pytest
import torch
from toys import MADE, OPTIONS, Part, recipe, shaken

from genloom import latents
from genloom.api import Model
from genloom.errors import RequestError
from genloom.family.steering import factorised
from genloom.spec import Options


@pytest.fixture(scope="module", params=["conv", "mlp"])
def model(request, tmp_path_factory) -> Model:
    """A generator of 8 x 8 pictures of two classes, untrained but not silent."""
    nets = {role: f"{request.param}_{role}" for role in ("generator", "critic")}
    made = recipe(Part("image", OPTIONS["image"][0]), Part("adversarial"), nets, "label")
    styled = {"conv": "net.generator.styled=true", "mlp": "net.generator.bounded=true"}
    return shaken(made.with_(styled[request.param]), tmp_path_factory.mktemp("run"))


def own(model: Model, seed: int, prompt: str) -> tuple[torch.Tensor, object]:
    """A latent and the picture that the model makes of it."""
    z = latents.latents(model, 1, seed)[0]
    item = latents.walk(model, z, z[None] * 0, [0.0], prompt)
    return z, model.codec.decode(item)[0]


def test_latents_are_those_of_generate(model: Model) -> None:
    made = model.generate("above", 2, seed=4)
    z = latents.latents(model, 2, 4)
    again = latents.walk(model, z[1], z[:1] * 0, [0.0], "above")
    assert model.codec.decode(again)[0].tobytes() == made[1].tobytes()


def test_a_picture_of_its_own_is_found_again(model: Model) -> None:
    _, picture = own(model, 3, "above")
    heard: list[tuple[int, int, float]] = []
    found = latents.project(model, picture, steps=60, seed=1, tell=lambda *told: heard.append(told))
    assert found.error < 0.35 * found.nearest < found.random
    assert torch.equal(found.item, model.codec.begin(picture, (8, 8)))
    error = (found.found - found.item).square().mean().sqrt()
    assert float(error) == pytest.approx(found.error, rel=1e-4)
    assert [h[0] for h in heard] == list(range(1, 61)) and heard[-1][2] < heard[0][2]
    once, again = (latents.project(model, picture, steps=3, seed=1) for _ in range(2))
    assert torch.equal(again.latent, once.latent) and once.error > found.error
    made = latents.walk(model, found.latent, found.latent[None], [0.0], found.prompt)
    assert torch.allclose(made[0], found.found, atol=1e-5)


def test_a_prompt_is_kept_to(model: Model) -> None:
    _, picture = own(model, 3, "above")
    found = latents.project(model, picture, prompt="below", steps=5)
    assert found.prompt == "below"
    with pytest.raises(RequestError, match="unknown class"):
        latents.project(model, picture, prompt="sideways", steps=5)


def test_the_strongest_direction_of_the_weights_changes_their_products_most(model: Model) -> None:
    generator = latents.generator_of(model)
    vectors, shares = factorised(generator)
    rows = generator.entrances()
    moved = (rows @ vectors.T).square().sum(0)
    assert torch.allclose(moved / moved.sum(), shares, atol=1e-5)
    assert bool((shares.diff() <= 1e-6).all()) and float(shares.sum()) == pytest.approx(1)
    assert torch.allclose(vectors @ vectors.T, torch.eye(len(vectors)), atol=1e-5)
    assert bool((vectors.gather(1, vectors.abs().argmax(1, keepdim=True)) > 0).all())


def test_directions_of_items_change_what_is_seen_more_than_others(model: Model) -> None:
    found = latents.directions(model, 3, by="items", seed=0)
    assert found.explained is not None and 0 < found.explained <= 1
    z = latents.latents(model, 16, 9)

    def change(vector: torch.Tensor) -> float:
        ends = [latents.walk(model, one, vector[None], [-2.0, 2.0], "above") for one in z]
        return sum(float((a - b).square().mean()) for a, b in ends)

    last = latents.directions(model, latents.generator_of(model).latent, by="items").vectors[-1]
    assert change(found.vectors[0]) > change(last)


def test_towards_a_prompt_the_critic_sees_more_of_it(model: Model) -> None:
    found = latents.direction_towards(model, "below")
    critic = dict(model.nets.items())["critic"]
    ids = latents.told(model, ["below"] * 32)
    rows = latents.latents(model, 32, 77)
    ends = [latents.walk(model, z, found.vectors, [-1.5, 1.5], "above") for z in rows]
    with torch.no_grad():
        less, more = (critic(torch.stack([e[n] for e in ends]), ids).mean() for n in (0, 1))
    assert more > less


def test_generate_goes_along_directions_and_truncates(model: Model) -> None:
    vectors = latents.directions(model, 2).vectors
    z = latents.latents(model, 1, 6)[0]
    made = model.generate("above", 1, seed=6, directions={2: -3.0})
    hoped = model.codec.decode(latents.walk(model, z, vectors[1:], [-3.0], "above"))
    assert made[0].tobytes() == hoped[0].tobytes()
    written = Options(directions={2: -3.0}).given()  # as a record keeps it
    assert written == {"directions": {"2": -3.0}} and Options(**written).directions == {2: -3.0}
    still = model.generate("above", 3, seed=6, truncation=0.0)
    assert len({picture.tobytes() for picture in still}) == 1  # all at the mean
    half = model.generate("above", 1, seed=6, truncation=0.5)
    hoped = model.codec.decode(latents.walk(model, z / 2, z[None] * 0, [0.0], "above"))
    assert half[0].tobytes() == hoped[0].tobytes()
    with pytest.raises(RequestError, match="number 900, but this model has 1 to 8"):
        model.generate("above", 1, directions={900: 1.0})


def test_refusals_are_one_line(model: Model, tmp_path) -> None:
    with pytest.raises(RequestError, match="99 directions: this model has 1 to 8"):
        latents.directions(model, 99)
    flow = shaken(MADE["picture by flow"](), tmp_path)
    for call in (latents.directions, lambda m: latents.project(m, "x.png")):
        with pytest.raises(RequestError, match="no latents to look into") as error:
            call(flow)
        assert "\n" not in str(error.value)
    bare = MADE["row by GAN"]()
    with pytest.raises(RequestError, match="no prompts to go towards"):
        latents.direction_towards(shaken(bare, tmp_path / "rows"), "below")


def test_rows_have_directions_too(tmp_path) -> None:
    rows = shaken(MADE["row by GAN"](), tmp_path)
    found = latents.directions(rows, 2, by="items")
    assert found.vectors.shape == (2, 8)
    assert latents.walk(rows, latents.latents(rows, 1, 0)[0], found.vectors, [1.0], None).dim() == 2

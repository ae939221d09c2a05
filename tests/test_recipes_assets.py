"""The recipes of assets on little data of their kind: legal, of the right channels, trained."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile

import numpy as np
import pytest
import toys
from PIL import Image

from genloom import api, registry
from genloom.material import prepare
from genloom.recipe import Facts
from genloom.spec import Request
from genloom.train.log import silent

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M0 0h16v16H0z"/>{}</svg>'
)
SMALL = ("train.steps=2", "train.preview=0", "train.judge=0", "data.batch=4", "train.compile=off")
NARROW = ("net.net.width=32", "net.net.depth=1", "net.net.heads=2")


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def cutout(n, side, soft):
    pixels = np.random.default_rng(n).integers(0, 256, (side, side, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    pixels[4:-4, 4:-4, 3] = 255
    if soft:
        pixels[3, 4:-4, 3] = pixels[-4, 4:-4, 3] = 120
    return Image.fromarray(pixels)


def archive(folder, name, rows):
    """name.zip and captions.jsonl beside it, as open collections come."""
    lines = []
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as made:
        for file, content, caption, author in rows:
            made.writestr(file, content)
            lines.append(json.dumps({"file": file, "caption": caption, "author": author}))
    (folder / "captions.jsonl").write_text("\n".join(lines))


def sprites(folder):
    rows = [(f"{n}.png", png(cutout(n, 32, False)), f"a monster {n % 8}", None) for n in range(16)]
    archive(folder, "tiles", rows)


def emoji(folder):
    rows = [(f"{n}.png", png(cutout(n, 72, True)), f"emoji of {n}", None) for n in range(16)]
    archive(folder, "emoji", rows)


def icons(folder):
    body = '<path fill="#fff" d="M{0} 2h6v12h-6z"/>'
    rows = [
        (f"{n}.svg", ICON.format(body.format(n % 8)), f"icon {n}", ("ann", "bob")[n % 2])
        for n in range(16)
    ]
    archive(folder, "icons", rows)


def digits(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    head, labels = struct.pack(">HBBIII", 0, 8, 3, 20, 28, 28), struct.pack(">HBBI", 0, 8, 1, 20)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes()))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(labels + bytes(n % 4 for n in range(20)))
    )


def characters(folder):
    with zipfile.ZipFile(folder / "letters.zip", "w") as made:
        for n in range(20):
            bits = Image.fromarray(np.random.default_rng(n).random((105, 105)) > 0.5)
            made.writestr(f"letters/Greek/character{n % 4:02d}/{n}.png", png(bits))


# recipe -> what writes its data, channels, side, prompt
KINDS = {
    "sprites": (sprites, 4, 32, "words"),
    "emoji": (emoji, 4, 64, "words"),
    "icons": (icons, 1, 64, "words"),
    "digits": (digits, 1, 28, "label"),
    "characters": (characters, 1, 32, "label"),
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_recipe_fits_its_data(name, tmp_path):
    write, channels, side, prompt = KINDS[name]
    write(tmp_path)
    made = prepare(name, tmp_path, "tiny", None, 0, SMALL, None, silent, None)
    assert made.codec.spec.shape == (channels, side, side)
    assert made.recipe.prompt is not None and made.recipe.prompt.kind == prompt
    assert made.recipe.name == name and len(made.held_items) > 0
    assert getattr(made.codec, "hard", False) is (name == "sprites")
    if made.recipe.codec.options.get("mirrored"):
        real = len(made.train_items) // 2
        assert made.codec.captions(made.train_items)[real].endswith(" mirrored")


@pytest.mark.parametrize("size", ["tiny", "small", "base", "large"])
@pytest.mark.parametrize("name", [*sorted(KINDS), "labelled"])
def test_every_size_is_legal_with_captions_and_without(name, size):
    chooser = registry.find("recipe", name)
    for captions in (None, ["a cat", "a dog"] * 8):
        made = chooser(size, Facts(items=16, units=16, captions=captions, side=32))
        made.check()
        assert (made.prompt is None) is (captions is None)
        assert "guidance" in made.family.options
        assert captions is not None or made.family.options["guidance"] == 1.0
    assert set(registry.minutes_of(chooser)) == {"tiny", "small", "base", "large"}


def test_icons_name_their_authors_and_become_drawings(tmp_path):
    icons(tmp_path)
    changes = (*SMALL, *NARROW, "codec.size=16", "net.net.patch=4")
    model = api.train("icons", tmp_path, out=tmp_path / "m", size="tiny", changes=changes)
    assert list(model.card["data"]["credits"]) == ["ann", "bob"]
    assert "made by: ann, bob" in (tmp_path / "m" / "README.md").read_text()
    assert list(api.record(model, Request())["data"]["credits"]) == ["ann", "bob"]
    (made,) = model.generate("icon 3", steps=2)
    assert model.codec.write(made, tmp_path / "icon.svg") is False
    assert "<path" in (tmp_path / "icon.svg").read_text()


def test_labelled_items_train_by_their_recipe(tmp_path):
    changes = (*SMALL, *NARROW, "codec.size=8", "net.net.patch=2")
    model = api.train("labelled", toys.labelled(), out=tmp_path / "m", size="tiny", changes=changes)
    (pair,) = model.generate("a car", steps=2)
    assert pair.classes == ("car", "sign") and pair.labels().shape == (8, 8)

"""Published pipelines behind the house's own interface: the library's pictures, to the last bit."""

from __future__ import annotations

import gc
import inspect
import json
import shutil
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_pipelines
import torch
from loopback_hub import serving
from PIL import Image
from test_turns import until

from genloom import api
from genloom.engine.engine import Engine
from genloom.errors import ModelError, RequestError, ResourceError, UsageError
from genloom.family.noise import keys
from genloom.spec import Options, Request
from genloom.trust import provenance
from genloom.weights import image_memory, images
from genloom.weights.hub import Place, pull
from genloom.weights.image_folder import examine
from genloom.weights.image_kinds import KINDS, class_of
from genloom.weights.image_memory import Saving, saving_of
from genloom.weights.turns import NAME

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SD = "StableDiffusionPipeline"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """kind -> (the published folder, the model of ours), each made once."""
    place = tmp_path_factory.mktemp("shelf")

    @cache
    def made(kind: str) -> tuple[Path, Path]:
        source = tiny_pipelines.write(kind, place / kind)
        target = place / f"ours-{kind}"
        api.import_weights(source, name=target)
        return source, target

    return made


@pytest.fixture(scope="module")
def model(shelf: Any) -> api.Model:
    """Stable Diffusion's kind; nobody changes it."""
    return api.load(shelf(SD)[1], device="cpu")


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def mask() -> Image.Image:
    return Image.fromarray(np.kron([[255, 0], [0, 0]], np.ones((32, 32))).astype(np.uint8))


def tensors(model: Any, **asked: Any) -> torch.Tensor:
    with Engine(model) as engine:
        generation = engine.submit(Request(**asked))
        generation.result()
        return generation.tensors()


def theirs(source: Path, name: str, **given: Any) -> torch.Tensor:
    """What the library itself makes of the published folder, as [C, H, W] within [-1, 1]."""
    first = class_of(examine(source).kind.first)
    loaded = first.from_pretrained(source, local_files_only=True, use_safetensors=True)
    cls = class_of(name)
    known = inspect.signature(cls.__init__).parameters
    pipe = cls(**{k: v for k, v in loaded.components.items() if k in known})
    pipe.set_progress_bar_config(disable=True)
    taken = inspect.signature(cls.__call__).parameters
    sizes = {k: v for k, v in {"height": 64, "width": 64}.items() if k in taken}
    out = pipe("a cat", num_inference_steps=3, output_type="pt", **sizes, **given)
    return out.images[0].float() * 2 - 1


TASKS = [
    pytest.param(kind, task, id=f"{kind.removesuffix('Pipeline')}-{task}")
    for kind in tiny_pipelines.KINDS
    for task in ("text", "item", "mask")
    if getattr(KINDS[kind], task)
]


@pytest.mark.parametrize(("kind", "task"), TASKS)
def test_a_picture_is_the_library_s_own(shelf, picture, mask, kind, task):
    source, target = shelf(kind)
    loaded = api.load(target, device="cpu")
    given: dict[str, Any] = {} if task == "text" else {"item": picture}
    given |= {"mask": mask} if task == "mask" else {}
    strength = None if task == "text" else 0.7
    options = Options(steps=3, size=(64, 64), strength=strength)
    ours = tensors(loaded, prompt="a cat", seed=5, options=options, **given)[0]

    wanted: dict[str, Any] = {KINDS[kind].scale: loaded.family.guidance, **KINDS[kind].fixed}
    key = keys(5, torch.zeros(1, dtype=torch.long)).item()
    wanted["generator"] = torch.Generator().manual_seed(int(key))
    if KINDS[kind].negative == " ":
        wanted["negative_prompt"] = " "
    begun = torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 127.5 - 1
    fresh = torch.ones(64, 64)
    if task != "text":
        wanted |= {"image": (begun[None] + 1) / 2, "strength": strength}
    if task == "mask":
        fresh = torch.zeros(64, 64)
        fresh[:32, :32] = 1
        wanted["mask_image"] = fresh[None, None]
    other = theirs(source, getattr(KINDS[kind], task), **wanted)
    anew = fresh > 0.5
    assert ours.std() > 0.02 and (ours[:, anew] - other[:, anew]).abs().max() < 1e-4
    if task == "mask":  # what stays is the given picture itself, not what a latent kept of it
        assert torch.equal(ours[:, ~anew], begun[:, ~anew])


# --- the house's promises -------------------------------------------------------------------------


def test_a_sample_does_not_depend_on_who_flies_with_it(model):
    options = Options(steps=2)
    alone = tensors(model, prompt="a cat", seed=1, first=2, options=options)[0]
    with Engine(model) as engine:
        many = engine.submit(Request(prompt="a cat", seed=1, count=3, options=options))
        wide = Options(steps=3, size=(64, 96))
        other = engine.submit(Request(prompt="a dog", seed=9, options=wide))
        many.result()
        other.result()
        assert torch.equal(many.tensors()[2], alone)
        assert not torch.equal(many.tensors()[1], alone)
        assert tuple(other.tensors().shape) == (1, 3, 64, 96)


def test_a_step_is_a_tick_and_previews_lead_to_the_picture(model):
    with Engine(model) as engine:
        generation = engine.submit(Request(prompt="a cat", seed=2, options=Options(steps=6)))
        told = list(generation)
    steps = [one.step for one in told if not one.finished]
    assert steps == list(range(1, len(steps) + 1)) and 6 <= len(steps) <= 7  # PNDM takes one more
    shown = [np.asarray(one.item, dtype=float) for one in told if one.item is not None]
    assert len(shown) > 3 and shown[0].shape == shown[-1].shape
    far, near = (np.abs(one - shown[-1]).mean() for one in (shown[0], shown[-2]))
    assert near < 1 < far


def test_cancelling_ends_what_was_under_way(model):
    before = set(threading.enumerate())

    def begun() -> int:
        gc.collect()  # again and again: while another thread collects, it returns at once
        return sum(one.name == NAME for one in set(threading.enumerate()) - before)

    with Engine(model) as engine:
        keep = engine.submit(Request(prompt="a cat", options=Options(steps=3)))
        drop = engine.submit(Request(prompt="a cat", count=2, options=Options(steps=900)))
        for _ in range(2):
            engine.tick()
        assert begun() == 3
        drop.cancel()
        assert until(lambda: begun() == 1)
        assert len(keep.result()) == 1 and drop.items() == []


def test_memory_that_runs_out_ends_its_own_request_alone(model, monkeypatch):
    unet = model.nets["net"].denoiser
    forward = type(unet).forward

    def small(self: Any, sample: torch.Tensor, *args: Any, **more: Any) -> Any:
        if sample.shape[-1] > 8:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, sample, *args, **more)

    monkeypatch.setattr(type(unet), "forward", small)
    with Engine(model) as engine:
        good = engine.submit(Request(prompt="a cat", options=Options(steps=2)))
        large = Options(steps=2, size=(64, 128))
        bad = engine.submit(Request(prompt="a cat", options=large))
        assert len(good.result()) == 1
        with pytest.raises(ResourceError, match="memory ran out"):
            bad.result()


def test_negative_prompts_and_guidance_are_heard(model):
    asked = {"prompt": "a cat", "seed": 1}
    plain = tensors(model, **asked, options=Options(steps=2))
    for other in ({"negative": "a dog"}, {"guidance": 2.0}):
        assert not torch.equal(plain, tensors(model, **asked, options=Options(steps=2, **other)))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"options": {"size": (60, 64)}}, "no multiple of 8.* nearest are 64 wide and 56 or 64 high"),
    ({"options": {"steps": 1001}}, "steps is 1001, but its schedule has 1000"),
    ({"options": {"seamless": True}}, "no option seamless: it takes guidance, item, mask"),
    ({"options": {"negative": "x", "guidance": 1.0}}, "ask for a guidance above 1"),
    ({"options": {"steps": 3, "strength": 0.1}, "item": "it"}, "less than one of 3 steps"),
    ({"options": {"strength": 0.5}}, "give the item, too"),
    ({"prompt": "word " * 9}, r"the prompt has \d+ tokens, of which this pipeline reads 24"),
    ({"prompt": "word " * 10_000}, "has 50,000 bytes, but up to 4,096 are expected"),
]


@pytest.mark.parametrize(("asked", "told"), REFUSED, ids=lambda x: str(x)[:30])
def test_what_a_pipeline_cannot_do_is_refused_in_a_line(model, picture, asked, told):
    given = {"prompt": "a cat", **asked, "options": Options(**asked.get("options", {}))}
    given |= {"item": picture} if "item" in asked else {}
    with Engine(model) as engine, pytest.raises(RequestError, match=told) as error:
        engine.submit(Request(**given))
    assert "\n" not in str(error.value)


def test_guidance_of_nan_is_refused():
    with pytest.raises(RequestError, match="guidance is nan, but 0 to 100 is expected"):
        Options(guidance=float("nan"))


def test_kinds_are_refused_what_they_lack(shelf, tmp_path):
    pixart = api.load(shelf("PixArtSigmaPipeline")[1], device="cpu")
    with pytest.raises(RequestError, match="no option item: it takes guidance, negative, size"):
        pixart.generate("a cat", item=Image.new("RGB", (64, 64)))
    fast = tiny_pipelines.write("FluxPipeline", tmp_path / "fast", distilled=False)
    told = api.import_weights(fast, name=tmp_path / "ours").family.takes
    assert "guidance" not in told and "negative" not in told and "mask" in told


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SD, "SanaPipeline"])
def test_16_bits_make_nearly_the_same_picture(shelf, kind):
    whole, half = (api.load(shelf(kind)[1], device="cpu", bits=bits) for bits in (32, 16))
    assert {p.dtype for p in half.nets.parameters()} == {torch.bfloat16} and half.bits == 16
    asked = {"prompt": "a cat", "seed": 4, "options": Options(steps=2, size=(64, 64))}
    assert (tensors(whole, **asked) - tensors(half, **asked)).abs().mean() < 0.1
    with pytest.raises(UsageError, match="kept in 32 or 16"):
        api.load(shelf(kind)[1], device="cpu", bits=8)


def test_what_is_streamed_and_sliced_is_the_same_picture(shelf, model):
    """Layers come and go, here from the CPU's memory to copies beside it."""
    found = examine(shelf(SD)[0])
    saving = Saving(streamed=True, sliced=True)
    streamed = api.load(shelf(SD)[1], device="cpu")
    net = images.guest(found, saving, torch.device("cpu"))
    streamed.nets["net"] = net
    inner, places = net.denoiser.conv_in, set()
    places.add(inner.weight.data_ptr())
    forward = inner.forward
    inner.forward = lambda x: (places.add(inner.weight.data_ptr()), forward(x))[1]
    asked = {"prompt": "a cat", "seed": 4, "options": Options(steps=2)}
    assert (tensors(model, **asked) - tensors(streamed, **asked)).abs().max() < 1e-4
    stays = inner.weight.data_ptr()
    assert len(places) > 1 and stays in places and net.to("meta").denoiser.device.type == "cpu"


def test_large_pictures_are_decoded_in_tiles(shelf, model):
    vae = model.nets["net"].nets["vae"]
    tiled = api.load(shelf(SD)[1], device="cpu")
    tiled.nets["net"].saving = Saving(room=64 * 64 * image_memory.DECODING * 4)
    asked = {"prompt": "a cat", "seed": 4}
    small, large = Options(steps=2), Options(steps=2, size=(64, 128))
    assert torch.equal(
        tensors(model, **asked, options=small), tensors(tiled, **asked, options=small)
    )
    one, other = (tensors(m, **asked, options=large) for m in (model, tiled))
    assert 0 < (one - other).abs().mean() < 0.3
    assert tiled.nets["net"].nets["vae"].use_tiling and not vae.use_tiling


def test_how_weights_are_kept_follows_from_the_memory_there_is():
    cpu, gpu, giga = torch.device("cpu"), torch.device("cuda"), 10**9
    assert saving_of(giga, cpu, total=16 * giga).bits == 32
    assert saving_of(3 * giga, cpu, total=16 * giga).bits == 16
    assert saving_of(giga, gpu, total=16 * giga).bits == 16
    assert not saving_of(4 * giga, gpu, total=16 * giga).streamed
    assert saving_of(12 * giga, gpu, total=16 * giga).streamed
    assert saving_of(giga, cpu, bits=16, total=64 * giga).bits == 16
    with pytest.raises(ResourceError, match=r"take 48\.0 GB in 32 bits \(with --bits 16: 24\.0 GB"):
        saving_of(12 * giga, cpu, bits=32, total=32 * giga)


# --- where it is from -----------------------------------------------------------------------------


def test_an_import_is_whole_and_says_where_it_is_from(shelf, tmp_path):
    source, target = shelf(SD)
    loaded = api.load(target, device="cpu")
    came = loaded.card["source"]
    assert came["licence"] == "openrail" and came["folder"] == SD
    wanted = examine(source).hashes()
    assert came["files"] == wanted and examine(target / "pipeline").hashes() == wanted
    parts = loaded.card["components"]
    assert parts["unet"]["class"] == "UNet2DConditionModel" and parts["unet"]["types"] == [
        "float32"
    ]
    assert sum(part.get("weights", 0) for part in parts.values()) == loaded.parameters
    assert api.fingerprint(target) == loaded.card["weights"]


def test_a_picture_s_record_leads_back_and_makes_it_again(shelf, tmp_path, picture, mask):
    loaded = api.load(shelf(SD)[1], device="cpu")
    for name, one in (("in", picture), ("mask", mask)):
        one.save(tmp_path / f"{name}.png")
    request = Request(
        prompt="a cat",
        seed=3,
        item=tmp_path / "in.png",
        mask=tmp_path / "mask.png",
        options=Options(steps=2, strength=0.8),
    )
    record = api.record(loaded, request)
    assert record["source"]["licence"] == "openrail" and record["bits"] == 32
    assert record["source"]["files"]["unet/diffusion_pytorch_model.safetensors"]
    assert {"diffusers", "transformers"} <= record["software"].keys()
    items = api.exact(loaded, request)
    (path,) = provenance.save(loaded.codec, items, tmp_path / "made.png", record)
    verdict = provenance.verify(path)
    assert verdict.ok and verdict.model == "same" and verdict.licence == "openrail"
    again = provenance.replay(path)
    with Image.open(path) as one, Image.open(again) as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_a_model_of_ours_that_was_damaged_is_refused(shelf, tmp_path):
    ours = api.import_weights(shelf(SD)[0], name=tmp_path / "ours")
    assert ours.folder is not None
    file = ours.folder / "pipeline" / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelError, match=r"pipeline/vae/.* does not match its checksum"):
        api.load(ours.folder, device="cpu")


def test_weights_that_do_not_fit_their_config_are_named(shelf, tmp_path):
    folder = Path(shutil.copytree(shelf(SD)[0], tmp_path / "sd"))
    path = folder / "unet" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "cross_attention_dim": 16}))
    with pytest.raises(ModelError, match=r"attn2.to_k.weight of the unet has shape \[16, 32\]"):
        api.import_weights(folder, name=tmp_path / "ours")
    path.write_text(json.dumps({**config, "layers_per_block": 2}))
    with pytest.raises(ModelError, match="the weights of the unet lack "):
        api.import_weights(folder, name=tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_it_is_not_trained_or_written_for_others(model, tmp_path):
    with pytest.raises(UsageError, match="is not trained or scored here"):
        model.family.score(dict(model.nets.items()), None)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="is no language model"):
        api.export(model, tmp_path / "x")


def test_from_a_hub_it_comes_without_what_is_not_read(shelf, tmp_path):
    served = Path(shutil.copytree(shelf(SD)[0], tmp_path / "served"))
    (served / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04N.")
    (served / "pipeline.py").write_text("raise SystemExit")
    with serving(served) as hub:
        pulled = pull(Place(repo="org/tiny", endpoint=hub.url, cache=tmp_path / "cache"))
    card = {"hub": "org/tiny", "revision": pulled.commit}
    found = images.from_folder(pulled.path, "tiny", card, shared=True)
    ours = found.bring(api.Model, lambda done, of: None)
    images.save(ours, tmp_path / "ours")
    assert ours.card["source"] | {"files": {}} == {**card, "licence": "openrail", "files": {}}
    kept = {p.name for p in (tmp_path / "ours").rglob("*")}
    assert "model_index.json" in kept and not kept & {"pipeline.py", "diffusion_pytorch_model.bin"}
    name = "unet/diffusion_pytorch_model.safetensors"
    mine, theirs_ = tmp_path / "ours" / "pipeline" / name, (pulled.path / name).resolve()
    assert mine.samefile(theirs_)  # a hub's cache does not change: one place on the disk for both
    assert len(api.load(tmp_path / "ours", device="cpu").generate("a cat", steps=1)) == 1

"""Published folders as our models: tokens, text, policy, licence; what is refused, by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import TEMPLATE, WORDS, llama, publish, tokenizer

import genloom
from genloom.api import Model
from genloom.errors import ModelError, UsageError
from genloom.weights.importing import bring
from genloom.weights.published import from_folder
from genloom.weights.sources import find


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("published") / "tiny")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """One that may be harmed."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def change(path: Path, **values: object) -> None:
    told = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**told, **values}))


def test_a_published_model_is_an_ordinary_one(folder: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the reference is not installed")
    model = genloom.import_weights(folder, name=tmp_path / "tiny")
    again = genloom.load(tmp_path / "tiny")
    assert again.card["source"]["licence"] == "mit"
    assert set(again.card["source"]["files"]) >= {"config.json", "model.safetensors"}
    ours = again.generate("the cat", max_tokens=12, temperature=0)[0]
    reference = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    words = transformers.AutoTokenizer.from_pretrained(folder)
    ids = words("the cat", return_tensors="pt")["input_ids"]
    theirs = reference.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=2)
    assert ours == words.decode(theirs[0], skip_special_tokens=True)
    assert {p.dtype for p in model.nets.parameters()} == {torch.bfloat16}


def test_the_stored_type_is_kept_and_mapped_where_asked(folder: Path, tmp_path: Path) -> None:
    genloom.import_weights(folder, name=tmp_path / "tiny")
    stored = Model.load(tmp_path / "tiny", dtype="stored")
    usual = Model.load(tmp_path / "tiny")
    assert {p.dtype for p in stored.nets.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in usual.nets.parameters()} == {torch.float32}
    for one, other in zip(stored.nets.parameters(), usual.nets.parameters(), strict=True):
        assert torch.equal(one.float(), other)
    assert stored.digest() == stored.card["weights"]


def test_ends_lead_and_template_are_the_publisher_s(folder: Path, tmp_path: Path) -> None:
    genloom.import_weights(folder, name=tmp_path / "tiny")
    spec = genloom.load(tmp_path / "tiny").codec.spec
    assert (spec.bos, spec.eos, spec.pad, spec.ends, spec.leads) == (0, 1, 2, (3,), True)
    assert spec.vocab == 400 and spec.length == 64
    codec = tmp_path / "tiny" / "codec"
    assert (codec / "chat_template.jinja").read_text("utf-8") == TEMPLATE
    assert json.loads((codec / "special_tokens.json").read_text())["eos_token"] == "<|end|>"


def test_a_policy_in_the_config_outweighs_the_tokenizer_s(copy: Path) -> None:
    change(copy / "tokenizer_config.json", add_bos_token=False)
    assert not from_folder(copy, "tiny").codec.spec.leads


def test_several_templates_keep_their_names(copy: Path, tmp_path: Path) -> None:
    pairs = [("default", "plain"), ("tool_use", "tools"), ("../up", "escapes")]
    listed = [{"name": name, "template": text} for name, text in pairs]
    change(copy / "tokenizer_config.json", chat_template=listed)
    genloom.import_weights(copy, name=tmp_path / "tiny")
    codec = tmp_path / "tiny" / "codec"
    assert (codec / "chat_template.jinja").read_text() == "plain"
    assert [p.name for p in codec.rglob("*.jinja")].count("tool_use.jinja") == 1
    assert not list(tmp_path.rglob("up.jinja"))


def test_shards_and_names_without_their_prefix(copy: Path) -> None:
    whole = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(whole)
    places = {}
    for n, part in enumerate((names[:7], names[7:])):
        save_file(
            {k.removeprefix("model."): whole[k] for k in part}, copy / f"model-{n}.safetensors"
        )
        places |= {k.removeprefix("model."): f"model-{n}.safetensors" for k in part}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    model = bring(from_folder(copy, "tiny"), Model)
    assert torch.equal(model.nets["net"].embed.weight, whole["model.embed_tokens.weight"])
    (copy / "model-1.safetensors").unlink()
    with pytest.raises(ModelError, match=r"lacks the shard model-1\.safetensors"):
        from_folder(copy, "tiny")


def test_the_text_within_a_model_that_reads_pictures(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    outer = {"model_type": "picture_reader", "text_config": config, "vision_config": {}}
    (copy / "config.json").write_text(json.dumps(outer))
    weights = load_file(copy / "model.safetensors")
    inner = {f"language_model.{name}": tensor for name, tensor in weights.items()}
    save_file({**inner, "vision_tower.x.weight": torch.ones(2)}, copy / "model.safetensors")
    found = from_folder(copy, "tiny")
    assert "only the text part" in found.notes[0]
    model = bring(found, Model)
    assert torch.equal(model.nets["net"].embed.weight, weights["model.embed_tokens.weight"])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("no config", "has no config.json"),
        ("config is a list", "an object is expected"),
        ("config is cut", "does not parse"),
        ("unknown", r"'mamba' is not known: .*gpt2, llama, mistral"),
        ("packed", "packed by 'gptq'"),
        ("hybrid", "state-space"),
        ("pickled", r"only as pytorch_model\.bin, a format that can run code"),
        ("no weights", "has no weights"),
        ("no tokenizer", "has no tokenizer.json"),
        ("hostile tokenizer", "cannot be used"),
        ("tokenizer too large", "numbers its tokens up to"),
        ("no end", "nothing says which token ends a text"),
        ("cut", "is damaged: .*ends at byte"),
        ("wider", "has shape .* but config.json says"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(copy: Path, harm: str, told: str) -> None:
    config, weights = copy / "config.json", copy / "model.safetensors"
    if harm == "no config":
        config.unlink()
    elif harm == "config is a list":
        config.write_text("[]")
    elif harm == "config is cut":
        config.write_text(config.read_text()[:50])
    elif harm == "unknown":
        change(config, model_type="mamba")
    elif harm == "packed":
        change(config, quantization_config={"quant_method": "gptq"})
    elif harm == "hybrid":
        change(config, model_type="nemotron_h")
    elif harm == "pickled":
        weights.rename(copy / "pytorch_model.bin")
    elif harm == "no weights":
        weights.unlink()
    elif harm == "no tokenizer":
        (copy / "tokenizer.json").unlink()
    elif harm == "hostile tokenizer":
        (copy / "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {"a": -1}}}')
    elif harm == "tokenizer too large":
        change(config, vocab_size=20)
    elif harm == "no end":
        change(config, eos_token_id=None)
        (copy / "generation_config.json").unlink()
        (copy / "tokenizer_config.json").write_text("{}")
    elif harm == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    else:
        change(config, intermediate_size=128)
    with pytest.raises(ModelError, match=told):
        bring(from_folder(copy, "tiny"), Model)


def test_a_failed_import_leaves_nothing(copy: Path, tmp_path: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors")
    with pytest.raises(ModelError, match=r"lack model\.layers\.1\.mlp\.up_proj\.weight"):
        genloom.import_weights(copy, name=tmp_path / "place" / "tiny")
    assert not [p for p in (tmp_path / "place").rglob("*") if p.is_file()]


def test_a_place_that_holds_something_else_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ModelError, match="holds files that are no model"):
        genloom.import_weights(folder, name=tmp_path / "mine")


def test_a_source_that_is_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder or GGUF file here"):
        find("no such thing")
    (tmp_path / "model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelError, match="is no GGUF file"):
        find(tmp_path / "model.bin")


def test_an_imported_model_scores_and_reads_its_own_tokens(folder: Path, tmp_path: Path) -> None:
    genloom.import_weights(folder, name=tmp_path / "tiny")
    codec = genloom.load(tmp_path / "tiny").codec
    ids = codec.encode([WORDS, "<|end|>"])
    assert codec.decode(ids) == [WORDS, "<|end|>"]
    assert 1 not in ids[1].tolist(), "a text that spells a special token stays a text"
    assert codec.condition("<|user|>", None).known.tolist() == [3]


def test_the_text_part_of_a_published_picture_reader(tmp_path: Path) -> None:
    """Gemma 3, as the reference library builds it around the same text model."""
    transformers = pytest.importorskip("transformers", reason="the reference is not installed")
    text = {
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 7,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "sliding_window": 5,
        "max_position_embeddings": 64,
    }
    sight = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "image_size": 28}
    sight |= {"num_attention_heads": 2, "patch_size": 14}
    config = transformers.Gemma3Config(
        text_config=text, vision_config=sight, mm_tokens_per_image=4, eos_token_id=1
    )
    torch.manual_seed(0)
    model = transformers.Gemma3ForConditionalGeneration(config).eval()
    publish(model, tmp_path / "gemma", tokenizer(390))
    found = from_folder(tmp_path / "gemma", "gemma")
    assert "only the text part of gemma is taken" in found.notes[0]
    net = bring(found, Model).nets["net"]
    ids = torch.randint(6, 390, (1, 24), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        place = torch.arange(24)[None, :, None]
        ours = net.logits(net(ids, place, net.attention(None)))
        theirs = model(input_ids=ids).logits
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)

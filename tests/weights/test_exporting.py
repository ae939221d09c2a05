"""Models written for others: the reference library loads them and gives the same logits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from test_decoders import CASES, IDS, reference
from tiny_models import TEMPLATE, llama, publish

import genloom
from genloom import tensor_files
from genloom.api import Model
from genloom.errors import ModelError, UsageError
from genloom.weights.exporting import export
from genloom.weights.importing import bring
from genloom.weights.published import from_folder

transformers = pytest.importorskip("transformers", reason="the reference library is not installed")
TINY = (
    *("train.steps=12", "train.judge=12", "train.preview=0", "train.compile=off"),
    *("codec.length=32", "net.net.width=32", "net.net.depth=2", "net.net.heads=2"),
)
SAID = ("net.net.activation=swiglu", "net.net.softcap=0")  # in the words of others


def logits(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    with torch.no_grad():
        found: torch.Tensor = model.eval()(ids).logits
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_architecture_goes_out_as_it_came_in(name: str, tmp_path: Path) -> None:
    model = reference(name)
    came = publish(model, tmp_path / "came")
    export(bring(from_folder(came, "tiny"), Model), "hf", tmp_path / "went")
    before = load_file(came / "model.safetensors")
    after = load_file(tmp_path / "went" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[n], after[n]) for n in before)
    with torch.no_grad():
        assert torch.equal(logits(tmp_path / "went", IDS), model(IDS).logits)


def test_tokenizer_template_and_generation_config_go_out(tmp_path: Path) -> None:
    came = llama(tmp_path / "came")
    genloom.import_weights(came, name=tmp_path / "model")
    genloom.export(tmp_path / "model", tmp_path / "went")
    one, other = (
        transformers.AutoTokenizer.from_pretrained(tmp_path / n) for n in ("came", "went")
    )
    said = [{"role": "user", "content": "the cat sat"}]
    assert other.chat_template == TEMPLATE
    assert one.apply_chat_template(said) == other.apply_chat_template(said)
    assert one("the dog<|end|>")["input_ids"] == other("the dog<|end|>")["input_ids"]
    told = json.loads((tmp_path / "went" / "generation_config.json").read_text())
    assert told["eos_token_id"] == [1, 3] and told["bos_token_id"] == 0
    assert "license: mit" in (tmp_path / "went" / "README.md").read_text()


@pytest.mark.parametrize("qk_norm", ["none", "head", "unit"])
def test_a_model_trained_here_goes_out_where_others_have_words(
    qk_norm: str, tmp_path: Path
) -> None:
    corpus = tmp_path / "cats.txt"
    corpus.write_text("the cat sat on the mat by the door\n" * 200)
    changes = [*TINY, *SAID, f"net.net.qk_norm={qk_norm}"]
    model = genloom.train("text", corpus, out=tmp_path / "model", size="tiny", changes=changes)
    genloom.export(model, tmp_path / "went")
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "went")
    ids = words("the cat sat", return_tensors="pt")["input_ids"]
    assert ids[0].tolist() == [0, *model.codec.encode(["the cat sat"])[0].tolist()]
    net = model.nets["net"].eval()
    with torch.no_grad():
        place = torch.arange(ids.shape[1])[None, :, None]
        ours = net.logits(net(ids, place, net.attention(None)))
    torch.testing.assert_close(logits(tmp_path / "went", ids), ours, atol=1e-4, rtol=1e-4)


def test_what_others_have_no_words_for_is_refused(tmp_path: Path) -> None:
    corpus = tmp_path / "cats.txt"
    corpus.write_text("the cat sat on the mat by the door\n" * 200)
    model = genloom.train("text", corpus, out=tmp_path / "model", size="tiny", changes=TINY)
    for to in ("hf", "gguf"):
        with pytest.raises(ModelError, match=r"net\.net\.activation is 'relu2'.*swiglu"):
            export(model, to, tmp_path / "went")
    assert not (tmp_path / "went").exists()


def test_large_models_go_out_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    came = llama(tmp_path / "came")
    model = bring(from_folder(came, "tiny"), Model)
    monkeypatch.setattr(tensor_files, "SHARD", 60_000)
    export(model, "hf", tmp_path / "went")
    shards = list((tmp_path / "went").glob("model-*-of-*.safetensors"))
    assert len(shards) > 2 and not (tmp_path / "went" / "model.safetensors").exists()
    ids = IDS % 90
    assert torch.equal(logits(tmp_path / "went", ids), logits(came, ids))
    model.save(tmp_path / "ours")
    again = Model.load(tmp_path / "ours", dtype="stored")
    assert again.digest() == model.digest()
    next((tmp_path / "ours").glob("model-00002-*")).unlink()
    with pytest.raises(ModelError, match=r"model-00002-of-.* is missing"):
        Model.load(tmp_path / "ours")


def test_types_and_places(tmp_path: Path) -> None:
    came = llama(tmp_path / "came")
    model = bring(from_folder(came, "tiny"), Model)
    export(model, "hf", tmp_path / "went", "f32")
    found = load_file(tmp_path / "went" / "model.safetensors")
    assert {t.dtype for t in found.values()} == {torch.float32}
    with pytest.raises(UsageError, match="q8_0 has no place in a folder"):
        export(model, "hf", tmp_path / "went", "q8_0")
    with pytest.raises(UsageError, match="f32 is not written"):
        export(model, "gguf", tmp_path / "went.gguf", "f32")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ModelError, match="no exported model"):
        export(model, "hf", tmp_path / "mine")

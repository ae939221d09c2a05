"""GGUF files in and out: packed numbers, every architecture, other writers' files, lying ones.

The reference is the format's own package; where it is absent the tests skip.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from test_decoders import CASES, COMMON, IDS, reference
from tiny_models import TEMPLATE, WORDS, llama, publish, tokenizer

import genloom
from genloom.api import Model
from genloom.errors import ModelError
from genloom.net.attention import CausalAttention
from genloom.weights import gguf as ours
from genloom.weights import gguf_blocks, gguf_format
from genloom.weights.exporting import export
from genloom.weights.importing import bring
from genloom.weights.published import from_folder

theirs = pytest.importorskip("gguf", reason="the format's own package is not installed")
pytest.importorskip("transformers", reason="the reference library is not installed")

# What readers of GGUF hold fixed differs from the tiny models of the same name.
GEMMA = {**COMMON, "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 5}
SIX = {"num_hidden_layers": 7}
FITTING = {
    "gemma2": ("Gemma2Config", GEMMA),
    "gemma3": ("Gemma3TextConfig", {**GEMMA, **SIX}),
    "smollm3": ("SmolLM3Config", {**COMMON, "num_hidden_layers": 5}),
}
SIMPLIFIED = {"mistral", "qwen2 windowed", "starcoder2"}  # windows that have no key
REFUSED = {"qwen3 moe, partly dense"}


def logits(model: Model, ids: torch.Tensor) -> torch.Tensor:
    net = model.nets["net"].float().eval()
    with torch.no_grad():
        place = torch.arange(ids.shape[1])[None, :, None]
        found: torch.Tensor = net.logits(net(ids, place, CausalAttention()))
    return found


@pytest.mark.parametrize("kind", gguf_blocks.UNPACK)
def test_numbers_unpack_as_the_format_s_own_package_has_it(kind: str) -> None:
    size = gguf_format.KINDS[kind].size
    raw = np.random.default_rng(0).integers(0, 256, (64, size), dtype=np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):
        wanted = theirs.quants.dequantize(raw, theirs.GGMLQuantizationType[kind])
        found = gguf_blocks.UNPACK[kind](raw)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)


def test_numbers_pack_as_the_format_s_own_package_has_it() -> None:
    x = np.random.default_rng(0).standard_normal((64, 32)).astype(np.float32)
    x[3] = 0
    wanted = theirs.quants.quantize(x, theirs.GGMLQuantizationType.Q8_0)
    np.testing.assert_array_equal(gguf_blocks.pack_q8_0(x), wanted)


@pytest.mark.parametrize("name", [n for n in CASES if n not in SIMPLIFIED | REFUSED])
def test_every_architecture_goes_out_and_comes_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CASES, name, FITTING.get(name, CASES[name]))
    model = reference(name)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.half())  # numbers that half precision holds
    came = bring(from_folder(publish(model, tmp_path / "came"), "tiny"), Model)
    assert export(came, "gguf", tmp_path / "went.gguf") == ()
    back = bring(ours.from_file(tmp_path / "went.gguf", "tiny"), Model)
    with torch.no_grad():
        wanted = model(IDS).logits
    torch.testing.assert_close(logits(back, IDS), wanted, atol=1e-4, rtol=1e-4)
    listed = theirs.GGUFReader(tmp_path / "went.gguf")
    assert len(listed.tensors) >= 20 and "tokenizer.ggml.tokens" in listed.fields


@pytest.mark.parametrize("name", sorted(SIMPLIFIED))
def test_windows_without_a_key_are_told(name: str, tmp_path: Path) -> None:
    came = bring(from_folder(publish(reference(name), tmp_path / "came"), "tiny"), Model)
    (note,) = export(came, "gguf", tmp_path / "went.gguf", "bf16")
    assert "windows" in note


@pytest.mark.parametrize("name", ["gemma2", "gemma3", *sorted(REFUSED)])
def test_what_readers_would_compute_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    came = bring(from_folder(publish(reference(name), tmp_path / "came"), "tiny"), Model)
    with pytest.raises(ModelError, match=r"GGUF has no key for .*--to hf"):
        export(came, "gguf", tmp_path / "went.gguf")
    assert not list(tmp_path.glob("*went*"))


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0"])
def test_types_hold_what_they_promise(kind: str, tmp_path: Path) -> None:
    folder = llama(tmp_path / "came")
    came = bring(from_folder(folder, "tiny"), Model)
    export(came, "gguf", tmp_path / "went.gguf", kind)
    found = ours.from_file(tmp_path / "went.gguf", "tiny")
    assert bool(found.notes) == (kind == "q8_0")
    back = bring(found, Model)
    for (name, one), other in zip(
        came.nets.named_parameters(), back.nets.parameters(), strict=True
    ):
        room = {"f16": 1e-3, "bf16": 0.0, "q8_0": float(one.abs().max()) / 127}[kind]
        assert float((one.float() - other.float()).abs().max()) <= room, name
    assert back.codec.spec == came.codec.spec
    policy = back.codec.pairs.policy
    assert policy.template == TEMPLATE and policy.tokens["eos_token"] == "<|end|>"
    ids = came.codec.encode([WORDS, "the <think> dog<|end|>"])
    assert all(
        torch.equal(a, b)
        for a, b in zip(ids, back.codec.encode([WORDS, "the <think> dog<|end|>"]), strict=True)
    )


def test_a_file_of_another_writer(tmp_path: Path) -> None:
    """Llama with packed matrices, as the format's own package writes it."""
    folder = llama(tmp_path / "came", num_key_value_heads=4, dtype=torch.float32)
    came = bring(from_folder(folder, "tiny"), Model)
    net = came.nets["net"]
    writer = theirs.GGUFWriter(tmp_path / "other.gguf", "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    made = tokenizer(400)
    words = [made.id_to_token(n) or f"[PAD{n}]" for n in range(400)]
    writer.add_token_list(words)
    special = {t.content for t in made.get_added_tokens_decoder().values()}
    writer.add_token_types([3 if w in special else 1 for w in words])
    writer.add_token_merges([" ".join(m) for m in _merges(made)])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    packed = theirs.GGMLQuantizationType.Q4_0
    for name, tensor in _llama_tensors(net).items():
        data = tensor.detach().numpy()
        if tensor.dim() == 2:
            writer.add_tensor(name, theirs.quants.quantize(data, packed), raw_dtype=packed)
        else:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    back = bring(ours.from_file(tmp_path / "other.gguf", "tiny"), Model)
    one, other = net.head, back.nets["net"].head
    wanted = theirs.quants.dequantize(theirs.quants.quantize(one.detach().numpy(), packed), packed)
    np.testing.assert_allclose(other.detach().float().numpy(), wanted, atol=1e-3)
    part = (
        net.transformer.blocks[1].mix.qkv.weight
        - back.nets["net"].transformer.blocks[1].mix.qkv.weight
    )
    assert float(part.abs().max()) < 0.15  # rows that lay elsewhere would differ by their size


def _merges(made) -> list[list[str]]:
    import json

    return json.loads(made.to_str())["model"]["merges"]


def _llama_tensors(net) -> dict[str, torch.Tensor]:
    def permuted(w: torch.Tensor) -> torch.Tensor:  # as the published converter has it
        return w.reshape(4, 2, 8, 64).swapaxes(1, 2).reshape(64, 64)

    out = {
        "token_embd.weight": net.embed.weight,
        "output.weight": net.head,
        "output_norm.weight": net.transformer.norm.gain,
    }
    for n, block in enumerate(net.transformer.blocks):
        q, k, v = block.mix.qkv.weight.split(64)
        gate, up = block.feed.up.weight.chunk(2)
        parts = {"attn_q": permuted(q), "attn_k": permuted(k), "attn_v": v}
        parts |= {"attn_output": block.mix.out.weight, "ffn_gate": gate, "ffn_up": up}
        parts |= {"ffn_down": block.feed.down.weight, "attn_norm": block.mix_norm.gain}
        parts["ffn_norm"] = block.feed_norm.gain
        out |= {f"blk.{n}.{name}.weight": tensor.contiguous() for name, tensor in parts.items()}
    return out


# --- bad files ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    came = bring(from_folder(llama(folder / "came"), "tiny"), Model)
    export(came, "gguf", folder / "model.gguf", "q8_0")
    return folder / "model.gguf"


def _harmed(file: Path, path: Path, at: int, new: bytes) -> Path:
    data = bytearray(file.read_bytes())
    data[at : at + len(new)] = new
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("at", "new", "told"),
    [
        (0, b"GGML", "does not begin"),
        (4, struct.pack("<I", 9), "version 9"),
        (8, struct.pack("<Q", 1 << 63), "claims .* tensors"),
        (16, struct.pack("<Q", 1 << 40), "claims .* keys"),
        (24, struct.pack("<Q", 1 << 62), "claims a string"),
        (52, struct.pack("<I", 77), "unknown type 77|claims"),
    ],
)
def test_lying_heads_are_refused(
    file: Path, tmp_path: Path, at: int, new: bytes, told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        gguf_format.read(_harmed(file, tmp_path / "bad.gguf", at, new))


def test_offsets_beyond_the_end_and_over_one_another_are_refused(tmp_path: Path) -> None:
    def written(offsets: tuple[int, int], number: int = 0, axes: int = 8) -> Path:
        head = gguf_format.head({"a": 1}, [("x", "F32", (8,)), ("y", "F32", (axes,))])
        data = bytearray(head.rstrip(b"\0"))
        for name, offset in zip((b"x", b"y"), offsets, strict=True):
            at = head.index(struct.pack("<Q", 1) + name + struct.pack("<I", 1))
            place = at + 8 + 1 + 4 + 8
            data = bytearray(head) if len(data) != len(head) else data
            data[place : place + 12] = struct.pack("<IQ", number, offset)
        path = tmp_path / "bad.gguf"
        path.write_bytes(bytes(data) + bytes(64))
        return path

    assert set(gguf_format.read(written((0, 32))).tensors) == {"x", "y"}
    for offsets, told in (((0, 64), "beyond its end"), ((0, 0), "over another"), ((0, 3), "step")):
        with pytest.raises(ModelError, match=told):
            gguf_format.read(written(offsets))
    with pytest.raises(ModelError, match="tensor type 99"):
        gguf_format.read(written((0, 32), number=99))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 0.999])
def test_cut_files_are_refused(file: Path, tmp_path: Path, share: float) -> None:
    data = file.read_bytes()
    (tmp_path / "cut.gguf").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=r"damaged|does not begin"):
        ours.from_file(tmp_path / "cut.gguf", "tiny")


def test_flipped_bits_never_end_in_another_error(file: Path, tmp_path: Path) -> None:
    """Whatever byte of the head is harmed: a ModelError, or a model all the same."""
    data = file.read_bytes()
    end = gguf_format.read(file).tensors["token_embd.weight"].start
    rng = np.random.default_rng(0)
    for at in rng.integers(0, end, 150).tolist():
        bad = _harmed(
            file, tmp_path / "bad.gguf", at, bytes([data[at] ^ 1 << int(rng.integers(8))])
        )
        try:
            found = ours.from_file(bad, "tiny")
            bring(found, Model)
        except genloom.GenloomError:
            continue


def test_an_unknown_architecture_is_refused_with_the_list(tmp_path: Path) -> None:
    path = tmp_path / "rwkv.gguf"
    path.write_bytes(gguf_format.head({"general.architecture": "rwkv"}, []))
    with pytest.raises(ModelError, match=r"'rwkv' is not known: .*gpt2, llama"):
        ours.from_file(path, "tiny")

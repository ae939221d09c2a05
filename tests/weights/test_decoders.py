"""Published architectures as our transformer: the reference library's logits, token by token.

References are tiny and random, built here; where the library is absent the tests skip.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genloom.configure import configure
from genloom.errors import ModelError
from genloom.net.attention import CausalAttention
from genloom.net.language_model import LanguageModel
from genloom.spec import TokenSpec
from genloom.weights.decoder_configs import length_of
from genloom.weights.decoders import DECODERS, decoder_of, options_of, translation_of
from genloom.weights.names import compare

transformers = pytest.importorskip("transformers", reason="the reference library is not installed")

COMMON = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "attention_dropout": 0.0,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
}
LONG = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0, 1.1, 1.2],
    "long_factor": [2.0, 3.0, 4.0],
    "original_max_position_embeddings": 64,
    "partial_rotary_factor": 0.75,
}
MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "head_dim": 8}
GEMMA3_ROPE = {
    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
}

# name -> (class of the configuration, what it is told)
CASES: dict[str, tuple[str, dict[str, object]]] = {
    "gpt2": (
        "GPT2Config",
        {"vocab_size": 96, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 128},
    ),
    "llama2": ("LlamaConfig", {**COMMON, "rms_norm_eps": 1e-5}),
    "llama3": ("LlamaConfig", {**COMMON, "rope_parameters": LLAMA3, "tie_word_embeddings": True}),
    "llama yarn": ("LlamaConfig", {**COMMON, "rope_parameters": YARN, "head_dim": 16}),
    "mistral": ("MistralConfig", {**COMMON, "sliding_window": 6, "head_dim": 16}),
    "mistral unbounded": ("MistralConfig", {**COMMON, "sliding_window": None}),
    "mixtral": ("MixtralConfig", {**COMMON, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("Qwen2Config", {**COMMON}),
    "qwen2 windowed": (
        "Qwen2Config",
        {**COMMON, "use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1},
    ),
    "qwen3": ("Qwen3Config", {**COMMON, "head_dim": 16, "tie_word_embeddings": True}),
    "qwen3 moe": ("Qwen3MoeConfig", {**COMMON, **MOE, "norm_topk_prob": True}),
    "qwen3 moe, partly dense": ("Qwen3MoeConfig", {**COMMON, **MOE, "mlp_only_layers": [1]}),
    "gemma": ("GemmaConfig", {**COMMON, "head_dim": 16}),
    "gemma2": (
        "Gemma2Config",
        {**COMMON, "head_dim": 16, "sliding_window": 5, "query_pre_attn_scalar": 24},
    ),
    "gemma3": (
        "Gemma3TextConfig",
        {
            **COMMON,
            "head_dim": 16,
            "sliding_window": 5,
            "rope_parameters": GEMMA3_ROPE,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
        },
    ),
    "phi3": ("Phi3Config", {**COMMON, "sliding_window": None}),
    "phi4 mini": ("Phi3Config", {**COMMON, "rope_parameters": LONG}),
    "olmo2": ("Olmo2Config", {**COMMON}),
    "smollm3": ("SmolLM3Config", {**COMMON, "num_hidden_layers": 5}),
    "starcoder2": ("Starcoder2Config", {**COMMON, "sliding_window": 6}),
    "nemotron": ("NemotronConfig", {**COMMON, "head_dim": 8}),
}


def reference(name: str) -> torch.nn.Module:
    """Random weights of a size at which every part shows."""
    kind, told = CASES[name]
    config = getattr(transformers, kind)(**told)
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape))
    return model.eval()


def stored(model: torch.nn.Module, folder) -> tuple[dict, dict[str, Tensor]]:
    """config.json and the tensors as the reference library writes them."""
    import json

    from safetensors.torch import load_file

    model.save_pretrained(folder)
    return json.loads((folder / "config.json").read_text()), load_file(folder / "model.safetensors")


def imported(config: dict, theirs: dict[str, Tensor]) -> LanguageModel:
    options = options_of(config)
    spec = TokenSpec(vocab=96, length=length_of(config), bos=1, eos=2, pad=0)
    net = LanguageModel(configure(LanguageModel.Config, options, "net"), spec, None).eval()
    ours = dict(net.named_parameters())
    translation = translation_of(config, options)
    ignored = decoder_of(config).ignored
    shapes = {n: tuple(t.shape) for n, t in theirs.items()}
    compare(translation.places(ours), ours, shapes, lambda n: n.endswith(ignored))
    with torch.no_grad():
        translation.ours(ours, lambda name, out: out.copy_(theirs[name]))
    return net


IDS = torch.randint(3, 96, (2, 24), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", CASES)
def test_logits_are_the_reference_s_with_and_without_a_cache(name, tmp_path):
    model = reference(name)
    config, theirs = stored(model, tmp_path)
    net = imported(config, theirs)
    with torch.no_grad():
        wanted = model(IDS).logits
        place = torch.arange(IDS.shape[1])[None, :, None]
        whole = net.logits(net(IDS, place, CausalAttention()))
        assert float(wanted.std()) > 0.3  # logits that differ
        torch.testing.assert_close(whole, wanted, atol=1e-4, rtol=1e-4)
        cache, parts = net.cache(2, 64), []
        for first, last in ((0, 9), *((n, n + 1) for n in range(9, IDS.shape[1]))):
            attention = cache.attention(None, last - first)
            hidden = net(IDS[:, first:last], place[:, first:last], attention)
            cache.advance(None, last - first)
            parts.append(net.logits(hidden))
        torch.testing.assert_close(torch.cat(parts, 1), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_weights_come_back_exactly(name, tmp_path):
    config, theirs = stored(reference(name), tmp_path)
    net = imported(config, theirs)
    back = dict(translation_of(config, options_of(config)).theirs(dict(net.named_parameters())))
    assert back.keys() == theirs.keys()
    assert all(torch.equal(back[n], theirs[n]) for n in back)


def test_every_architecture_of_the_table_has_a_case():
    kinds = {getattr(transformers, kind)(**told).model_type for kind, told in CASES.values()}
    assert kinds == DECODERS.keys()


@pytest.mark.parametrize("name", CASES)
def test_greedy_text_is_the_reference_s_for_64_tokens(name, tmp_path):
    model = reference(name)
    net = imported(*stored(model, tmp_path))
    ids = IDS[:1, :8]
    wanted = model.generate(
        ids, max_new_tokens=64, min_new_tokens=64, do_sample=False, pad_token_id=0
    )
    with torch.inference_mode():
        cache, fed = net.cache(1, 80), 0
        while ids.shape[1] < 72:
            place = torch.arange(fed, ids.shape[1])[None, :, None]
            hidden = net(ids[:, fed:], place, cache.attention(None, ids.shape[1] - fed))
            cache.advance(None, ids.shape[1] - fed)
            fed = ids.shape[1]
            logits = net.logits(hidden[:, -1])
            logits[:, 2] = float("-inf")  # as `min_new_tokens` has it
            ids = torch.cat((ids, logits.argmax(-1, keepdim=True)), 1)
    assert torch.equal(ids, wanted)


def _tiny_llama(tmp_path, **change):
    config, theirs = stored(reference("llama2"), tmp_path)
    return {**config, **change}, theirs


def test_an_unknown_architecture_is_refused_with_the_list():
    with pytest.raises(ModelError, match=r"'bert' is not known: .*gpt2, llama, mistral"):
        options_of({"model_type": "bert"})
    with pytest.raises(ModelError, match="state-space"):
        options_of({"model_type": "nemotron_h"})


def test_config_and_weights_that_disagree_are_named(tmp_path):
    config, theirs = _tiny_llama(tmp_path)
    with pytest.raises(ModelError, match=r"layers\.1\.mlp\.down_proj\.weight has shape \[32, 48\]"):
        imported({**config, "intermediate_size": 64}, {**theirs, **_wider(theirs, 0)})
    fewer = {n: t for n, t in theirs.items() if n != "model.layers.2.self_attn.q_proj.weight"}
    with pytest.raises(ModelError, match=r"lack model\.layers\.2\.self_attn\.q_proj\.weight"):
        imported(config, fewer)
    with pytest.raises(ModelError, match=r"have, beyond .*model\.layers\.0\.extra\.weight"):
        imported(config, {**theirs, "model.layers.0.extra.weight": torch.ones(1)})


def _wider(theirs: dict[str, Tensor], layer: int) -> dict[str, Tensor]:
    """That layer's feed-forward 64 wide, as the changed configuration has it."""
    out = {}
    for name in ("gate_proj", "up_proj"):
        for n in range(3):
            out[f"model.layers.{n}.mlp.{name}.weight"] = torch.zeros(64, 32)
    out[f"model.layers.{layer}.mlp.down_proj.weight"] = torch.zeros(32, 64)
    return out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hidden_size": None}, "does not fit"),
        ({"hidden_act": "tanh"}, "activation 'tanh'"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_parameters": {"rope_type": "spiral", "rope_theta": 1e4}}, "'spiral'"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "lacks 'low_freq"),
    ],
)
def test_a_config_that_cannot_be_built_is_told(tmp_path, change, told):
    config, _ = _tiny_llama(tmp_path, **change)
    with pytest.raises(ModelError, match=told):
        options_of(config)


def test_a_config_without_a_key_is_told(tmp_path):
    config, _ = _tiny_llama(tmp_path)
    del config["num_hidden_layers"]
    with pytest.raises(ModelError, match="lacks 'num_hidden_layers'"):
        options_of(config)

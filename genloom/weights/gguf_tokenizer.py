"""The tokenizer within a GGUF file <-> tokenizer.json and our codec of texts.

Knows the two sorts that decoders use: byte-level pairs with a named pattern ("gpt2"), and
SentencePiece with scores ("llama"). Knows no tensors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import PublishedTokenizer, parsed
from genloom.errors import ModelError
from genloom.weights import sentencepiece as spm
from genloom.weights.decoder_configs import length_of
from genloom.weights.gguf_format import F32, I32, STRING, Typed
from genloom.weights.published_tokenizer import policy_of

KEY = "tokenizer.ggml."
ENDS = ("eos_token_id", "eot_token_id", "eom_token_id")

_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASED = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{{end}}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{{end}}"
)
_PATHS = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# The pattern by which a text is cut before pairs are joined, by the name that GGUF files give it.
PATTERNS = {
    "llama-bpe": rf"{_SHORT}|{_WORD}|\p{{N}}{{1,3}}|{_SIGNS}",
    "qwen2": rf"{_SHORT}|{_WORD}|\p{{N}}|{_SIGNS}",
    "tekken": rf"{_CASED.replace('{end}', '')}|\p{{N}}|{_PATHS}",
    "gpt-4o": rf"{_CASED.replace('{end}', f'{_SHORT}?')}|\p{{N}}{{1,3}}|{_PATHS}",
}
ALIKE = {
    **dict.fromkeys(("llama3", "llama-v3", "dbrx", "smaug-bpe", "falcon3", "pixtral"), "llama-bpe"),
    **dict.fromkeys(("stablelm2", "hunyuan", "megrez", "deepseek-r1-qwen"), "qwen2"),
    **dict.fromkeys(("gpt2", "olmo", "phi-2", "mpt", "jais", "default-gpt2"), "gpt-2"),
    **dict.fromkeys(("refact", "command-r", "smollm", "codeshell", "exaone"), "starcoder"),
}
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_DIGITS = {"type": "Digits", "individual_digits": True}


# --- from a file ----------------------------------------------------------------------------------


def codec_of(told: Mapping[str, Any], config: Mapping[str, Any], size: int) -> TextCodec:
    """The codec for a net of `size` ids. ModelError where the tokenizer lacks or is of a sort that
    is not known."""
    sort, tokens = told.get(f"{KEY}model"), told.get(f"{KEY}tokens")
    if not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens):
        raise ModelError("the GGUF file has no tokenizer: import the model from another file")
    pieces = _pieces(told, tokens)
    if sort == "gpt2":
        text = _byte_level(told, pieces)
    elif sort == "llama":
        prefix = told.get(f"{KEY}add_space_prefix", True)
        text = spm.from_pieces(pieces, prefix=bool(prefix))
    else:
        raise ModelError(f"the GGUF file has a tokenizer of the sort {sort!r}: gpt2 or llama is")
    names = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    numbers = {name: told.get(f"{KEY}{word}_token_id") for name, word in names.items()}
    special = {
        f"{name}_token": tokens[n]
        for name, n in numbers.items()
        if isinstance(n, int) and 0 <= n < len(tokens)
    }
    ends = [n for key in ENDS if isinstance(n := told.get(f"{KEY}{key}"), int)]
    policy = policy_of(
        parsed(text),
        size=size,
        tokens=special,
        leads=bool(told.get(f"{KEY}add_bos_token", sort == "llama")),
        ends=ends,
        config=config,
        templates=_templates(told),
    )
    return TextCodec.of(PublishedTokenizer(text, policy), length_of(config))


def _pieces(told: Mapping[str, Any], tokens: Sequence[str]) -> list[spm.Piece]:
    kinds = told.get(f"{KEY}token_type") or [spm.NORMAL] * len(tokens)
    scores = told.get(f"{KEY}scores") or [0.0] * len(tokens)
    if len(kinds) != len(tokens) or len(scores) != len(tokens):
        raise ModelError("the GGUF file's tokens, scores and types differ in number")
    return [spm.Piece(*each) for each in zip(tokens, scores, kinds, strict=True)]


def _templates(told: Mapping[str, Any]) -> dict[str, str]:
    key = "tokenizer.chat_template"
    out = {
        name.removeprefix(key).removeprefix("."): value
        for name, value in told.items()
        if name.startswith(key) and isinstance(value, str)
    }
    return {name: text for name, text in out.items() if re.fullmatch(r"[\w-]{0,64}", name)}


def _byte_level(told: Mapping[str, Any], pieces: Sequence[spm.Piece]) -> str:
    """tokenizer.json of a vocabulary of bytes and merges."""
    name = str(told.get(f"{KEY}pre", "gpt-2"))
    name = ALIKE.get(name, name)
    merges = told.get(f"{KEY}merges")
    if not isinstance(merges, list):
        raise ModelError("the GGUF file's tokenizer has no merges: it is damaged")
    added = [
        {
            "id": n,
            "content": piece.text,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": piece.kind != spm.USER,
        }
        for n, piece in enumerate(pieces)
        if piece.kind in (spm.UNKNOWN, spm.CONTROL, spm.USER)
    ]
    # Added tokens stand in the vocabulary, too: the library numbers those anew that do not.
    used = [(n, piece) for n, piece in enumerate(pieces) if piece.kind != spm.UNUSED]
    vocab = {piece.text: n for n, piece in used}
    if len(vocab) != len(used):
        raise ModelError("the GGUF file's tokenizer has a token twice: it is damaged")
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": _cutting(name),
            "post_processor": None,
            "decoder": _BYTES,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": "",
                "end_of_word_suffix": "",
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": name == "llama-bpe",
                "vocab": vocab,
                "merges": [pair.split(" ", 1) for pair in merges],
            },
        },
        ensure_ascii=False,
    )


def _cutting(name: str) -> dict[str, Any]:
    if name == "gpt-2":
        return _BYTES
    if name == "starcoder":
        return {"type": "Sequence", "pretokenizers": [_DIGITS, _BYTES]}
    if name not in PATTERNS:
        known = ", ".join(("gpt-2", "starcoder", *PATTERNS))
        raise ModelError(f"the GGUF file's tokenizer cuts texts by {name!r}: known are {known}")
    split = {
        "type": "Split",
        "pattern": {"Regex": PATTERNS[name]},
        "behavior": "Isolated",
        "invert": False,
    }
    return {"type": "Sequence", "pretokenizers": [split, {**_BYTES, "use_regex": False}]}


# --- to a file ------------------------------------------------------------------------------------


def metadata_of(codec: TextCodec) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(keys, notes on what readers will do otherwise). ModelError for a sort without a place."""
    spec, pairs = codec.spec, codec.pairs
    published = pairs if isinstance(pairs, PublishedTokenizer) else None
    told = json.loads(published.text if published else codec.pairs.tokenizer.to_str())
    model = told["model"]
    if model.get("type") != "BPE":
        raise ModelError(f"a tokenizer of type {model.get('type')} has no place in GGUF: --to hf")
    pieces = _listed(told, spec.vocab)
    sentences = bool(model.get("byte_fallback"))
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    out: dict[str, Any] = {
        "model": "llama" if sentences else "gpt2",
        "tokens": [p.text for p in pieces],
        "token_type": Typed(I32, [p.kind for p in pieces]),
        "bos_token_id": spec.bos,
        "eos_token_id": spec.eos,
        "padding_token_id": spec.pad,
        "add_bos_token": spec.leads,
        "add_eos_token": False,
    }
    out |= dict(zip([f"{kind}_token_id" for kind in ("eot", "eom")], spec.ends, strict=False))
    notes: tuple[str, ...] = ()
    if sentences:
        out["pre"], out["add_space_prefix"] = "default", _prefixed(told)
        out["scores"] = Typed(F32, _scores(pieces, merges))
    else:
        out["pre"], exact = _pattern_name(told.get("pre_tokenizer"))
        out["merges"] = Typed(STRING, merges)
        if not exact and merges:
            notes = ("readers of GGUF cut texts by a pattern that is near this vocabulary's own",)
    policy = published.policy if published else None
    templates = {} if policy is None else {"": policy.template, **policy.templates}
    return {
        **{f"{KEY}{k}": v for k, v in out.items()},
        **{f"tokenizer.chat_template{'.' * bool(k)}{k}": v for k, v in templates.items() if v},
    }, notes


def _listed(told: Mapping[str, Any], size: int) -> list[spm.Piece]:
    """One piece an id; ids that the tokenizer does not know are unused ones."""
    names = {n: spm.Piece(token, 0.0) for token, n in told["model"]["vocab"].items()}
    for token, n in told["model"]["vocab"].items():
        if re.fullmatch("<0x[0-9A-Fa-f]{2}>", token):
            names[n] = spm.Piece(token, 0.0, spm.BYTE)
    unknown = told["model"].get("unk_token")
    for entry in told.get("added_tokens") or ():
        kind = spm.CONTROL if entry["special"] else spm.USER
        kind = spm.UNKNOWN if entry["content"] == unknown else kind
        names[entry["id"]] = spm.Piece(entry["content"], 0.0, kind)
    return [names.get(n) or spm.Piece(f"[PAD{n}]", 0.0, spm.UNUSED) for n in range(size)]


def _scores(pieces: Sequence[spm.Piece], merges: Sequence[str]) -> list[float]:
    """Joining by the best score is joining by the first merge."""
    first: dict[str, int] = {}
    for rank, pair in enumerate(merges):
        first.setdefault(pair.replace(" ", "", 1), rank)
    least = -float(len(merges))
    return [-float(first.get(p.text, -least)) if p.kind == spm.NORMAL else 0.0 for p in pieces]


def _prefixed(told: Mapping[str, Any]) -> bool:
    """Whether a blank is put before a text."""
    normal = told.get("normalizer") or {}
    steps = [normal, *(normal.get("normalizers") or ())]
    cutting = told.get("pre_tokenizer") or {}
    steps += [cutting, *(cutting.get("pretokenizers") or ())]
    meta = [s for s in steps if s.get("type") == "Metaspace"]
    return any(s.get("type") == "Prepend" for s in steps) or any(
        s.get("prepend_scheme", "always") != "never" for s in meta
    )


def _pattern_name(cutting: Mapping[str, Any] | None) -> tuple[str, bool]:
    """(the name of the pattern, whether it is that pattern to the letter)."""
    steps = list((cutting or {}).get("pretokenizers") or [cutting or {}])
    patterns = [s["pattern"].get("Regex") for s in steps if s.get("type") == "Split"]
    named = {pattern: name for name, pattern in PATTERNS.items()}
    if len(patterns) == 1 and patterns[0] in named:
        return named[patterns[0]], True
    kinds = [s.get("type") for s in steps]
    whole = any(s.get("type") == "ByteLevel" and s.get("use_regex", True) for s in steps)
    if whole and kinds == ["ByteLevel"]:
        return "gpt-2", True
    if whole and kinds == ["Digits", "ByteLevel"]:
        return "starcoder", True
    return "gpt-2", False

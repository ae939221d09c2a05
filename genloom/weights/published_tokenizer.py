"""The tokenizer files beside published weights -> our codec of texts.

Knows tokenizer.json, tokenizer_config.json, special_tokens_map.json, generation_config.json and
chat templates. Knows no tensors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import (
    LARGEST_FILE,
    TEMPLATE,
    Policy,
    PublishedTokenizer,
    parsed,
    read_text,
)
from genloom.errors import ModelError
from genloom.weights import sentencepiece
from genloom.weights.decoder_configs import length_of

LARGEST_JSON = 64 << 20  # bytes of a configuration; some list every added token
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def codec_of(folder: Path, config: Mapping[str, Any], size: int) -> TextCodec:
    """The codec for a net of `size` ids. ModelError where the files lack or contradict."""
    told = json_of(folder / "tokenizer_config.json")
    tokens = {**_tokens(json_of(folder / "special_tokens_map.json")), **_tokens(told)}
    text = tokenizer_json(folder, tokens)
    policy = policy_of(
        parsed(text),
        size=size,
        tokens=tokens,
        leads=_leads(folder, told),
        ends=_numbers(json_of(folder / "generation_config.json"), config),
        config=config,
        templates=_templates(folder, told),
    )
    return TextCodec.of(PublishedTokenizer(text, policy), length_of(config))


def _leads(folder: Path, told: Mapping[str, Any]) -> bool | None:
    """Whether bos precedes a text, where a file says so; the older format's own rule is that it
    does."""
    given = told.get("add_bos_token")
    if isinstance(given, bool):
        return given
    return None if (folder / "tokenizer.json").is_file() else True


def tokenizer_json(folder: Path, tokens: Mapping[str, str]) -> str:
    """As published, or made from the older files."""
    path, older = folder / "tokenizer.json", folder / "tokenizer.model"
    try:
        if path.is_file():
            return read_text(path, LARGEST_FILE)
        if older.is_file():
            return sentencepiece.tokenizer_json(older.read_bytes(), tokens.values())
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is damaged ({error}): fetch it again") from None
    raise ModelError(f"{folder} has no tokenizer.json (and no tokenizer.model): fetch it, too")


def policy_of(
    tokenizer: Tokenizer,
    *,
    size: int,
    tokens: Mapping[str, str],
    leads: bool | None,
    ends: Iterable[int],
    config: Mapping[str, Any],
    templates: Mapping[str, str],
) -> Policy:
    """Which ids begin and end a text. leads None: as the tokenizer's own rules have it.
    templates: chat templates by name, "" for the usual one."""
    base = max(tokenizer.get_vocab(with_added_tokens=False).values(), default=-1)
    if base >= size:
        raise ModelError(
            f"the tokenizer numbers its tokens up to {base}, but the weights have {size}: "
            "the two do not belong together"
        )

    def number(name: str) -> int | None:
        found = tokenizer.token_to_id(tokens.get(f"{name}_token", ""))
        found = config.get(f"{name}_token_id") if found is None else found
        found = found[0] if isinstance(found, list) and found else found
        return found if isinstance(found, int) and 0 <= found < size else None

    eos = number("eos")
    every = [n for n in ([] if eos is None else [eos]) + list(ends) if 0 <= n < size]
    if not every:
        raise ModelError("nothing says which token ends a text: eos_token_id is missing")
    first = _first(tokenizer)
    bos = first if leads is None and first is not None else number("bos")
    return Policy(
        size=size,
        bos=every[0] if bos is None else bos,
        eos=every[0],
        pad=every[0] if (pad := number("pad")) is None else pad,
        leads=(first is not None if leads is None else leads) and bos is not None,
        ends=tuple(dict.fromkeys(n for n in every if n != every[0])),
        tokens=dict(tokens),
        template=templates.get(""),
        templates={k: v for k, v in templates.items() if k},
    )


def _first(tokenizer: Tokenizer) -> int | None:
    """The id that the tokenizer's own rules put before a text."""
    plain = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a", add_special_tokens=True).ids
    return whole[0] if whole[1 : 1 + len(plain)] == plain and whole[:1] != plain[:1] else None


def json_of(path: Path) -> dict[str, Any]:
    """An object, {} where there is no file. ModelError where it is damaged."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(read_text(path, LARGEST_JSON))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} does not parse ({error}): fetch it again") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds {type(found).__name__}, but an object is expected")
    return found


def _tokens(told: Mapping[str, Any]) -> dict[str, str]:
    """bos_token, eos_token ... as strings; some are written as objects."""
    out = {}
    for name, value in told.items():
        content = value.get("content") if isinstance(value, Mapping) else value
        if name.endswith("_token") and isinstance(content, str):
            out[name] = content
    return out


def _numbers(*told: Mapping[str, Any]) -> list[int]:
    """Every id that is said to end a text."""
    out: list[int] = []
    for each in told:
        value = each.get("eos_token_id")
        out += [n for n in (value if isinstance(value, list) else [value]) if isinstance(n, int)]
    return out


def _templates(folder: Path, told: Mapping[str, Any]) -> dict[str, str]:
    """Chat templates by name, "" for the usual one: from files of their own, or the config."""
    out: dict[str, str] = {}
    given = told.get("chat_template")
    if isinstance(given, str):
        out[""] = given
    elif isinstance(given, list):
        pairs = [(t.get("name"), t.get("template")) for t in given if isinstance(t, Mapping)]
        known = {str(k): v for k, v in pairs if isinstance(v, str) and _NAME.fullmatch(str(k))}
        usual = known.pop("default", None)
        out = {**known, **({} if usual is None else {"": usual})}
    for path in [
        folder / TEMPLATE,
        *sorted((folder / "additional_chat_templates").glob("*.jinja")),
    ]:
        if path.is_file() and (path.name == TEMPLATE or _NAME.fullmatch(path.stem)):
            name = "" if path.name == TEMPLATE else path.stem
            out[name] = read_text(path, LARGEST_JSON)
    return out

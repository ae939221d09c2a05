"""Texts of a given form: masks that never lead nowhere, texts that always meet what was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from grammars import allowed, bytes_codec, compiled, ends
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from torch import Tensor

from genloom.codec.table.codec import TableCodec
from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import Policy, PublishedTokenizer
from genloom.engine.grammar import Grammar, Matcher, Vocabulary
from genloom.errors import RequestError
from genloom.family.choose import Controls, choose
from genloom.family.noise import keys
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import Options

MOST = 4000  # ids of a text; a random model is in no hurry


def merged_codec() -> TextCodec:
    made = TextCodec(vocab=400)
    made.fit(
        ['{"name": "Ann", "age": 31, "tags": ["a", "b"]}\n' * 40, "true false null aaa bbb " * 40]
    )
    return made


def sentence_codec() -> TextCodec:
    """Like SentencePiece's: a blank before every text, bytes as <0x41>, two ids that end."""
    names = ["<unk>", "<s>", "</s>", "<end>", *(f"<0x{n:02X}>" for n in range(256))]
    names += ["\u2581", *'abcdefghijklmnopqrstuvwxyz{}[]:,"0123456789', "\u2581a", "na"]
    merges = [("\u2581", "a"), ("n", "a")]
    vocab = {name: n for n, name in enumerate(names)}
    made = Tokenizer(
        models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    made.decoder = decoders.Sequence(
        [
            *(decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()),
            decoders.Strip(" ", 1, 0),
        ]
    )
    made.add_special_tokens([AddedToken(name, special=True) for name in names[:4]])
    policy = Policy(
        size=len(names) + 7, bos=1, eos=2, pad=0, leads=True, ends=(3,)
    )  # seven ids that nothing spells
    return TextCodec.of(PublishedTokenizer(made.to_str(), policy), 64)


CODECS: dict[str, Callable[[], TextCodec]] = {
    "bytes": bytes_codec,
    "merged": merged_codec,
    "sentences": sentence_codec,
}


@pytest.fixture(scope="module", params=CODECS)
def codec(request: pytest.FixtureRequest) -> TextCodec:
    return CODECS[request.param]()


@pytest.fixture(scope="module")
def vocabulary(codec: TextCodec) -> Vocabulary:
    return Vocabulary.of(codec)


def spelt(codec: TextCodec, ids: list[int]) -> str:
    return b"".join(codec.pairs.pieces[n] for n in ids).decode()


# --- a random model writes -----------------------------------------------------------------------


class Writer:
    """A tiny model of random weights that sees the last few ids."""

    def __init__(self, codec: TextCodec, seed: int = 0) -> None:
        config = LanguageModelConfig(width=16, depth=1, heads=2)
        net = LanguageModel(config, codec.spec, None)
        rng = torch.Generator().manual_seed(seed)
        for p in net.parameters():
            p.data = torch.randn(p.shape, generator=rng) * 0.5
        self.net, self.codec = net.requires_grad_(False).eval(), codec

    def logits(self, ids: list[int]) -> Tensor:
        seen = torch.tensor([[self.codec.spec.bos, *ids][-12:]])
        place = torch.arange(seen.shape[1])[None, :, None]
        before = torch.cat((seen[:, :1], seen[:, :-1]), 1)
        hidden = self.net(seen, place, self.net.attention(None), before, None)
        return self.net.logits(hidden[:, -1])

    @torch.inference_mode()
    def write(self, matcher: Matcher, seed: int, **options: Any) -> list[int]:
        controls, key = Controls.batch([Options(**options)]), keys(seed, torch.zeros(1).long())
        ids: list[int] = []
        while len(ids) < MOST:
            mask = matcher.mask()
            assert bool(mask.any())
            number = torch.tensor([len(ids)])
            drawn = int(choose(self.logits(ids), controls, key, number, allowed=mask[None]))
            matcher.accept(drawn)
            if drawn in ends(self.codec):
                return ids
            ids.append(drawn)
        raise AssertionError(f"no end: {spelt(self.codec, ids)[:200]!r}")


@pytest.fixture(scope="module")
def writer(codec: TextCodec) -> Writer:
    return Writer(codec)


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    small = st.integers(0, 4)
    return st.one_of(
        st.just({"type": "null"}),
        st.just({"type": "boolean"}),
        st.tuples(st.integers(-300, 300), st.integers(0, 500)).map(
            lambda p: {"type": "integer", "minimum": p[0], "maximum": p[0] + p[1]}
        ),
        st.tuples(small, small).map(
            lambda p: {"type": "string", "minLength": p[0], "maxLength": p[0] + p[1]}
        ),
        st.sampled_from(["^[a-c]{1,3}$", "^x|y$", "\\d{2}-\\d", "^(ab)*$"]).map(
            lambda p: {"type": "string", "pattern": p, "maxLength": 8}
        ),
        st.lists(
            st.sampled_from(["a", "é", 1, 2.5, None, True, 'q"\\']), min_size=1, unique_by=repr
        ).map(lambda values: {"enum": values}),
        st.sampled_from(["on", 7, [1, {"a": None}], {}]).map(lambda value: {"const": value}),
    )


def wholes(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["a", "b c", "é", 'd"'])
    return st.one_of(
        st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(
            lambda p: {"type": "array", "items": p[0], "minItems": p[1], "maxItems": p[1] + p[2]}
        ),
        st.tuples(st.dictionaries(names, inner, max_size=3), st.integers(0, 3)).map(
            lambda p: {
                "type": "object",
                "properties": p[0],
                "required": list(p[0])[: p[1]],
                "additionalProperties": False,
            }
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
    )


SCHEMAS = st.recursive(leaves(), wholes, max_leaves=5)


def meets(value: Any, schema: Any, root: Any) -> bool:
    """A small judge of JSON schemas, independent of the library."""
    if "$ref" in schema:
        return meets(value, root["$defs"][schema["$ref"].split("/")[-1]], root)
    if "anyOf" in schema:
        return any(meets(value, one, root) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        return any(_same(value, one) for one in options)
    kind = schema["type"]
    if kind in ("null", "boolean"):
        return value is None if kind == "null" else isinstance(value, bool)
    if kind == "integer":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and schema["minimum"] <= value <= schema["maximum"]
    if kind == "string":
        fits = isinstance(value, str) and len(value) >= schema.get("minLength", 0)
        return (
            fits
            and len(value) <= schema["maxLength"]
            and re.search(schema.get("pattern", ""), value) is not None
        )
    if kind == "array":
        return (
            isinstance(value, list)
            and schema["minItems"] <= len(value) <= schema["maxItems"]
            and all(meets(one, schema["items"], root) for one in value)
        )
    assert kind == "object"
    properties = schema["properties"]
    return (
        isinstance(value, dict)
        and set(schema["required"]) <= set(value) <= set(properties)
        and all(meets(one, properties[key], root) for key, one in value.items())
    )


def _same(one: Any, other: Any) -> bool:
    """As JSON has it: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=12)
@given(schema=SCHEMAS, seed=st.integers(0, 2**40), heat=st.sampled_from([0.5, 1.0, 2.0]))
def test_a_text_of_a_schema_always_parses_and_meets_it(
    codec: TextCodec,
    vocabulary: Vocabulary,
    writer: Writer,
    schema: dict[str, Any],
    seed: int,
    heat: float,
) -> None:
    matcher = compiled(vocabulary, schema=schema)()
    text = spelt(codec, writer.write(matcher, seed, temperature=heat, top_p=0.99))
    assert meets(json.loads(text), schema, schema), text


def test_the_judge_can_tell() -> None:
    schema = {"type": "array", "items": {"enum": [1]}, "minItems": 1, "maxItems": 2}
    assert meets([1], schema, schema)
    assert not any(meets(bad, schema, schema) for bad in ([], [1, 1, 1], [True], [2], {}, "1"))


TREE = {
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {
                "v": {"type": "integer", "minimum": 0, "maximum": 9},
                "of": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/tree"},
                    "minItems": 0,
                    "maxItems": 1,
                },
            },
            "required": ["v", "of"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/tree",
    "x-guidance": {"whitespace_flexible": False},
}


def test_a_recursive_schema_is_followed(
    codec: TextCodec, vocabulary: Vocabulary, writer: Writer
) -> None:
    for seed in range(3):
        text = spelt(codec, writer.write(compiled(vocabulary, schema=json.dumps(TREE))(), seed))
        assert meets(json.loads(text), TREE, TREE), text


REGEXES = ["[ab]{3,9}", "^(yes|no|na{2})$", "[0-9]{4}-[0-9]+", "(a|b)*c", "é+[^x]", "(a+)+b", "a?"]


@pytest.mark.parametrize("regex", REGEXES)
def test_a_text_matches_its_regular_expression(
    codec: TextCodec, vocabulary: Vocabulary, writer: Writer, regex: str
) -> None:
    for seed in range(2):
        text = spelt(codec, writer.write(compiled(vocabulary, regex=regex)(), seed))
        assert re.fullmatch(regex, text), text


LARK = 'start: sum\nsum: NUM ("+" sum)?\nNUM: /[0-9]{1,3}/\n'
GBNF = 'root ::= num ("+" root)?\nnum ::= [0-9] [0-9]? [0-9]?\n'


@pytest.mark.parametrize("grammar", [LARK, GBNF], ids=["lark", "gbnf"])
def test_a_text_meets_its_grammar(
    codec: TextCodec, vocabulary: Vocabulary, writer: Writer, grammar: str
) -> None:
    for seed in range(3):
        text = spelt(codec, writer.write(compiled(vocabulary, grammar=grammar)(), seed))
        assert re.fullmatch(r"\d{1,3}(\+\d{1,3})*", text), text


# --- a matcher ------------------------------------------------------------------------------------


def test_the_mask_has_a_word_for_every_32_ids_and_no_special_one(
    codec: TextCodec, vocabulary: Vocabulary
) -> None:
    matcher = compiled(vocabulary, regex="(?s:.)*")()
    mask = matcher.mask()
    assert mask.dtype == torch.int32 and len(mask) == -(-codec.spec.vocab // 32)
    silent = {n for n, piece in enumerate(codec.pairs.pieces) if not piece}
    assert set(allowed(matcher)) & silent == ends(codec)
    assert len(allowed(matcher)) > 150  # every byte that a character may begin with


def test_a_finished_grammar_allows_only_the_end(codec: TextCodec, vocabulary: Vocabulary) -> None:
    matcher = compiled(vocabulary, regex="ab?")()
    (a,) = (n for n in allowed(matcher) if codec.pairs.pieces[n] == b"a")
    matcher.accept(a)
    assert matcher.complete and not matcher.finished
    matcher.accept(next(n for n in allowed(matcher) if codec.pairs.pieces[n] == b"b"))
    assert matcher.finished and set(allowed(matcher)) == ends(codec)
    matcher.accept(min(ends(codec)))
    assert set(allowed(matcher)) == ends(codec)  # and goes on to


def test_what_must_come_is_told_and_spells_the_keys(
    codec: TextCodec, vocabulary: Vocabulary
) -> None:
    fixed = {
        "type": "object",
        "properties": {"name": {"enum": ["Zoë"]}},
        "required": ["name"],
        "x-guidance": {"whitespace_flexible": False},
        "additionalProperties": False,
    }
    matcher = compiled(vocabulary, schema=fixed)()
    ids: list[int] = []
    while forced := matcher.forced():
        assert matcher.allows(forced) == len(forced)
        for one in forced:
            assert one in allowed(matcher)
            matcher.accept(one)
        ids += forced
    while not matcher.complete:
        ids.append(allowed(matcher)[0])
        matcher.accept(ids[-1])
    text = spelt(codec, ids)
    assert json.loads(text) == {"name": "Zoë"} and len(ids) >= 10 - 4


def test_back_copied_and_built_again(codec: TextCodec, vocabulary: Vocabulary) -> None:
    grammar = compiled(vocabulary, schema={"type": "array", "items": {"type": "integer"}})
    matcher = grammar()
    ids, masks = [], [matcher.mask()]
    for number in range(12):
        some = [n for n in allowed(matcher) if n not in ends(codec)]
        if not some:
            break
        ids.append(some[number * 7 % len(some)])
        matcher.accept(ids[-1])
        masks.append(matcher.mask())
    assert len(ids) > 4
    copy = matcher.copy()
    for count in (1, 3, len(ids) - 4):
        copy.rollback(count)
    assert torch.equal(copy.mask(), masks[0]) and torch.equal(matcher.mask(), masks[-1])
    for n in range(len(ids) + 1):
        assert torch.equal(grammar(ids[:n]).mask(), masks[n])
    with pytest.raises(RequestError, match="cannot go back"):
        copy.rollback(1)


def test_an_id_against_the_mask_is_refused(codec: TextCodec, vocabulary: Vocabulary) -> None:
    matcher = compiled(vocabulary, regex="[0-9]+")()
    wrong = next(n for n, piece in enumerate(codec.pairs.pieces) if piece == b"z")
    assert matcher.allows([wrong]) == 0
    with pytest.raises(RequestError, match="cannot go on") as error:
        matcher.accept(wrong)
    assert "\n" not in str(error.value)


def test_no_form_no_grammar(vocabulary: Vocabulary) -> None:
    assert Grammar.compile(Options(), vocabulary) is None


def test_a_table_has_no_form() -> None:
    import pandas

    made = TableCodec()
    made.fit(pandas.DataFrame({"a": [1, 2, 3] * 20, "b": ["x", "y", "z"] * 20}))
    with pytest.raises(RequestError, match="makes no texts"):
        Vocabulary.of(made)

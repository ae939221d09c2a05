"""Texts of a given form: masks that never lead nowhere, texts that always meet what was asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from torch import Tensor

from genloom.codec.table import TableCodec
from genloom.codec.text import TextCodec
from genloom.codec.tokenizer import Policy, PublishedTokenizer
from genloom.engine.grammar import LARGEST, Grammar, Matcher, Vocabulary
from genloom.errors import RequestError
from genloom.family.choose import Controls, choose
from genloom.family.noise import keys
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import Options

MOST = 4000  # ids of a text; a random model is in no hurry


def bytes_codec() -> TextCodec:
    made = TextCodec(vocab="bytes")
    made.fit(["x"])
    return made


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


def compiled(vocabulary: Vocabulary, **options: Any) -> Grammar:
    made = Grammar.compile(Options(**options), vocabulary)
    assert made is not None
    return made


def allowed(matcher: Matcher) -> list[int]:
    words = matcher.mask().tolist()
    return [32 * n + bit for n, word in enumerate(words) for bit in range(32) if word >> bit & 1]


def spelt(codec: TextCodec, ids: list[int]) -> str:
    return b"".join(codec.pairs.pieces[n] for n in ids).decode()


def ends(codec: TextCodec) -> set[int]:
    return {codec.spec.eos, *codec.spec.ends} - {None}


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


# --- what is refused -----------------------------------------------------------------------------

DEEP = '{"type":"array","items":' * 5000 + "{}" + "}" * 5000


def chain(count: int) -> Iterator[str]:
    yield "start: r0"
    yield from (f"r{n}: r{n + 1}" for n in range(count))
    yield f'r{count}: "b"'


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"schema": "{"}, "schema is no JSON"),
    ({"schema": "3"}, "schema must be an object"),
    ({"schema": {"type": "frog"}}, "Invalid type: frog"),
    ({"schema": {"not": {}}}, "Unimplemented keys"),
    ({"schema": False}, "schema is false"),
    ({"schema": {"$ref": "#"}}, "no text meets it|write nothing"),
    ({"schema": {"$ref": "http://127.0.0.1:9/x"}}, "retriev"),
    ({"schema": {"a": {1, 2}}}, "schema is no JSON"),
    ({"schema": DEEP}, "recursion|no JSON"),
    ({"schema": {"enum": ["x" * 200_000]}}, "at most 131,072 are taken"),
    (
        {
            "schema": {
                "allOf": [{"anyOf": [{"pattern": f"{n}{k}"} for k in "abcd"]} for n in range(20)]
            }
        },
        "too large|refused",
    ),
    (
        {"schema": {"type": "object", "properties": {f"p{n}": {} for n in range(1000)}}},
        "refused: the grammar cannot go on: .*items",
    ),
    ({"regex": "("}, "unclosed group"),
    ({"regex": "a(?=b)"}, "look-around"),
    ({"regex": "[^\\s\\S]"}, "no text meets it|write nothing"),
    ({"regex": "(" * 50_000 + "a" + ")" * 50_000}, "refused"),
    ({"regex": "a" * (LARGEST + 1)}, "regex has 131,073 characters"),
    ({"grammar": "what is this"}, "Expected ::="),
    ({"grammar": "start: start"}, "no text meets it|write nothing"),
    ({"grammar": "start: " + "(" * 50_000 + '"a"' + ")" * 50_000}, "too deeply nested"),
    ({"grammar": "root ::= x"}, "refused"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED, ids=lambda x: str(x)[:30])
def test_broken_and_oversized_forms_are_refused_in_one_line(
    options: dict[str, Any], told: str
) -> None:
    vocabulary = Vocabulary.of(bytes_codec())
    with pytest.raises(RequestError, match=told) as error:
        Grammar.compile(Options(**options), vocabulary)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


CATASTROPHIC = [
    "(a+)+$",
    "(a|aa)*b",
    "((a{1,1000}){1,1000}){1,1000}",
    "(a|b)*a(a|b){200}c",
    "(x{0,999}y{0,999}z{0,999}){0,999}",
    "((((((a?){100}){100}){100}){100}){100}){100}",
]


@pytest.mark.parametrize("regex", CATASTROPHIC)
def test_a_catastrophic_expression_costs_no_more_than_its_bounds(regex: str) -> None:
    """Either it is followed or it is refused; 200 ids are well within the time of a test."""
    made = bytes_codec()
    matcher = compiled(Vocabulary.of(made), regex=regex)()
    try:
        for number in range(200):
            some = [n for n in allowed(matcher) if n not in ends(made)]
            if not some:
                break
            matcher.accept(some[number % len(some)])
    except RequestError as error:
        assert "cannot go on" in str(error) and "\n" not in str(error)


def test_what_becomes_too_large_on_the_way_is_given_up_in_one_line() -> None:
    matcher = compiled(Vocabulary.of(bytes_codec()), regex="a" * 5 + "(((a?){100}){100}){100}")()
    with pytest.raises(RequestError, match="cannot go on") as error:
        for _ in range(100):
            matcher.mask()
            matcher.accept(2 + ord("a"))
    assert "\n" not in str(error.value)


def test_a_long_chain_of_rules_does_not_end_the_process() -> None:
    """In a process of its own: what went wrong here once was SIGSEGV."""
    text = "\n".join(chain(8000))
    assert len(text) <= LARGEST
    refs = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(3000)}
    schema = {"$ref": "#/$defs/a0", "$defs": {**refs, "a3000": {"type": "null"}}}
    program = (
        "import sys, json\n"
        "from genloom.codec.text import TextCodec\n"
        "from genloom.engine.grammar import Grammar, Vocabulary\n"
        "from genloom.spec import Options\n"
        "codec = TextCodec(vocab='bytes'); codec.fit(['x']); v = Vocabulary.of(codec)\n"
        "for options in json.load(sys.stdin):\n"
        "    m = Grammar.compile(Options(**options), v)(); print(int(m.mask().ne(0).sum()))\n"
    )
    given = json.dumps([{"grammar": text}, {"schema": schema}])
    ran = subprocess.run(
        [sys.executable, "-c", program], input=given, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0 and ran.stdout == "1\n1\n", ran.stderr[-300:]

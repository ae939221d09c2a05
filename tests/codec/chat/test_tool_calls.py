"""Calls and reasoning read back from text, in every format and however the text is cut."""

from __future__ import annotations

import pytest
from chat_templates import STYLES
from hypothesis import given
from hypothesis import strategies as st

from genloom.codec.chat.tool_calls import FORMS, Call, Delta, Markup, Parser, held, parse

FORM = {form.name: form for form in FORMS}
THINK = ("<think>", "</think>")
F1 = Call(name="f", arguments={"x": 1})
G = Call(name="g")


def markup(name: str | None = None, thought: tuple[str, str] | None = None) -> Markup:
    return Markup(form=FORM.get(name or ""), thought=thought)


# name, markup, text, begins inside the reasoning, what it is
CASES = [
    ("plain", markup(), "  just text ", False, Delta(content="  just text ")),
    ("nothing", markup("hermes", THINK), "", False, Delta()),
    ("blanks", markup("hermes", THINK), " \n ", False, Delta(content=" \n ")),
    (
        "hermes",
        markup("hermes"),
        'Let me see.\n<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>',
        False,
        Delta(content="Let me see.\n", calls=(F1,)),
    ),
    (
        "two calls",
        markup("hermes"),
        '<tool_call>{"name":"f","arguments":{"x":1}}</tool_call>\n<tool_call>{"name":"g"}</tool_call>\n',
        False,
        Delta(calls=(F1, G)),
    ),
    (
        "text after a call",
        markup("hermes"),
        '<tool_call>{"name":"g"}</tool_call>\n\nSo < it goes',
        False,
        Delta(calls=(G,), content="So < it goes"),
    ),
    (
        "qwen coder",
        markup("hermes"),
        "<tool_call>\n<function=f>\n<parameter=x>\n1\n</parameter>\n<parameter=t>\na\n b\n"
        "</parameter>\n</function>\n</tool_call>",
        False,
        Delta(calls=(Call(name="f", arguments={"x": 1, "t": "a\n b"}),)),
    ),
    (
        "arguments as a text",
        markup("hermes"),
        '<tool_call>{"name": "f", "arguments": "{\\"x\\": 1}"}</tool_call>',
        False,
        Delta(calls=(F1,)),
    ),
    (
        "mistral",
        markup("mistral"),
        '[TOOL_CALLS] [{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": {}}]',
        False,
        Delta(calls=(F1, G)),
    ),
    (
        "mistral since 2025",
        markup("mistral", ("[THINK]", "[/THINK]")),
        '[THINK]Hm[/THINK][TOOL_CALLS]f[ARGS]{"x": 1}[TOOL_CALLS]g[CALL_ID]a1[ARGS]{}',
        False,
        Delta(reasoning="Hm", calls=(F1, G)),
    ),
    (
        "llama",
        markup("llama3"),
        '{"name": "f", "parameters": {"x": 1}}; {"name": "g", "parameters": {}}',
        False,
        Delta(calls=(F1, G)),
    ),
    (
        "llama with a tag",
        markup("llama3"),
        '<|python_tag|>{"name": "f", "parameters": {"x": 1}}',
        False,
        Delta(calls=(F1,)),
    ),
    ("an object", markup("llama3"), '{"answer": 42}', False, Delta(content='{"answer": 42}')),
    (
        "a brace later",
        markup("llama3"),
        'See {"name": "f", "parameters": {}}',
        False,
        Delta(content='See {"name": "f", "parameters": {}}'),
    ),
    (
        "nemotron",
        markup("nemotron", THINK),
        'ah\n</think>\n\n<TOOLCALL>[{"name": "f", "arguments": {"x": 1}}]</TOOLCALL>',
        True,
        Delta(reasoning="ah", calls=(F1,)),
    ),
    (
        "reasoning",
        markup("hermes", THINK),
        "\n<think>\n a < b \n</think>\n\nYes",
        False,
        Delta(reasoning="a < b", content="Yes"),
    ),
    (
        "no end",
        markup("hermes", THINK),
        "<think>on and </thi",
        False,
        Delta(reasoning="on and </thi"),
    ),
    (
        "no thought",
        markup("hermes", THINK),
        "<think>\n\n</think>\n\nYes",
        False,
        Delta(content="Yes"),
    ),
    (
        "an end that nothing began",
        markup("hermes", THINK),
        "so\n</think>\nYes",
        True,
        Delta(reasoning="so", content="Yes"),
    ),
    (
        "cut off",
        markup("hermes"),
        '<tool_call>{"name": "f", "argu',
        False,
        Delta(content='<tool_call>{"name": "f", "argu', malformed=True),
    ),
    ("no end marker", markup("hermes"), '<tool_call>{"name": "g"}', False, Delta(calls=(G,))),
    (
        "no JSON",
        markup("hermes"),
        "a <tool_call>{'name': 1}</tool_call> b",
        False,
        Delta(content="a <tool_call>{'name': 1}</tool_call> b", malformed=True),
    ),
    (
        "no name",
        markup("nemotron"),
        '<TOOLCALL>[{"arguments": {}}]</TOOLCALL>',
        False,
        Delta(content='<TOOLCALL>[{"arguments": {}}]</TOOLCALL>', malformed=True),
    ),
    (
        "code",
        markup("llama3"),
        "<|python_tag|>print(1)",
        False,
        Delta(content="<|python_tag|>print(1)", malformed=True),
    ),
    (
        "half a marker at the end",
        markup("hermes"),
        "1 <tool_cal",
        False,
        Delta(content="1 <tool_cal"),
    ),
]


@pytest.mark.parametrize(
    ("form", "text", "inside", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_read_at_once_and_in_any_pieces(
    form: Markup, text: str, inside: bool, wanted: Delta
) -> None:
    assert parse(text, form, inside=inside) == wanted
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1, 3):
            parser, told = Parser(form, inside=inside), Delta()
            for part in (text[:first], text[first:second], text[second:]):
                told += parser.feed(part)
            assert told + parser.finish() == wanted, (first, second)


@pytest.mark.parametrize(
    ("form", "text", "inside", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_nothing_told_is_ever_taken_back(
    form: Markup, text: str, inside: bool, wanted: Delta
) -> None:
    """Letter by letter: what was told is a beginning of all that is told in the end."""
    parser, told = Parser(form, inside=inside), Delta()
    for letter in text:
        told += parser.feed(letter)
        assert wanted.content.startswith(told.content)
        assert wanted.reasoning.startswith(told.reasoning)
        assert wanted.calls[: len(told.calls)] == told.calls
    told += parser.finish()
    assert told == wanted


@given(st.text(alphabet='<>/toolcathink_{}[]":, \n1', max_size=60), st.data())
def test_whatever_comes_is_read_alike_in_pieces_and_never_fails(text: str, data) -> None:
    form = markup(data.draw(st.sampled_from(sorted(FORM))), THINK)
    cut = data.draw(st.integers(0, len(text)))
    parser = Parser(form)
    told = parser.feed(text[:cut]) + parser.feed(text[cut:]) + parser.finish()
    whole = Parser(form)
    assert told == whole.feed(text) + whole.finish()


def test_a_thought_that_never_began_is_one_in_a_whole_text() -> None:
    assert parse("hm</think>yes", markup(None, THINK)) == Delta(reasoning="hm", content="yes")


def test_calls_are_text_where_no_tools_were_offered() -> None:
    text = '<tool_call>{"name": "f"}</tool_call>'
    assert parse(text, markup("hermes"), tools=False) == Delta(content=text)
    assert parse('{"name": "f"}', markup("llama3"), tools=False).calls == ()


def test_the_template_says_which_format_it_is() -> None:
    names = {
        "chatml": ("hermes", THINK),
        "llama3": ("llama3", None),
        "mistral": ("mistral", None),
        "nemotron": ("nemotron", THINK),
        "hermes": ("hermes", None),
        "gemma": (None, None),
    }
    for style, (form, thought) in names.items():
        found = Markup.of(STYLES[style].template)
        assert (found.form.name if found.form else None, found.thought) == (form, thought), style


def test_the_longest_beginning_of_a_marker_waits() -> None:
    assert held("ab<", ["<x>"]) == 1 and held("ab<x", ["<x>", "<xy>"]) == 2
    assert held("<<", ["<<a", "<b"]) == 2 and held("abc", ["<x>"]) == 0 and held("", []) == 0


def test_calls_have_ids_that_tell_them_apart() -> None:
    text = '<tool_call>{"name": "f"}</tool_call>'
    first, second = parse(text * 2, markup("hermes")).calls
    assert len(first.id) == len(second.id) == 9 and first.id != second.id
    assert first.id.isalnum() and parse(text, markup("hermes")).calls[0].id == first.id


def test_deep_and_large_json_is_no_error() -> None:
    for body in ("[" * 100_000, '{"name": ' + "9" * 5000 + "}", "<function=" * 20_000):
        told = parse(f"<tool_call>{body}</tool_call>", markup("hermes"))
        assert told.malformed and body in told.content

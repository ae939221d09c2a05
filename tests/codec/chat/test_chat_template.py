"""Templates run in a process of their own: fast, confined, and every fault a sentence."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from genloom.codec.chat.template import Template
from genloom.errors import GenloomError, ModelError, RequestError

MESSAGES = {"messages": [{"role": "user", "content": "hi"}]}
DOUBLING = (
    "{% set n = namespace(s='x') %}{% for i in range(40) %}{% set n.s = n.s ~ n.s %}{% endfor %}"
)
ESCAPES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum['__globals__']['os'] .getcwd() }}",
    "{{ self._TemplateReference__context.environment.loader.x }}",
    "{{ ('%s' | attr('format')).__globals__.x }}",
    "{{ messages.append(1) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ strftime_now.__globals__['os'].getcwd() }}",
)


@pytest.fixture
def made():
    opened = []

    def make(text: str, **rest) -> Template:
        opened.append(Template(text, **rest))
        return opened[-1]

    yield make
    for template in opened:
        template.close()


def test_a_template_is_filled_in(made) -> None:
    template = made("{% for m in messages %}\n  {% if m.role == 'user' %}\n[{{ m.content }}]"
                    "{% endif %}{% endfor %}")  # fmt: skip
    assert template.render(MESSAGES) == "[hi]"
    assert template.render({"messages": []}) == ""


def test_the_process_is_kept_and_quick(made) -> None:
    template = made("{{ messages[0].content }}")
    template.render(MESSAGES)
    process = template._process
    took = []
    for _ in range(50):
        begun = time.perf_counter()
        template.render(MESSAGES)
        took.append(time.perf_counter() - begun)
    assert template._process is process
    assert sorted(took)[10] < 0.002  # about 0.1 ms; other work on the machine may interrupt


def test_it_offers_what_the_transformers_library_offers(made) -> None:
    text = (
        "{{ {'b': '<é>', 'a': 1} | tojson }}|{{ [1] | tojson(indent=2) }}|{{ strftime_now('%Y') }}"
    )
    out = made(
        text + "{% for i in range(9) %}{% if i > 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
    )
    assert out.render({}) == f'{{"b": "<é>", "a": 1}}|[\n  1\n]|{time.strftime("%Y")}012'


def test_what_the_assistant_says_is_marked(made) -> None:
    text = "a{%- generation -%}  b{{ x }} {%- endgeneration -%} c"
    template = made(text)
    assert template.render({"x": 1}, ("<", ">")) == "a<b1>c"
    assert template.render({"x": 1}) == "ab1c"


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_breaks_out(made, text: str) -> None:
    """Refused, or nothing at all comes of it: never a value of the world outside."""
    try:
        assert made(text).render(MESSAGES) == ""
    except GenloomError as error:
        assert "\n" not in str(error)


def test_the_process_itself_has_no_files_and_little_memory(made) -> None:
    """Should a template break out of the sandbox all the same."""
    template = made("x")
    template.render({})
    limits = {}
    for line in Path(f"/proc/{template._process.pid}/limits").read_text().splitlines():
        limits[line[:26].strip()] = line[26:].split()[:2]
    assert limits["Max open files"] == ["0", "0"]
    assert int(limits["Max address space"][1]) <= 1 << 30
    assert limits["Max file size"] == ["0", "0"]
    assert "torch" not in Path(f"/proc/{template._process.pid}/maps").read_text()


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("{{ x | shout }}", ModelError, "No filter named 'shout'"),
        ("a\n{% if %}", ModelError, "line 2"),
        ("{% unknown %}", ModelError, "unknown tag"),
        ("{{ raise_exception('System role not supported') }}", RequestError, "System role not"),
        ("\n\n{{ a.b.c }}", RequestError, "line 3"),
        ("{{ messages + 1 }}", RequestError, "TypeError"),
        ("{{ 1 / 0 }}", RequestError, "ZeroDivisionError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", RequestError, "too deep"),
        ("{{ " + "(" * 5000 + ")" * 5000 + " }}", ModelError, "too deep"),
        ("{{ ''.__class__.__mro__ }}", ModelError, "forbidden"),
        ("{% include 'x' %}", ModelError, "forbidden"),
        ("{{ 'x' * 10 ** 11 }}", ModelError, "memory"),
        (DOUBLING, ModelError, "memory"),
        ("{% for i in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", ModelError, "million"),
    ],
)  # fmt: skip
def test_every_fault_is_one_sentence(made, text: str, kind: type, words: str) -> None:
    template = made(text, name="the template of toy")
    with pytest.raises(kind, match="the template of toy") as caught:
        template.render(MESSAGES)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_loop_without_end_is_ended_and_the_next_render_works(made) -> None:
    text = (
        "{% if loop_for_ever %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}"
    )
    template = made(text + "{% endfor %}{% endif %}done", seconds=1)
    assert template.render({}) == "done"
    begun = time.monotonic()
    with pytest.raises(ModelError, match="did not end within 1 s"):
        template.render({"loop_for_ever": True})
    assert time.monotonic() - begun < 20
    assert template.render({}) == "done"


def test_a_process_that_was_killed_is_started_again(made) -> None:
    template = made("{{ x }}")
    assert template.render({"x": 1}) == "1"
    os.kill(template._process.pid, signal.SIGKILL)
    assert template.render({"x": 2}) == "2"


def test_closing_ends_the_process(made) -> None:
    template = made("x")
    template.render({})
    process = template._process
    template.close()
    assert process.poll() is not None
    assert template.render({}) == "x"


def test_large_texts_and_broken_ones_pass(made) -> None:
    template = made("{{ x }}{{ x[:1] }}")
    for text in ("é😀" * 300_000, "\ud800 lone", "\0\n\r\u2028"):
        assert template.render({"x": text}) == text + text[:1]


def test_what_is_no_value_is_refused(made) -> None:
    with pytest.raises(RequestError, match="texts, numbers"):
        made("x").render({"x": object()})
    with pytest.raises(ModelError, match="is none"):
        Template("x" * (1 << 21))

"""Forms behind the reasoning: what is thought is free, what is said keeps to the form."""

from __future__ import annotations

from typing import Any

import pytest
from toys import MADE, shaken

from genloom.codec.chat.thought_grammar import behind_thought
from genloom.codec.chat.tool_calls import FORMS
from genloom.codec.chat.tool_grammar import grammar
from genloom.engine.grammar import Grammar, Vocabulary
from genloom.errors import RequestError
from genloom.spec import Options

END = "</think>"
TOOL = {"name": "get", "parameters": {"type": "object", "properties": {"x": {"enum": [1, 2]}}}}
HERMES = next(form for form in FORMS if form.name == "hermes")
CALL = '<tool_call>{"name": "get", "arguments": {"x": 2}}</tool_call>'


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return shaken(MADE["text"](), tmp_path_factory.mktemp("thinks")).codec


def _fits(codec: Any, options: dict[str, Any], text: str) -> bool:
    made = Grammar.compile(Options(**behind_thought(END, options)), Vocabulary.of(codec))
    assert made is not None
    matcher, ids = made(), codec.encode([text])[0].tolist()
    if matcher.allows(ids) < len(ids):
        return False
    for one in ids:
        matcher.accept(one)
    return matcher.complete


@pytest.mark.parametrize(
    ("options", "said", "other"),
    [
        ({"schema": {"enum": [1, 2]}}, "2", "3"),
        ({"schema": '{"type": "boolean"}'}, "true", "yes"),
        ({"regex": "^a/b+"}, "a/bb", "a/c"),
        ({"grammar": 'start: "x" y\ny: "z"\n'}, "xz", "zx"),
        ({"grammar": grammar([TOOL], HERMES)}, CALL, "hello"),
    ],
)
def test_the_form_holds_behind_the_reasoning(
    codec: Any, options: dict[str, Any], said: str, other: str
) -> None:
    assert _fits(codec, options, f"well <b\n{END}\n\n{said}")
    assert _fits(codec, options, f"{END}{said}")
    assert not _fits(codec, options, f"well{END}\n\n{other}")
    assert not _fits(codec, options, said)


def test_without_a_form_nothing_is_changed_and_what_has_no_place_is_refused() -> None:
    assert behind_thought(END, {"temperature": 1.0}) == {"temperature": 1.0}
    for options in ({"grammar": "root ::= x"}, {"schema": "{"}, {"schema": True, "regex": "a"}):
        with pytest.raises(RequestError):
            behind_thought(END, options)

"""What may follow a module's beginning: lines taken and refused, and that what ends parses."""

from __future__ import annotations

import ast
import random

import pytest

from genloom.codec.python.codec import PythonCodec
from genloom.codec.python.grammar import Place, grammar, place
from genloom.codec.text.byte_pairs import BytePairs
from genloom.engine.grammar import Matcher, Vocabulary

pytest.importorskip("llguidance")

TRY = "class A:\n    def f(self, x):\n        try:\n            y = x\n"
NEWLINE = 2 + ord("\n")
BEGINNINGS = (
    "",
    "import os\n",
    "def f(x):\n",
    TRY,
    "def f():\n  if x:\n    while y:\n      pass\n",
    "def f():\n    try:\n        a\n    except B:\n",
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    pairs = BytePairs()
    return Vocabulary(pairs, pairs.spec(64))


def matcher(vocabulary: Vocabulary, beginning: str) -> Matcher:
    made = grammar(beginning)
    assert made is not None
    return Matcher(vocabulary.matcher(made), vocabulary.size)


def taken(vocabulary: Vocabulary, beginning: str, text: str) -> bool:
    """Whether the text may follow and end there."""
    (ids,) = BytePairs().encode([text])
    at = matcher(vocabulary, beginning)
    if at.allows(ids.tolist()) < len(ids):
        return False
    for one in ids.tolist():
        at.accept(one)
    return at.complete


def test_where_a_beginning_ends() -> None:
    assert place(TRY) == Place(((4, "class"), (8, "def"), (12, "try")), 4)
    assert place("def f():  # why\n") == Place(((4, "def"),), 4, empty=True)
    assert place("async def f():") == Place(((4, "def"),), 4, empty=True, cut=True)
    assert place("if a:\n  b\nelif c:\n  d\n") == Place(((2, "if"),), 2)
    assert place("") == Place()


@pytest.mark.parametrize(
    "open_", ["f(1,\n", '"""A docstring\n', "x = 1 +", "if x:\n\ty\n", "@cache\n", 'x = "a\n']
)
def test_nothing_is_known_in_the_middle_of_a_line(open_: str) -> None:
    assert grammar(open_) is None


@pytest.mark.parametrize(
    "text",
    [
        "            return y\n        except KeyError as e:\n            pass\n",
        "            a.b[1:], c = f(d for d in e if d), {1: 'x'}\n"
        "        finally:\n            pass\n",
        "            f(\n                a,\n                b=lambda: 3,\n            )\n"
        "        except:\n            raise\n\n    def g(self, a, b: int=3, *c, **d) -> int:\n"
        '        """Doc."""\n        return not a in [b, -c]\n',
    ],
)
def test_lines_are_taken_at_the_open_blocks(vocabulary: Vocabulary, text: str) -> None:
    ast.parse(TRY + text)
    assert taken(vocabulary, TRY, text)


@pytest.mark.parametrize(
    "text",
    [
        "            return y\n",  # the try is not closed
        "            return y\n        x = 1\n        except A:\n            pass\n",
        "            f(,)\n        except A:\n            pass\n",
        "            f(a=1, b)\n        except A:\n            pass\n",
        "            f() = 3\n        except A:\n            pass\n",
        "              x\n        except A:\n            pass\n",
        "            if x:\n        except A:\n            pass\n",
    ],
)
def test_what_does_not_parse_is_refused(vocabulary: Vocabulary, text: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(TRY + text)
    assert not taken(vocabulary, TRY, text)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_whatever_ends_parses(vocabulary: Vocabulary, beginning: str) -> None:
    chance, ended = random.Random(0), 0
    for _ in range(4):
        at, said = matcher(vocabulary, beginning), b""
        for _ in range(250):
            words = at.mask().tolist()
            able = [n for n in range(2, 258) if words[n // 32] >> n % 32 & 1]  # without the end
            if not able:
                break
            one = NEWLINE if NEWLINE in able and chance.random() < 0.5 else chance.choice(able)
            at.accept(one)
            said += bytes([one - 2])
            if at.complete:
                ended += 1
                ast.parse(beginning + said.decode())
    assert ended


def test_a_codec_asks_by_text_or_by_ids() -> None:
    codec = PythonCodec(vocab="bytes")
    codec.fit(["x"])
    (ids,) = codec.encode([TRY])
    assert codec.form(TRY) == codec.form(None, [codec.spec.bos, *ids.tolist()]) == grammar(TRY)
    assert codec.form(None) == grammar("")
    assert codec.form("x = (") is None

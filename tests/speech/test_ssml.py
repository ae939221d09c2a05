"""Marks of SSML: what they ask for, and what is refused in a line."""

from __future__ import annotations

import pytest

from genloom.errors import RequestError
from genloom.speech.ssml import Break, Part, Run, parsed, written


def runs(text: str) -> list[Run]:
    return [part for part in parsed(text) if isinstance(part, Run)]


def test_voices_within_voices() -> None:
    told = runs('<voice name="a">one <voice name="b">two</voice> three</voice>')
    assert [(r.text.strip(), r.voice) for r in told] == [("one", "a"), ("two", "b"), ("three", "a")]


def test_paces_multiply() -> None:
    told = runs(
        '<speak><prosody rate="slow">a <prosody rate="+20%">b</prosody></prosody> '
        '<prosody rate="80%">c</prosody><prosody rate="1.5">d</prosody></speak>'
    )
    assert [(r.text.strip(), round(r.rate, 4)) for r in told] == [
        ("a", 0.75),
        ("b", 0.9),
        ("c", 0.8),
        ("d", 1.5),
    ]


def test_breaks_paragraphs_and_sentences() -> None:
    told: list[Part] = parsed(
        '<speak><p>a</p>b<break time="250ms"/>c<break strength="strong"/><s>d</s></speak>'
    )
    shape = [p.text if isinstance(p, Run) else (p.seconds, p.asked) for p in told]
    assert shape[1:-1] == [
        *("a", (0.7, False), "b", (0.25, True), "c", (0.7, True), (0.35, False), "d")
    ]


def test_what_is_said_otherwise_than_written() -> None:
    told = runs(
        '<speak xmlns="http://www.w3.org/2001/10/synthesis"><sub alias="as said">AS</sub>'
        '<say-as interpret-as="spell-out">x1</say-as><phoneme alphabet="ipa" ph="a b">ab</phoneme>'
        "<emphasis>so</emphasis></speak>"
    )
    assert [(r.text, r.alias, r.reading, r.phonemes) for r in told] == [
        ("AS", "as said", "", ()),
        ("x1", None, "characters", ()),
        ("ab", None, "", ("a", "b")),
        ("so", None, "", ()),
    ]


@pytest.mark.parametrize(
    "text",
    ['<voice name="a">one &lt; <sub alias="x">y</sub> &amp; z</voice>', "plain & simple"],
)
def test_runs_are_written_as_they_were(text: str) -> None:
    assert written(runs(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<speak>a < b</speak>", "is none"),
        ("<3 you", "is none"),
        ("<speak><mark name='x'/>a</speak>", "<mark> is not known: known are speak, voice"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><speak>&b;</speak>", "declarations"),
        ("<voice>a</voice>", "without name"),
        ("<speak>a<break time='3'/></speak>", "unit"),
        ("<speak>a<break time='999s'/></speak>", "60s at most"),
        ("<speak>a<break time='soon'/></speak>", "such as 500ms"),
        ("<speak>a<break strength='huge'/></speak>", "x-strong"),
        ("<prosody pitch='high'>a</prosody>", "rate alone"),
        ("<prosody rate='900%'>a</prosody>", "25% to 400%"),
        ("<prosody rate='quick'>a</prosody>", "x-slow"),
        ("<say-as interpret-as='song'>a</say-as>", "characters"),
        ("<phoneme alphabet='x-sampa' ph='a'>a</phoneme>", "ipa alone"),
        ("<p>" * 200 + "a" + "</p>" * 200, "flatter"),
        ("<p>" + "a" * 200_001 + "</p>", "200,000 at most"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        parsed(text)
    assert "\n" not in str(caught.value)


def test_plain_texts_are_as_they_are() -> None:
    assert parsed("a < b & c") == [Run(text="a < b & c")]
    assert parsed("  ") == [] and isinstance(parsed("<break time='1s'/>")[0], Break)

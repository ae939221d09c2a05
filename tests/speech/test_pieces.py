"""Long texts in pieces: sentences, pauses, what is too long, and that no word is lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from genloom.errors import RequestError
from genloom.speech.pieces import MOST, Piece, cut, parts_of
from genloom.speech.reading import chunks
from genloom.speech.ssml import Run


def letters(runs: Sequence[Run]) -> int:
    """Sounds, as a model of letters counts them."""
    return sum(c.isalnum() for run in runs for c in run.text)


def pieces(text: str, most: int = 60) -> list[Piece]:
    return cut(parts_of(text), letters, most)


def test_sentences_end_where_they_end() -> None:
    text = (
        'Dr. Lee said: "Go home." He paid $3.50, i.e. all he had. Who? J. K. Rowling... and '
        "so on! 3 p.m. was late. No. 5 too. No. So am I. Yes."
    )
    assert [p.text for p in pieces(text)] == [
        'Dr. Lee said: "Go home."',
        "He paid $3.50, i.e. all he had.",
        "Who?",
        "J. K. Rowling... and so on!",
        "3 p.m. was late.",
        "No. 5 too.",
        "No.",
        "So am I.",
        "Yes.",
    ]


def test_pauses_follow_the_marks() -> None:
    told = pieces("One. Two?\n\nThree, and then four more of them", most=12)
    assert [(p.text, p.pause) for p in told] == [
        ("One.", 0.35),
        ("Two?", 0.7),
        ("Three,", 0.15),
        ("and then four", 0.06),
        ("more of them", 0.0),
    ]


def test_breaks_and_manners_cut() -> None:
    told = pieces(
        '<speak><break time="3s"/>One <break time="2s"/>two. <voice name="b">Three</voice> '
        '<prosody rate="fast">four</prosody><break time="1s"/></speak>'
    )
    assert [(p.text, p.voice, p.rate, p.pause) for p in told] == [
        ("One", None, 1.0, 2.0),
        ("two.", None, 1.0, 0.35),
        ("Three", "b", 1.0, 0.06),
        ("four", None, 1.25, 1.0),
    ]
    assert [p.lead for p in told] == [3.0, 0.0, 0.0, 0.0]
    assert told[2].prompt == '<voice name="b">Three</voice>'


@pytest.mark.parametrize("most", [9, 20, 100])
def test_no_word_is_lost(most: int) -> None:
    text = "The quick, brown fox; it jumps over: a lazy dog and sleeps (well) - here.\nYes! " * 4
    made = pieces(text, most)
    assert " ".join(p.text for p in made).split() == text.split()
    assert all(letters([Run(text=p.text)]) <= most for p in made)


def test_a_word_that_fits_without_its_mark_is_said_without() -> None:
    def marked(runs: Sequence[Run]) -> int:
        return sum(len(run.text.strip()) for run in runs)

    told = cut(parts_of("so abcd. Yes"), marked, 4)
    assert [(p.prompt, p.text, p.pause) for p in told] == [
        ("so", "so", 0.06),
        ("abcd", "abcd.", 0.35),
        ("Yes", "Yes", 0.0),
    ]


def test_a_long_number_is_cut_between_its_words() -> None:
    def read(runs: Sequence[Run]) -> int:
        return sum(len(chunk.said) for chunk in chunks(runs))

    told = cut(parts_of("Pay $1,234 now"), read, 14)
    assert [p.text for p in told] == [
        "Pay",
        "one thousand",
        "two hundred",
        "thirty four",
        "dollars",
        "now",
    ]


def test_pieces_are_counted_as_they_are_read() -> None:
    """Word by word this would be fewer: "March" "four" for "March fourth"."""
    seen: list[int] = []

    def read(runs: Sequence[Run]) -> int:
        seen.append(sum(len(chunk.said) for chunk in chunks(runs)))
        return seen[-1]

    (one,) = cut(parts_of("On March 4, 2021."), read, 100)
    assert seen == [sum(len(chunk.said) for chunk in chunks([Run(text=one.prompt)]))]


def test_what_cannot_be_said_in_pieces() -> None:
    with pytest.raises(RequestError, match="'abcdefghij' has 10 sounds, this model says 9"):
        pieces("so abcdefghij", most=9)
    with pytest.raises(RequestError, match="can be said"):
        pieces("<speak> </speak>")
    with pytest.raises(RequestError, match=f"{MOST:,} at most"):
        pieces("a " * MOST)

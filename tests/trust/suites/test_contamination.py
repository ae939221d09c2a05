"""Items that stand in the training text are found, whatever their blanks."""

from __future__ import annotations

from genloom.trust.suites.contamination import seen

TEXT = (
    "Once there was a  fox,\nand it ran far away. " * 3 + "".join(map(chr, range(65, 91)))
).encode()


def test_whole_items_are_found_and_short_ones_are_not_guessed() -> None:
    items = [
        "there was a fox, and it ran",
        "there was a fox, and it sat",
        "a fox",
        "",
        "ABCDEFGHIJKLMNOPQRS",
    ]
    assert seen(items, TEXT) == [True, False, False, False, True]
    assert seen(items, b"") == [False] * 5 and seen([], TEXT) == []


def test_a_long_text_is_known_by_most_of_its_pieces() -> None:
    lines = [f"line {n} says {n * n} and then {n * 7919} things more" for n in range(400)]
    known, other = "\n".join(lines), "\n".join(line[::-1] for line in lines)
    half = len(known) // 2
    texts = [known, other, known[: half + half // 2] + other[:half], known[:half] + other]
    assert seen(texts, known.encode()) == [True, False, True, False]

"""English number words -> digits, as people write them: the way back from `numbers.cardinal`.

"twenty five" is 25, "nineteen eighty four" 1984, "four two seven" 427; a number below ten that
stands alone among other words stays a word. Knows words alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from genloom.speech.numbers import ONES, SCALES, TENS

SMALL = {word: n for n, word in enumerate(ONES)}
ROUND = {word: 10 * n for n, word in enumerate(TENS) if n > 1}
LARGE = {word: 1000**n for n, word in enumerate(SCALES) if n}
AND = "and"

Found = tuple[int, int, str]  # first word, that behind the last, digits


def numerals(words: Sequence[str]) -> list[Found]:
    """Which of these words, in small letters, are written in digits, and how."""
    found: list[Found] = []
    at = 0
    while at < len(words):
        end, text = _digits(words, at) or _year(words, at) or _cardinal(words, at)
        alone = end - at == 1 and len(text) == 1 and len(words) > 1
        if end > at and not alone:
            found.append((at, end, text))
        at = max(end, at + 1)
    return found


def _digits(words: Sequence[str], at: int) -> tuple[int, str] | None:
    """Two or more digits in a row; none where the last of them begins a larger number."""
    end = at
    while end < len(words) and SMALL.get(words[end], 10) < 10:
        end += 1
    if end < len(words) and (words[end] == "hundred" or words[end] in LARGE):
        end -= 1
    if end - at < 2:
        return None
    return end, "".join(str(SMALL[word]) for word in words[at:end])


def _year(words: Sequence[str], at: int) -> tuple[int, str] | None:
    """Two numbers of two digits in a row, the first of them from 10 on."""
    middle, first = _pair(words, at)
    oh = words[middle : middle + 1] == ["oh"]
    end, second = _pair(words, middle + oh)
    if first < 10 or end == middle + oh or (second < 10) != oh or not second:
        return None
    return end, f"{first}{second:02}"


def _pair(words: Sequence[str], at: int) -> tuple[int, int]:
    """(behind it, the number): what is below a hundred; nothing read where there is none."""
    if at < len(words) and words[at] in ROUND:
        ten, one = ROUND[words[at]], SMALL.get(words[at + 1], 0) if at + 1 < len(words) else 0
        return (at + 2, ten + one) if 0 < one < 10 else (at + 1, ten)
    if at < len(words) and words[at] in SMALL:
        return at + 1, SMALL[words[at]]
    return at, 0


def _cardinal(words: Sequence[str], at: int) -> tuple[int, str]:
    """(behind it, digits) of how many; (at, "") where no number begins."""
    total, bound, place = 0, 1000 ** len(SCALES), at
    while True:
        begin = place + 1 if _joins(words, place, at) else place
        end, group = _hundreds(words, begin)
        scale = LARGE.get(words[end], 0) if end < len(words) else 0
        if end == begin or (scale or 1) >= bound or (place > at and bound <= 1):
            break
        place, bound = (end + 1, scale) if scale else (end, 1)
        total += group * (scale or 1)
    return place, str(total) if place > at else ""


def _hundreds(words: Sequence[str], at: int) -> tuple[int, int]:
    end, number = _pair(words, at)
    if end == at or end >= len(words) or words[end] != "hundred" or not 0 < number < 100:
        return end, number
    begin = end + 2 if _joins(words, end + 1, at) else end + 1
    last, rest = _pair(words, begin)
    own = last > begin and rest and words[last : last + 1] != ["hundred"]
    return (last, 100 * number + rest) if own else (end + 1, 100 * number)


def _joins(words: Sequence[str], place: int, begun: int) -> bool:
    """Whether "and" stands here within a number: one hundred and five."""
    if not begun < place < len(words) - 1 or words[place] != AND:
        return False
    before = words[place - 1] == "hundred" or words[place - 1] in LARGE
    return before and _pair(words, place + 1)[0] > place + 1

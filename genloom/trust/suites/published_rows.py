"""Rows as published -> plain fields that a template can name: one function a data set.

What is rewritten here is what lm-evaluation-harness 0.4.13 rewrites before it asks. Knows no
prompt, file or model.
"""

from __future__ import annotations

import re
from typing import Any

from genloom.errors import DataError
from genloom.trust.suites.fields import Row, has, value

Rewritten = dict[str, Any]


def as_is(row: Row) -> Rewritten:
    return dict(row)


def ai2(row: Row) -> Rewritten:
    """ARC and OpenBookQA, of the hub (choices.text, choices.label) or as first published
    (question.stem, question.choices)."""
    if has(row, "question.stem"):
        listed = value(row, "question.choices")
        question = value(row, "question.stem")
        options = [value(one, "text") for one in listed]
        labels = [value(one, "label") for one in listed]
    else:
        question = value(row, "question_stem" if has(row, "question_stem") else "question")
        options, labels = list(value(row, "choices.text")), list(value(row, "choices.label"))
    answer = str(value(row, "answerKey")).strip()
    return {**row, "question": question, "options": options, "labels": labels, "answer": answer}


def hellaswag(row: Row) -> Rewritten:
    """Of WikiHow's part the marks in brackets are taken out."""
    ends = str(value(row, "ctx_b")).capitalize()
    query = f"{value(row, 'activity_label')}: {value(row, 'ctx_a')} {ends}"
    endings = [_unmarked(str(end)) for end in value(row, "endings")]
    return {**row, "query": _unmarked(query), "options": endings, "answer": _shown(row, "label")}


def _unmarked(text: str) -> str:
    text = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return text.replace("  ", " ")


def _shown(row: Row, path: str) -> Any:
    """The answer, unless this part of the data keeps it to itself."""
    found = value(row, path)
    if found in ("", -1, "-1", None):
        raise DataError(f"its {path!r} is hidden, as in test parts: give the validation part")
    return found


def piqa(row: Row) -> Rewritten:
    options = [value(row, "sol1"), value(row, "sol2")]
    return {**row, "options": options, "answer": _shown(row, "label")}


def winogrande(row: Row) -> Rewritten:
    """The sentence around its gap; the option stands in the prompt, what follows is scored."""
    before, gap, after = str(value(row, "sentence")).partition("_")
    if not gap:
        raise DataError("its sentence has no gap _ to fill")
    options = [value(row, "option1"), value(row, "option2")]
    answer = int(_shown(row, "answer")) - 1
    return {**row, "before": before, "after": after.strip(), "options": options, "answer": answer}


def boolq(row: Row) -> Rewritten:
    """label 0 or 1, or answer true or false."""
    found = _shown(row, "label") if has(row, "label") else value(row, "answer")
    named = {"true": 1, "false": 0}
    return {**row, "answer": named.get(str(found).lower(), found)}


def mmlu(row: Row) -> Rewritten:
    subject = str(value(row, "subject")).replace("_", " ")
    return {**row, "question": str(value(row, "question")).strip(), "about": subject}


def triviaqa(row: Row) -> Rewritten:
    """Of the hub (answer.aliases) or as first published (Answer.Aliases)."""
    if has(row, "Answer.Aliases"):
        return {**row, "question": value(row, "Question"), "aliases": value(row, "Answer.Aliases")}
    return {**row, "aliases": value(row, "answer.aliases")}


def mbpp(row: Row) -> Rewritten:
    """The sanitised part calls its text a prompt."""
    return {**row, "text": value(row, "text" if has(row, "text") else "prompt")}


def asked_of(rows: list[Rewritten]) -> list[Rewritten]:
    """Of a file with all of MBPP, the tasks that are its test part: 11 to 510."""
    some = [row for row in rows if 11 <= int(value(row, "task_id")) <= 510]
    return some or rows


def shown_of(rows: list[Rewritten]) -> list[Rewritten]:
    """MBPP's tasks 2, 3 and 4, which are shown as examples."""
    return [row for row in rows if int(value(row, "task_id")) in (2, 3, 4)]


# How the words of WikiText are put back as they were written, in this order.
_PUT_BACK: tuple[tuple[str, str], ...] = (
    ("s '", "s'"),
    *((f" @{sign}@ ", sign) for sign in "-,."),
    *((f" {sign} ", f"{sign} ") for sign in ":;.!?,"),
)
_PAIRS = ((r"\(", r"\)"), (r"\[", r"\]"), ("{", "}"), ('"', '"'), ("'", "'"))
_LAST: tuple[tuple[str, str], ...] = (
    *((" ".join("=" * n), "=" * n) for n in (4, 3, 2)),
    (" \N{DEGREE SIGN} ", "\N{DEGREE SIGN}"),
    (" \n", "\n"),
    ("\n ", "\n"),
    (" N ", " 1 "),
    (" 's", "'s"),
)


def wikitext(row: Row) -> Rewritten:
    """A page; words and bytes are counted before its signs are put back in place."""
    text = str(value(row, "page"))
    for old, new in _PUT_BACK:
        text = text.replace(old, new)
    for left, right in _PAIRS:
        inner = right if left != right else left
        found = re.compile(rf"{left}\s*([^{inner}]*?)\s*{right}")
        text = found.sub(lambda m, a=left, b=right: f"{a[-1]}{m[1]}{b[-1]}", text)
    for old, new in _LAST:
        text = text.replace(old, new)
    return {**row, "text": text}

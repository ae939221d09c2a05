"""The table of published suites: how their rows look, and how lm-evaluation-harness asks them.

One value a suite. Prompts, examples, delimiters, stops and metrics are those of version 0.4.13 of
the harness, whose task version stands with each; rows are told apart by their fields. The last
lines of the table are plain forms for one's own data. Knows no file and no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from genloom.trust.suites import published_rows as rewrite
from genloom.trust.suites.fields import Row, has, value
from genloom.trust.suites.suite import Extract, Suite

HARNESS = "lm-evaluation-harness 0.4.13"
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A suite and its rows.

    fields: which tell the layout, in any of these combinations; marks: (field, expression) that
    must be found in it; certain: whether these tell the suite by themselves, else the words of the
    path must (all of `hints`). rewrite: a row -> plain fields. part, examples: of the data that is
    asked, and that examples come from, best first. asked, shown: which rows of one file are asked,
    and which are the examples, where one file holds both. many: one suite lies in many files.
    """

    suite: Suite
    fields: tuple[tuple[str, ...], ...]
    marks: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = ()
    certain: bool = True
    rewrite: Callable[[Row], dict[str, Any]] = rewrite.as_is
    part: tuple[str, ...] = ("test", "validation", "dev")
    examples: tuple[str, ...] = ("train",)
    asked: Callable[[Rows], Rows] = list
    shown: Callable[[Rows], Rows] | None = None
    many: bool = False

    def fits(self, row: Row) -> bool:
        """Whether a row may be of this layout."""
        named = any(all(has(row, path) for path in paths) for paths in self.fields)
        return named and all(re.search(mark, str(value(row, path))) for path, mark in self.marks)


HELD = ("validation", "dev")
QUESTION = "Question: {question}\nAnswer:"
_AI2 = (
    ("question", "choices.text", "choices.label", "answerKey"),
    ("question.stem", "question.choices", "answerKey"),
)


def _choice(name: str, prompt: str, version: str, **more: Any) -> Suite:
    ready: dict[str, Any] = {
        "choices": "options",
        "metrics": ("acc", "acc_norm"),
        "protocol": HARNESS,
        **more,
    }
    return Suite(name=name, kind="choice", prompt=prompt, version=version, **ready)


def _ai2(name: str, *hints: str, certain: bool = False) -> Layout:
    return Layout(
        suite=_choice(name, QUESTION, "1.0", labels="labels"),
        fields=_AI2,
        hints=hints,
        certain=certain,
        rewrite=rewrite.ai2,
    )


TABLE: tuple[Layout, ...] = (
    # --- the likeliest of several answers
    Layout(
        suite=_choice("openbookqa", "{question}", "1.0", labels="labels"),
        fields=(("question_stem", "choices.text", "choices.label", "answerKey"),),
        rewrite=rewrite.ai2,
    ),
    Layout(
        suite=_choice("openbookqa", "{question}", "1.0", labels="labels"),
        fields=_AI2,
        hints=("openbookqa",),
        certain=False,
        rewrite=rewrite.ai2,
    ),
    _ai2("arc_challenge", "arc", "challenge"),
    _ai2("arc_easy", "arc", "easy"),
    _ai2("arc", certain=True),
    Layout(
        suite=_choice("hellaswag", "{query}", "1.0", spare=True, known_by="{ctx_a}"),
        fields=(("activity_label", "ctx_a", "ctx_b", "endings", "label"),),
        rewrite=rewrite.hellaswag,
        part=HELD,
    ),
    Layout(
        suite=_choice("piqa", "Question: {goal}\nAnswer:", "1.0", spare=True),
        fields=(("goal", "sol1", "sol2", "label"),),
        rewrite=rewrite.piqa,
        part=HELD,
    ),
    Layout(
        suite=_choice(
            "winogrande",
            "{before}{choice}",
            "1.0",
            continuation="{after}",
            metrics=("acc",),
            spare=True,
            known_by="{sentence}",
        ),
        fields=(("sentence", "option1", "option2", "answer"),),
        rewrite=rewrite.winogrande,
        part=HELD,
    ),
    Layout(
        suite=_choice(
            "boolq",
            "{passage}\nQuestion: {question}?\nAnswer:",
            "2.0",
            choices=("no", "yes"),
            metrics=("acc",),
            spare=True,
        ),
        fields=(("passage", "question", "label"), ("passage", "question", "answer")),
        marks=(("passage", r"\S"),),
        rewrite=rewrite.boolq,
        part=HELD,
    ),
    Layout(
        suite=_choice(
            "mmlu",
            "{question}\nA. {choices.0}\nB. {choices.1}\nC. {choices.2}\nD. {choices.3}\nAnswer:",
            "2",
            choices=("A", "B", "C", "D"),
            description="The following are multiple choice questions (with answers) about "
            "{about}.\n\n",
            first=True,
            within="subject",
            metrics=("acc",),
        ),
        fields=(("question", "choices", "answer", "subject"),),
        rewrite=rewrite.mmlu,
        part=("test",),
        examples=("dev",),
        many=True,
    ),
    # --- a text that must match
    Layout(
        suite=Suite(
            name="gsm8k",
            kind="answer",
            prompt=QUESTION,
            shots=5,
            until=("Question:", "</s>", "<|im_end|>"),
            extracts=(
                Extract(name="strict-match", pattern=r"#### (\-?[0-9\.\,]+)"),
                Extract(name="flexible-extract", pattern=r"(-?[$0-9.,]{2,})|(-?[0-9]+)", pick=-1),
            ),
            ignore=(",", r"\$", "(?s).*#### ", r"\.$"),
            ignore_case=True,
            protocol=HARNESS,
            version="3.0",
        ),
        fields=(("question", "answer"),),
        marks=(("answer", r"#### -?[\d.,]+"),),
    ),
    Layout(
        suite=Suite(
            name="triviaqa",
            kind="answer",
            prompt="Question: {question}?\nAnswer:",
            target="aliases",
            until=("\n", ".", ","),
            extracts=(Extract(name="remove_whitespace"),),
            ignore_case=True,
            ignore_punctuation=True,
            spare=True,
            protocol=HARNESS,
            version="3.0",
        ),
        fields=(("question", "answer.aliases"), ("Question", "Answer.Aliases")),
        rewrite=rewrite.triviaqa,
        part=HELD,
    ),
    # --- code that must pass its tests
    Layout(
        suite=Suite(
            name="humaneval",
            kind="program",
            prompt="{prompt}",
            until=("\nclass", "\ndef", "\n#", "\nif", "\nprint"),
            tokens=1024,
            program="{prompt}{completion}\n{test}\ncheck({entry_point})",
            idle="    pass\n",
            reference="{canonical_solution}",
            protocol=HARNESS,
            version="1.0",
        ),
        fields=(("prompt", "entry_point", "test"),),
        part=("test", ""),
    ),
    Layout(
        suite=Suite(
            name="mbpp",
            kind="program",
            prompt="You are an expert Python programmer, and here is your task: {text} Your code "
            "should pass these tests:\n\n{test_list.0}\n{test_list.1}\n{test_list.2}\n[BEGIN]\n",
            example="{code}\n[DONE]",
            delimiter="",
            shots=3,
            first=True,
            until=("[DONE]",),
            program="{completion}\n{test_list.0}\n{test_list.1}\n{test_list.2}",
            idle="pass\n",
            reference="{code}",
            protocol=HARNESS,
            version="1.0",
        ),
        fields=(
            ("task_id", "text", "code", "test_list"),
            ("task_id", "prompt", "code", "test_list"),
        ),
        rewrite=rewrite.mbpp,
        part=("test", ""),
        examples=("prompt",),
        asked=rewrite.asked_of,
        shown=rewrite.shown_of,
    ),
    # --- a text that is to be predicted
    Layout(
        suite=Suite(
            name="wikitext",
            kind="perplexity",
            prompt="{text}",
            counted="{page}",
            protocol=HARNESS,
            version="2.0",
        ),
        fields=(("page",),),
        rewrite=rewrite.wikitext,
        many=True,
    ),
    # --- plain forms, for one's own data
    Layout(
        suite=Suite(name="choices", kind="choice", prompt=QUESTION),
        fields=(("question", "choices", "answer"),),
    ),
    Layout(
        suite=Suite(
            name="answers",
            kind="answer",
            prompt=QUESTION,
            until=("\n",),
            ignore_case=True,
            ignore_punctuation=True,
        ),
        fields=(("question", "answer"),),
    ),
    Layout(
        suite=Suite(
            name="outputs",
            kind="answer",
            prompt="Input: {input}\nOutput:",
            target="output",
            until=("\n",),
        ),
        fields=(("input", "output"),),
    ),
    Layout(
        suite=Suite(name="texts", kind="perplexity", prompt="{text}"),
        fields=(("text",),),
        many=True,
    ),
)


def named(name: str) -> list[Layout]:
    """The layouts of a suite's name; two where it is passed on in two forms."""
    return [layout for layout in TABLE if layout.suite.name == name]


def names() -> list[str]:
    return list(dict.fromkeys(layout.suite.name for layout in TABLE))


def recognised(row: Row, words: Sequence[str]) -> Layout | None:
    """The layout of a row: one that the words of its path name, else one that its fields tell."""
    said = "".join(words)
    fitting = [layout for layout in TABLE if layout.fits(row)]
    hinted = [la for la in fitting if la.hints and all(hint in said for hint in la.hints)]
    certain = [la for la in fitting if la.certain]
    return next(iter([*hinted, *certain]), None)

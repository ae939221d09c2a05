"""What a suite asks, as a value: prompt, answers, examples, and how an answer is judged.

The published ones are values of the table in `layouts`; anybody's own come from a JSON file with
the same keys. Placeholders are {field} and nothing more: nothing in a suite can run. Knows no
file form, model or number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genloom.configure import configure
from genloom.errors import UsageError

Kind = Literal["choice", "answer", "program", "perplexity"]
METRICS: dict[str, tuple[str, ...]] = {
    "choice": ("acc", "acc_norm", "acc_bytes"),
    "answer": ("exact_match",),
    "program": ("pass",),
    "perplexity": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
}


@dataclass(frozen=True, kw_only=True)
class Extract:
    """How an answer is taken out of what was generated.

    name: said behind the metric. pattern: an expression, of whose matches number `pick` counts;
    "" takes the whole without blanks at its ends. An answer without a match is wrong.
    """

    name: str = ""
    pattern: str = ""
    pick: int = 0


@dataclass(frozen=True, kw_only=True)
class Suite:
    """
    kind          choice: the likeliest of several continuations; answer: a text that must match;
                  program: code that must pass its tests; perplexity: how well a text is predicted
    prompt        a template of the item's fields; perplexity: of the text itself
    choices       the field that lists them, or the choices themselves
    labels        the field that lists the names by which `target` calls the choices
    target        the field of the right answer: a number from 0, a label, or the text itself; of
                  kind answer a text, or a list of which each is right
    continuation  where the prompt holds {choice}: what is scored behind it
    example       a template of an example's answer, where it is not the target
    description   stands before everything; delimiter: between prompt and answer; separator: between
                  examples
    shots         examples by default; first: the first ones in their order, else drawn anew for
                  each item; within: a field that examples must share with the item; spare: one more
                  is drawn than is needed, in case the item is among them
    until         a text ends before any of these; tokens: and after so many
    extracts      what is compared of it; ignore: expressions deleted on both sides first
    program       a template of the whole program, with {completion}; idle and reference: templates
                  of a completion that does nothing, and of one that is known to be right
    known_by      a template of what would be met again in a text that holds the item, where it is
                  not the longest field of the prompt
    counted       perplexity: a template of the text whose words and bytes are counted
    data, examples  files, beside the one that says so (own suites alone)
    protocol      whose protocol it is, version: of the task there
    """

    name: str
    kind: Kind
    prompt: str = ""
    choices: str | tuple[str, ...] = "choices"
    labels: str = ""
    target: str = "answer"
    continuation: str = ""
    example: str = ""
    description: str = ""
    delimiter: str = " "
    separator: str = "\n\n"
    shots: int = 0
    first: bool = False
    within: str = ""
    spare: bool = False
    metrics: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    tokens: int = 256
    extracts: tuple[Extract, ...] = (Extract(),)
    ignore: tuple[str, ...] = ()
    ignore_case: bool = False
    ignore_punctuation: bool = False
    program: str = ""
    idle: str = ""
    reference: str = ""
    known_by: str = ""
    counted: str = ""
    data: str = ""
    examples: str = ""
    protocol: str = "Genloom 1"
    version: str = ""

    def __post_init__(self) -> None:
        if not self.prompt:
            raise UsageError(f"suite {self.name!r} has no prompt: give a template with {{fields}}")
        known = METRICS[self.kind]
        unknown = sorted(set(self.metrics) - set(known))
        if unknown:
            raise UsageError(
                f"suite {self.name!r} asks for {unknown[0]!r}: of a {self.kind} there are "
                f"{', '.join(known)}"
            )
        if self.kind == "program" and "{completion}" not in self.program:
            raise UsageError(f"suite {self.name!r}: its program needs a place for {{completion}}")
        if self.shots < 0 or self.tokens < 1:
            raise UsageError(
                f"suite {self.name!r} has {self.shots} shots and {self.tokens} tokens: at least 0 "
                "and 1 are expected"
            )
        for pattern in (*self.ignore, *(e.pattern for e in self.extracts)):
            _compiled(pattern, self.name)

    @property
    def measured(self) -> tuple[str, ...]:
        """The metrics, in the order to show them."""
        return self.metrics or METRICS[self.kind]

    @property
    def stops(self) -> tuple[str, ...]:
        return self.until or (self.separator,)


def _compiled(pattern: str, name: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"suite {name!r}: {pattern!r} is no expression ({error})") from None


def own(values: Mapping[str, Any], path: Path) -> Suite:
    """A suite from the JSON values of a file. UsageError names the key that is wrong."""
    made: Suite = configure(Suite, {"name": path.stem, **values}, str(path))
    if not made.data:
        raise UsageError(f'{path} names no data: add "data", a file beside it')
    return made

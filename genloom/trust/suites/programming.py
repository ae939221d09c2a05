"""Code that must pass its tests: written by the model, run in the sandbox.

pass@k by Chen et al. 2021. A program passes when it ends by itself, without an error, behind its
last test. Knows programs and what became of them; the walls are the sandbox's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from genloom import sandbox
from genloom.api import Model
from genloom.errors import DataError
from genloom.metric.passing import counts, pass_at_k
from genloom.trust.suites import generating
from genloom.trust.suites.fields import Row, fill
from genloom.trust.suites.outcome import Asked, Number, Outcome, mean, share
from genloom.trust.suites.prompts import prompt
from genloom.trust.suites.suite import Suite

SECONDS = 3.0  # of a program, as the harness gives
MEMORY = 1 << 30
END = "genloom: all tests passed"
TOGETHER = 64  # programs between two words of progress


def measure(model: Model, asked: Asked) -> Outcome:
    suite = asked.suite
    own = [prompt(suite, row) for row in asked.rows]
    prompts = [context + one for context, one in zip(asked.contexts, own, strict=True)]
    made = generating.write(model, prompts, asked)
    written = zip(asked.rows, made.texts, strict=True)
    code = [program(suite, row, text) for row, texts in written for text in texts]
    asked.tell(f"{suite.name}: running {len(code):,} programs")
    whys = run(code, asked)
    items = [
        _item(texts, whys[n * asked.samples :][: asked.samples], cut)
        for n, (texts, cut) in enumerate(zip(made.texts, made.cut, strict=True))
    ]
    floor, ceiling = (_of_template(suite, asked, t) for t in (suite.idle, suite.reference))
    return Outcome(
        numbers=tuple(_numbers(items, asked.samples, floor, ceiling)),
        items=items,
        cut=sum(cut > 0 for cut in made.cut),
        settings={
            **made.settings,
            "seconds_a_program": SECONDS,
            "sandbox": str(sandbox.strength()),
        },
        notes=(*made.notes, *_notes(ceiling), *_failures(items)),
    )


def program(suite: Suite, row: Row, completion: str) -> str:
    """The whole text of a program. Its last line says that it came so far."""
    return f"{fill(suite.program, {**row, 'completion': completion})}\nprint({END!r})\n"


def run(code: Sequence[str], asked: Asked) -> list[str]:
    """Why each did not pass, "" where it did."""
    out: list[str] = []
    for first in range(0, len(code), TOGETHER):
        programs = [sandbox.python(text) for text in code[first : first + TOGETHER]]
        ran = sandbox.run_all(programs, seconds=SECONDS, memory=MEMORY)
        out += [_why(one) for one in ran]
        asked.tell(f"{asked.suite.name}: {len(out):,} of {len(code):,} programs run")
    return out


def _why(ran: sandbox.Ran) -> str:
    if ran.fine and ran.stdout.rstrip().endswith(END):
        return ""
    if ran.fine:
        return "left before its last test"
    said = ran.stderr.strip().splitlines()
    return ran.why or (said[-1][:200] if said else f"status {ran.status}")


def _item(texts: Sequence[str], whys: Sequence[str], cut: int) -> dict[str, Any]:
    passed = sum(not why for why in whys)
    return {"texts": list(texts), "failures": list(whys), "passed": passed, "cut": cut}


def _of_template(suite: Suite, asked: Asked, template: str) -> float | None:
    """The share that passes with this in the place of what the model wrote."""
    if not template:
        return None
    try:
        code = [program(suite, row, fill(template, row)) for row in asked.rows]
    except DataError:  # these rows come without a solution
        return None
    whys = run(code, asked)
    return sum(not why for why in whys) / len(whys)


def _numbers(
    items: list[dict[str, Any]], samples: int, floor: float | None, ceiling: float | None
) -> list[Number]:
    note = "floor: a program that does nothing; ceiling: the known solution"
    out = []
    for k in counts(samples):
        name = f"pass@{k}"
        for item in items:
            item[name] = pass_at_k(samples, item["passed"], k)
        each = [item[name] for item in items]
        make = share if samples == 1 else mean
        out.append(make(name, each, floor=floor, ceiling=ceiling, note=note))
    return out


def _notes(ceiling: float | None) -> tuple[str, ...]:
    if ceiling is None or ceiling == 1.0:
        return ()
    return (f"of the known solutions {1 - ceiling:.1%} do not pass here: see the ceiling",)


def _failures(items: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """How often programs failed in which way, the most frequent first."""
    found = Counter(why.partition(":")[0] for item in items for why in item["failures"] if why)
    told = ", ".join(f"{count} {why}" for why, count in found.most_common(5))
    return (f"programs that failed: {told}",) if told else ()

"""`genloom discover`: a search by a score, what it found and where it lies."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.cli import output, settings
from genloom.cli.ending import warn
from genloom.cli.interrupt import Interrupt
from genloom.errors import GenloomError, Stopped

if TYPE_CHECKING:
    from genloom.train.log import Event

LINE = "{scored:,.0f} scored  best {best:.4g}  mean {score:.4g}  new {new:.0%}"


def discover(
    model: str,
    /,
    *,
    score: str,
    budget: int = 5000,
    out: str | None = None,
    goal: float | None = None,
    data: str | None = None,
    random: int | None = None,
    size: int = 64,
    seed: int = 0,
    resume: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Search for new things that score well: propose, score, learn, repeat.

    Ctrl-C stops; the same command with --resume goes on, also after a crash.

    Parameters
    ----------
    model
        Name or path of a model of molecules, sequences, tunes or texts.
    score
        What to search for. Of molecules: qed, logp, logp:2.5, sa, similarity:SMILES and others; of
        anything python:FILE.py:function, or a command that reads JSON lines with "item" and writes
        a number for each. Higher is better.
    budget
        Scores in all.
    out
        A new folder for everything found; made from the model's name unless given.
    goal
        End as soon as something scores so much.
    data
        Where the model's training data lies now, to compare with it.
    random
        Scores of a random search from the model beside it; as many as the budget where the score is
        built in, else a fifth of it.
    size
        Items of a step.
    seed
        The same seed searches the same way.
    resume
        Go on with the search in --out.
    json
        Print the report as JSON.
    quiet
        No progress.
    """
    from genloom.discovery import report
    from genloom.discovery.search import discover as search

    loaded = settings.load(model)
    folder = Path(out or f"{Path(model).name}-search").expanduser()
    words = ["genloom", "discover", model, "--score", score, "--out", str(folder), "--resume"]
    goes_on = shlex.join(words)
    shown = _Screen(quiet)

    def heard(event: Event) -> None:
        stop.hear(event)
        shown(event)

    try:
        with Interrupt(shown.notice, goes_on) as stop:
            found = search(
                loaded,
                score,
                folder,
                resume=resume,
                training=data,
                budget=budget,
                goal=goal,
                random=random,
                size=size,
                seed=seed,
                listener=heard,
                stop=stop,
            )
    except Stopped as error:
        raise Stopped(f"{error}; go on with:  {goes_on}") from None
    shown.close()
    told = report.values(found)
    places = report.write(found)
    for line in report.remarks(told):
        warn(line)
    if json:
        output.values({**told, "files": {name: str(path) for name, path in places.items()}})
    else:
        _show(told, places)
    if found.fault:
        raise GenloomError(found.fault)


def _show(told: dict[str, Any], places: dict[str, Path]) -> None:
    search, random, training = told["search"], told["random"], told["training"]
    output.pairs(
        {
            "scored": f"{told['scored']:,} ({told['ended'] or 'not to the end'})",
            "best": search["top_1_mean"],
            "mean of the best 10": search["top_10_mean"],
            "mean of the best 100": search["top_100_mean"],
            "  of a random search": random["top_100_mean"],
            "  best 0.1 % of training": training["mean_of_best_share"],
            "kinds among the best 100": told["diversity"]["kinds"],
            "page": str(places["html"]),
        }
    )
    for entry in told["best"]:
        output.text(f"{entry['score']:.4f}  {entry['item']}")


class _Screen:
    """A line of progress on stderr that is written over."""

    def __init__(self, quiet: bool) -> None:
        self.live = sys.stderr.isatty() and not quiet
        self.quiet = quiet

    def notice(self, text: str) -> None:
        if not self.quiet:
            print(text, file=sys.stderr)

    def __call__(self, event: Event) -> None:
        values = event.values
        if event.kind == "step" and self.live and "scored" in values:
            print("\r" + LINE.format(**values) + " " * 8, end="", file=sys.stderr, flush=True)
        elif event.kind == "measure" and not self.quiet:
            self.close()
            print(values["stage"], file=sys.stderr)
        elif event.kind == "guard" and "told" in values:
            self.close()
            warn(str(values["told"]))

    def close(self) -> None:
        if self.live:
            print(file=sys.stderr)

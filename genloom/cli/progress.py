"""What a training looks like while it runs: a live display, or plain lines where nobody watches.

Hears events and draws them on stderr. Knows no training.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from genloom.cli.output import cell, duration, size

if TYPE_CHECKING:
    from rich.console import RenderableType

    from genloom.train.log import Event

SHOWN = 5  # items left out that are named
PREVIEW_LINES = 8
QUIET_SECONDS = 10.0  # between two plain lines
SMOOTH = 0.9


@dataclass
class Watch:
    """What is known of a training so far.

    per_step: items (or tokens) that one step learns from, and the word for them.
    """

    name: str
    run: Path
    begun: float = 0.0
    first: int = 0
    step: int = 0
    steps: int = 0
    per_step: float = 0.0
    word: str = "items"
    parts: dict[str, float] = field(default_factory=dict)
    recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=200))
    judged: str = ""
    notice: str = ""
    preview: Path | None = None
    opening: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Take in an event."""
        change = getattr(self, f"_{event.kind}", None)
        if change is not None:
            change(event.step, event.values)

    def _start(self, step: int, values: Mapping[str, Any]) -> None:
        self.begun, self.first, self.step = time.monotonic(), step, step
        self.steps = int(values["steps"])
        with suppress(OSError, ValueError, KeyError):
            recipe = json.loads((self.run / "recipe.json").read_text("utf-8"))
            self.per_step, self.word = learnt_a_step(recipe)

    def _step(self, step: int, values: Mapping[str, Any]) -> None:
        if step <= self.step:  # rolled back: from here on the pace is told anew
            self.recent.clear()
            self.begun, self.first = time.monotonic(), step
        self.step = step
        self.recent.append((time.monotonic(), step))
        for name, value in values.items():
            if name != "seconds":
                before = self.parts.get(name, value)
                self.parts[name] = before * SMOOTH + value * (1 - SMOOTH)

    def _judge(self, step: int, values: Mapping[str, Any]) -> None:
        self.judged = f"{numbers(values)}  (step {step:,})"

    def _preview(self, step: int, values: Mapping[str, Any]) -> None:
        self.preview = Path(values["path"])
        self.opening = first_lines(self.preview)

    @property
    def speed(self) -> float:
        """Steps a second of late; 0 while unknown."""
        if len(self.recent) < 2:
            return 0.0
        (start, first), (stop, last) = self.recent[0], self.recent[-1]
        return (last - first) / max(stop - start, 1e-9)

    @property
    def left(self) -> float:
        """Seconds to go, judgements and previews reckoned in; infinite while unknown."""
        done = self.step - self.first
        if not done:
            return float("inf")
        return (time.monotonic() - self.begun) / done * (self.steps - self.step)

    def line(self) -> str:
        """Speed, losses and time left."""
        pace = f"{self.speed * self.per_step:,.0f} {self.word}/s" if self.speed else ""
        return "  ".join(p for p in (pace, numbers(self.parts), f"{duration(self.left)} left") if p)


def learnt_a_step(recipe: Mapping[str, Any]) -> tuple[float, str]:
    """How much a step learns from: tokens where items are packed into windows, else items."""
    batch = recipe["data"]["batch"] * recipe["train"]["accumulate"]
    length = recipe["codec"].get("length")
    return (batch * length, "tokens") if recipe["data"]["pack"] and length else (batch, "items")


def numbers(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {cell(value)}" for name, value in values.items())


def first_lines(path: Path) -> list[str]:
    """Of a preview that is text; nothing of one that is not."""
    try:
        with path.open("rb") as file:
            head = file.read(4000)
    except OSError:
        return []
    lines = [] if b"\0" in head else head.decode("utf-8", "ignore").split("\n")
    printable = ("".join(c if c.isprintable() else " " for c in line) for line in lines)
    return [line.rstrip() for line in printable if line.strip()][:PREVIEW_LINES]


def sayings(event: Event) -> Iterator[str]:
    """The lines that stay on the screen after an event."""
    say = _SAYINGS.get(event.kind)
    if say is not None:
        yield from say(event.step, event.values)


def _read(step: int, values: Mapping[str, Any]) -> Iterator[str]:
    licence = values.get("licence")
    yield f"read {values['items']:,} items" + (f", licence {licence}" if licence else "")
    skipped = values.get("skipped") or {}
    if skipped:
        yield f"left out {len(skipped):,}:"
        for name, why in list(skipped.items())[:SHOWN]:
            yield f"  {name}: {why}"
        if len(skipped) > SHOWN:
            yield f"  and {len(skipped) - SHOWN:,} more"
    yield from _notes(step, values)


def _notes(step: int, values: Mapping[str, Any]) -> Iterator[str]:
    notes = list(values.get("notes") or ())
    yield from (f"note: {note}" for note in notes[:SHOWN])
    if len(notes) > SHOWN:
        yield f"note: and {len(notes) - SHOWN:,} more notes"


def _plan(step: int, values: Mapping[str, Any]) -> Iterator[str]:
    yield "plan: " + plan_line(values)


def plan_line(plan: Mapping[str, Any]) -> str:
    """A forecast in one line."""
    sized = f" {plan['size']}" if plan.get("size") else ""
    return (
        f"{plan['recipe']}{sized}, {plan['parameters']:,} weights, {plan['steps']:,} steps of "
        f"{plan['batch']:,}, about {duration(plan['seconds'])}, "
        f"{size(plan['peak_bytes'])} of {size(plan['free_bytes'])} memory"
    )


def _guard(step: int, values: Mapping[str, Any]) -> Iterator[str]:
    if "told" in values:
        yield f"note: {values['told']}"
        return
    rest = {k: v for k, v in values.items() if isinstance(v, int | float)}
    yield f"step {step:,}: the loss leapt, {values.get('verdict', 'guarded')}  {numbers(rest)}"


_SAYINGS = {
    "reading": lambda step, values: iter([f"reading {values['path']}"]),
    "read": _read,
    "fit": _notes,
    "plan": _plan,
    "guard": _guard,
    "stop": lambda step, values: iter([f"saved at step {step:,}"]),
}


class Lines:
    """Plain lines: for logs, pipes and whoever has no terminal."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.told = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put right."""

    def __call__(self, event: Event) -> None:
        before = self.watch.preview
        self.watch.hear(event)
        for line in sayings(event):
            self.print(line)
        if event.kind == "judge":
            self.print(f"judged: {self.watch.judged}")
        if event.kind == "preview" and self.watch.preview != before:
            self.print(f"preview: {self.watch.preview}")
            for line in self.watch.opening:
                self.print(f"  | {line[:100]}")
        now = time.monotonic()
        if event.kind == "step" and now - self.told > QUIET_SECONDS:
            self.told = now
            self.print(f"step {event.step:,}/{self.watch.steps:,}  {self.watch.line()}")

    def print(self, text: str) -> None:
        """One line on stderr."""
        print(text, file=sys.stderr, flush=True)

    def notice(self, text: str) -> None:
        """A line from within a signal handler, where `print` may be under way already."""
        os.write(2, f"{text}\n".encode())


class Live:
    """A display that redraws itself on a terminal."""

    def __init__(self, watch: Watch) -> None:
        from rich.console import Console
        from rich.live import Live as Display

        self.watch = watch
        self.console = Console(stderr=True, highlight=False)
        self.display = Display(
            console=self.console, refresh_per_second=4, get_renderable=self._picture
        )

    def __enter__(self) -> Self:
        self.display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.display.stop()

    def __call__(self, event: Event) -> None:
        self.watch.hear(event)
        for line in sayings(event):
            self.print(line)

    def print(self, text: str) -> None:
        """A line above the display."""
        self.console.print(text, markup=False)

    def notice(self, text: str) -> None:
        """Drawn with the next picture, a quarter of a second later at most."""
        self.watch.notice = text

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        watch = self.watch
        if not watch.steps:
            return Text(watch.notice or "preparing ...", style="dim")
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=watch.steps, completed=watch.step, width=30)
        head.add_row(Text(watch.name, style="bold"), bar, f"{watch.step:,}/{watch.steps:,}")
        lines = [Text(watch.line())]
        if watch.notice:
            lines.append(Text(watch.notice, style="bold yellow"))
        if watch.judged:
            lines.append(Text(f"judged  {watch.judged}", style="green"))
        if watch.preview is not None:
            lines.append(Text(f"preview {watch.preview}", style="cyan", no_wrap=True))
        for line in watch.opening:
            lines.append(Text(f"  {line}", style="dim", no_wrap=True, overflow="ellipsis"))
        return Group(head, *lines)


class Silence:
    """--quiet."""

    watch: Watch | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put right."""

    def __call__(self, event: Event) -> None:
        """Nothing is said."""

    def print(self, text: str) -> None:
        """Nothing is said."""

    def notice(self, text: str) -> None:
        """Nothing is said."""


class Stages:
    """What is being done, for commands that measure: one line that changes, or a line each."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.watched = quiet, sys.stderr.isatty()
        self.status: Any = None

    def __enter__(self) -> Self:
        if self.watched and not self.quiet:
            from rich.console import Console

            self.status = Console(stderr=True).status("preparing ...")
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is not None:
            self.status.stop()

    def __call__(self, event: Event) -> None:
        stage = str(event.values.get("stage", event.kind))
        if self.status is not None:
            self.status.update(stage)
        elif not self.quiet:
            print(stage, file=sys.stderr, flush=True)


Screen = Lines | Live | Silence


def screen(name: str, run: Path, quiet: bool) -> Screen:
    """The display that suits whoever watches."""
    if quiet:
        return Silence()
    watch = Watch(name, run)
    return Live(watch) if sys.stderr.isatty() else Lines(watch)

"""Every command and flag is pinned in cli_flags.txt, and --help answers at once.

After a wanted change:  .venv/bin/python tests/test_cli_flags.py  writes the list anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cyclopts import App

PINNED = Path(__file__).with_name("cli_flags.txt")
LIMIT = 0.4  # seconds
HELP = "import sys; sys.argv = ['genloom', '--help']; from genloom.cli import main; main()"


def commands(app: App, path: tuple[str, ...] = ()) -> list[str]:
    """One line a command: "data split PATH --seed", arguments in order, then flags sorted."""
    lines = []
    for name in app:
        if name.startswith("-"):  # --help, --version: cyclopts's own
            continue
        command = app[name]
        if command.default_command is not None:
            lines.append(" ".join([*path, name, *_arguments(command)]))
        lines += commands(command, (*path, name))
    return sorted(lines)


def _arguments(command: App) -> list[str]:
    places, flags = [], []
    for argument in command.assemble_argument_collection():
        if argument.index is not None:
            places.append((argument.index, argument.name.lstrip("-").upper()))
        if argument.index is None or argument.name.startswith("-"):
            flags += [n for n in argument.names if n.startswith("-")]
    return [name for _, name in sorted(places)] + sorted(set(flags))


def listing() -> str:
    from genloom.cli import app

    return "\n".join(commands(app)) + "\n"


def test_the_commands_and_flags_are_these() -> None:
    assert listing() == PINNED.read_text("utf-8")


def test_a_change_would_be_seen() -> None:
    toy = App(name="toy")
    data = App(name="data")
    toy.command(data)

    @toy.command
    def show(model: str, /, *, json: bool = False, seed: int = 0) -> None: ...

    @data.command
    def split(path: str, /) -> None: ...

    assert commands(toy) == ["data split PATH", "show MODEL --json --no-json --seed"]


def test_help_answers_at_once() -> None:
    def once() -> float:
        """Seconds of a processor: waiting for other work is not the program's."""
        start = os.times()
        done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True)
        end = os.times()
        took = end.children_user + end.children_system
        took -= start.children_user + start.children_system
        assert done.returncode == 0, done.stderr
        assert "train" in done.stdout and "generate" in done.stdout
        return took

    best = min(once() for _ in range(5))
    assert best < LIMIT, f"--help took {best:.2f} s at best"


def test_help_loads_no_torch() -> None:
    watch = (
        "import atexit, os, sys; atexit.register(lambda: 'torch' in sys.modules and os._exit(7)); "
    )
    done = subprocess.run([sys.executable, "-c", watch + HELP], capture_output=True, text=True)
    assert done.returncode == 0, f"exit {done.returncode} (7: torch was loaded): {done.stderr}"


if __name__ == "__main__":
    PINNED.write_text(listing(), "utf-8")
    print(PINNED.read_text("utf-8"), end="")

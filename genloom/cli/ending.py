"""How a command ends: its exit code, and one line on stderr where something went wrong.

Knows errors and pipes, no command.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts import CycloptsError

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def run(command: Callable[[], Any]) -> int:
    """The exit code of a command; its errors are told on stderr."""
    from cyclopts import CycloptsError

    from genloom.errors import GenloomError

    _write_any_text()
    try:
        result = command()
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except BrokenPipeError:
        return _nobody_reads()
    except CycloptsError as error:
        return _tell(_words(error), MISUSED)
    except GenloomError as error:
        return _tell(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _tell("interrupted", INTERRUPTED)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else DONE
    except (MemoryError, OSError) as error:
        return _tell(_of_the_machine(error), FAILED)
    except Exception as error:  # a fault of ours: said in one line all the same
        told = f"{type(error).__name__}: {error}"
        return _tell(f"unexpected {told} (GENLOOM_LOG=debug shows where)", FAILED)


def warn(text: str) -> None:
    """A line on stderr that is no error."""
    _line(f"warning: {text}")


def _tell(text: str, code: int) -> int:
    if os.environ.get("GENLOOM_LOG", "").lower() == "debug":
        traceback.print_exc()
    _line(f"error: {text}")
    return code


def _line(text: str) -> None:
    try:
        print(" ".join(text.split()), file=sys.stderr, flush=True)
    except OSError:
        return  # nobody reads stderr either


def _words(error: CycloptsError) -> str:
    """What cyclopts would have said in its panel."""
    error.verbose = False
    text = str(error)
    return text[:1].lower() + text[1:] + " See  genloom --help" * ("Choose from" not in text)


def _of_the_machine(error: MemoryError | OSError) -> str:
    if isinstance(error, MemoryError):
        return "out of memory: use a smaller --size, or a smaller batch with --set data.batch=N"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _write_any_text() -> None:
    """A letter that the terminal's encoding lacks becomes a question mark, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _nobody_reads() -> int:
    """The reader of our output left, as `| head` does: that is no failure."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # so that the flush at exit meets no pipe
    except (OSError, ValueError):
        sys.stdout = None
    return DONE

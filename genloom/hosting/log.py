"""What a host tells whoever runs it: one line on stderr, whatever is in it."""

from __future__ import annotations

import os
import sys
import traceback

LONGEST = 4000  # characters


def log(what: str) -> None:
    """One line; what would end it or steer a terminal is escaped."""
    told = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in what)
    try:
        sys.stderr.write(f"genloom host {os.getpid()}: {told[:LONGEST]}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody listens


def log_error(where: str, error: BaseException) -> None:
    """An error that nobody foresaw, with where it came from."""
    lines = traceback.format_exception(error)
    log(f"{where}: {''.join(lines)[-LONGEST:]}")

"""What the server writes to its log: one line a record, escaped; JSON where it is asked for.

Only a failure of ours has more lines: where in the program it was.
"""

from __future__ import annotations

import json
import logging
import sys
import time

LEVEL = logging.INFO
NAMES = ("genloom", "uvicorn.error", "asyncio")


def set_up_logs(as_json: bool) -> None:
    """To stderr. Libraries speak from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if as_json else Plain())
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(LEVEL if name == NAMES[0] else logging.WARNING)


def escaped(text: str) -> str:
    """Nothing in it ends a line, colours or hides anything."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = f"{when} {record.levelname.lower()} {escaped(record.getMessage())}"
        where = self.formatException(record.exc_info).split("\n") if record.exc_info else []
        return "\n".join([line, *(f"  {escaped(part)}" for part in where)])


class Json(logging.Formatter):
    """A record that carries `told`, an object, is that object."""

    def format(self, record: logging.LogRecord) -> str:
        told = {"time": round(record.created, 3), "level": record.levelname.lower()}
        told |= getattr(record, "told", None) or {"message": record.getMessage()}
        if record.exc_info:
            told["where"] = self.formatException(record.exc_info)
        return json.dumps(told)

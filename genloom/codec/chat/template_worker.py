"""The process in which templates run: a JSON line in, a JSON line out, nothing else in reach.

Run as a script by `template`. It loads no torch and nothing of the package, opens no file once it
has begun, and ends by the system's hand when it computes or allocates too much.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any

MOST = 32 << 20  # characters that a template may write


class _TooLong(Exception):
    """The template writes without an end."""


class Kitchen:
    """The environment that templates find here: what the transformers library offers them.

    marks: the two characters put around what {% generation %} encloses; whoever asks chooses them
    so that the messages do not hold them.
    """

    def __init__(self) -> None:
        from jinja2 import Environment, FunctionLoader, TemplateError, nodes
        from jinja2.ext import Extension, loopcontrols
        from jinja2.parser import Parser
        from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

        kitchen = self
        self.marks = ("", "")

        class Refused(TemplateError):
            """The template calls raise_exception."""

        class Generation(Extension):
            tags = {"generation"}  # noqa: RUF012 (as its base class has it)

            def __init__(self, environment: Environment) -> None:
                super().__init__(environment)

            def parse(self, parser: Parser) -> nodes.Node:
                line = next(parser.stream).lineno
                body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
                return nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

            def _marked(self, caller: Any) -> str:
                return f"{kitchen.marks[0]}{caller()}{kitchen.marks[1]}"

        def raise_exception(message: object) -> None:
            raise Refused(str(message))

        def other(name: str) -> None:
            raise SecurityError(f"another template, {name}")

        made = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Generation, loopcontrols],
            loader=FunctionLoader(other),
        )
        made.filters["tojson"] = _tojson
        offered: Any = made.globals
        offered["raise_exception"] = raise_exception
        offered["strftime_now"] = lambda form: datetime.now().strftime(form)
        self.refused: type[Exception] = Refused
        self.compiled = lru_cache(maxsize=32)(made.from_string)

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """{"text": ...} or {"fault": what kind, "why": ..., "line": ...}."""
        from jinja2 import TemplateSyntaxError
        from jinja2.sandbox import SecurityError

        begun = False
        try:
            self.marks = asked["marks"]
            template = self.compiled(asked["template"])
            begun = True
            return {"text": _written(template.generate(asked["values"]))}
        except self.refused as error:
            return {"fault": "refused", "why": str(error)}
        except SecurityError as error:
            return {"fault": "forbidden", "why": str(error)}
        except TemplateSyntaxError as error:
            return {"fault": "syntax", "why": error.message or "", "line": error.lineno}
        except MemoryError:
            return {"fault": "memory", "why": "out of memory"}
        except _TooLong:
            return {
                "fault": "memory",
                "why": f"it writes more than {MOST >> 20} million characters",
            }
        except RecursionError:
            return {"fault": "failed" if begun else "syntax", "why": "it goes too deep"}
        except Exception as error:  # whatever a template can do wrong is the template's fault
            kind = "failed" if begun else "syntax"
            return {"fault": kind, "why": f"{type(error).__name__}: {error}", "line": _line(error)}


def _tojson(
    x: Any,
    ensure_ascii: bool = False,
    indent: Any = None,
    separators: Any = None,
    sort_keys: bool = False,
) -> str:
    """Without the escapes for HTML that Jinja's own filter makes."""
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _written(parts: Any) -> str:
    pieces, size = [], 0
    for part in parts:
        pieces.append(part)
        size += len(part)
        if size > MOST:
            raise _TooLong
    return "".join(pieces)


def _line(error: BaseException) -> int | None:
    """The template's line where it failed: the last one in the trace that is a template's."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def warm(kitchen: Kitchen) -> None:
    """Whatever Python loads only when it is first needed, before files are out of reach."""
    text = "{% generation %}{{ [1] | tojson(indent=1) }}{{ strftime_now('%d %B') }}{{ no.thing }}"
    kitchen.answer({"marks": ["", ""], "template": f"{text}{{% endgeneration %}}", "values": {}})
    kitchen.answer({"marks": ["", ""], "template": "{{ x | nothing }}", "values": {}})
    kitchen.answer({"marks": ["", ""], "template": "{{ ''.__class__ }}{{ 1 / 0 }}", "values": {}})


def confine(memory: int) -> None:
    """No new file, socket or process; so many bytes of memory and no more."""
    limits = {"RLIMIT_AS": memory, "RLIMIT_NOFILE": 0, "RLIMIT_NPROC": 0, "RLIMIT_FSIZE": 0}
    for name, most in {**limits, "RLIMIT_CORE": 0}.items():
        with suppress(ValueError, OSError, AttributeError):  # not every system knows every limit
            resource.setrlimit(getattr(resource, name), (most, most))


def allow(seconds: int) -> None:
    """So much more of the processor; then the system ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        spent = int(used.ru_utime + used.ru_stime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, most))


def say(content: Mapping[str, Any]) -> None:
    left = memoryview(json.dumps(content).encode() + b"\n")
    while left:
        left = left[os.write(1, left) :]


def serve(memory: int) -> None:
    kitchen = Kitchen()
    warm(kitchen)
    lines = iter(sys.stdin.buffer.readline, b"")
    confine(memory)
    say({"ready": True})
    for line in lines:
        asked = json.loads(line)
        allow(asked["seconds"])
        say(kitchen.answer(asked))


if __name__ == "__main__":
    serve(int(sys.argv[1]))

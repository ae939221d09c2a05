"""The process in which a user's reward function runs: a JSON line in, a number out.

Run as a script by `programs`, never imported. What the function prints goes to stderr, so
that it cannot pass for a number.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def function_of(file: str, name: str) -> Callable[[dict[str, Any]], Any]:
    path = Path(file)
    if not path.is_file():
        raise SystemExit(f"there is no file {file}")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise SystemExit(f"{file} has no function {name}")
    made: Callable[[dict[str, Any]], Any] = found
    return made


def main(file: str, name: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    function = function_of(file, name)

    def say(text: str) -> None:
        answers.write(text.replace("\n", " ")[:1000] + "\n")
        answers.flush()

    say("ready")
    for line in sys.stdin:
        try:
            found = function(json.loads(line))
            say(found if isinstance(found, str) else repr(float(found)))
        except (TypeError, ValueError) as error:
            say(f"fault it raised or gave no number: {type(error).__name__}: {error}")
        except Exception as error:
            say(f"fault it raised {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""What a command is given: data from a path or from stdin, a medium or a recipe file, a name.

Data from stdin is kept in the home folder, so that a training of it can be resumed and its model
be compared with what it learnt from.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.errors import DataError, RecipeError, UsageError

if TYPE_CHECKING:
    from genloom.recipe import Recipe

# What `-` becomes before flags are parsed, which would take it for one.
STDIN = "/dev/stdin"
_MAGIC = ((b"PK\x03\x04", ".zip"), (b"PAR1", ".parquet"))
_GZIP = b"\x1f\x8b"


def readable(tokens: Sequence[str]) -> list[str]:
    """A command line in which stdin has a name."""
    return [STDIN if token == "-" else token for token in tokens]


def as_given(text: str) -> str:
    """The inverse, for what was a dash and no file."""
    return "-" if text == STDIN else text


def medium_of(text: str) -> str | Recipe:
    """The name of a preset, or the recipe in a JSON file."""
    if not text.endswith(".json"):
        return text
    from genloom.recipe import Recipe

    try:
        return Recipe.from_json(json.loads(Path(text).read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"{text}: {error.strerror}: give a medium or a recipe file") from error
    except ValueError as error:
        raise RecipeError(f"{text} is not JSON ({error}): give a recipe file") from error


def data_at(text: str, medium: str | Recipe, home: Path) -> Path:
    """The path of the data; what comes from stdin is written to a file first."""
    if text == STDIN:
        return _kept(medium, home)
    path = Path(text).expanduser()
    return path.resolve() if path.exists() else path


def name_for(text: str, medium: str | Recipe) -> str:
    """A model's name from its data and medium: "customers-table"."""
    kind = medium if isinstance(medium, str) else medium.name
    if text == STDIN:
        return f"stdin-{kind}"
    whole = Path(text).expanduser().resolve()
    stem = whole.name if whole.is_dir() else whole.name.partition(".")[0]
    return f"{stem.lstrip('.') or 'data'}-{kind}"


def prompt_from(text: str | None) -> str | None:
    """A prompt as given, or all of stdin without its last line end."""
    if text != STDIN:
        return text
    given = _stdin().decode("utf-8", "replace")
    return given.removesuffix("\n").removesuffix("\r") or None


def _kept(medium: str | Recipe, home: Path) -> Path:
    content = _stdin()
    if not content.strip():
        raise DataError("nothing came from stdin: pipe data in, or give a path instead of -")
    digest = hashlib.sha256(content).hexdigest()[:12]
    path = home / "data" / f"stdin-{digest}{_suffix(content, medium)}"
    if not path.is_file():
        from genloom.codec.saving import write_atomic

        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    return path


def _suffix(content: bytes, medium: str | Recipe) -> str:
    """By the first bytes, else the suffix that the medium's codec writes."""
    for magic, suffix in _MAGIC:
        if content.startswith(magic):
            return suffix
    own = _codec(medium).suffix
    return f"{own}.gz" if content.startswith(_GZIP) else own


def _codec(medium: str | Recipe) -> Any:
    if not isinstance(medium, str):
        return medium.make_codec()
    from genloom import registry
    from genloom.recipe import Facts

    facts = Facts(items=1000, units=10**6, captions=None, side=32)
    return registry.find("recipe", medium)("tiny", facts).make_codec()


def _stdin() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("- reads stdin, but nothing is piped in: use  cat FILE | genloom ... -")
    return sys.stdin.buffer.read()

"""`genloom export`: a model in a form that other libraries read.

Words around `genloom.api.export`; knows where files go, not what is in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.ending import warn
from genloom.errors import UsageError


def export(
    model: str,
    /,
    *,
    to: Literal["hf", "gguf", "peft"],
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    type: Literal["f16", "bf16", "f32", "q8_0"] | None = None,
    json: bool = False,
) -> None:
    """Write a language model for other libraries.

    hf is the Hugging Face layout, a folder that transformers, vLLM and others read. gguf is one
    file for llama.cpp and what builds on it. An adapter is worked into the weights for these; peft
    is the adapter alone, a folder that PEFT, vLLM and others read.

    Parameters
    ----------
    model
        Name or path of a model.
    to
        hf, gguf or peft.
    out
        Folder or file; beside the current folder, under the model's name, unless given.
    type
        How weights are stored; hf: as they are unless given; gguf: f16 unless given.
    json
        Print JSON.
    """
    from genloom import api

    settings.store()
    target = Path(out).expanduser() if out else _usual(model, to, type)
    notes = api.export(model, target, to=to, type=type)
    for note in notes:
        warn(note)
    files = [target] if target.is_file() else sorted(p for p in target.rglob("*") if p.is_file())
    if json:
        told = [{"path": str(p), "bytes": p.stat().st_size} for p in files]
        output.values({"path": str(target), "files": told, "notes": list(notes)})
        return
    output.text(str(target))


def _usual(model: str, to: str, type: str | None) -> Path:
    """A name that is free, in the current folder."""
    name = Path(model).name
    path = Path(f"{name}-{type or 'f16'}.gguf") if to == "gguf" else Path(f"{name}-{to}")
    if path.exists():
        raise UsageError(f"{path} is there already: name another place with -o, or remove it")
    return path

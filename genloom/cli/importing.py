"""`genloom import`: a published model becomes one of the user's.

Words around `genloom.api.import_weights`; knows progress, not how models are read.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Annotated, Any, Self

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.ending import warn

QUIET_SECONDS = 10.0  # between two plain lines


def bring(
    source: str,
    /,
    *,
    name: Annotated[str | None, Parameter(name=["--name", "--out"])] = None,
    revision: str | None = None,
    token: str | None = None,
    base: str | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Take in a published model: its weights, its tokenizer, its chat template.

    Needs no network where the source is a folder or a file. HF_HOME, HF_TOKEN, HF_ENDPOINT and
    HF_HUB_OFFLINE are honoured; what was fetched before a line broke is kept.

    Parameters
    ----------
    source
        A folder in the Hugging Face layout or of a diffusion pipeline, a GGUF file, org/name on a
        hub, or org/name:file.gguf.
    name
        Name or path of the model; the source's own name unless given.
    revision
        A branch, tag or commit of the hub's repository.
    token
        What the hub knows you by, for gated and private models; better in HF_TOKEN.
    base
        The model of yours that the source, a folder in the PEFT layout, is an adapter for.
    json
        Print JSON.
    quiet
        No progress.
    """
    from genloom import api

    settings.store()
    begun = time.monotonic()
    with Bars(quiet) as bars:
        model = api.import_weights(
            source, name=name, revision=revision, token=token, base=base, progress=bars.hear
        )
    notes = model.card.get("notes", [])
    for note in notes:
        warn(note)
    assert model.folder is not None
    told = {
        "model": settings.store().told(model.folder),
        "path": str(model.folder),
        "architecture": model.card.get("pipeline")
        or model.card.get("config", {}).get("model_type", "our own"),
        "weights": model.parameters,
        "type": str(next(model.nets.parameters()).dtype).removeprefix("torch."),
        "context": getattr(model.codec.spec, "length", None),
        "chat": _chats(model),
        "source": model.card["source"],
        "seconds": round(time.monotonic() - begun, 2),
    }
    if json:
        output.values({**told, "notes": notes})
        return
    came: dict[str, Any] = told.pop("source")
    told["licence"] = came.get("licence") or "not said"
    told["source"] = next(
        (came[k] for k in ("hub", "folder", "file", "adapter") if came.get(k)), None
    )
    told["revision"] = came.get("revision")
    output.pairs(told)


def _chats(model: Any) -> bool:
    policy = getattr(getattr(model.codec, "pairs", None), "policy", None)
    return policy is not None and policy.template is not None


class Bars:
    """A bar a stage on a terminal; a line now and then elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.drawn = quiet, sys.stderr.isatty() and not quiet
        self.said = time.monotonic()
        self._tasks: dict[str, Any] = {}
        self._shown: Any = None

    def __enter__(self) -> Self:
        if self.drawn:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            self._shown = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._shown.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown is not None:
            self._shown.stop()

    def hear(self, stage: str, done: int, of: int) -> None:
        """So many bytes of so many."""
        if self._shown is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._shown.add_task(stage, total=of)
            self._shown.update(self._tasks[stage], completed=done, total=of)
        elif not self.quiet and time.monotonic() - self.said > QUIET_SECONDS:
            self.said = time.monotonic()
            print(f"{stage}: {output.size(done)} of {output.size(of)}", file=sys.stderr, flush=True)

"""Small models on disk, calls on them, and engines that share the nursery of a session of tests.

Knows no HTTP. Everything is real: models in processes, killed by signals where a test says so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from toys import recipe, shaken

from genloom.recipe import Part
from genloom.server.call import Call, Event
from genloom.server.engines.limits import EngineLimits
from genloom.server.engines.nursery import Nursery
from genloom.server.engines.supervisor import Supervisor
from genloom.server.failure import Failure

LENGTH = 1024


def write_model(folder: Path, seed: int = 0) -> str:
    """An untrained model of texts: each seed writes others."""
    part = Part("text", {"vocab": "bytes", "length": LENGTH})
    made = recipe(part, Part("autoregressive"), {"net": "transformer"})
    shaken(made, folder.parent / f"{folder.name}-run", seed).save(folder)
    return str(folder)


def copied(model: str, folder: Path) -> str:
    """Beside it first, then in its place, as a person would who is careful."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.copytree(model, new)
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.old"))
    new.rename(folder)
    shutil.rmtree(folder.with_name(f"{folder.name}.old"), ignore_errors=True)
    return str(folder)


def damaged(model: str, folder: Path) -> str:
    """A copy with one bit of its weights turned."""
    copied(model, folder)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    return str(folder)


@asynccontextmanager
async def at_work(
    nursery: Nursery, *models: str, preload: tuple[str, ...] = (), **limits: Any
) -> AsyncIterator[Supervisor]:
    engines = Supervisor(models, EngineLimits(**limits), preload, nursery)
    engines.open()
    try:
        yield engines
    finally:
        await engines.close()


def call(model: str, seed: int = 0, tokens: int = 8, **more: Any) -> Call:
    given = {"prompt": "the ", "seed": seed, "count": more.pop("count", 1)}
    given["options"] = {"max_tokens": tokens, "ignore_eos": True}
    return Call(model=model, task="complete", given=given, **{"owner": "ann", **more})


async def text(engines: Supervisor, asked: Call, events: list[Event] | None = None) -> str:
    """What a call makes; a Failure is raised."""
    made = ""
    async for event in engines.run(asked):
        if events is not None:
            events.append(event)
        made += event.values.get("text", "")
    return made


async def outcome(engines: Supervisor, asked: Call) -> str:
    """The text, or the code of the failure in angle brackets."""
    try:
        return await text(engines, asked)
    except Failure as failure:
        return f"<{failure.code}>"


def pid(engines: Supervisor, model: str) -> int:
    host = engines.residents[model].hosts.current
    assert host is not None
    return host.born.pid


def kill(engines: Supervisor, model: str, by: signal.Signals = signal.SIGKILL) -> int:
    number = pid(engines, model)
    os.kill(number, by)
    return number


async def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look again and again: a busy machine may take its time."""
    end = asyncio.get_running_loop().time() + seconds
    while not what():
        assert asyncio.get_running_loop().time() < end, "it did not come about in time"
        await asyncio.sleep(0.005)


def host_stats(engines: Supervisor, model: str) -> dict[str, Any]:
    return dict(next(one.host for one in engines.stats().models if one.model == model))

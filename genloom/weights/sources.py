"""What a user names -> the published model behind it: a folder, a GGUF file, a hub's id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genloom.errors import ModelError, UsageError
from genloom.weights import gguf, hub, images
from genloom.weights.image_folder import is_pipeline
from genloom.weights.images import FoundPipeline
from genloom.weights.importing import Found
from genloom.weights.published import from_folder

Progress = Callable[[int, int], None]  # bytes done, of


def find(
    source: str | Path,
    *,
    revision: str | None = None,
    token: str | None = None,
    progress: Progress = lambda done, of: None,
) -> Found | FoundPipeline:
    """The model, its weights still unread. What lies on this machine comes before a hub's id."""
    path = Path(source).expanduser()
    if is_pipeline(path):
        return images.from_folder(path, path.resolve().name)
    if path.is_dir():
        return from_folder(path, path.resolve().name)
    if path.is_file():
        return _of_file(path)
    place = hub.place_of(str(source))
    if place is None:
        raise UsageError(
            f"{str(source)!r} is no folder or GGUF file here, and no id on a hub: give a path, "
            "org/name or org/name:file.gguf"
        )
    pulled = hub.pull(replace(place, revision=revision, token=token), progress)
    card = {"hub": place.repo, "revision": pulled.commit}
    if place.file:
        return gguf.from_file(pulled.path, Path(place.file).stem, card)
    if is_pipeline(pulled.path):
        return images.from_folder(pulled.path, place.repo.split("/")[1], card, shared=True)
    return from_folder(pulled.path, place.repo.split("/")[1], card)


def _of_file(path: Path) -> Found:
    if path.suffix == ".gguf" or gguf.is_one(path):
        return gguf.from_file(path, path.stem)
    raise ModelError(
        f"{path} is no GGUF file: give one, or the folder that holds config.json and safetensors"
    )

"""A published pipeline in a folder: what it says it is, whether it may be opened, what is read.

Everything is refused before it is opened that could run code, is not in the tables of
image_kinds.py or is missing; weights are safetensors. Knows JSON and names of files; loads nothing.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from genloom import tensor_files
from genloom.errors import ModelError, ResourceError
from genloom.tensor_files import TensorFiles
from genloom.weights.image_kinds import KINDS, LIBRARIES, WEIGHTED, Kind, kind_of
from genloom.weights.published import PICKLED, digest
from genloom.weights.published_tokenizer import json_of

INDEX = "model_index.json"
PICKLES = (*PICKLED, ".pickle", ".npy", ".joblib", ".dill")
CODE = (".py", ".pyc", ".so", ".dll", ".ipynb")
READ = (".json", ".txt", ".model")  # besides weights: configurations and vocabularies
STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
VARIANTS = ("", "fp16", "bf16")  # in this order: the plain one first
FOREIGN = ("auto_map", "custom_pipeline", "trust_remote_code", "custom_pipelines")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_FILE = re.compile(
    r"(?P<stem>\w+)(\.(?P<variant>fp16|bf16))?(-\d{5}-of-\d{5})?\.safetensors"
    r"|(?P<index>\w+)\.safetensors\.index(\.(?P<other>fp16|bf16))?\.json"
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a pipeline: its class, its own folder, and the variant of its weights."""

    name: str
    of: str
    folder: Path
    variant: str = ""

    @property
    def weights(self) -> list[Path]:
        """Its files of weights, of the one variant that is read."""
        names = [p.name for p in sorted(self.folder.iterdir())]
        kept = [n for n in chosen_weights(names)[0] if n.endswith(".safetensors")]
        return [self.folder / name for name in kept]

    def tensors(self) -> TensorFiles:
        """Its weights, their headers checked. ModelError where one is damaged."""
        entries: dict[str, tensor_files.Entry] = {}
        for file in self.weights:
            entries |= tensor_files.header(file)
        return TensorFiles(entries)


@dataclass(frozen=True, kw_only=True)
class PipelineFolder:
    """A pipeline that may be opened. plain: what model_index.json says besides the parts."""

    path: Path
    name: str
    kind: Kind
    parts: Mapping[str, Part]
    absent: tuple[str, ...]
    plain: Mapping[str, Any]

    def files(self) -> list[Path]:
        """Every file that is read, and the model card."""
        found = [self.path / INDEX]
        for part in self.parts.values():
            small = [p for p in sorted(part.folder.iterdir()) if p.suffix in READ]
            other = [p for p in small if _FILE.fullmatch(p.name) is None]
            own = [p for p in small if p not in other and _variant(p.name) == part.variant]
            found += [*other, *own, *(part.weights if part.of in WEIGHTED else ())]
        return [*found, *(p for p in (self.path / "README.md",) if p.is_file())]

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file that is read, by its path within the folder."""
        return {p.relative_to(self.path).as_posix(): digest(p) for p in self.files()}


def is_pipeline(folder: Path) -> bool:
    return (folder / INDEX).is_file()


def examine(folder: Path) -> PipelineFolder:
    """The pipeline in a folder. ModelError names what is unsafe, not known, missing or damaged."""
    told = json_of(folder / INDEX)
    kind = kind_of(told.get("_class_name"), folder)
    _refuse_code(folder)
    _refuse_words(told, folder / INDEX)
    parts, absent, plain = {}, [], {}
    for name, value in told.items():
        if name.startswith("_"):
            continue
        if not isinstance(value, list):
            plain[name] = value
        elif len(value) != 2 or value[1] is None:
            absent.append(name)
        else:
            parts[name] = _part(folder, name, *value)
    found = PipelineFolder(
        path=folder,
        name=str(told["_class_name"]),
        kind=kind,
        parts=parts,
        absent=tuple(absent),
        plain={k: v for k, v in plain.items() if isinstance(v, bool | int | float | str | None)},
    )
    for part in parts.values():
        if part.of in WEIGHTED:
            part.tensors()
    return found


def _refuse_code(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in CODE:
            raise ModelError(
                f"{folder} has code of its own, {path.relative_to(folder)}: it is not run; only "
                f"pipelines of these kinds are read without it: {', '.join(KINDS)}"
            )


def _refuse_words(told: Mapping[str, Any], path: Path) -> None:
    for word in FOREIGN:
        if told.get(word):
            raise ModelError(f"{path} asks for code of its own ({word}): it is not run")
    if told.get("quantization_config"):
        raise ModelError(
            f"{path} says that the weights are packed: import the pipeline's plain safetensors"
        )


def _part(folder: Path, name: str, library: Any, of: Any) -> Part:
    if not _WORD.fullmatch(name):
        raise ModelError(f"{folder / INDEX} names the part {name!r}, which is no folder's name")
    known = LIBRARIES.get(library) if isinstance(library, str) else None
    if known is None or of not in known:
        kinds = ", ".join(sorted(known)) if known else ", ".join(LIBRARIES)
        raise ModelError(
            f"{folder / INDEX} asks for {library}.{of} as its {name}, which is not known: known "
            f"are {kinds}"
        )
    place = folder / name
    if not place.is_dir():
        raise ModelError(f"{folder} lacks the part {name} ({of}): fetch it again")
    for config in sorted(place.glob("*config.json")):
        _refuse_words(json_of(config), config)
    if of not in WEIGHTED:
        return Part(name=name, of=of, folder=place)
    weights, variant = chosen_weights([p.name for p in sorted(place.iterdir())])
    if not weights:
        unsafe = sorted(p.name for p in place.iterdir() if p.suffix in PICKLES)
        why = (
            f"only as {unsafe[0]}, a format that can run code: it is not read"
            if unsafe
            else "nowhere: safetensors are expected"
        )
        raise ModelError(f"{place} has the weights of the {name} {why}")
    return Part(name=name, of=of, folder=place, variant=variant)


def chosen_weights(names: Iterable[str]) -> tuple[list[str], str]:
    """Of a part's files, those of one variant of its weights, and which variant that is."""
    found = [(name, match) for name in names if (match := _FILE.fullmatch(name))]
    for stem in STEMS:
        for variant in VARIANTS:
            mine = [
                name
                for name, match in found
                if (match["stem"] or match["index"]) == stem and _variant(name) == variant
            ]
            if any(name.endswith(".safetensors") for name in mine):
                return _whole(mine), variant
    return [], ""


def _variant(name: str) -> str:
    match = _FILE.fullmatch(name)
    return "" if match is None else match["variant"] or match["other"] or ""


def _whole(names: list[str]) -> list[str]:
    """One file where there is one; else the shards and their index."""
    single = [n for n in names if n.endswith(".safetensors") and "-of-" not in n]
    return single or names


# --- a hub's list of files ------------------------------------------------------------------------


def chosen(listed: Sequence[str], repo: str) -> list[str]:
    """The files of a pipeline's repository that are read. ModelError where a part has its weights
    in a format alone that can run code."""
    by_part: dict[str, list[str]] = {}
    for name in listed:
        path = PurePosixPath(name)
        if len(path.parts) == 2:
            by_part.setdefault(path.parts[0], []).append(path.name)
    out = [name for name in (INDEX, "README.md") if name in listed]
    for part, names in by_part.items():
        weights, _ = chosen_weights(names)
        pickles = [n for n in names if n.endswith(PICKLES)]
        if pickles and not weights and "config.json" in names:
            raise ModelError(
                f"{repo} has the weights of its {part} only as {pickles[0]}, a format that can run "
                "code: nothing was fetched; look for safetensors of the same model"
            )
        plain = [n for n in names if n.endswith(READ) and _FILE.fullmatch(n) is None]
        out += [f"{part}/{name}" for name in (*plain, *weights)]
    return out


# --- a copy of ours -------------------------------------------------------------------------------


def copy(found: PipelineFolder, target: Path, shared: bool, progress: Progress) -> None:
    """The files that are read into a folder of ours. shared: they never change where they lie (a
    hub's cache), so that one place on the disk does for both where the disk can. ResourceError
    before anything is copied that will not fit."""
    files = found.files()
    total = sum(p.stat().st_size for p in files)
    base = next(p for p in target.absolute().parents if p.is_dir())
    free = shutil.disk_usage(base).free
    if not shared and total > free:
        raise ResourceError(
            f"{found.path.name} needs {total:,} bytes in {base}, where {free:,} are free: make room"
        )
    done = 0
    for file in files:
        place = target / file.relative_to(found.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not (shared and _linked(file.resolve(), place)):
            shutil.copyfile(file, place)
        done += place.stat().st_size
        progress(done, total)


Progress = Callable[[int, int], None]  # bytes done, of


def _linked(file: Path, place: Path) -> bool:
    try:
        os.link(file, place)
    except OSError:
        return False
    return True

"""Models on a hub that speaks the Hugging Face protocol: found, fetched, resumed, checked.

The library reads HF_HOME, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE and keeps what it fetched in its
cache. What this file adds: nothing is fetched that could run code, every file is held against the
hash under which the hub lists it, and every failure is a sentence. Knows no config and no tensors.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.errors import GenloomError, ModelError, ResourceError
from genloom.weights import image_folder
from genloom.weights.fetching import Wanted, fetch

Progress = Callable[[int, int], None]  # bytes done, of

SMALL = (
    *("config.json", "generation_config.json", "special_tokens_map.json", "tokenizer*.json"),
    *("*.jinja", "additional_chat_templates/*.jinja", "tokenizer.model", "README.md"),
)
WEIGHTS = ("model*.safetensors", "model.safetensors.index.json")
LOOSE = "*.safetensors"
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
_CHUNK = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Place:
    """repo: "org/name". file: one GGUF file of it, None for the whole. revision: a branch, tag or
    commit. endpoint, cache: None for the library's own, which its environment variables decide."""

    repo: str
    file: str | None = None
    revision: str | None = None
    token: str | None = None
    endpoint: str | None = None
    cache: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """path: a folder, or the one file. commit: which the files are of."""

    path: Path
    commit: str


def place_of(source: str) -> Place | None:
    """The place that "org/name" or "org/name:file.gguf" names; None for anything else."""
    repo, sign, file = source.partition(":")
    if not _ID.fullmatch(repo) or (sign and not file.endswith(".gguf")):
        return None
    return Place(repo=repo, file=file or None)


def pull(place: Place, progress: Progress = lambda done, of: None) -> Pulled:
    """The files in the library's cache, fetched where they are not there yet, and checked."""
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # what goes wrong is said once, by us
    with _told(place):
        folder = _fetched(place, progress)
    path = folder / place.file if place.file else folder
    if not path.exists():
        raise ModelError(f"{place.repo} has no file {place.file!r} at that revision")
    _verify(place, [path] if place.file else sorted(folder.rglob("*")))
    return Pulled(path=path, commit=folder.name)


def _fetched(place: Place, progress: Progress) -> Path:
    from huggingface_hub import HfApi, constants, snapshot_download

    common: dict[str, Any] = {
        "repo_id": place.repo,
        "revision": place.revision,
        "token": place.token,
        "endpoint": place.endpoint,
        "cache_dir": None if place.cache is None else str(place.cache),
    }
    if constants.is_offline_mode():
        names = [place.file] if place.file else [*SMALL, *WEIGHTS]
        return Path(snapshot_download(**common, allow_patterns=names, local_files_only=True))
    api = HfApi(endpoint=place.endpoint, token=place.token)
    info = api.model_info(place.repo, revision=place.revision, files_metadata=True)
    listed = {each.rfilename: each for each in info.siblings or ()}
    names = chosen(place, list(listed))
    sizes = {name: listed[name].size or 0 for name in names}
    cache = Path(place.cache or constants.HF_HUB_CACHE).expanduser()
    blobs = cache / f"models--{place.repo.replace('/', '--')}" / "blobs"
    _make_sure_of_room(place, blobs, sum(sizes.values()))
    total = Total(sum(sizes.values()), progress)
    for name in names:
        lfs = listed[name].lfs
        if lfs is not None:
            fetch(_wanted(place, name, info.sha, sizes[name], lfs.sha256), blobs, total.came)
    folder = snapshot_download(**common, allow_patterns=names, tqdm_class=_bar(total))
    progress(total.of, total.of)
    return Path(folder)


def _wanted(place: Place, name: str, commit: str | None, size: int, sha256: str) -> Wanted:
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(place.repo, name, revision=commit, endpoint=place.endpoint)
    return Wanted(
        name=f"{name} of {place.repo}",
        url=url,
        size=size,
        sha256=sha256,
        token=place.token,
        endpoint=place.endpoint,
    )


class Total:
    """Bytes that came, of all."""

    def __init__(self, of: int, progress: Progress) -> None:
        self.done, self.of, self.progress = 0, of, progress

    def came(self, count: int) -> None:
        self.done = max(0, min(self.of, self.done + count))
        self.progress(self.done, self.of)


def chosen(place: Place, listed: Sequence[str]) -> list[str]:
    """The files to fetch. ModelError where there are none that are safe."""
    if place.file:
        if place.file not in listed:
            raise ModelError(f"{place.repo} has no file {place.file!r}: {_some(listed, '*.gguf')}")
        return [place.file]
    if image_folder.INDEX in listed:
        return image_folder.chosen(listed, place.repo)
    weights = _matching(listed, WEIGHTS) or _matching(listed, [LOOSE])
    if weights:
        return [*_matching(listed, SMALL), *weights]
    if _matching(listed, ["*.gguf"]):
        told = _some(listed, "*.gguf")
        raise ModelError(f"{place.repo} holds GGUF files: name one after a colon; {told}")
    unsafe = _matching(listed, PICKLED)
    if unsafe:
        raise ModelError(
            f"{place.repo} has its weights only as {unsafe[0]}, a format that can run code: "
            "nothing was fetched; look for safetensors of the same model, or convert it where that "
            "is safe"
        )
    raise ModelError(f"{place.repo} has no weights in safetensors: is it a model?")


def _matching(listed: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Of the top folder, unless the pattern itself names another."""
    return [
        name
        for name in listed
        if any(name.count("/") == p.count("/") and fnmatch.fnmatch(name, p) for p in patterns)
    ]


def _some(listed: Sequence[str], pattern: str) -> str:
    found = [name for name in listed if fnmatch.fnmatch(name, pattern)]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"it has {', '.join(found[:5])}{more}" if found else "it has no such files"


def _make_sure_of_room(place: Place, blobs: Path, size: int) -> None:
    """ResourceError before anything is fetched that will not fit."""
    there = sum(p.stat().st_size for p in blobs.iterdir()) if blobs.is_dir() else 0
    base = next(p for p in blobs.absolute().parents if p.is_dir())
    free, needed = shutil.disk_usage(base).free, size - there
    if needed > free:
        raise ResourceError(
            f"{place.repo} needs {needed:,} more bytes in {base}, where {free:,} are free: make "
            "room, or set HF_HOME to another disk"
        )


def _bar(total: Total) -> Any:
    """What the library draws its progress with: tells ours instead of drawing."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.counts = str(kwargs.get("desc", "")).startswith("Downloading")
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            if self.counts:
                total.came(int(n or 0))

    return Bar


# --- what was fetched is what the hub lists -------------------------------------------------------


def _verify(place: Place, paths: Sequence[Path]) -> None:
    """Hold each file against the hash that its place in the cache is named by; a wrong one is
    removed, so that the next try fetches it again."""
    for path in paths:
        blob = path.resolve()
        wanted = blob.name
        named = path.is_symlink() and path.is_file() and re.fullmatch("[0-9a-f]+", wanted)
        if not named:
            continue
        if len(wanted) in (40, 64) and _hash(blob, len(wanted)) != wanted:
            blob.unlink()
            path.unlink(missing_ok=True)
            raise ModelError(
                f"{path.name} of {place.repo} does not match the hash under which the hub lists "
                "it: it was removed; run the command again to fetch it anew"
            )


def _hash(path: Path, letters: int) -> str:
    """SHA-256 of large files; of small ones the hash by which git names them."""
    found = hashlib.sha256()
    if letters == 40:
        found = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


# --- what can go wrong ----------------------------------------------------------------------------


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """The library's errors as ours, in one sentence each."""
    try:
        yield
    except GenloomError:
        raise
    except Exception as error:
        raise _as_ours(place, error) from None


def _as_ours(place: Place, error: Exception) -> Exception:
    from huggingface_hub import constants, errors

    repo, where = place.repo, place.endpoint or constants.ENDPOINT
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{repo} is gated: ask for access at {where}/{repo}, then give your token with "
            "--token, HF_TOKEN or  hf auth login"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(f"{repo} has no revision {place.revision!r}: leave --revision out")
    if status in (401, 403):
        return ModelError(
            f"{where} refuses {repo} ({status}): it does not exist, is private, or the token may "
            "not read it; give one that may with --token or HF_TOKEN"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelError(f"there is no model {repo!r} at {where}: check its name")
    if isinstance(error, errors.OfflineModeIsEnabled) or (
        isinstance(error, errors.LocalEntryNotFoundError) and constants.is_offline_mode()
    ):
        return ModelError(
            f"{repo} is not wholly in the cache, and HF_HUB_OFFLINE forbids to fetch it: unset it, "
            "or name a local folder"
        )
    if status is not None:
        return ModelError(f"{where} answered {status} for {repo}: try again later")
    if isinstance(error, errors.HFValidationError):
        return ModelError(f"{repo!r} is no name of a model: org/name is expected")
    return _of_the_line(place, where, error)


def _of_the_line(place: Place, where: str, error: Exception) -> Exception:
    words = (str(error).splitlines() or [type(error).__name__])[0]
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
        return ResourceError(
            f"{place.repo} could not be kept ({words}): make room, or set HF_HOME to another disk"
        )
    if "onsistency check" in words:
        return ModelError(
            f"a file of {place.repo} has another size than the hub lists: run the command again"
        )
    kept = "what came so far is kept: run the command again to go on"
    return ModelError(f"the line to {where} broke while fetching {place.repo} ({words}); {kept}")

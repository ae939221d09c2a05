"""The parts of a pipeline, loaded: nets from safetensors alone, tokenizers, schedules.

Nets of the diffusers library are built empty and filled from the files' own pages, every name and
shape checked; encoders are loaded by transformers. Nothing is fetched, no remote code. Knows the
two libraries' ways to load; no sampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from genloom.errors import GenloomError, MissingExtra, ModelError
from genloom.net.unfilled import Unfilled
from genloom.tensor_files import TensorFiles
from genloom.weights.image_folder import Part, PipelineFolder
from genloom.weights.image_kinds import CHECKERS, ENCODERS, NETS, SCHEDULERS, class_of
from genloom.weights.image_memory import Saving
from genloom.weights.image_streaming import stream

LOCAL = {"local_files_only": True}
FORMER = "Transformer2DModel"  # what the transformer of PixArt's kind was called before


def parts_of(
    found: PipelineFolder, saving: Saving, device: torch.device, stored: bool = False
) -> dict[str, Any]:
    """Every part by its name, the absent ones as None. stored: weights in the type that they are
    stored in. ModelError names the part that does not load, and why."""
    quiet()
    dtype = None if stored else saving.dtype
    made: dict[str, Any] = dict.fromkeys(found.absent)
    for name, part in found.parts.items():
        try:
            made[name] = _loaded(part, dtype)
        except (GenloomError, MemoryError):
            raise
        except ImportError as error:
            raise MissingExtra(error.name or str(error).splitlines()[0], "diffusers") from None
        except Exception as error:  # a library's loader raises anything
            raise ModelError(
                f"the part {name} ({part.of}) of {found.path} does not load "
                f"({type(error).__name__}: {_line(error)}): fetch it again"
            ) from error
        if isinstance(made[name], nn.Module):
            made[name].eval().requires_grad_(False)
            stream(made[name], device) if saving.streamed else made[name].to(device)
    return made


def quiet() -> None:
    """What the libraries would print is told by errors of ours or by nobody."""
    try:
        from diffusers.utils import logging as ours
        from transformers.utils import logging as theirs
    except ImportError as error:
        raise MissingExtra(error.name or "diffusers", "diffusers") from None
    for one in (ours, theirs):
        one.set_verbosity_error()
        one.disable_progress_bar()


def _loaded(part: Part, dtype: torch.dtype | None) -> Any:
    cls = class_of(part.of)
    if part.of in NETS:
        return _filled(cls, part, dtype)
    if part.of in ENCODERS | CHECKERS:
        return _encoder(cls, part, dtype)
    if part.of in SCHEDULERS:
        return cls.from_config(cls.load_config(part.folder, **LOCAL))
    return cls.from_pretrained(part.folder, **LOCAL)


def _filled(cls: Any, part: Part, dtype: torch.dtype | None) -> nn.Module:
    """A net of the diffusers library. Weights of the type wanted are mapped, not copied."""
    config = cls.load_config(part.folder, **LOCAL)
    told = config.get("_class_name", part.of)
    if told != part.of:
        raise ModelError(f"{part.folder} holds a {told}, not the {part.of} of model_index.json")
    if told == FORMER and config.get("norm_type") == "ada_norm_single":
        cls = class_of("PixArtTransformer2DModel")
    with Unfilled(), _default(dtype):
        net: Any = cls.from_config(config)
    files = part.tensors()
    given = {name: _tensor(files, name, dtype) for name in files.names}
    net._fix_state_dict_keys_on_load(given)  # names that autoencoders had before 2023
    _compare(part, {n: t.shape for n, t in net.state_dict().items()}, given)
    net.load_state_dict(given, assign=True)
    return net


def _tensor(files: TensorFiles, name: str, dtype: torch.dtype | None) -> Tensor:
    stored = files.dtype(name)
    if dtype in (None, stored) or not stored.is_floating_point:
        return files.mapped(name)
    return files.read(name).to(dtype)


def _compare(part: Part, wanted: dict[str, Any], given: dict[str, Tensor]) -> None:
    """ModelError where weights are too few, too many or of other shapes; by name."""
    for names, what in (
        (sorted(wanted.keys() - given.keys()), "lack"),
        (sorted(given.keys() - wanted.keys()), "have, beyond what its config needs,"),
    ):
        if names:
            raise ModelError(
                f"the weights of the {part.name} {what} {names[0]} ({len(names)} in all): "
                f"{part.folder}/config.json and the weights do not belong together"
            )
    for name, tensor in given.items():
        if tensor.shape != wanted[name]:
            raise ModelError(
                f"{name} of the {part.name} has shape {list(tensor.shape)}, but "
                f"{part.folder}/config.json says {list(wanted[name])}"
            )


def _encoder(cls: Any, part: Part, dtype: torch.dtype | None) -> nn.Module:
    """A net of transformers' kind. ModelError where it would begin with numbers of its own."""
    net, told = cls.from_pretrained(
        part.folder,
        **LOCAL,
        use_safetensors=True,
        variant=part.variant or None,
        dtype=dtype or "auto",
        output_loading_info=True,
    )
    for key in ("missing_keys", "mismatched_keys"):
        wrong = sorted(map(str, told.get(key) or ()))
        if wrong:
            raise ModelError(
                f"the weights of the {part.name} do not fit its config ({key}: {wrong[0]}): fetch "
                f"{part.folder} again"
            )
    return net


@contextmanager
def _default(dtype: torch.dtype | None) -> Iterator[None]:
    """Tables that a net computes for itself are of its weights' type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype or before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]

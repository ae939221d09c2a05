"""A published pipeline as the net of the family `pipeline`.

A pipeline's own call makes the picture, on a thread that takes turns with the engine (turns.py):
its schedule stops after every step (image_steps.py). So no kind's loop is written anew, with or
without callbacks; what comes out is what the library makes, and steps, previews and cancellation
are the house's. Each picture has a schedule and a generator of its own. Knows no folder.
Shape legend: C channels, H rows, W columns; pictures [-1, 1], in the library [0, 1].
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genloom.codec.prompt.verbatim import text_of
from genloom.errors import RequestError
from genloom.family.pipeline import Order
from genloom.spec import ArraySpec
from genloom.weights.image_kinds import REFUSED, Kind, class_of
from genloom.weights.image_memory import Saving
from genloom.weights.image_steps import Seen, preview, watch
from genloom.weights.turns import Baton, Turns

CLIP = 77  # ids that such a tokenizer's net reads


class Guest(nn.Module):
    """The parts of one pipeline, shared by all pictures that are made of it."""

    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    carries: ClassVar[type] = ArraySpec

    def __init__(
        self,
        kind: Kind,
        parts: Mapping[str, Any],
        plain: Mapping[str, Any],
        saving: Saving | None = None,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()
        self.pipeline_kind, self.plain, self.device = kind, dict(plain), device
        self.saving = saving or Saving()
        self.write: Callable[[Any], dict[str, Any]] | None = None  # see images.py
        self.nets = nn.ModuleDict({k: v for k, v in parts.items() if isinstance(v, nn.Module)})
        self.others = {k: v for k, v in parts.items() if not isinstance(v, nn.Module)}
        self.first = self.made(kind.first)
        if self.saving.sliced:
            self.first.enable_attention_slicing()

    def _apply(self, fn: Any, recurse: bool = True) -> Guest:
        """Streamed parts stay where they wait."""
        return self if self.saving.streamed else super()._apply(fn, recurse)

    def made(self, name: str) -> Any:
        """A new pipeline of this class over the same parts, with a schedule of its own."""
        cls = class_of(name)
        if self.saving.streamed:  # the library would go by where the weights wait
            place = {"_execution_device": property(lambda _: self.device)}
            cls = type(name, (cls,), place)
        parts = {**self.others, **dict(self.nets.items())}
        schedule: Any = parts["scheduler"]
        parts["scheduler"] = type(schedule).from_config(schedule.config)
        known = inspect.signature(cls.__init__).parameters
        given = {**self.plain, "add_watermarker": False, **parts}
        pipe = cls(**{key: value for key, value in given.items() if key in known})
        pipe.set_progress_bar_config(disable=True)
        return pipe

    # --- what it is ------------------------------------------------------------------------------

    @property
    def denoiser(self) -> Any:
        return self.nets["unet"] if "unet" in self.nets else self.nets["transformer"]

    @property
    def patch(self) -> int:
        """What sides of pictures are multiples of."""
        inner = self.pipeline_kind.pack or getattr(self.denoiser.config, "patch_size", 1) or 1
        return math.lcm(self.first.vae_scale_factor * inner, self.pipeline_kind.multiple)

    @property
    def usual(self) -> tuple[int, int]:
        """(height, width) that it learnt most."""
        sample = getattr(self.denoiser.config, "sample_size", None) or 128
        height, width = sample if isinstance(sample, list | tuple) else (sample, sample)
        scale = self.first.vae_scale_factor
        height, width = (max(1, side * scale // self.patch) for side in (height, width))
        return height * self.patch, width * self.patch

    @property
    def guided(self) -> bool:
        """Whether guidance changes anything: of FLUX's kind, not where it was distilled away."""
        embedded = self.pipeline_kind.negative == REFUSED
        return not embedded or bool(getattr(self.denoiser.config, "guidance_embeds", True))

    def family(self) -> dict[str, Any]:
        """The knobs of its family: usual steps and guidance, and what it acts on."""
        kind = self.pipeline_kind
        call = inspect.signature(class_of(kind.first).__call__).parameters
        does = ["guidance"] if self.guided else []
        does += ["negative"] if kind.negative != REFUSED else []
        does += ["item", "strength"] if kind.item or kind.mask else []
        does += ["mask", "outpaint"] if kind.mask else []
        return {
            "steps": call["num_inference_steps"].default,
            "guidance": float(call[kind.scale].default) if self.guided else None,
            "does": does,
            "blank": kind.text is not None,
        }

    # --- pictures in the making ------------------------------------------------------------------

    def begin(self, order: Order) -> Picture:
        """Nothing is computed yet. RequestError where the pipeline cannot do it."""
        kind = self.pipeline_kind
        name = kind.text if order.item is None else kind.item if order.fresh is None else kind.mask
        if order.item is not None and name is None:
            name = kind.mask  # all of it made anew
        if name is None:
            raise RequestError("this pipeline begins from a picture: give an item")
        self._check_steps(order)
        for ids in (order.prompt, order.negative):
            self._check_length(text_of(ids) if ids is not None else "")
        return Picture(self, name, order)

    def _check_steps(self, order: Order) -> None:
        most = self.others["scheduler"].config.get("num_train_timesteps", 1000)
        share = 1.0 if order.strength is None else order.strength
        if order.steps > most:
            raise RequestError(f"steps is {order.steps}, but its schedule has {most}: ask for less")
        if int(order.steps * share) < 1:
            raise RequestError(
                f"a strength of {share:g} is less than one of {order.steps} steps: ask for more of "
                "either"
            )

    def _check_length(self, text: str) -> None:
        """RequestError where none of its encoders reads the whole text."""
        call = inspect.signature(class_of(self.pipeline_kind.first).__call__).parameters
        told = call.get("max_sequence_length")
        found = []
        for key, reader in self.others.items():
            if not key.startswith("tokenizer") or reader is None:
                continue
            small = "CLIP" in type(reader).__name__
            most = min(reader.model_max_length, CLIP) if small or told is None else told.default
            found.append((len(reader(text)["input_ids"]), most))
        if found and all(length > most for length, most in found):
            length, most = max(found, key=lambda pair: pair[1])
            raise RequestError(
                f"the prompt has {length:,} tokens, of which this pipeline reads {most}: shorten it"
            )

    def arguments(self, name: str, order: Order) -> dict[str, Any]:
        """What the pipeline's call is given."""
        kind, known = self.pipeline_kind, inspect.signature(class_of(name).__call__).parameters
        given: dict[str, Any] = {
            "prompt": "" if order.prompt is None else text_of(order.prompt),
            "num_inference_steps": order.steps,
            "height": order.grid[0],
            "width": order.grid[1],
            "generator": torch.Generator().manual_seed(order.key),
            "output_type": "pt",
            **kind.fixed,
        }
        if kind.negative != REFUSED:
            given["negative_prompt"] = kind.negative
        if order.negative is not None:
            given["negative_prompt"] = text_of(order.negative)
        if order.guidance is not None:
            given[kind.scale] = order.guidance
        if order.item is not None:
            given["image"] = (order.item[None].float().cpu().clamp(-1, 1) + 1) / 2
            fresh = torch.ones(order.grid) if order.fresh is None else order.fresh
            given["mask_image"] = fresh[None, None].float().cpu()
            if order.strength is not None:
                given["strength"] = order.strength
        return {k: v for k, v in given.items() if k in known and v is not None}

    def tile(self, grid: tuple[int, ...]) -> None:
        """Decode in tiles from now on, or not."""
        vae: Any = self.nets["vae"]
        (vae.enable_tiling if self.saving.tiled(grid) else vae.disable_tiling)()


class Picture:
    """One picture in the making (see family.pipeline.Painting)."""

    def __init__(self, net: Guest, name: str, order: Order) -> None:
        self.net, self.order, self.done = net, order, False
        self.seen = Seen(int(order.steps * (order.strength or 1.0)))
        self.turns = Turns(functools.partial(_made, net, name, order, self.seen))
        self._pixels: Tensor | None = None

    @property
    def taken(self) -> int:
        return self.seen.taken

    @property
    def steps(self) -> int:
        return self.seen.steps

    def step(self) -> None:
        """One denoising step; after the last, decoding."""
        if self.done:
            return
        self.net.tile(self.order.grid)
        self.done = self.turns.step()
        if self.done:
            self._pixels = self._kept(self.turns.result)

    def _kept(self, pixels: Tensor) -> Tensor:
        """What was not to be made anew is the item itself, which an autoencoder only resembles."""
        order = self.order
        if order.item is None or order.fresh is None:
            return pixels
        return torch.where(order.fresh.cpu() > 0.5, pixels, order.item.float().cpu())

    def picture(self) -> Tensor:
        """float [C, H, W]; of an unfinished one what its last step points to, made small."""
        if self._pixels is not None:
            return self._pixels
        if self.seen.latents is None:
            return torch.zeros(3, *self.order.grid)
        return preview(self.net.first, self.seen.latents, self.order.grid)


def _made(net: Guest, name: str, order: Order, seen: Seen, baton: Baton) -> Tensor:
    """On the thread: the pipeline's own call. float [C, H, W]"""
    with torch.inference_mode():
        pipe = net.made(name)
        watch(pipe.scheduler, seen, baton)
        try:
            told = pipe(**net.arguments(name, order))
        except ValueError as error:
            line = (str(error).splitlines() or [""])[0][:200]
            raise RequestError(f"the pipeline {name} cannot do this: {line}") from error
        if any(getattr(told, "nsfw_content_detected", None) or ()):
            raise RequestError(
                "the pipeline's own safety checker blanked the picture: ask for another prompt or "
                "seed"
            )
        return told.images[0].float().cpu() * 2 - 1

"""What a request brings along besides words: an item to begin from, what of it is made anew, what
is told, and the size to make, as tensors; refusals of what a model cannot act on.

Asks the codec for tensors and the nets for the sides they can make; knows no medium.
Shape legend: C channels, K control channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from genloom.errors import RequestError
from genloom.model import Model
from genloom.spec import ArraySpec, Request

Grid = tuple[int, ...]


def given(model: Model, request: Request) -> dict[str, Any]:
    """The fields of `Encoded` that are made from the request's item, mask, control and size."""
    codec: Any = model.codec
    if not isinstance(codec.spec, ArraySpec):
        return {}
    size, usual = request.options.size, codec.spec.grid
    if made_anywhere(model):
        return {name: value.to(model.device) for name, value in _anywhere(codec, request).items()}
    grid: Grid = usual if size is None else _hook(codec, "grid_of", "another size")(size)
    if size is None and request.item is not None and hasattr(codec, "grid_near"):
        grid = codec.grid_near(request.item)
    found: dict[str, Any] = {}
    if isinstance(request.control, Tensor) and size is None:
        grid = codec.spec.grid_of(request.control)  # what is told already
    if request.item is not None:
        found |= _begun(codec, request, grid)
        grid = tuple(found["item"].shape[1:])
    if grid != usual:
        _refuse_grid(model, grid)
        found["grid"] = grid
    if request.control is not None:
        found["control"] = codec.control(request.control, grid)
    elif codec.spec.control and "item" in found:
        found["control"] = codec.control_of(found["item"], found.get("fresh"))
    found |= {"shown": True} if getattr(codec, "keeps", False) and "control" in found else {}
    return {
        name: value.to(model.device) if isinstance(value, Tensor) else value
        for name, value in found.items()
    }


def made_anywhere(model: Model) -> bool:
    """Whether nets make any grid out of what they are told of it."""
    spec: Any = model.codec.spec
    return bool(spec.control) and all(getattr(net, "local", False) for net in _makers(model))


def step_of_sides(model: Model) -> int:
    """What has to divide each side of a grid, 0 where there is one grid alone, in pixels."""
    codec: Any = model.codec
    patches = [getattr(net, "patch", 0) for net in _makers(model)]
    if made_anywhere(model):
        return 1
    return max(patches) * _share(codec) if patches and all(patches) else 0


def _share(codec: Any) -> int:
    """Pixels of one place."""
    usual: Grid = codec.spec.grid
    pictures: Grid = getattr(codec, "pictures", codec).spec.grid
    return pictures[0] // usual[0] if usual else 1


def _anywhere(codec: Any, request: Request) -> dict[str, Tensor]:
    """For nets that make any grid out of what they are told: what is made has the size of the
    picture that is given, unless another is asked for."""
    picture = request.item if request.control is None else request.control
    size = request.options.size
    grid: Grid = codec.grid_told(picture) if size is None else codec.grid_of(size)
    fresh = None if request.mask is None else codec.fresh(request.mask, grid, picture)
    return {"control": codec.control(picture, grid, fresh)}


def _makers(model: Model) -> list[Any]:
    """The nets that make items, not those that judge them."""
    nets: list[Any] = list(model.nets.values())
    return [net for net in nets if "critic" not in net.fills]


def _begun(codec: Any, request: Request, grid: Grid) -> dict[str, Tensor]:
    """item [C, *grid] and, where a part of it is to stay, fresh [*grid]. Without a mask and a
    strength, holes of the item (what is transparent) are what is made anew."""
    item, options, fresh = request.item, request.options, None
    begun = _hook(codec, "begin", "an item to begin from")(item, grid)
    if request.mask is not None:
        fresh = _hook(codec, "fresh", "a mask")(request.mask, grid, item)
    elif options.strength is None and hasattr(codec, "holes"):
        fresh = codec.holes(item, grid)
    if options.outpaint is not None:
        around = _hook(codec, "surround", "room around an item")
        begun, fresh = around(begun, fresh, options.outpaint)
    return {"item": begun} if fresh is None else {"item": begun, "fresh": fresh}


def finishing(model: Model, request: Request) -> Callable[[Any], Any]:
    """How tensors become items. A codec that has its own way with finished ones is asked; where
    pictures are made through an array of fewer places, the part that is to stay is put back from
    the given picture itself, pixel by pixel."""
    codec: Any = model.codec
    if hasattr(codec, "dressed"):
        return lambda x: codec.dressed(codec.decode(x), request.options)
    pictures = getattr(codec, "pictures", None)
    if pictures is None or request.item is None or not isinstance(codec.spec, ArraySpec):
        return codec.decode
    size = request.options.size
    grid = pictures.grid_near(request.item) if size is None else pictures.grid_of(size)
    begun = _begun(pictures, request, grid)
    if "fresh" not in begun:
        return codec.decode

    def put_back(image: Any) -> Any:
        made = pictures.begin(image, begun["item"].shape[1:])
        return pictures.decode([torch.where(begun["fresh"].bool(), made, begun["item"])])[0]

    return lambda x: [put_back(image) for image in codec.decode(x)]


def _hook(codec: Any, name: str, what: str) -> Any:
    found = getattr(codec, name, None)
    if found is None:
        raise RequestError(f"items of this model ({codec.media}) take no {what}: leave it out")
    return found


def _refuse_grid(model: Model, grid: Grid) -> None:
    """RequestError where the nets cannot make this grid, with the nearest that they can."""
    codec: Any = model.codec
    usual, nets = codec.spec.grid, _makers(model)
    share = _share(codec)
    patches = [net.patch for net in nets if hasattr(net, "patch")]
    if len(patches) < len(nets):
        raise RequestError(
            f"this model makes {_told(usual, share)} and no other size: leave it out", param="size"
        )
    patch, grid, usual = max(patches), grid[-2:], usual[-2:]  # height and width, whatever is before
    if any(side % patch for side in grid):
        near = [sorted({max(1, s // patch) * patch, -(-s // patch) * patch}) for s in grid]
        sides = [" or ".join(str(side * share) for side in pair) for pair in near]
        raise RequestError(
            f"{_told(grid, share)} is no multiple of {patch * share} on every side, as this model "
            f"needs: the nearest are {sides[-1]} wide and {sides[-2]} high",
            param="size",
        )


def _told(grid: Grid, share: int) -> str:
    """Width first, as sizes of pictures are written."""
    return " x ".join(str(side * share) for side in reversed(grid))


def refuse_given(model: Model, request: Request) -> None:
    """What is told of arrays has to be told to those that listen, and to these it must be."""
    options, listens = request.options, bool(getattr(model.codec.spec, "control", 0))
    if request.control is not None and not listens:
        raise RequestError("this model was trained without a control picture: leave it out")
    silent = not listens or bool(getattr(model.codec, "silent", False))
    if request.control is None and request.item is None and not silent:
        raise RequestError("this model makes its items from what it is told: give a control")
    if request.item is None:
        for name, value, what in (
            ("a mask", request.mask, "what of an item is made anew"),
            ("strength", options.strength, "how much of an item is made anew"),
            ("outpaint", options.outpaint, "what is made around an item"),
        ):
            if value is not None:
                raise RequestError(f"{name} says {what}: give the item, too")
    if model.prompt is None:
        for value, what in (
            (options.negative, "to keep away from"),
            (options.towards, "to go towards"),
        ):
            if value is not None:
                raise RequestError(f"this model takes no prompt, so none {what}: leave it out")

"""Pictures with masks or boxes on disk: read from the usual layouts, written so that others can.

Read are: name.png with name_mask.png beside it; folders images/ and masks/; a COCO file of polygons
and boxes. Names of classes come from classes.txt (a line each), from what was written beside masks,
from the COCO categories, or are numbers.
Knows files and masks of numbers: no tensor.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from genloom.codec.base import Reading
from genloom.codec.image.albums import is_picture
from genloom.codec.image.files import write_picture
from genloom.codec.image.labelled_item import Labelled, Painting, flat_values
from genloom.codec.image.pictures import Picture, each, pillow
from genloom.codec.saving import write_atomic
from genloom.codec.shelves import Shelf, shelf_of
from genloom.errors import DataError, RequestError

MASK, BOXES = "_mask", "_boxes.json"
CLASSES = "classes.txt"
MOST_CLASSES = 64
MOST_JSON = 512 * 2**20
PALETTE = (  # of written masks: background, then classes; any viewer tells them apart
    *((0, 0, 0), (230, 25, 75), (60, 180, 75), (255, 225, 25), (0, 130, 200), (245, 130, 48)),
    *((145, 30, 180), (70, 240, 240), (240, 50, 230), (210, 245, 60), (250, 190, 212)),
    *((0, 128, 128), (220, 190, 255), (170, 110, 40), (255, 250, 200), (128, 0, 0)),
)
Faults = dict[str, str]


def read_labelled(path: Path) -> Reading:
    """Every picture that has a mask or annotations. DataError where there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder or a .zip of pictures with masks")
    shelf = shelf_of(path, is_picture)
    annotations = _coco(shelf)
    items, skipped = _annotated(shelf, *annotations) if annotations else _masked(shelf)
    good, broken = _sound(items)
    if not good:
        raise DataError(
            f"{path} holds no picture with its mask: expected are name.png and name{MASK}.png, "
            f"folders images/ and masks/, or a COCO file{_first({**skipped, **broken})}"
        )
    used = [s for item in good for s in _sources(item) if isinstance(s, Path)]
    note = "classes: " + ", ".join(good[0].classes)
    return Reading(
        items=good, files=(*shelf.files, *used), skipped={**skipped, **broken}, notes=(note,)
    )


def _first(faults: Mapping[str, str]) -> str:
    return next((f"; {name}: {why}" for name, why in faults.items()), "")


def _sources(item: Labelled) -> Iterator[Any]:
    yield item.picture.source
    if isinstance(item.mask, Picture):
        yield item.mask.source


# --- pictures beside masks ------------------------------------------------------------------------


def _masked(shelf: Shelf) -> tuple[list[Labelled], Faults]:
    masks = {n: _of_mask(n) for n in shelf.sources if is_picture(n) and _of_mask(n)}
    wanted = {key: name for name, key in masks.items()}
    pairs, skipped = [], {}
    for name in shelf.sources:
        if not is_picture(name) or name in masks:
            continue
        mask = wanted.get(_key(name))
        if mask is None:
            skipped[name] = "it has no mask"
        else:
            pairs.append((name, mask))
    source = shelf.sources
    found = [(Picture(source[n], name=n), Picture(source[m], name=m)) for n, m in pairs]
    values = _values(mask for _, mask in found)
    classes, kept = _classes(shelf, values)
    items = [Labelled(picture=p, mask=m, classes=classes, values=kept) for p, m in found]
    return items, skipped


def _of_mask(name: str) -> str | None:
    """What a mask belongs to, None for what is no mask."""
    path = PurePosixPath(name)
    if path.stem.endswith(MASK):
        return _key(str(path.with_name(path.stem.removesuffix(MASK) + path.suffix)))
    if "masks" in path.parts[:-1]:
        return _key(name)
    return None


def _key(name: str) -> str:
    """The same for a picture and its mask."""
    path = PurePosixPath(name).with_suffix("")
    return "/".join(part for part in path.parts if part not in ("images", "masks"))


def _values(masks: Iterable[Picture]) -> list[int]:
    """The numbers that masks hold; those that do not open are told later."""

    def look(mask: Picture) -> set[int]:
        try:
            return set(np.unique(flat_values(mask.numbers())).tolist())
        except DataError:
            return set()

    seen: set[int] = set().union(*each(look, masks))
    if len(seen) > MOST_CLASSES + 1:
        raise DataError(
            f"the masks hold {len(seen):,} values, at most {MOST_CLASSES} classes are read: save "
            "them without smoothing, as PNG, one number or colour a class"
        )
    return sorted(seen)


def _classes(shelf: Shelf, seen: Sequence[int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names, and the value of each; 0 (black) is the background."""
    values = tuple(value for value in seen if value)
    named, names = _names(shelf)
    if names:
        if not values or max(values) <= len(names):
            return names, tuple(range(1, len(names) + 1))
        if len(values) != len(names):
            raise DataError(
                f"{named} names {len(names)} classes, but the masks hold {len(values)} values "
                "besides 0: name each of them, in their order"
            )
        return names, values
    if len(values) == 1:
        return ("thing",), values
    return tuple(f"class {n}" for n in range(1, len(values) + 1)), values


def _names(shelf: Shelf) -> tuple[str, tuple[str, ...]]:
    """Where the names of classes are, and these."""
    for name in shelf.sources:
        if PurePosixPath(name).name == CLASSES:
            lines = map(str.strip, shelf.text(name).splitlines())
            return name, tuple(line for line in lines if line)
    ours = next((name for name in shelf.sources if name.endswith(BOXES)), None)
    try:
        classes = json.loads(shelf.text(ours))["classes"] if ours else {}
        return str(ours), tuple(sorted(classes, key=classes.__getitem__))
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ()


# --- COCO -----------------------------------------------------------------------------------------


def _coco(shelf: Shelf) -> tuple[str, Mapping[str, Any]] | None:
    """The first JSON file that has images and annotations."""
    for name, source in shelf.sources.items():
        if not name.lower().endswith(".json") or name.endswith(BOXES):
            continue
        if isinstance(source, Path) and source.stat().st_size > MOST_JSON:
            continue
        try:
            values = json.loads(shelf.text(name))
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict) and {"images", "annotations"} <= values.keys():
            return name, values
    return None


def _annotated(
    shelf: Shelf, where: str, values: Mapping[str, Any]
) -> tuple[list[Labelled], Faults]:
    """Pictures with the polygons, else the boxes, that the file draws on them."""
    try:
        number, classes = _categories(values)
        drawn: dict[Any, list[tuple[int, Any]]] = {}
        for one in values["annotations"]:
            shape = one.get("segmentation") or one.get("bbox")
            drawn.setdefault(one["image_id"], []).append((number[one["category_id"]], shape))
        rows = [(row["id"], str(row["file_name"])) for row in values["images"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise DataError(f"{where} is not laid out as COCO ({why}): export it again") from None
    items, skipped = [], {}
    for key, name in rows:
        source = _beside(shelf, where, name)
        if source is None:
            skipped[name] = f"{where} names it, but there is no such file"
            continue
        picture = Picture(source, name=name)
        try:
            mask = Painting(size=picture.open().size, shapes=tuple(drawn.get(key, ())))
        except DataError as error:
            skipped[name] = str(error).removeprefix(f"{name}: ")
            continue
        items.append(Labelled(picture=picture, mask=mask, classes=classes))
    return items, skipped


def _categories(values: Mapping[str, Any]) -> tuple[dict[Any, int], tuple[str, ...]]:
    listed = sorted(values.get("categories", ()), key=lambda row: row["id"])
    if not 1 <= len(listed) <= MOST_CLASSES:
        raise ValueError(f"{len(listed)} categories, 1 to {MOST_CLASSES} are read")
    number = {row["id"]: n for n, row in enumerate(listed, start=1)}
    return number, tuple(str(row["name"]) for row in listed)


def _beside(shelf: Shelf, where: str, name: str) -> Any:
    folder = PurePosixPath(where).parent
    places = (folder / name, folder / "images" / name, folder.parent / "images" / name)
    return next((shelf.sources[str(p)] for p in places if str(p) in shelf.sources), None)


# --- soundness ------------------------------------------------------------------------------------


def _sound(items: Sequence[Labelled]) -> tuple[list[Labelled], Faults]:
    """The items whose picture and mask decode and are of one size."""

    def fault(item: Labelled) -> str | None:
        try:
            picture, mask = item.picture.open().size, item.labels().shape
        except DataError as error:
            return str(error).removeprefix(f"{item.picture.name}: ")
        if picture != (mask[1], mask[0]):
            return f"the picture is {picture[0]} x {picture[1]}, its mask {mask[1]} x {mask[0]}"
        return None

    check: Callable[[Any], str | None] = fault
    faults = each(check, items)  # type: ignore[arg-type]
    good = [item for item, why in zip(items, faults, strict=True) if why is None]
    bad = {
        item.picture.name: why for item, why in zip(items, faults, strict=True) if why is not None
    }
    return good, bad


# --- writing --------------------------------------------------------------------------------------


def write_labelled(item: Labelled, path: Path, record: Mapping[str, Any] | None) -> bool:
    """The picture at `path`, beside it its mask and its boxes. True where the record is inside."""
    path = Path(path)
    if path.stem.endswith(MASK):
        raise RequestError(f"{path.name} would be taken for a mask: give another name")
    labels = item.labels()
    size = (labels.shape[1], labels.shape[0])
    image = pillow().frombytes("P", size, np.ascontiguousarray(labels).tobytes())
    image.putpalette([v for colour in _palette() for v in colour])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_atomic(path.with_name(f"{path.stem}{MASK}.png"), buffer.getvalue())
    height, width = labels.shape
    told = {
        "image": path.name,
        "size": [width, height],
        "classes": {name: n for n, name in enumerate(item.classes, start=1)},
        "counts": item.counts,
        "boxes": [box.to_json() for box in item.boxes],
    }
    text = json.dumps(told, ensure_ascii=False, indent=1)
    write_atomic(path.with_name(f"{path.stem}{BOXES}"), f"{text}\n".encode())
    return write_picture(item.image, path, record)


def _palette() -> list[tuple[int, int, int]]:
    """256 colours; those past the chosen ones are told apart by their blue alone."""
    return [PALETTE[n] if n < len(PALETTE) else (n, 255 - n, n * 7 % 256) for n in range(256)]

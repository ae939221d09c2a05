"""Vector pictures in: a drawing is examined, stripped to its shapes and then rasterised by resvg.

Nothing outside the file is ever read: no other file, no address, no script, no font, no entity.
A drawing whose parts repeat each other without bound is refused before anything is drawn.
Knows SVG text; no tensor and no folder.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from genloom.errors import DataError, MissingExtra

SIDE = 128  # pixels of the longer side where nobody says; 3 ms a picture
MOST_BYTES = 4 * 2**20
MOST_DRAWN = 100_000  # elements, those repeated by `use` and patterns counted each time
MOST_DEPTH = 256
MOST_SLENDER = 64.0  # times as long as wide
SPACE = "http://www.w3.org/2000/svg"
# What shapes need. Text would look different on every machine; the rest brings other files or runs.
DROPPED = frozenset(
    {"script", "foreignObject", "image", "text", "a", "audio", "video", "iframe", "metadata"}
    | {"animate", "animateTransform", "animateMotion", "set", "style", "handler", "feImage"}
)
NUMBER = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:px)?\s*$")
LOCAL = re.compile(r"url\(\s*['\"]?\s*#([^)'\"\s]+)\s*['\"]?\s*\)")
Element = ElementTree.Element


def is_svg(content: bytes) -> bool:
    """Whether bytes look like a drawing rather than a raster."""
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith(b"<") and (b"<svg" in content[:65_536])


def rasterised(content: bytes, side: int = SIDE) -> bytes:
    """PNG bytes of the drawing, `side` pixels along its longer side. DataError if unfit."""
    root = examined(content)
    width, height = _size(root)
    scale = side / max(width, height)
    shown = [max(1, round(edge * scale)) for edge in (width, height)]
    root.set("width", str(shown[0]))
    root.set("height", str(shown[1]))
    try:
        import resvg_py
    except ImportError:
        raise MissingExtra("resvg_py", "svg") from None
    text = ElementTree.tostring(root, encoding="unicode")
    try:
        made = resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True)
    except ValueError as error:
        raise DataError(f"not a drawing that can be made a picture ({_short(error)})") from None
    return bytes(made)


def examined(content: bytes) -> Element:
    """The drawing without anything but shapes. DataError where it may not be drawn."""
    if len(content) > MOST_BYTES:
        raise DataError(f"a drawing of {len(content):,} bytes, at most {MOST_BYTES:,} are read")
    if b"<!ENTITY" in content or (b"<!DOCTYPE" in content and b"[" in _doctype(content)):
        raise DataError("a drawing with entities of its own: save it again as plain SVG")
    try:
        root = _parsed(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"not well-formed SVG ({_short(error)})") from None
    if _name(root) != "svg":
        raise DataError(f"an SVG drawing was expected, not <{_name(root)[:40]}>")
    _strip(root)
    drawn = _drawn(root)
    if drawn > MOST_DRAWN:
        raise DataError(f"a drawing of more than {MOST_DRAWN:,} parts, repeated ones counted")
    return root


def _doctype(content: bytes) -> bytes:
    start = content.index(b"<!DOCTYPE")
    return content[start : content.find(b">", start)]


def _parsed(content: bytes) -> Element:
    depth, root = 0, None
    for event, element in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):
        root = element if root is None else root
        depth += 1 if event == "start" else -1
        if depth > MOST_DEPTH:
            raise ValueError(f"nested more than {MOST_DEPTH} deep")
    if root is None:
        raise ValueError("it is empty")
    return root


def _name(element: Element) -> str:
    """Without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _strip(root: Element) -> None:
    """Remove what is no shape, and every address that is not a part of the drawing itself."""
    ElementTree.register_namespace("", SPACE)
    for element in list(root.iter()):
        for child in list(element):
            foreign = not str(child.tag).startswith(f"{{{SPACE}}}") and "}" in str(child.tag)
            if foreign or not isinstance(child.tag, str) or _name(child) in DROPPED:
                element.remove(child)
        for key, value in list(element.attrib.items()):
            if _is_outside(key.rpartition("}")[2], value):
                del element.attrib[key]


def _is_outside(key: str, value: str) -> bool:
    if key.startswith("on"):
        return True
    if key in ("href", "src", "base"):
        return not value.strip().startswith("#")
    return "url(" in LOCAL.sub("", value.lower()) or "@import" in value


def _drawn(root: Element) -> int:
    """How many elements are drawn: what is referred to counts each time; a cycle is without end."""
    known = {e.get("id"): e for e in root.iter() if e.get("id")}
    cost: dict[Element, int] = {}
    open_: set[Element] = set()
    stack: list[tuple[Element, bool]] = [(root, False)]
    while stack:
        element, ready = stack.pop()
        if ready:
            open_.discard(element)
            cost[element] = 1 + sum(cost.get(e, MOST_DRAWN + 1) for e in _below(element, known))
        elif element in open_:  # resvg leaves a cycle out; so nothing is lost by refusing it
            return MOST_DRAWN + 1
        elif element not in cost:
            open_.add(element)
            stack.append((element, True))
            stack += [(e, False) for e in _below(element, known) if e not in cost]
    return cost[root]


def _below(element: Element, known: dict[str | None, Element]) -> Iterator[Element]:
    """Children, and what attributes refer to."""
    yield from element
    for key, value in element.attrib.items():
        named = [value.strip()[1:]] if key.rpartition("}")[2] == "href" else LOCAL.findall(value)
        yield from (known[name] for name in named if name in known)


def _size(root: Element) -> tuple[float, float]:
    """Width and height in its own units."""
    box = re.split(r"[\s,]+", (root.get("viewBox") or "").strip())
    sides = [_number(root.get(key)) for key in ("width", "height")]
    if len(box) == 4:
        sides = [_number(box[2]) or sides[0], _number(box[3]) or sides[1]]
    width, height = (side or 100.0 for side in sides)
    if not 1 / MOST_SLENDER <= width / height <= MOST_SLENDER:
        raise DataError(f"a drawing of {width:g} x {height:g}, at most {MOST_SLENDER:g} to 1")
    if len(box) != 4:
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    return width, height


def _number(text: str | None) -> float | None:
    found = NUMBER.match(text or "")
    return float(found[1]) if found and 0 < float(found[1]) < 1e6 else None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]

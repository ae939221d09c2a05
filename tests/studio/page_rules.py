"""The rules of the page's sources, each a function from one file to the faults in it.

Knows text and names; not what a room shows. The tests prove that each sees a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"
CODE, STYLE = (".ts", ".tsx"), (".css",)
LONGEST, FEW = 500, 5  # lines
NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "manager"})
# A checkered ground, a warp and a thread along an edge are flat.
SHADED = (
    r"(?<!conic-)(?<!repeating-linear-)gradient\(|"
    r"box-shadow:(?!\s*(?:var\(--shadow\)|none|(?:inset )?-?[\d.]+\w* -?[\d.]+\w*(?: 0)? var))[^;]+"
)
COLOURS = "look/tokens.css"  # the one file with colours in it
# dyes that come out of a fingerprint; pixels of a mask, whose white is a number
WOVEN = frozenset({"look/weaving.ts", "generate/Mask.tsx"})

# what would let a text run, or load from elsewhere
LIVE = (
    r"\binnerHTML\b",
    r"\bouterHTML\b",
    r"dangerouslySetInnerHTML",
    r"insertAdjacentHTML",
    r"document\.write",
    r"createContextualFragment",
    r"\bsetHTMLUnsafe\b",
    r"\bDOMParser\b",
    r"\beval\(",
    r"\bnew Function\b",
    r"createPolicy",
    r"<\s*(?:iframe|object|embed|base|form\s[^>]*action)\b",
    r"""createElement(?:NS)?\([^)]*["'](?:script|iframe|object|embed)["']""",
    r"""\bsetTimeout\(\s*["'`]""",
    r"\bsrcdoc\b",
    r"""["'`]\s*javascript:""",
)
NAMESPACES = frozenset({"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"})
HEX = r"(?<![\w&])#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b(?![\w-])"
MIXED = r"\b(?:rgb|rgba|hsl|hsla|oklch|lab|lch|hwb)\("
NAMED = "(?:black|white|red|green|blue|gray|grey|orange|yellow|purple)"
PAINTED = "(?:fill|stroke|color|background|border|outline)"
DRAWN = rf"\b{PAINTED}(?:Style)?\s*[:=]\s*[\"']{NAMED}[\"']"
SAID = rf"\b{PAINTED}[\w-]*:[^;{{}}\"']*(?<![\w-]){NAMED}(?![\w-])"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One source. path: below web/src."""

    path: str
    text: str

    @property
    def code(self) -> str:
        """Without comments, which may name anything."""
        bare = re.sub(r"/\*.*?\*/", "", self.text, flags=re.DOTALL)
        return re.sub(r"(?m)(?<![:\"'`\w])//.*$", "", bare)


def sources() -> list[Page]:
    found = (p for p in sorted((WEB / "src").rglob("*")) if p.suffix in (*CODE, *STYLE))
    return [
        Page(path=p.relative_to(WEB / "src").as_posix(), text=p.read_text("utf-8")) for p in found
    ]


def is_short(page: Page) -> Iterator[str]:
    lines = page.text.count("\n")
    if lines > LONGEST:
        yield f"{page.path}: {lines} lines"


def is_named_for_what_it_knows(page: Page) -> Iterator[str]:
    words = re.split(r"[/._\-]|(?<=[a-z])(?=[A-Z])", page.path)
    if found := NAMES & {word.lower() for word in words}:
        yield f"{page.path}: {', '.join(found)}"


def says_what_it_knows(page: Page) -> Iterator[str]:
    """Styles stand beside what they style, and a few lines speak for themselves."""
    told = page.path.endswith(STYLE) or page.text.count("\n") < FEW
    if not told and not page.text.startswith(("//", "/*")):
        yield f"{page.path}: no comment at its head"


def makes_nothing_live(page: Page) -> Iterator[str]:
    for pattern in LIVE:
        if found := re.search(pattern, page.code):
            yield f"{page.path}: {found[0]}"


def loads_nothing_from_elsewhere(page: Page) -> Iterator[str]:
    for url in re.findall(r"(?:https?:|wss?:)//[^\s\"'`)<>]+", page.code):
        if url not in NAMESPACES:
            yield f"{page.path}: {url}"
    for path in re.findall(r"[\"'(]//[\w.-]+\.\w+", page.code):
        yield f"{page.path}: {path}"


def takes_colours_from_tokens(page: Page) -> Iterator[str]:
    if page.path == COLOURS or page.path in WOVEN:
        return
    pattern = f"{HEX}|{MIXED}|{SAID if page.path.endswith(STYLE) else DRAWN}"
    for found in re.finditer(pattern, page.code):
        yield f"{page.path}: {found[0]}"


def has_no_shading(page: Page) -> Iterator[str]:
    """Cloth is flat: no gradients; floating things alone have a shadow, and it is a token."""
    if page.path.endswith(STYLE) and page.path != COLOURS:
        for found in re.finditer(SHADED, page.code):
            yield f"{page.path}: {found[0]}"


def names_its_styles_after_its_room(page: Page) -> Iterator[str]:
    """A room's classes begin with its name, so that no room styles another."""
    room = page.path.split("/")[0]
    if not page.path.endswith(STYLE) or room in EVERYWHERE:
        return
    for rule in re.findall(r"(?:^|[{};])\s*([^{}@;]+)\{", page.code):
        for selector in re.sub(r"\([^()]*\)", "", rule).split(","):
            classes = re.findall(r"\.([A-Za-z][\w-]*)", selector)
            frame = re.fullmatch(r"[\d.]+%|from|to", selector.strip())
            if not frame and not any(name.startswith(room) for name in classes):
                yield f"{page.path}: {selector.strip()}"


EVERYWHERE = frozenset({"look", "shell", "viewers"})

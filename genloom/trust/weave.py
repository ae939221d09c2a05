"""A model's cloth as a drawing (SVG): what the studio weaves of its fingerprint, for pages without
a script. The same loom as the studio's weaving.ts; a test holds the two equal.
"""

from __future__ import annotations

SHAFTS = 8
SIDE = 16  # threads of the warp and of the weft in a repeat
HUES = (232, 8, 46, 162, 200, 286, 24, 120)
_WORD = 0xFFFFFFFF


def mixed(text: str) -> bytes:
    """Any text as 32 well-mixed bytes."""
    units, state = text.encode("utf-16-le", "surrogatepass"), 0x811C9DC5
    for n in range(0, len(units), 2):
        state = _times(state ^ int.from_bytes(units[n : n + 2], "little"), 0x01000193)
    out = bytearray()
    for n in range(32):
        state = (_times(state ^ (state >> 15), 0x2C1B3C6D) + n) & _WORD
        state = _times(state ^ (state >> 12), 0x297A2D39)
        out.append((state ^ (state >> 15)) & 255)
    return bytes(out)


def _times(a: int, b: int) -> int:
    return (a * b) & _WORD


def drawdown(text: str) -> list[list[bool]]:
    """Which thread is on top at each crossing, row by row; true: the warp."""
    told = mixed(text)
    threading, treadling = _walk(told[0], told[1]), _walk(told[2], told[3])
    extra = 3 + told[4] % 4
    ties = [
        [(turned := (shaft + treadle) % SHAFTS) < 3 or turned == extra for shaft in range(SHAFTS)]
        for treadle in range(SHAFTS)
    ]
    return [[ties[treadle][shaft] for shaft in threading] for treadle in treadling]


def _walk(turn: int, step: int) -> list[int]:
    """A threading: up and down the shafts, mirrored so that it repeats."""
    half, shaft = [], turn % SHAFTS
    for n in range(SIDE // 2):
        half.append(shaft)
        shaft = (shaft + (1 if (step >> (n % 8)) & 1 else 1 + turn % 3)) % SHAFTS
    return [*half, *reversed(half)]


def yarns(text: str) -> tuple[int, int]:
    """Two hues: of the warp and of the weft."""
    told = mixed(text)
    warp = told[8] % len(HUES)
    return HUES[warp], HUES[(warp + 1 + told[9] % (len(HUES) - 1)) % len(HUES)]


def drawn(text: str) -> str:
    """An <svg> of one repeat; its lightness is the style sheet's (--warp-light, --weft-light)."""
    warp, weft = yarns(text)
    marks = "".join(
        f"M{x} {y}h1v1h-1z"
        for y, row in enumerate(drawdown(text))
        for x, on_top in enumerate(row)
        if on_top
    )
    return (
        f'<svg class="weave" viewBox="0 0 {SIDE} {SIDE}" aria-hidden="true" '
        f'shape-rendering="crispEdges" style="--warp: {warp}; --weft: {weft}">'
        f'<path class="weft" d="M0 0h{SIDE}v{SIDE}H0z"/><path class="warp" d="{marks}"/></svg>'
    )

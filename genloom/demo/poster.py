"""One picture of what a demo made, for the top of a page: scenes, code, and columns of a table.

Draws with pillow what is handed in, at a fixed size. Knows no model.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.codec.image.pictures import pillow
from genloom.errors import MissingExtra

WIDTH, HEIGHT = 1600, 800
PAPER, CARD, LINE = (19, 22, 28), (27, 31, 38), (45, 51, 61)
INK, SOFT, MADE, REAL = (231, 233, 238), (146, 155, 170), (60, 200, 186), (89, 98, 115)
EDGE, GAP = 34, 22
THUMB = 84  # pixels a side of a scene
ROWS, EACH = 7, 5
CODE_ROWS, CODE_COLUMNS = 15, 70
TEXTS = 2
PLOTS = 4
BINS = 14


@dataclass(frozen=True, kw_only=True)
class Shown:
    """texts: (beginning, all of it). pictures: (prompt, pictures). real, made: frames."""

    texts: tuple[tuple[str, str], ...]
    pictures: tuple[tuple[str, tuple[Any, ...]], ...]
    real: Any
    made: Any
    kinds: Mapping[str, str]


class Sheet:
    """A canvas with the few marks that are needed."""

    def __init__(self) -> None:
        try:
            from PIL import ImageDraw, ImageFont
        except ImportError as error:
            raise MissingExtra("pillow", "all") from error
        self.image = pillow().new("RGB", (WIDTH, HEIGHT), PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self.fonts = {size: ImageFont.load_default(size) for size in (15, 16, 17, 21)}

    def card(self, x: int, y: int, width: int, height: int) -> None:
        box = (x, y, x + width, y + height)
        self.pen.rounded_rectangle(box, 16, fill=CARD, outline=LINE)

    def text(
        self, x: float, y: float, text: str, size: int, colour: Any, anchor: str = "la"
    ) -> None:
        self.pen.text((x, y), text, fill=colour, font=self.fonts[size], anchor=anchor)

    def typed(self, x: float, y: float, text: str, known: int, step: float) -> None:
        """Each sign in a cell of its own, as code is set; the first `known` were given."""
        for n, sign in enumerate(text):
            colour = SOFT if n < known else MADE
            self.text(x + (n + 0.5) * step, y, sign, 16, colour, "ma")

    def paste(self, picture: Any, x: int, y: int, side: int) -> None:
        nearest = pillow().Resampling.NEAREST
        self.image.paste(picture.convert("RGB").resize((side, side), nearest), (x, y))

    def png(self) -> bytes:
        """In 256 colours: a third of the size, and no difference to the eye."""
        file = io.BytesIO()
        self.image.quantize(256, dither=pillow().Dither.NONE).save(file, "PNG", optimize=True)
        return file.getvalue()


def draw(shown: Shown) -> bytes:
    """The PNG's bytes."""
    sheet = Sheet()
    left = 700
    _scenes(sheet, shown, EDGE, EDGE, left, HEIGHT - 2 * EDGE)
    right = WIDTH - 2 * EDGE - GAP - left
    x = EDGE + left + GAP
    upper = 400
    _code(sheet, shown, x, EDGE, right, upper)
    _table(sheet, shown, x, EDGE + upper + GAP, right, HEIGHT - 2 * EDGE - upper - GAP)
    return sheet.png()


def _scenes(sheet: Sheet, shown: Shown, x: int, y: int, width: int, height: int) -> None:
    sheet.card(x, y, width, height)
    sheet.text(x + 24, y + 20, "pictures for captions", 21, INK)
    known = shown.pictures
    half = ROWS // 2
    some = [*known[: ROWS - half], *known[-half:]] if len(known) > ROWS else list(known)
    step = (height - 76) // ROWS
    for n, (prompt, pictures) in enumerate(some):
        top = y + 62 + n * step
        lines = _wrapped(prompt, 18)
        for line, words in enumerate(lines):
            middle = top + THUMB / 2 + 20 * (line - (len(lines) - 1) / 2)
            sheet.text(x + 24, middle, words, 17, SOFT, "lm")
        for k, picture in enumerate(pictures[:EACH]):
            sheet.paste(picture, x + 196 + k * (THUMB + 12), top, THUMB)


def _wrapped(text: str, longest: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > longest:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _code(sheet: Sheet, shown: Shown, x: int, y: int, width: int, height: int) -> None:
    sheet.card(x, y, width, height)
    sheet.text(x + 24, y + 20, "code after a beginning", 21, INK)
    step = (width - 48) / CODE_COLUMNS
    row = 0
    for beginning, text in shown.texts[1 : 1 + TEXTS]:
        known = len(beginning)
        lines = text.replace("\t", "    ").splitlines()
        for line in lines[: CODE_ROWS // TEXTS]:
            sheet.typed(x + 24, y + 62 + row * 21, line[:CODE_COLUMNS], max(0, known), step)
            known -= len(line) + 1
            row += 1
        row += 1


# --- the table ------------------------------------------------------------------------------------


def _table(sheet: Sheet, shown: Shown, x: int, y: int, width: int, height: int) -> None:
    sheet.card(x, y, width, height)
    sheet.text(x + 24, y + 20, "rows of a table", 21, INK)
    for words, colour, at in (("real", REAL, 130), ("made", MADE, 50)):
        left = x + width - 24 - at
        sheet.pen.rectangle((left - 20, y + 26, left - 8, y + 38), fill=colour)
        sheet.text(left, y + 32, words, 16, SOFT, "lm")
    wide = (width - 48 - (PLOTS - 1) * 26) / PLOTS
    for n, name in enumerate(_columns(shown)):
        _columns_of(sheet, shown, name, x + 24 + n * (wide + 26), y + 70, wide, height - 118)


def _columns(shown: Shown) -> list[str]:
    """Numbers and categories by turns, so that both are seen."""
    numbers = [n for n, kind in shown.kinds.items() if kind == "number"]
    choices = [n for n, kind in shown.kinds.items() if kind != "number"]
    turns = [n for pair in zip(numbers, choices, strict=False) for n in pair]
    return (turns + [n for n in shown.kinds if n not in turns])[:PLOTS]


def _columns_of(
    sheet: Sheet, shown: Shown, name: str, x: float, y: float, width: float, height: float
) -> None:
    real, made = _shares(shown.real[name], shown.made[name], shown.kinds[name])
    peak = max(float(real.max()), float(made.max())) or 1.0
    step, base = width / len(real), y + height
    for n, (one, other) in enumerate(zip(real, made, strict=True)):
        left, right, middle = x + n * step + 1, x + (n + 1) * step - 2, x + (n + 0.5) * step
        sheet.pen.rectangle((left, base - height * one / peak, middle - 1, base), fill=REAL)
        sheet.pen.rectangle((middle, base - height * other / peak, right, base), fill=MADE)
    sheet.text(x, base + 12, name.replace("_", " ")[:22], 16, SOFT)


def _shares(real: Any, made: Any, kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind == "number":
        one, other = (side.dropna().to_numpy(dtype=float) for side in (real, made))
        edges = np.linspace(one.min(), max(np.quantile(one, 0.98), one.min() + 1e-9), BINS + 1)
        counts = [np.histogram(np.clip(s, edges[0], edges[-1]), edges)[0] for s in (one, other)]
    else:
        names: Sequence[Any] = list(real.value_counts().index[:6])
        counts = [np.array([(side == name).sum() for name in names]) for side in (real, made)]
    first, second = (np.asarray(c, float) / max(1.0, float(c.sum())) for c in counts)
    return first, second

"""The gallery's page and plots: nothing is fetched, nothing that a model wrote becomes markup."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from genloom.demo import gallery, plots
from genloom.demo.gallery import Room
from genloom.trust.quality import Row

HOSTILE = "</pre></section><script>alert(1)</script><img src=https://example.org/x onerror=a()>&\"'"
PNG = b"\x89PNG\r\n\x1a\n not really"


class Seen(HTMLParser):
    """Tags, attributes and text of a page, and whether its tags are balanced."""

    VOID = frozenset({"meta", "img", "rect", "path", "circle", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.pairs: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.pairs += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.pairs += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page() -> str:
    """Everything that can be on a page, each time with hostile words."""
    body = "".join(
        [
            gallery.heading(HOSTILE),
            gallery.note(HOSTILE),
            gallery.completion("def " + HOSTILE, "def " + HOSTILE + HOSTILE),
            gallery.strip(HOSTILE, HOSTILE, [gallery.picture(PNG, HOSTILE, "right")]),
            gallery.key(real=HOSTILE),
            gallery.rows(HOSTILE, [HOSTILE, "n"], [[HOSTILE, 1.5], [None, math.nan]]),
            gallery.figure(HOSTILE, plots.numbers(HOSTILE, [1, 2, 3], [1, 1, 2])),
            plots.choices(HOSTILE, [HOSTILE, "a"], ["a", "a"]),
            plots.associations(HOSTILE, [HOSTILE, "b"], np.eye(2)),
            plots.curve(HOSTILE, [(1, 2.0), (2, 1.0)]),
        ]
    )
    rows = [Row(metric=HOSTILE, value=0.5, floor=0.0, ceiling=1.0, note=HOSTILE)]
    room = Room(
        key="room",
        title=HOSTILE,
        lead=HOSTILE,
        body=body,
        quality={HOSTILE: rows},
        records={HOSTILE: {"prompt": HOSTILE}},
    )
    return gallery.page(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, [room], [HOSTILE])


def test_words_of_models_never_become_markup() -> None:
    seen = Seen(page())
    assert not seen.open
    assert "script" not in seen.tags
    assert seen.tags.count("img") == 1
    assert not [name for name, _ in seen.pairs if name.startswith("on")]
    assert "".join(seen.words).count("<script>alert(1)</script>") > 10


def test_nothing_is_fetched() -> None:
    html = page()
    seen = Seen(html)
    assert not {"link", "script", "iframe", "object", "embed", "base"} & set(seen.tags)
    for name, value in seen.pairs:
        if name in ("src", "href", "srcset", "data", "action", "xlink:href"):
            assert value.startswith(("data:image/png;base64,", "#")), (name, value[:60])
    assert ("content", gallery.POLICY) in seen.pairs and "default-src 'none'" in gallery.POLICY
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert style and "url(" not in style[1] and "@import" not in style[1]
    assert "prefers-color-scheme: dark" in style[1]


def test_a_picture_lies_inside_byte_for_byte() -> None:
    value = dict(Seen(gallery.picture(PNG, "told")).pairs)["src"]
    assert base64.b64decode(value.partition(",")[2]) == PNG


def test_a_beginning_is_told_from_what_follows() -> None:
    assert "<b>def </b><span>f(x)</span>" in gallery.completion("def ", "def f(x)")
    assert "<b>" not in gallery.completion("def ", "something else")


def test_quality_shows_floor_value_and_ceiling() -> None:
    rows = [
        Row(metric="bits_per_byte", value=2.5, floor=8.0, ceiling=2.0, note="told"),
        Row(metric="undefined", value=None, floor=math.nan),
    ]
    room = Room(key="a", title="A", lead="", body="", quality={"model": rows})
    words = Seen(gallery.page("t", "l", {}, [room], [])).words
    at = words.index("8")
    assert words[at : at + 3] == ["8", "2.5", "2"]
    assert words.count("\N{EN DASH}") == 3


@pytest.mark.parametrize(
    ("value", "way"), [(8.0, "0%"), (5.0, "50%"), (2.0, "100%"), (1.0, "100%"), (9.0, "0%")]
)
def test_gauge_keeps_within_its_ends(value: float, way: str) -> None:
    assert f"{way} of the way" in plots.gauge(value, 8.0, 2.0)


# --- plots ----------------------------------------------------------------------------------------


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def heights(svg: str, kind: str) -> list[float]:
    return [float(e.attrib["height"]) for e in drawn(svg).iter("rect") if e.get("class") == kind]


def test_a_histogram_is_tall_where_values_are() -> None:
    tall = heights(plots.numbers("n", [0, 0, 0, 1, 2, math.nan], [0, 1, 2]), "real")
    assert len(tall) == 3 and tall[0] == pytest.approx(3 * tall[1], rel=0.02) and tall[1] == tall[2]


def test_a_far_value_does_not_flatten_the_rest() -> None:
    values = [*np.linspace(0, 1, 999).tolist(), 1e6]
    assert min(heights(plots.numbers("n", values, values), "real")) > 0


@pytest.mark.parametrize(
    ("real", "made"), [([], []), ([math.nan], [1.0]), ([3, 3, 3], [3]), ([0.5], [math.inf, 0.5])]
)
def test_odd_columns_are_drawn_all_the_same(real: list[float], made: list[float]) -> None:
    assert drawn(plots.numbers("n", real, made)).tag == "svg"


def test_rare_categories_are_put_together() -> None:
    real = [f"k{n}" for n in range(20) for _ in range(20 - n)]
    svg = plots.choices("c", real, real)
    words = [e.text for e in drawn(svg).iter("text")]
    assert words == ["k0", "k1", "k2", "k3", "k4", "15 others"]


def test_a_curve_needs_two_points_and_leaves_out_what_is_no_number() -> None:
    assert plots.curve("c", [(1, 2.0)]) == ""
    svg = plots.curve("c", [(1, 2.0), (2, math.nan), (3, 1.0)])
    assert len(next(drawn(svg).iter("path")).attrib["d"].split("L")) == 2


def test_associations_are_fuller_where_stronger() -> None:
    svg = plots.associations("a", ["x", "y"], np.array([[1.0, 0.25], [0.25, math.nan]]))
    full = [e.attrib["fill-opacity"] for e in drawn(svg).iter("rect") if e.get("class") == "cell"]
    assert full == ["1.000", "0.250", "0.250", "0.000"]

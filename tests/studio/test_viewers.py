"""Every medium shown in the page: real files, none of which may run, fetch or stop the page."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import media_files
import pytest
from PIL import Image
from showing import Thing, put, showing
from small_server import Running

Opened = Callable[..., Any]
HOSTILE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="40"
height="40" onload="parent.hit = 1">
<script>parent.hit = 1; fetch("http://elsewhere.invalid/")</script>
<image href="http://elsewhere.invalid/a.png" width="9" height="9"/>
<rect width="40" height="40" fill="teal"/></svg>"""
MARKUP = b"<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>\n"
MOLECULES = b"CC(=O)Oc1ccccc1C(=O)O aspirin\nC[N+](C)(C)CC(=O)[O-]\nC1CC1#N(("


INKED = """c => [0, c.width / 2].map((left) => c.getContext("2d")
  .getImageData(left, 0, c.width / 2, c.height).data.filter((x, n) => n % 4 === 3 && x).length)"""


def view(page: Any, kind: str) -> Any:
    found = page.locator(f".viewer[data-kind={kind}]")
    found.first.wait_for()
    return found


def test_texts_code_and_what_tries_to_be_markup(
    studio: Running, opened: Opened, shot: Callable[..., Path]
) -> None:
    code = b"def weave(shafts: int) -> str:\n    # over, under\n    return '<b>' * shafts\n"
    long = "\n".join(f"line {n} of many" for n in range(40_000)).encode()
    page = showing(
        opened,
        Thing(asset=put(studio, MARKUP, "text/html"), media="text/html"),
        Thing(asset=put(studio, code, "text/x-python"), media="text/x-python", suffix=".py"),
        Thing(asset=put(studio, long, "text/plain"), media="text/plain"),
        Thing(asset=put(studio, HOSTILE, "image/svg+xml"), media="image/svg+xml"),
        Thing(asset=put(studio, b'{"a": [1, {"b": null}]}', "x"), media="application/json"),
        Thing(asset=put(studio, b"\0\1", "x"), media="application/x-odd", suffix=".odd"),
    )
    page.locator(".code-keyword", has_text="def").wait_for()
    assert page.locator(".code-string", has_text="<b>").count() == 1
    assert "<script>window.hit" in view(page, "text").first.inner_text()
    page.locator(".text-block").nth(50).wait_for(state="attached")
    picture = view(page, "picture").locator("img")
    page.wait_for_function(
        "() => document.querySelector('.viewer-picture img')?.naturalWidth === 40"
    )
    assert picture.get_attribute("src").startswith("blob:")
    page.locator(".json-name", has_text="b").wait_for()
    view(page, "other").get_by_role("button", name="Save").wait_for()
    assert page.evaluate("window.hit") is None and page.locator("svg script").count() == 0
    shot(page, "viewers-texts")


def test_a_table_of_many_rows(studio: Running, opened: Opened, shot: Callable[..., Path]) -> None:
    rows = ["name,age,code"] + [f'"w, ""{n}""",{n * 7919 % 20000},{n:05}' for n in range(20_000)]
    asset = put(studio, "\r\n".join(rows).encode(), "text/csv")
    page = showing(opened, Thing(asset=asset, media="text/csv"))
    grid = page.get_by_role("grid")
    grid.wait_for()
    assert grid.get_attribute("aria-rowcount") == "20001"
    assert page.get_by_role("row").count() < 60
    assert page.get_by_role("gridcell").first.inner_text() == 'w, "0"'
    page.get_by_role("columnheader", name="age").get_by_role("button").click()
    page.wait_for_function(
        "() => document.querySelectorAll('[role=gridcell]')[1]?.textContent === '0'"
    )
    page.get_by_role("columnheader", name="age").get_by_role("button").click()
    page.wait_for_function(
        "() => document.querySelectorAll('[role=gridcell]')[1]?.textContent > 19990"
    )
    grid.evaluate("grid => grid.scrollTo(0, grid.scrollHeight)")
    page.locator("[role=row][aria-rowindex='20001']").wait_for()
    told = page.get_by_role("columnheader", name="age").get_by_role("img").get_attribute("title")
    assert told.startswith("0 to ")
    shot(page, "viewers-table")


def test_sound_film_molecules_and_sequences(
    studio: Running, opened: Opened, shot: Callable[..., Path]
) -> None:
    film = media_files.film(opened("#/generate"))
    fasta = b">one\n" + b"ACGT" * 40 + b"\n>two\nMKVLAAGIVGLLLAQWERTYHNP\n"
    page = showing(
        opened,
        Thing(asset=put(studio, media_files.sound(), "audio/wav"), media="audio/wav"),
        Thing(asset=put(studio, film, "video/webm"), media="video/webm"),
        Thing(asset=put(studio, MOLECULES, "x"), media="chemical/x-daylight-smiles"),
        Thing(asset=put(studio, fasta, "x"), media="text/x-fasta"),
    )
    slider = page.get_by_role("slider", name="where it plays")
    page.wait_for_function("() => document.querySelector('[role=slider]')?.ariaValueMax === '1'")
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "0:01.0 of 0:01.0"
    slider.press("Home")
    page.wait_for_function("() => document.querySelector('video')?.videoWidth === 64")
    molecules = view(page, "molecule")
    assert molecules.locator("svg").count() == 2 and molecules.locator("svg circle").count() == 1
    assert "N+" in molecules.inner_text() and "Not drawn" in molecules.inner_text()
    letters = view(page, "sequence")
    assert letters.locator(".letters-row").count() == 4
    assert letters.locator(".tag").all_inner_texts() == ["DNA", "protein"]
    letters.scroll_into_view_if_needed()
    shot(page, "viewers-molecules")


def test_a_sound_is_heard_and_seen(studio: Running, opened: Opened) -> None:
    asset = put(studio, media_files.sound(), "audio/wav")
    page = showing(opened, Thing(asset=asset, media="audio/wav"))
    page.wait_for_function("() => document.querySelector('[role=slider]')?.ariaValueMax === '1'")
    page.locator(".viewer-sound canvas").wait_for()
    loud, faint = page.locator(".viewer-sound canvas").evaluate(INKED)
    assert loud > 2 * faint > 0  # it fades, and so does what is drawn of it
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.2")
    page.wait_for_function("() => document.querySelector('audio').ended")
    page.get_by_role("button", name="Play").wait_for()


def test_a_texture_is_seen(studio: Running, opened: Opened, shot: Callable[..., Path]) -> None:
    asset = put(studio, media_files.textured(), "model/gltf-binary")
    page = showing(opened, Thing(asset=asset, media="model/gltf-binary"))
    page.wait_for_function("() => document.querySelector('.viewer-shape, .notice.warn')")
    if not page.locator(".viewer-shape canvas").count():
        pytest.skip("this browser draws no 3D")
    page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(page.locator(".viewer-shape canvas").screenshot()))
    pixels = list(zip(*[iter(picture.convert("RGB").tobytes())] * 3, strict=True))
    assert sum(r > 2 * g and r > 2 * b and r > 60 for r, g, b in pixels) > 200  # its red half
    assert sum(b > 2 * g and b > 2 * r and b > 60 for r, g, b in pixels) > 200  # and its blue one
    shot(page, "viewers-textured")


def test_shapes_turn(studio: Running, opened: Opened, shot: Callable[..., Path]) -> None:
    page = showing(
        opened,
        Thing(asset=put(studio, media_files.gltf(), "x"), media="model/gltf-binary"),
        Thing(asset=put(studio, media_files.stl(), "x"), media="model/stl"),
        Thing(asset=put(studio, media_files.obj(), "x"), media="model/obj"),
        Thing(asset=put(studio, media_files.ply(), "x"), media="model/ply"),
    )
    told = view(page, "shape")
    page.wait_for_function(
        "() => document.querySelectorAll('.viewer-shape, .notice.warn').length === 4"
    )
    assert all("4 faces" in text for text in told.all_inner_texts()), told.all_inner_texts()
    if page.locator(".viewer-shape canvas").count():
        page.locator(".viewer-shape canvas").first.press("ArrowLeft")
        page.get_by_role("button", name="Wires").first.click()
    shot(page, "viewers-shapes")


CIRCLE = [{"mesh": 0, "children": [1]}, {"children": [0]}]
HUGE = [{"componentType": 5126, "count": 2_000_000_000, "type": "VEC3"}]
BEYOND = [{"bufferView": 0, "componentType": 5126, "count": 400, "type": "VEC3"}]


@pytest.mark.slow
def test_shapes_that_are_refused(studio: Running, opened: Opened) -> None:
    uri = [{"byteLength": 72, "uri": "http://elsewhere.invalid/a.bin"}]
    glb = "model/gltf-binary"
    wrong = {
        "names other files": (media_files.gltf(buffers=uri), glb),
        "circle": (media_files.gltf(nodes=CIRCLE), glb),
        "numbers": (media_files.gltf(accessors=HUGE), glb),
        "more bytes than it holds": (media_files.gltf(accessors=BEYOND), glb),
        "more faces than it holds": (media_files.stl(claimed=900_000_000), "model/stl"),
        "more points or faces": (media_files.ply(claimed=900_000_000), "model/ply"),
        "cut off": (media_files.gltf()[:90], glb),
    }
    things = [Thing(asset=put(studio, data, "x"), media=media) for data, media in wrong.values()]
    page = showing(opened, *things)
    page.wait_for_function(
        f"() => document.querySelectorAll('.notice.bad').length === {len(wrong)}"
    )
    for why, text in zip(wrong, page.locator(".notice.bad").all_inner_texts(), strict=True):
        assert "is not shown" in text and why in text, text

"""The Train room: from files to a model, live; settings that two tabs save; what is cancelled goes;
a training of the command line beside those of the room."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_server import Running

from genloom import api, store
from genloom.errors import Stopped

QUICK = ("train.steps=24", "train.judge=6", "train.preview=8", "data.batch=8", "train.compile=off")
LONG = ("train.steps=200000", "train.judge=0", "train.preview=0", *QUICK[3:])
Shot = Callable[..., Path]


def rows(count: int = 160) -> bytes:
    lines = "\n".join(f"{n % 50 + 18},{'ab'[n % 2]},{n * 7 % 13}" for n in range(count))
    return f"age,side,score\n{lines}\n".encode()


def told(studio: Running, path: str) -> Any:
    with urllib.request.urlopen(f"{studio.url}/v1/{path}") as answer:
        return json.load(answer)


def given(page: Any, *files: tuple[str, bytes]) -> None:
    """As chosen from a disk; waits until it was understood."""
    some = [{"name": n, "mimeType": "text/plain", "buffer": data} for n, data in files]
    page.get_by_label("Files to learn from").set_input_files(some)
    page.get_by_role("region", name="What was understood").wait_for(timeout=60_000)


def settled(page: Any, *changes: str) -> None:
    page.get_by_label("By size").check()
    page.get_by_label("Changes of the recipe").fill("\n".join(changes))


def test_from_a_file_to_a_model(opened: Callable, studio: Running, shot: Shot) -> None:
    before = {t["id"] for t in told(studio, "trainings")["data"]}
    page = opened("#/train")
    page.get_by_role("heading", name="Drop files or a folder here").wait_for()
    given(page, ("people<b>.csv", rows()))
    assert page.get_by_text("160", exact=True).count()
    assert page.get_by_role("heading", level=1).inner_text() == "people<b>.csv"
    settled(page, *QUICK)
    plan = page.get_by_role("region", name="Plan")
    plan.get_by_text("24", exact=True).wait_for()
    assert "On other data it is another" in plan.inner_text()
    assert "docs/benchmarks.md, Tables: beside others" in plan.inner_text()
    shot(page, "train-settle")
    page.get_by_role("button", name="Train", exact=True).dblclick()
    page.get_by_role("region", name="Quality").wait_for()
    made = {t["id"] for t in told(studio, "trainings")["data"]} - before
    (name,) = made
    assert page.get_by_role("heading", level=1).inner_text() == name
    assert "24 of 24" in page.get_by_role("banner").or_(page.locator("header")).inner_text()
    page.get_by_role("radio", name="24").wait_for()
    page.locator(".train-frame").get_by_text("age").first.wait_for()
    plot = page.locator(".train-plot")
    legend = page.locator(".train-legend")
    last = legend.inner_text()
    plot.press("Home")
    page.wait_for_function(
        "was => document.querySelector('.train-legend').innerText != was", arg=last
    )
    drawn = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert page.locator(".train-plot canvas").evaluate(drawn) > 20
    shot(page, "train-done")
    page.go_back()
    page.get_by_role("region", name="Plan").get_by_text("24", exact=True).wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("was begun before").wait_for()
    assert {t["id"] for t in told(studio, "trainings")["data"]} - before == made
    page.get_by_role("link", name="Generate with it").click()
    page.wait_for_url("**#/generate?model=*")


def test_the_second_tab_is_told_and_loses_nothing(opened: Callable, shot: Shot) -> None:
    one = opened("#/train")
    given(one, ("a.csv", rows()))
    two = opened("#" + one.url.partition("#")[2])
    two.get_by_role("region", name="Settings").wait_for()
    with one.expect_response(lambda answer: answer.url.endswith("/draft")):
        one.get_by_role("spinbutton", name="Minutes").fill("7")
    one.get_by_role("status").get_by_text("saved", exact=True).wait_for()
    two.get_by_role("spinbutton", name="Minutes").fill("9")
    told = two.get_by_role("alert").filter(has_text="another tab")
    told.wait_for()
    assert "9" in told.inner_text() and "7" in told.inner_text()
    shot(two, "train-conflict")
    two.get_by_role("button", name="Keep what is here").click()
    two.get_by_role("status").get_by_text("saved", exact=True).wait_for()
    assert two.get_by_role("spinbutton", name="Minutes").input_value() == "9"
    one.get_by_role("spinbutton", name="Minutes").fill("8")
    one.get_by_role("button", name="Take what was saved").click()
    one.wait_for_function("document.querySelector('input[type=number]').value === '9'")


@pytest.mark.slow
def test_what_cannot_be_is_said_by_the_recipe(opened: Callable) -> None:
    page = opened("#/train")
    given(page, ("a.csv", rows()))
    settled(page, "train.rate=99")
    page.get_by_role("alert").get_by_text("train.rate is 99").wait_for()
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()


def test_one_of_the_command_line_is_seen_live(
    opened: Callable, studio: Running, tmp_path: Path, shot: Shot
) -> None:
    file = tmp_path / "own.csv"
    file.write_bytes(rows())
    changes = ["train.steps=20000", "train.judge=40", "train.preview=60", "data.batch=8"]
    changes += ["train.compile=off", "train.precision=fp32"]

    def train() -> None:
        with pytest.raises(Stopped):
            api.train("table", file, out="from-outside", size="tiny", changes=changes)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        page = opened("#/train")
        page.get_by_role("link", name="from-outside").click()
        page.get_by_text("begun on the command line").wait_for()
        page.get_by_role("radio", name="60").wait_for()
        page.wait_for_function("/steps\\/s/.test(document.querySelector('.train-facts').innerText)")
        shot(page, "train-live")
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Resume").wait_for()
        assert "--resume" in page.locator("main").inner_text()
    finally:
        store.ask(store.home() / "models" / "from-outside", store.PAUSE)
        thread.join(60)


def test_what_is_cancelled_is_gone(opened: Callable, studio: Running) -> None:
    page = opened("#/train")
    held = threading.Event()
    page.route("**/v1/uploads/*/complete", lambda route: held.set())  # never answered
    some = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"a line"} for n in range(20)]
    page.get_by_label("Files to learn from").set_input_files(some)
    page.get_by_role("progressbar", name="Uploaded").wait_for()
    with page.expect_response("**/v1/uploads/*/cancel") as gone:
        page.get_by_role("button", name="Cancel").click()
    assert gone.value.json()["status"] == "cancelled"
    page.get_by_text("what had come was removed").wait_for()
    id = gone.value.json()["id"]
    assert told(studio, f"uploads/{id}")["parts"] == []


@pytest.mark.slow
def test_a_part_whose_answer_was_lost_is_not_sent_twice(opened: Callable) -> None:
    page = opened("#/train")
    lost: list[str] = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().text())
            route.abort()

    page.route("**/v1/uploads/*/parts", lose)
    given(page, ("a.csv", rows()))
    assert lost and page.get_by_text("160", exact=True).count()


@pytest.mark.slow
def test_a_page_follows_over_a_restart(opened_at: Callable, tmp_path: Path) -> None:
    port = socket.socket()
    port.bind(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    url = f"http://127.0.0.1:{number}"
    with opened_at(url) as open_page:
        with serving(number, tmp_path, url):
            page = open_page("#/train")
            given(page, ("a.csv", rows()))
            settled(page, *LONG)
            page.get_by_role("button", name="Train", exact=True).click()
            page.wait_for_function(STEPPED, arg=50, timeout=90_000)
        page.get_by_text("It is asked again by itself").wait_for()
        before = page.evaluate(STEP)
        with serving(number, tmp_path, url):
            page.wait_for_function(STEPPED, arg=before + 20, timeout=90_000)
            page.get_by_role("button", name="Stop and keep the best").click()
            page.get_by_text("told to end here").wait_for()


STEP = "parseInt(document.querySelector('.train-facts dd')?.innerText.replaceAll(',', ''))"
STEPPED = f"least => {STEP} > least"


@contextmanager
def serving(port: int, home: Path, url: str) -> Iterator[None]:
    """`genloom studio` as a process of its own, ended as a service manager ends it."""
    command = [sys.executable, "-m", "genloom", "studio", "--no-browser"]
    command += ["--port", str(port), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and url.encode() in process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.slow
def test_a_folder_of_ten_thousand_files(opened: Callable, tmp_path: Path) -> None:
    for n in range(10_000):
        place = tmp_path / "many" / str(n % 50)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{n}.txt").write_text(f"the {n}th text says {n * 7}", "utf-8")
    page = opened("#/train")
    page.get_by_label("A folder to learn from").set_input_files(tmp_path / "many")
    page.get_by_role("region", name="What was understood").wait_for(timeout=110_000)
    assert page.get_by_text("10,000", exact=True).count() >= 2


@pytest.mark.slow
def test_dark_and_phone(opened: Callable, shot: Shot) -> None:
    for name, how in {"dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opened("#/train", **how)
        page.get_by_role("heading", name="Drop files or a folder here").wait_for()
        page.locator(".train-runs").wait_for()
        shot(page, f"train-list-{name}")
        given(page, ("a.csv", rows()))
        page.get_by_role("region", name="Plan").get_by_text("Memory").wait_for()
        shot(page, f"train-settle-{name}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.goto(page.url.partition("#")[0] + "#/train")
        page.locator(".train-runs a").first.click()
        page.locator(".train-plot").wait_for()
        shot(page, f"train-run-{name}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

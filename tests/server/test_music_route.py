"""Music over HTTP: conditions, a given melody, notations, and what is refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import small_server

from genloom.codec.music.scores import MEDIA, scores_in
from genloom.codec.tune.codec import TuneCodec
from genloom.codec.tune.given import bar_numbers
from genloom.music.bars import faults
from genloom.music.midi_writing import write_midi

pytest.importorskip("mido", reason="the extra music is not installed")
MELODY = "X:1\nM:6/8\nL:1/8\nK:D\nA|dAF DFA|B3 d2^c|dAF GFE|D3- D2|]\n"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


@pytest.fixture(scope="module")
def http(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    name = small_server.fiddler(home)
    with (
        small_server.running(tmp_path_factory.mktemp("music"), [name]) as it,
        httpx2.Client(base_url=f"{it.url}/v1", timeout=60) as client,
    ):
        yield client


def given(data: bytes, media: str = "audio/midi") -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def made(http: httpx2.Client, **asked: Any) -> bytes:
    asked.setdefault("seed", 1)
    answer = http.post("/music", json={"model": "fiddler", **asked})
    assert answer.status_code == 200, answer.text
    id = answer.json()["id"]
    for _ in range(300):
        job = http.get(f"/music/{id}").json()
        if job["status"] in ("completed", "failed"):
            break
        time.sleep(0.1)
    assert job["status"] == "completed", job["error"]
    data: bytes = http.get(f"/music/{id}/content").read()
    return data


def test_conditions_hold_in_every_notation(http: httpx2.Client) -> None:
    for way in ("mid", "musicxml"):
        where = "key=G and metre=6/8 and type=jig and chords=G D"
        score = scores_in(made(http, where=where, response_format=way, tempo=90))[0]
        told = (str(score.key), str(score.metre), score.kind)
        assert told == ("G major", "6/8", "jig") and not faults(score)
        assert abs(score.tempo - 90) < 0.1
        assert {chord.name for chord in score.chords} <= {"G", "D"}


def test_the_best_of_several_tries_is_one_file_each(http: httpx2.Client) -> None:
    def strays(seed: int, tries: int) -> float:
        asked = {"where": "key=G and type=jig", "response_format": "abc"}
        text = made(http, **asked, seed=seed, tries=tries).decode()
        return TuneCodec().strays([text])[0]

    seed = next(one for one in range(9) if strays(one, 1) > 0)
    assert strays(seed, 8) < strays(seed, 1)
    answer = http.post("/music", json={"model": "fiddler", "tries": 65})
    assert answer.status_code == 422 or "tries" in answer.text


def test_bars_of_a_given_melody_are_made_anew(http: httpx2.Client) -> None:
    own = scores_in(MELODY)[0]
    asked = {"input_reference": given(write_midi(own)), "where": {"bars": "2-3"}}
    score = scores_in(made(http, response_format="abc", **asked))[0]
    pitches = [n.pitch for n in score.parts[0].sounding()]
    assert pitches[:7] == [n.pitch for n in own.parts[0].sounding()][:7]
    assert pitches[-1] == 62 and not faults(score) and bar_numbers(score)[-1] == 4


def test_generate_takes_it_too_and_the_form_says_so(http: httpx2.Client) -> None:
    form = http.get("/models/fiddler/form").json()
    assert form["takes"] == {"item": list(MEDIA)}
    assert {"instrument", "tempo", "tries"} <= {one["name"] for one in form["options"]}
    asked = {"model": "fiddler", "seed": 1, "image": given(MELODY.encode(), "text/vnd.abc")}
    tune = http.post("/generate", json={**asked, "where": "bars=2-2", "suffix": "abc"}).text
    assert len(scores_in(tune)[0].bars) == 5


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"where": "colour=red"}, "no field"),
        ({"input_reference": given(b"MThd broken")}, "damaged"),
        ({"input_reference": given(PNG, "image/png")}, "is a picture"),
        ({"input_reference": given(MELODY.encode()), "where": "bars=9"}, "no bars"),
        ({"instrument": "kazoo"}, "no instrument"),
    ],
)
def test_what_cannot_be_is_said(http: httpx2.Client, asked: dict[str, Any], word: str) -> None:
    answer = http.post("/music", json={"model": "fiddler", **asked})
    told = answer.text
    if answer.status_code == 200:
        for _ in range(200):
            job = http.get(f"/music/{answer.json()['id']}").json()
            if job["status"] in ("completed", "failed"):
                break
            time.sleep(0.05)
        told = str(job["error"])
    assert word in told

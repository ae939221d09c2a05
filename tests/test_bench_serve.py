"""What benchmarks/bench_serve.py starts is a command that there is, and peers that are absent are
left out with a word."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import serving

    yield serving
    sys.modules.pop("serving", None)


def test_our_server_is_started_by_flags_that_it_has(serving: ModuleType) -> None:
    server = serving.ours(Path("/models/m"), Path("/home/m"), 16)
    pinned = (ROOT / "tests" / "cli_flags.txt").read_text("utf-8").splitlines()
    known = next(set(line.split()) for line in pinned if line.startswith("serve "))
    assert {word for word in server.command if word.startswith("--")} <= known
    target = server.target(7)
    assert target.ignore_eos and target.max_tokens == 7 and str(server.port) in target.url
    assert server.said.split()[1:4] == ["-m", "genloom", "serve"]


def test_peers_answer_as_long_as_ours(
    serving: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for peer, name in (("llama", "llama-server"), ("hf", "transformers"), ("hf", "python")):
        program = tmp_path / peer / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
    monkeypatch.setenv("PEERS", str(tmp_path))
    llama = serving.llama(Path("m.gguf"), 256, 64, 2)
    assert str(64 * 256) in llama.command and llama.target(9).ignore_eos
    hugging = serving.transformers(Path("/m"), "bfloat16").target(9)
    assert not hugging.ignore_eos  # it refuses fields that it does not know
    told = json.loads(hugging.extra["generation_config"])
    assert told["max_new_tokens"] == told["min_new_tokens"] == 9


def test_absent_peers_are_left_out_with_a_word(
    serving: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PEERS", raising=False)
    assert serving.llama(Path("m.gguf"), 256, 64, 2) is None
    assert serving.transformers(Path("/m"), "float32") is None
    assert capsys.readouterr().out.count("left out") == 2

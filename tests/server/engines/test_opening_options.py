"""How hosts open models: what is told of all, and of one model alone."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from genloom import api
from genloom.cli.serve import _adapters
from genloom.errors import UsageError
from genloom.hosting.site import open_site
from genloom.server.engines.limits import EngineLimits, limits_of
from genloom.server.settings import Settings


def test_an_adapter_belongs_to_one_model() -> None:
    told = {"words": {"kind": "/a"}}
    limits = limits_of(Settings(hosting={"bits": 8}, adapters=told))
    assert limits.options("words") == {"bits": 8, "adapters": {"kind": "/a"}}
    assert limits.options("others") == {"bits": 8}
    assert EngineLimits().options("words") == {}


def test_keys_and_values_are_within_the_memory_for_models(
    home: Path, small_models: tuple[str, ...]
) -> None:
    options = EngineLimits(memory=64 << 20).options(small_models[0])
    site = open_site(small_models[0], options)
    memory = site.engine.memory
    assert memory is not None and 0 < memory.size * memory.layout.page_bytes <= 16 << 20
    site.close()


def test_adapters_are_named_by_model_name_and_folder(tmp_path: Path) -> None:
    assert _adapters([f"m/words:kind={tmp_path}"]) == {"words": {"kind": str(tmp_path)}}
    for wrong in ("words", "words:kind", f"kind={tmp_path}", f":kind={tmp_path}", "w:k=/nowhere"):
        with pytest.raises(UsageError, match="MODEL:NAME=FOLDER"):
            _adapters([wrong])


def test_bits_are_those_of_texts_alone(home: Path, small_models: tuple[str, ...]) -> None:
    words, sprites, _ = small_models
    for name, packed in ((words, 8), (sprites, None)):
        site = open_site(name, {"bits": 8})
        assert getattr(site.model, "bits", None) == packed
        site.close()
    assert api.of_texts(words) and not api.of_texts(sprites)


def test_an_adapter_that_is_not_there_is_refused_by_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no adapter 'kind'"):
        client.completions.create(model="words", prompt="a", extra_body={"adapter": "kind"})

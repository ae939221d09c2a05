"""Adapters over HTTP: `--adapter MODEL:NAME=FOLDER` and the field `adapter` of a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest
import small_server
from small_adapters import learnt

from genloom.cli.serve import _adapters

ASKED: dict[str, Any] = {"model": "words", "prompt": "the cat", "max_tokens": 16, "temperature": 0}


def test_each_request_names_its_adapter(
    home: Path, small_models: tuple[str, ...], tmp_path: Path
) -> None:
    place = learnt(str(home / "models" / "words"), tmp_path / "poet")
    told = _adapters([f"words:poet={place}"])
    with (
        small_server.running(tmp_path / "records", small_models, adapters=told) as found,
        openai.OpenAI(base_url=f"{found.url}/v1", api_key="none", max_retries=0) as client,
    ):

        def made(adapter: str | None = None) -> str:
            more = {"ignore_eos": True, **({} if adapter is None else {"adapter": adapter})}
            return client.completions.create(**ASKED, extra_body=more).choices[0].text

        plain, poet = made(), made("poet")
        assert plain != poet
        assert (made("poet"), made()) == (poet, plain)
        streamed = client.completions.create(
            **ASKED, stream=True, extra_body={"ignore_eos": True, "adapter": "poet"}
        )
        assert "".join(one.choices[0].text for one in streamed if one.choices) == poet
        with pytest.raises(openai.BadRequestError, match="bard"):
            made("bard")

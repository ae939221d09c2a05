"""Adapters beside the model of a host: asked for by name, each text its own."""

from __future__ import annotations

from pathlib import Path

from parent import hosted, text_of
from small_adapters import learnt

OPTIONS = {"max_tokens": 20, "ignore_eos": True, "temperature": 0.0}


def test_adapters_are_asked_for_by_name(text_model: str, tmp_path: Path) -> None:
    place = learnt(text_model, tmp_path / "poet")
    with hosted(text_model, adapters={"poet": place}) as parent:
        assert parent.about["adapters"] == ["poet"]
        plain = text_of(parent.ask("complete", prompt="the cat", options=OPTIONS))
        asked = [
            parent.make("complete", prompt="the cat", options=OPTIONS, adapter=name)
            for name in ("poet", None)
        ]
        found = parent.until_done(*asked)
        assert text_of(found[asked[1]]) == plain != text_of(found[asked[0]])
        (error,) = parent.ask("complete", prompt="x", adapter="bard")
        assert error["type"] == "RequestError" and "bard" in error["message"]
    with hosted(place) as parent:
        whole = text_of(parent.ask("complete", prompt="the cat", options=OPTIONS))
    assert whole == text_of(found[asked[0]])

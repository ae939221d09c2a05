"""What presets are expected to come to stands in the benchmarks, figure by figure, and is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from genloom import registry
from genloom.recipes.expectation import told

DOCS = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text("utf-8")
MEASURED = [name for name in registry.names("recipe") if registry.expected_of(name)]


def section_of(heading: str) -> str:
    """From the heading that begins so to the next one."""
    found = re.search(rf"^### {re.escape(heading)}.*?(?=^### |\Z)", DOCS, re.M | re.S)
    assert found, heading
    return found[0]


def figures(text: str) -> set[float]:
    return {float(one) for one in re.findall(r"\d*\.?\d+", text)}


@pytest.mark.parametrize("name", MEASURED)
def test_every_figure_stands_where_it_says(name: str) -> None:
    one = registry.expected_of(name)
    assert one is not None
    known = figures(section_of(one["section"]))
    for end in ("value", "floor", "ceiling"):
        if one[end] is not None:
            assert one[end] in known or one[f"{end}_is"] == "a coin", (name, end)
    better = 1 if one["higher"] else -1
    for low, high in (("floor", "value"), ("value", "ceiling")):
        if None not in (one[low], one[high]):
            assert better * (one[high] - one[low]) > 0, (name, low, high)
    assert one["source"].startswith("docs/benchmarks.md, ")


def test_figures_that_stand_nowhere_are_seen() -> None:
    known = figures(section_of("Tables: Adult"))
    assert 0.9184 in known and 0.9384 not in known and 0.918 not in known


def test_what_was_not_measured_is_not_told() -> None:
    assert registry.expected_of("distil") is None and registry.expected_of("no/such.json") is None
    assert "not known" in told(None)
    known = told(registry.expected_of("translation"))
    assert "42.3" in known and "word by word 9.9" in known and "On other data" in known

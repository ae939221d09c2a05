"""The protocol for molecules: every row has a floor, and knows good from bad."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import pytest
import toys

from genloom import api
from genloom.metric.markov import Markov
from genloom.metric.molecules import cosine, wasserstein
from genloom.recipe import Part
from genloom.trust.quality import evaluate
from genloom.trust.quality_molecule import Made

WITHOUT = """
import sys
sys.modules["rdkit"] = None
from genloom.codec.molecule.codec import MoleculeCodec
from genloom.errors import MissingExtra
from genloom.spec import Request
codec = MoleculeCodec(length=32)
items = ["CCO", "c1ccccc1", "CC(=O)O"]
codec.fit(codec.vary(items, 0))
assert codec.notation == "smiles" and not codec.scales
assert [str(x) for x in codec.decode(codec.encode(items))] == items
assert codec.proper(["CCO", "C(C)(C)(C)(C)C", "C1CC"]) == [True, False, False]
assert codec.features(items).norm(dim=1).min() > 0.99
try:
    codec.condition("CC", None)
except MissingExtra as error:
    assert "chem" in str(error)
else:
    raise SystemExit("a part needs RDKit")
"""


def test_without_rdkit_lines_are_learnt_as_they_stand():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_shares_go_by_canonical_lines():
    pytest.importorskip("rdkit")
    made = Made.of(["OCC", "CCO", "CCC", "C(C)(C)(C)(C)C"])
    assert made.valid == 0.75 and made.unique == pytest.approx(2 / 3)
    assert made.new(frozenset({"CCO"})) == 0.5


def test_a_model_of_molecules_is_measured(tmp_path):
    pytest.importorskip("rdkit")
    made = Part("molecule", {"length": 40, "variations": 1, "properties": "logP"})
    recipe = toys.recipe(made, Part("autoregressive"), {"net": "transformer"})
    model = api.load(toys.shaken(recipe, tmp_path).save(tmp_path / "model"))
    items = toys.ITEMS["molecule"]()
    report = evaluate(model, items[:6], training=items, count=12)
    rows = {row.metric: row for row in report.rows}
    assert rows["validity_with_grammar"].value >= rows["validity"].value
    assert rows["novelty"].floor == 0 and rows["novelty"].ceiling == 0  # these were learnt from
    assert rows["holds_part"].value > 0.2 and rows["asked_logP_error"].ceiling >= 0
    assert rows["wasserstein_weight"].ceiling is not None
    assert all(row.note for row in report.rows)


def test_distances_of_distributions():
    draw = random.Random(0)
    one = [draw.gauss(0, 2) for _ in range(4000)]
    other = [draw.gauss(1, 2) for _ in range(3000)]
    assert wasserstein(one, one) == 0
    assert wasserstein(one, other) == pytest.approx(0.5, abs=0.08)
    assert wasserstein([*one, math.nan], other) == wasserstein(one, other)
    assert math.isnan(wasserstein([], one)) and math.isnan(wasserstein([1.0, 1.0], one))
    assert cosine("aab", "aab") == pytest.approx(1) and cosine("aa", "bb") == 0


def test_counts_draw_what_came():
    draw, counts = random.Random(0), Markov(["abcab"] * 3, 3)
    assert {counts.draw(draw) for _ in range(20)} <= {"abcab", "ab", "abcabcab", "abcabcabcab"}
    with pytest.raises(ValueError, match="counted"):
        Markov([])

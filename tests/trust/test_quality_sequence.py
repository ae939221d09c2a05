"""Sequences measured: a model that learnt nothing is seen to, and genes are read in frame."""

from __future__ import annotations

import math
import random

import pytest
import torch
import toys

from genloom import api
from genloom.codec.sequence.item import BioSequence
from genloom.errors import RequestError
from genloom.likelihood import gains, likelihoods
from genloom.recipe import Part
from genloom.trust.quality import evaluate
from genloom.trust.quality_sequence import counted

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def model_of(items: list[BioSequence], alphabet: str, tmp_path, **options) -> api.Model:
    """Shaken and untaught."""
    part = Part("sequence", {"alphabet": alphabet, "length": 96, **options})
    recipe = toys.recipe(part, Part("autoregressive"), {"net": "transformer"})
    made = recipe.make_codec()
    made.fit(items)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nets = recipe.make_nets(made.spec, None)
        for p in nets.parameters():
            torch.nn.init.normal_(p, std=0.1)
    return api.Model(recipe=recipe, codec=made, prompt=None, nets=nets)


def relatives(count: int) -> list[BioSequence]:
    draw = random.Random(0)
    out = []
    for n in range(count):
        first = "".join(draw.choice(LETTERS) for _ in range(60))
        near = "".join(draw.choice(LETTERS) if draw.random() < 0.25 else c for c in first)
        out += [BioSequence(one, f"p{n}", ("kinase",)) for one in (first, near)]
    return out


def test_proteins_are_measured(tmp_path):
    items = relatives(12)
    report = evaluate(model_of(items, "protein", tmp_path), items[:16], training=items, count=4)
    rows = {row.metric: row for row in report.rows}
    assert rows["perplexity"].value > rows["perplexity"].floor  # it has learnt nothing
    assert rows["perplexity"].value == pytest.approx(2 ** rows["bits_per_letter"].value)
    assert rows["copies"].ceiling == 1.0 and rows["copies"].value == 0.0  # these were learnt from
    assert rows["identity_to_nearest"].ceiling == 1.0
    for name in ("auroc_real_over_random", "filled_right", "spectrum_2", "perplexity_told_words"):
        assert rows[name].value >= 0.0
        assert math.isfinite(rows[name].value)


def test_genes_are_measured(tmp_path):
    draw = random.Random(1)
    codons = ["GCA", "GAA", "CTG", "AAA", "TCG", "CGT"]
    genes = [
        BioSequence(
            "ATG" + "".join(draw.choice(codons) for _ in range(30)) + "TAA", words=("gene",)
        )
        for _ in range(24)
    ]
    blocks = [
        BioSequence("".join(genes[n : n + 4]), "chr", features=genes[n : n + 4], inner=True)
        for n in range(0, 24, 4)
    ]
    made = model_of([*blocks, *genes], "dna", tmp_path)
    report = evaluate(made, blocks[:3], training=blocks, count=4)
    rows = {row.metric: row for row in report.rows}
    assert rows["open_frames"].ceiling == 1.0 and rows["begins_as_a_gene"].ceiling == 1.0
    assert rows["codon_distance"].ceiling < rows["codon_distance"].floor
    assert rows["spectrum_6_in_frame"].ceiling < rows["spectrum_6_in_frame"].floor
    assert 0 <= rows["auroc_silent_over_stop"].value <= 1 and "spectrum_6" in rows


def test_counts_reach_what_is_certain():
    codec = toys.registry.find("codec", "sequence")(alphabet="dna")
    assert counted(codec, ["ACGT" * 400], ["ACGT" * 50], 1) == pytest.approx(4.0, rel=0.02)
    assert counted(codec, ["ACGT" * 400], ["ACGT" * 50], 6) < 1.05


def test_likelihoods_add_up_over_pieces_and_strands(tmp_path):
    items = [BioSequence("ACGTTGCAAC" * 30, inner=True, open=True)]
    made = model_of(items, "dna", tmp_path)
    (one,) = likelihoods(made, items)
    assert one.letters == 300 and one.nats < 0
    other = BioSequence(made.codec.letters.turned(items[0]), inner=True, open=True)
    both = likelihoods(made, [items[0], other], every=True)
    assert both[0].nats == pytest.approx(both[1].nats, rel=1e-5)  # a strand and its other
    assert likelihoods(made, [BioSequence("NNNN")])[0].letters == 0


def test_gains_are_of_the_variant_over_the_wild_one(tmp_path):
    items = relatives(4)
    made = model_of(items, "protein", tmp_path)
    wild = BioSequence(str(items[0]))
    other = BioSequence("W" + wild[1:] if wild[0] != "W" else "A" + wild[1:])
    found = gains(made, wild, [wild, other, wild[:-1]])
    told = likelihoods(made, [wild, other], every=True)
    assert found[0] == 0.0 and found[1] == pytest.approx(told[1].nats - told[0].nats, abs=1e-4)
    assert abs(found[2]) < 2.0  # a letter less is no gain by itself
    tune = toys.recipe(Part("tune", {"length": 64}), Part("autoregressive"), {"net": "transformer"})
    with pytest.raises(RequestError, match="does not score variants"):
        gains(toys.shaken(tune, tmp_path), "A", ["C"])

"""Music measured: real tunes beat made-up ones in every row, and copies are seen."""

from __future__ import annotations

import pytest
import toys

from genloom import api
from genloom.codec.tune.item import tune
from genloom.codec.tune.kin import runs
from genloom.metric.tunes import copied, share, verdict
from genloom.music.keys import parse_key
from genloom.recipe import Part
from genloom.trust.quality import evaluate

JIG = "X:1\nM:6/8\nL:1/8\nK:D\nA|dAF DFA|dAF D2A|dAF GFE|D3- D2:|\n"


def test_verdicts_tell_good_tunes_from_bad():
    good = verdict(JIG, parse_key("D"))
    assert good.parses and good.adds_up and good.closed and good.found
    assert not verdict(JIG.replace("dAF GFE", "dAF GF"), parse_key("D")).adds_up
    other = verdict(JIG, parse_key("B minor"))
    assert other.signature and not other.tonic and not other.found
    assert not verdict("X:1\nK:Q\n", parse_key("D")).parses
    assert share([good, other], "found") == 0.5


def test_copies_are_seen_in_any_key():
    own, moved = tune(JIG).ids, tune(JIG.replace("K:D", "K:D\n%").replace("D3-", "D3-")).ids
    assert copied([moved], [own], runs, 4) == 1.0
    changed = tune(JIG.replace("dAF D2A", "dBF D2A")).ids
    assert copied([changed], [own], runs, 4) == 0.0 and copied([changed], [own], runs, 2) == 1.0


@pytest.mark.parametrize("codec", ["tune", "chorale"])
def test_a_model_of_music_is_measured(codec, tmp_path):
    family, net = {"tune": ("autoregressive", "transformer"), "chorale": ("masked", "lattice")}[
        codec
    ]
    options = {"tune": {"length": 128}, "chorale": {"frames": 16}}[codec]
    recipe = toys.recipe(Part(codec, options), Part(family), {"net": net})
    model = api.load(toys.shaken(recipe, tmp_path).save(tmp_path / "model"))
    items = toys.ITEMS[codec]()
    report = evaluate(model, items[:4], training=items, count=4)
    rows = {row.metric: row for row in report.rows}
    head = report.rows[0]
    assert head.value > head.floor or head.value > 0
    copies = rows["shares_8_bars"]
    assert copies.floor == 1.0 and copies.value == 0.0
    if codec == "tune":
        assert rows["parse"].value == rows["parse"].ceiling == 1.0
        assert rows["shares_4_bars"].ceiling == 1.0  # these were learnt from
        assert rows["bars_add_up"].ceiling == 1.0 >= rows["key_found"].value
    else:
        assert rows["key_found"].ceiling == 1.0 and rows["parallels"].value >= 0

"""Molecules through their codec: words, properties and parts that are asked for, files."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
import torch

from genloom.codec.molecule import chemistry
from genloom.codec.molecule.codec import EOS, TOLD, MoleculeCodec
from genloom.codec.molecule.files import read_molecules
from genloom.codec.molecule.item import Molecule
from genloom.codec.molecule.objectives import objective, reproach
from genloom.codec.molecule.properties import Range, Scale
from genloom.data.split import split_keys
from genloom.errors import DataError, RecipeError, RequestError, UsageError
from genloom.spec import Request

pytest.importorskip("rdkit")

RINGS = ("c1ccccc1", "C1CCNCC1", "c1ccncc1", "c1cc[nH]c1", "c1ccc2ncccc2c1")
ITEMS = [
    Molecule(f"{'C' * (1 + n % 6)}{RINGS[n % 5]}", {"pIC50": 4 + (n % 30) / 10}) for n in range(60)
]


def fitted(**options: object) -> MoleculeCodec:
    codec = MoleculeCodec(**{"length": 64, "variations": 2, **options})  # type: ignore[arg-type]
    codec.fit(codec.vary(ITEMS, 0))
    return codec


def allowed(codec: MoleculeCodec, mask: torch.Tensor) -> list[int]:
    return [n for n in range(codec.spec.vocab) if int(mask[n >> 5]) >> (n & 31) & 1]


def drawn(codec: MoleculeCodec, make, seed: int) -> str:
    """What any choice within the guide comes to; ends as soon as it may from 40 ids on."""
    guide, draw, ids = make(), random.Random(seed), []
    while len(ids) < 400:
        some = allowed(codec, guide.mask())
        shut = [n for n in some if codec.spelt([n])[0] in ")&" and codec.spelt([n]) != "&"]
        some = shut if shut and len(ids) > 20 else some
        one = EOS if EOS in some and len(ids) > 12 else draw.choice(some)
        if one == EOS:
            break
        guide.accept(one)
        ids.append(one)
    return str(codec.decode([torch.tensor(ids)])[0])


@pytest.mark.parametrize("notation", ["smiles", "kekule", "selfies"])
def test_molecules_stay_the_same_in_every_notation(notation: str, tmp_path: Path):
    if notation == "selfies":
        pytest.importorskip("selfies")
    codec = fitted(notation=notation)
    told = codec.vary(ITEMS, 0)  # what it was fitted to
    assert any(one.turned for one in told) and any(one.asked for one in told)
    again = codec.decode(codec.encode(told))
    assert list(map(chemistry.canonical, again)) == list(map(chemistry.canonical, told))
    codec.save(tmp_path)
    loaded = MoleculeCodec.load(tmp_path)
    assert loaded.words == codec.words and loaded.scales == codec.scales
    assert loaded.notation == notation and loaded.spec == codec.spec


def test_any_choice_within_the_grammar_is_a_molecule():
    codec = fitted()
    made = [drawn(codec, codec.guide(None), seed) for seed in range(40)]
    assert sum(codec.proper(made)) >= 38
    assert len(set(made)) > 20


@pytest.mark.parametrize("part", [None, "c1ccncc1"])
def test_what_is_open_is_closed_before_the_room_is_spent(part: str | None):
    codec = fitted(length=40)
    ended = 0
    for seed in range(60):
        made = codec.guide(None) if part is None else codec.condition(part, None).guide
        assert made is not None
        guide, draw, ids = made(), random.Random(seed), []
        while len(ids) < codec.length - 1:
            some = allowed(codec, guide.mask())
            some = [one for one in some if one != EOS] or some  # goes on as long as it may
            ids.append(draw.choice(some))
            guide.accept(ids[-1])
            if ids[-1] == EOS:
                break
        line = str(codec.decode([torch.tensor(ids)])[0])
        ended += ids[-1] == EOS and codec.proper([line])[0]
        if part is not None and ids[-1] == EOS:
            assert chemistry.contains(line, part)
    assert ended == 60


@pytest.mark.parametrize("part", ["c1ccc2ncccc2c1", "*c1ccccc1*", "O=C(N*)c1ccccc1"])
def test_a_part_is_held_by_whatever_is_attached(part: str):
    codec = MoleculeCodec(length=64, variations=2)
    codec.fit(codec.vary([*ITEMS, "O=C(NC)c1ccccc1"], 0))
    make = codec.condition(part, None).guide
    made = [drawn(codec, make, seed) for seed in range(12)]
    fine = [one for one in made if chemistry.canonical(one)]
    assert len(fine) >= 9 and all(chemistry.contains(one, part) for one in fine)
    assert len(set(map(chemistry.canonical, fine))) > 5


def test_a_scaffold_gets_no_other_rings():
    codec = fitted()
    make = codec.condition(None, "scaffold = 'c1ccncc1'").guide
    made = [drawn(codec, make, seed) for seed in range(10)]
    assert {chemistry.scaffold(one) for one in made if chemistry.canonical(one)} == {"c1ccncc1"}


def test_properties_are_asked_for_by_steps():
    codec = fitted(properties="pIC50,logP")
    assert list(codec.scales) == ["pIC50", "logP"]
    guide = codec.condition("pIC50 > 6 and logp between 1 and 2", None).guide()
    steps = [codec.scales["pIC50"].middles[n - 4] for n in allowed(codec, guide.mask())]
    assert steps and min(steps) >= 6
    guide.accept(allowed(codec, guide.mask())[0])
    named = [codec.spelt([n]) for n in allowed(codec, guide.mask())]
    assert all(one.startswith("<logP") for one in named)
    misses = codec.strays(["CCO", "not one", "c1ccccc1CCCCCC"], Request(where="logP < 1"))
    assert misses[0] == 0 and misses[1] == float("inf") and 0 < misses[2] < float("inf")


def test_what_is_told_before_the_words_hardly_counts_as_a_target():
    codec = fitted(properties="pIC50,logP", variations=8)
    some = codec.vary(ITEMS, 0)
    leads = set()
    for one, ids, weight in zip(some, codec.encode(some), codec.weights(some), strict=True):
        lead = len(one.asked) + one.turned
        assert len(weight) == len(ids) + 1
        assert (weight[lead:] == 1).all() and (weight[:lead] == TOLD).all() and 0 < TOLD < 0.5
        assert codec.spelt(ids.tolist()[:lead]).count("<") == lead
        leads.add(lead)
    assert leads >= {0, 1, 2}


@pytest.mark.parametrize(
    ("prompt", "where", "named"),
    [
        (None, "charm > 3", "charm"),
        (None, "logP < 1 and logP > 3", "logP"),
        (None, "logP = 'high'", "number"),
        (None, "logP != 3", "comparisons"),
        ("c1ccccc", None, "ring 1"),
        ("CC.O", None, "several"),
        ("[U+6]CC", None, "never saw"),
        ("*", None, "no part"),
        ("CCC", "scaffold = 'c1ccccc1'", "one of them"),
    ],
)
def test_what_cannot_be_asked_is_said(prompt: str | None, where: str | None, named: str):
    with pytest.raises(RequestError, match=named):
        fitted(properties="logP").condition(prompt, where)


def test_options_are_checked():
    for wrong in ({"length": 2}, {"variations": 0}, {"turned": 2}, {"notation": "inchi"}):
        with pytest.raises(RecipeError):
            MoleculeCodec(**wrong)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="charm"):
        fitted(properties="charm")


def test_steps_are_equally_frequent_and_empty_ones_are_none():
    scale = Scale.of([0.0] * 50 + [1.0, 2.0, 3.0] * 20)
    assert scale is not None and scale.middles == (0.0, 1.0, 2.0, 3.0)
    assert [scale.step(x) for x in (0.0, 1.0, 3.0, 9.0)] == [0, 1, 3, 3]
    assert scale.within(1.5, 9) == [2, 3] and scale.within(7, 9) == [3]
    assert Scale.of([1.0] * 100) is None and Scale.of([1.0, 2.0]) is None
    assert Range(1, 2).off(3) == 1 and Range(1, 1).off(float("nan")) == float("inf")


# --- files


def test_lines_that_are_no_molecules_are_counted_and_named(tmp_path: Path):
    file = tmp_path / "some.smi"
    lines = ["smiles", "CCO ethanol", "C(C)(C)(C)(C)C", "c1ccccc", "xyz", "", "[13CH4]"]
    lines += ["CC(=O)[O-].[Na+]", "C" * 500, "C\u0421O", "c1cccc1"]
    file.write_text("\n".join(lines), "utf-8")
    found = read_molecules(file, 128)
    assert [str(one) for one in found.items] == ["CCO", "[13CH4]", "CC(=O)[O-]"]
    assert found.items[0].name == "ethanol"
    told = "; ".join(f"{k}: {v}" for k, v in found.skipped.items())
    for word in ("line 3", "valence", "never closed", "'xyz'", "500 words", "\u0421", "kekulize"):
        assert word in told
    assert found.left_out == 6 and any("salts" in note for note in found.notes)


def test_a_table_may_have_text_among_its_numbers(tmp_path: Path):
    file = tmp_path / "some.csv.gz"
    rows = ["id,SMILES,pIC50,comment", "a,CCO,5.5,x", "b,CCN,unknown,y", "c,CCC,,z", "d,CC,7,"]
    file.write_bytes(gzip.compress("\n".join(rows).encode()))
    found = read_molecules(file, 64)
    assert [dict(one.values) for one in found.items] == [{"pIC50": 5.5}, {}, {}, {"pIC50": 7.0}]
    assert any("pIC50" in note and "1 cells" in note for note in found.notes)
    assert any("comment" in note for note in found.notes)
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="smiles"):
        read_molecules(tmp_path / "none.csv", 64)


def test_files_of_all_kinds_are_written_and_read_again(tmp_path: Path):
    codec = fitted()
    some = codec.collected([Molecule("CCO", {"logP": -0.3}), Molecule("c1ccncc1", {"logP": 1.0})])
    for name in ("a.smi", "a.csv", "a.sdf"):
        codec.write(some, tmp_path / name)
        again = read_molecules(tmp_path / name, 64).items
        assert [str(one) for one in again] == ["CCO", "c1ccncc1"]
        assert name == "a.smi" or (again[1].values["logP"] == 1.0 and again[0].values["QED"] > 0)
    for name, mark in (("a.svg", b"<svg"), ("a.png", b"\x89PNG")):
        codec.write(some, tmp_path / name)
        assert mark in (tmp_path / name).read_bytes()[:400]
    with pytest.raises(RequestError, match="valence"):
        codec.write(Molecule("C(C)(C)(C)(C)C"), tmp_path / "b.sdf")
    with pytest.raises(RequestError, match="written as"):
        codec.write(Molecule("C"), tmp_path / "b.pdf")


def test_a_split_by_scaffold_parts_no_scaffold():
    codec = MoleculeCodec()
    frames = codec.groups(ITEMS, "scaffold")
    first, last = split_keys(frames, 0.4, 1)
    assert not {frames[n] for n in first} & {frames[n] for n in last}
    with pytest.raises(RequestError, match="scaffold"):
        codec.groups(ITEMS, "colour")


# --- scores


def test_scores_that_are_built_in():
    assert objective("nonsense") is None
    qed = objective("qed")
    assert qed is not None and 0 < qed(["CCO"])[0] < 1
    near = objective("logp:2.5")
    assert near is not None and near(["CCO"])[0] < near(["c1ccccc1CC"])[0] <= 1
    alike = objective("similarity:c1ccccc1O")
    assert alike is not None
    scores = alike(["Oc1ccccc1", "CCCC", "no"])
    assert scores[0] == 1 and scores[1] < 0.2 and scores[2] != scores[2]
    for wrong in ("logp:much", "similarity:", "similarity:xyz"):
        with pytest.raises(UsageError):
            objective(wrong)


def test_what_nobody_would_take_is_told():
    for one in ("C" * 20, "C1CCCCCCCCCCC1", "COOC", "CC#CC#CC", "C=C=CC", "Cc1cc(C)c1", "xyz"):
        assert reproach(one), one
    for one in ("CC(=O)Oc1ccccc1C(=O)O", "CCS(=O)(=O)Nc1ccccc1", "C1CCNCC1"):
        assert not reproach(one), one

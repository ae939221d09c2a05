"""Proteins on the command line: trained, made, filled in, scored with their variants; refusals."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from commands import Shell, one_error

WILD = "MKTAYIAKQRQISFVKSHFS"


@pytest.fixture(scope="module")
def proteins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(0)
    path = tmp_path_factory.mktemp("proteins") / "p.fasta"
    letters = "ACDEFGHIKLMNPQRSTVWY"
    made = ["".join(draw.choice(letters) for _ in range(40)) for _ in range(40)]
    path.write_text("".join(f">p{n} serine kinase\n{one}\n" for n, one in enumerate(made)))
    return path


@pytest.fixture
def model(proteins: Path, shell: Shell) -> str:
    out = proteins.parent / "model"
    if not out.exists():
        sizes = ("train.steps=2", "net.net.width=48", "net.net.depth=1", "train.judge=0")
        changes = [part for one in (*sizes, "train.preview=0") for part in ("--set", one)]
        ran = shell("train", "protein", proteins, "--out", out, "--size", "tiny", "-q", *changes)
        assert ran.code == 0, ran.err
    return str(out)


def test_made_sequences_are_one_fasta(shell: Shell, model: str) -> None:
    ran = shell("generate", model, "kinase: MKT???LLE[2]", "-n", "2")
    heads, letters = ran.out.splitlines()[::2], ran.out.splitlines()[1::2]
    assert heads == [">generated kinase"] * 2
    assert all(len(one) == 11 and one[:3] == "MKT" and one[6:9] == "LLE" for one in letters)
    one_error(shell("generate", model, "zebra"), "no word that this model has learnt", "kinase")


def test_variants_are_scored(shell: Shell, model: str, tmp_path: Path) -> None:
    asked = ("score", model, "--wild", WILD, "--mutations", "M1A,K2R:T3S,A4del", "--json")
    told = json.loads(shell(*asked).out)
    assert [row["variant"] for row in told] == ["M1A", "K2R:T3S", "A4del"]
    assert sorted(row["rank"] for row in told) == [1, 2, 3]
    table, wild = tmp_path / "v.csv", tmp_path / "wild.fasta"
    wild.write_text(f">wild\n{WILD}\n")
    table.write_text("mutation,fitness\n" + "\n".join(f"{WILD[n]}{n + 1}W,{n}" for n in range(5)))
    told = json.loads(
        shell("score", model, table, "--wild", wild, "--measured", "fitness", "--json").out
    )
    assert -1 <= told["spearman"] <= 1 and told["measured"] == 5
    plain = json.loads(shell("score", model, WILD, wild.read_text().split()[1], "--json").out)
    assert plain[0]["letters"] == 20 and plain[0]["nats"] == plain[1]["nats"] < 0


def test_what_cannot_be_scored_is_told_in_a_line(
    shell: Shell, model: str, text_model: str, tmp_path: Path
) -> None:
    wild = ("score", model, "--wild", WILD)
    one_error(shell(*wild, "--mutations", "A1G"), "has M at 1, not A")
    one_error(shell(*wild, "--mutations", "M99G"), "has 20 letters")
    one_error(shell("score", model, "--mutations", "M1A"), "--wild")
    one_error(shell("score", model, "MK7"), "'7' at 3 is no letter of proteins")
    one_error(shell("score", text_model, "--wild", WILD), "models of proteins and DNA")
    table = tmp_path / "v.csv"
    table.write_text("a,b\n1,2\n")
    one_error(shell(*wild, table), "no column named", "mutation")
    table.write_text("mutation,b\nM1A,x\nM1C,y\n")
    one_error(shell(*wild, table, "--measured", "c"), "no column 'c'")
    one_error(shell(*wild, table, "--measured", "b"), "fewer than 3 numbers")


def test_sequences_are_a_data_set(shell: Shell, proteins: Path, tmp_path: Path) -> None:
    told = json.loads(shell("data", "inspect", proteins, "--json").out)
    assert told["medium"] == "sequence" and told["items"] == 40
    assert shell("data", "split", proteins, tmp_path / "parts", "--holdout", "0.3").code == 0
    parts = [(tmp_path / "parts" / f"{n}.fasta").read_text() for n in ("train", "held-out")]
    assert sum(part.count(">") for part in parts) == 40
    (proteins.parent / "genes.gff").write_text(
        "##gff-version 3\nother\tx\tCDS\t1\t9\t.\t+\t0\tID=a\n"
    )
    ran = shell("train", "protein", proteins, "--annotation", proteins.parent / "genes.gff")
    one_error(ran, "is of other sequences")
    one_error(shell("train", "dna", proteins), "train it as protein")

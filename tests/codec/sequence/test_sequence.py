"""Sequences as ids: the same letters however they are told; asked for, filled in, parted."""

from __future__ import annotations

import random

import pytest
import torch

from genloom.codec.sequence.alphabet import DNA, PROTEIN
from genloom.codec.sequence.codec import SequenceCodec
from genloom.codec.sequence.genes import CODE, STOPS, translated
from genloom.codec.sequence.ids import EOS, FILL, GAP, INNER, RUN
from genloom.codec.sequence.item import BioSequence, fasta
from genloom.codec.sequence.kin import kin
from genloom.codec.sequence.variants import around, mutated
from genloom.codec.sequence.windows import Ways, varied
from genloom.datasets.report import look
from genloom.datasets.samples import write_samples
from genloom.errors import RequestError

ONE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDG"


def learnt(**options: object) -> SequenceCodec:
    """Which knows the words kinase and membrane."""
    made = SequenceCodec(alphabet="protein", length=64, **options)  # type: ignore[arg-type]
    made.fit([BioSequence(ONE, "a", ("kinase", "membrane")) for _ in range(8)])
    return made


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_the_sequence_in_other_words(seed):
    codec = learnt()
    whole = BioSequence(ONE, "a", ("kinase", "membrane"))
    ways = Ways(alphabet=PROTEIN, room=50, variations=1, backward=0.3, gaps=0.6)
    (told,) = varied(whole, ways, random.Random(seed))
    ids = codec.encode([told])[0]
    (again,) = codec.decode([ids])
    assert str(again) == str(told) and ONE.startswith(str(again))
    assert set(again.words) == set(told.words) and len(ids) < codec.length


def test_what_counts_are_known_letters_and_true_ends():
    codec = learnt()
    item = BioSequence("MKXA", words=("kinase",), open=True)
    (weight,) = codec.weights([item])
    assert weight.tolist() == [0, 1, 1, 0, 1, 0]
    (weight,) = codec.weights([BioSequence("MKA", gaps=((1, 2),))])  # M gap A fill K end
    assert weight.tolist() == [1, 0, 1, 0, 1, 1]


def test_windows_cover_a_long_sequence_once():
    whole = "".join(random.Random(0).choice("ACGT") for _ in range(1000))
    ways = Ways(alphabet=DNA, room=100, variations=1, backward=0.0, gaps=0.0)
    pieces = list(varied(BioSequence(whole), ways, random.Random(1)))
    straight = [p for p in pieces if str(p) in whole]
    turned = [p for p in pieces if DNA.turned(p) in whole]
    assert len(straight) + len(turned) == len(pieces) and straight and turned
    assert 900 <= sum(map(len, pieces)) <= 1000
    assert sum(p.inner for p in pieces) >= len(pieces) - 1


def test_the_other_strand():
    assert DNA.turned("AACGTN") == "NACGTT"
    assert translated("ATGGCATAATTT") == "MA" and len(CODE) == 64 and len(STOPS) == 3


# --- asking ---------------------------------------------------------------------------------------


def drawn(codec: SequenceCodec, known: torch.Tensor | None, seed: int = 0) -> BioSequence:
    """What any net could make of it: letters at random among those allowed."""
    made = codec.guide(known)
    assert made is not None
    guide, draw = made(), random.Random(seed)
    ids = [] if known is None else known.tolist()
    while len(ids) < 200 and not guide.finished:
        allowed = guide.allowed()
        bits = guide.mask()
        assert all(int(bits[one // 32]) >> one % 32 & 1 for one in allowed)
        ids.append(draw.choice(allowed))
        guide.accept(ids[-1])
    (item,) = codec.decode([torch.tensor(ids)])
    return item


@pytest.mark.parametrize("seed", range(5))
def test_gaps_take_as_many_letters_as_they_have(seed):
    codec = learnt()
    made = drawn(codec, codec.condition("kinase: MKT???LLE[4]W", None).known, seed)
    assert len(made) == 14 and made.startswith("MKT") and made[6:9] == "LLE" and made[-1] == "W"
    assert made.words == ("kinase",) and set(made) <= set(PROTEIN.letters)
    loose = drawn(codec, codec.gap("MKT", "LLE"), seed)
    assert loose.startswith("MKT") and loose.endswith("LLE") and len(loose) > 6


def test_prompts_are_words_letters_or_both():
    codec = learnt()
    number = codec.ids.number
    assert codec.condition("a membrane kinase", None).known.tolist() == [
        number["membrane"],
        number["kinase"],
    ]
    assert codec.condition("MK", None).known.tolist() == codec.encode(["MK"])[0].tolist()
    assert codec.condition(None, {"family": "kinase"}).known.tolist() == [number["kinase"]]
    assert codec.condition(">x kinase\nMK", None).known.tolist()[0] == number["kinase"]
    assert codec.condition(None, None).known is None


@pytest.mark.parametrize(
    ("prompt", "where", "said"),
    [
        ("zebra", None, "no word that this model has learnt"),
        ("kinase: MK7", None, "'7' at 3 is no letter of proteins"),
        ("M" * 64, None, "the beginning has 64 ids"),
        (None, {"colour": "red"}, "has no 'colour'"),
        (None, "mask = 3", "mask names letters of a given sequence"),
    ],
)
def test_what_cannot_be_asked(prompt, where, said):
    with pytest.raises(RequestError, match=said):
        learnt().condition(prompt, where)


def test_a_given_sequence_is_gone_on_from_or_filled_in():
    codec = learnt()
    ids = codec.given(f">x membrane\n{ONE}\n".encode(), None, {"mask": "2-4,10"}).known.tolist()
    assert ids.count(GAP) == 4 and ids[-1] == FILL and ids[0] == codec.ids.number["membrane"]
    made = drawn(codec, torch.tensor(ids))
    assert made[0] == "M" and made[4:9] == ONE[4:9] and made[10:] == ONE[10:]
    assert codec.given(ONE, None, None).known.tolist() == codec.encode([ONE])[0].tolist()
    with pytest.raises(RequestError, match="no letters '0'"):
        codec.given(ONE, None, "mask=0")


def test_a_genome_model_makes_windows_unless_a_feature_is_asked_for():
    codec = SequenceCodec(alphabet="dna", length=64)
    codec.fit(
        [BioSequence("ACGT" * 10, inner=True, open=True)] * 20
        + [BioSequence("ATGTAA", words=("gene",))] * 8
    )
    free = codec.condition(None, None).known
    window, gene = drawn(codec, free), codec.condition("gene", None).known
    assert window.inner and len(window) > 100  # it has no end
    assert INNER not in gene.tolist()
    guide = codec.guide(gene)()  # type: ignore[misc]
    first = codec.ids.framed_at
    assert EOS not in guide.allowed() and guide.allows([first, EOS]) == 2
    assert guide.allows([first, first]) == 1  # the second letter of a codon has other ids
    assert RUN not in guide.allowed() and guide.copy() is not guide
    made = drawn(codec, codec.condition("gene: ATG???[4]TAA", None).known)
    assert len(made) == 13 and made.startswith("ATG") and made.endswith("TAA")


# --- relatives and variants -----------------------------------------------------------------------


def test_relatives_have_one_name():
    draw = random.Random(0)
    first, other = ("".join(draw.choice(PROTEIN.letters) for _ in range(200)) for _ in range(2))
    near = "".join(draw.choice(PROTEIN.letters) if draw.random() < 0.3 else c for c in first)
    names = kin([first, other, near, "MK", "MK"], PROTEIN)
    assert names is not None and names[0] == names[2] != names[1] and names[3] == names[4]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("K2R", "MRTAY"),
        ("p.K2R", "MRTAY"),
        ("K2R:Y5F", "MRTAF"),
        ("T3del", "MKAY"),
        ("K2_A4del", "MY"),
        ("K2insGG", "MKGGTAY"),
    ],
)
def test_variants_by_name(name, made):
    assert mutated("MKTAY", name, PROTEIN) == made
    assert mutated("ACGT", "c.2C>T", DNA) == "ATGT"


@pytest.mark.parametrize("name", ["A2R", "K9R", "K2", "K2Rdel", "2", "K2_M1del", "K2insZ9"])
def test_variants_that_are_none(name):
    with pytest.raises(RequestError):
        mutated("MKTAY", name, PROTEIN)


def test_a_window_holds_what_differs():
    wild = "A" * 500 + "C" + "G" * 500
    other = wild[:500] + "T" + wild[501:]
    start, stop, end = around(wild, other, 100)
    assert stop - start == end - start == 100 and start < 500 < stop
    assert around("AC", "AT", 100) == (0, 2, 2)


def test_files_are_fasta(tmp_path):
    codec, item = learnt(), BioSequence(ONE * 2, "x", ("kinase",))
    codec.write(item, tmp_path / "a.fasta")
    assert (tmp_path / "a.fasta").read_text() == fasta([item])
    assert fasta([item]).startswith(">x kinase\n") and max(map(len, fasta([item]).split())) == 60
    codec.write(item, tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == f"{ONE * 2}\n"
    with pytest.raises(RequestError, match="written as"):
        codec.write(item, tmp_path / "a.png")


def test_a_data_set_shows_its_sequences(tmp_path):
    (tmp_path / "p.fasta").write_text(f">x kinase\n{ONE}\n")
    (shown,) = write_samples(look(tmp_path / "p.fasta", "sequence"), tmp_path / "shown")
    assert shown["media"] == "text/x-fasta"
    assert (tmp_path / "shown" / shown["name"]).read_text() == f">x kinase\n{ONE}\n"


def test_letters_of_genes_are_told_by_their_place_in_a_codon():
    codec = SequenceCodec(alphabet="dna", length=64)
    codec.fit([BioSequence("ATGTAA", words=("gene", "kinase"))] * 8)
    gene, plain = BioSequence("ATGATGN", words=("gene",)), BioSequence("ATGATGN")
    ids, bare = (codec.encode([one])[0].tolist() for one in (gene, plain))
    assert ids[1:4] == ids[4:7] and len(set(ids[1:4])) == 3 and ids[7] == bare[6]
    assert not set(ids[1:7]) & set(bare)
    assert [str(one) for one in codec.decode(codec.encode([gene, plain]))] == ["ATGATGN"] * 2
    holed = BioSequence("ATGATG", words=("gene",), gaps=((1, 2),))
    assert codec.encode([holed])[0].tolist()[-1] == ids[2]
    long = BioSequence("ATG" * 60, words=("gene",))
    (pieces,) = codec.readings(long)
    assert "".join(pieces) == str(long) and all(one.startswith("ATG") for one in pieces)
    a, b = codec.beside(long, BioSequence(long[:100] + "C" + long[101:], words=("gene",)))
    assert a.startswith("ATG") and len(a) == len(b) <= codec.room

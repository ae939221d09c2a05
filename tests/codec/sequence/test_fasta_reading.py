"""Sequences off disk: what is read as what, what is left out by name, what is refused in a line."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from genloom.codec.sequence.codec import SequenceCodec
from genloom.codec.sequence.fasta import records
from genloom.codec.sequence.gff import read_gff
from genloom.codec.sequence.headers import words_of
from genloom.errors import DataError

ONE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDG"
GENES = """##gff-version 3
##sequence-region chr 1 600
chr\tx\tgene\t201\t260\t.\t+\t.\tID=g1
chr\tx\tCDS\t201\t260\t.\t+\t0\tID=c1;product=serine kinase
chr\tx\tCDS\t401\t460\t.\t-\t0\tID=c2;product=membrane%20pump
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def proteins(path: Path, **options: object) -> object:
    return SequenceCodec(alphabet="protein", **options).read(path)  # type: ignore[arg-type]


def test_lines_join_and_letters_that_stand_for_several_are_counted(tmp_path):
    text = f">a one\n{ONE[:20].lower()}\n{ONE[20:]}*\n\n>b\nMKAALL-BZUX.A\n"
    text += ">empty\n>c\nMK*A\n>d\nM123456\n"
    reading = proteins(write(tmp_path / "p.fasta", text))
    assert [str(one) for one in reading.items] == [ONE, "MKAALLXXXXA"]
    notes = " ".join(reading.notes)
    assert "1 B, 1 U, 1 X, 1 Z" in notes and "20 lower-case" in notes and "gaps" in notes
    why = dict.fromkeys(reading.skipped.values())
    assert list(why) == ["empty", "a stop stands within it", "'1' is no letter of proteins"]


def test_a_line_of_a_million_letters_is_read_in_pieces(tmp_path):
    path = tmp_path / "long.fna.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(">chr long\n" + "ACGTTGCA" * 250_000)
    tracemalloc.start()
    (record,) = records(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(record.data) == 2_000_000 and record.counts[ord("A")] == 500_000
    assert peak < 12_000_000
    items = SequenceCodec(alphabet="dna").read(path).items
    assert "".join(items) == "ACGTTGCA" * 250_000 and items[0].open and not items[0].inner


def test_rna_is_read_as_dna(tmp_path):
    reading = SequenceCodec(alphabet="dna").read(write(tmp_path / "r.fa", ">r\nAUGGCRN\n"))
    assert reading.items == ["ATGGCNN"]
    assert "1 U are read as T" in " ".join(reading.notes)


@pytest.mark.parametrize(
    ("text", "alphabet", "said"),
    [
        (f">a\n{ONE}\n>odd\n{'ACGT' * 12}\n", "protein", "odd holds nucleotides among proteins"),
        (f">a\n{'ACGT' * 12}\n>odd\n{ONE}\n", "dna", "odd holds proteins among nucleotides"),
        (f">a\n{'ACGU' * 12}\n", "protein", "train it as dna"),
        (f">a\n{ONE}\n", "dna", "train it as protein"),
        (">a\n>b\n", "protein", "has no sequences of proteins"),
        ("\n", "protein", "has no sequences of proteins"),
        (f"{ONE}\n>a\n{ONE}\n", "protein", "a header after lines without one"),
        (f">a\n{'N' * 50}\n", "dna", "half of its letters or more are unknown"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_one_line(tmp_path, text, alphabet, said):
    with pytest.raises(DataError, match=said) as caught:
        SequenceCodec(alphabet=alphabet).read(write(tmp_path / "x.fasta", text))
    assert "\n" not in str(caught.value)


def test_damaged_and_absent_files(tmp_path):
    (tmp_path / "x.fasta.gz").write_bytes(gzip.compress(b">a\nMKT\n" * 999)[:30])
    for path in (tmp_path / "x.fasta.gz", tmp_path / "none.fasta"):
        with pytest.raises(DataError):
            proteins(path)


def test_features_are_read_on_their_strand(tmp_path):
    forward, backward = "ATG" + "GCA" * 18 + "TAA", "ATG" + "TTC" * 18 + "TGA"
    other = str.maketrans("ACGT", "TGCA")
    genome = "C" * 200 + forward + "G" * 140 + backward.translate(other)[::-1] + "T" * 140
    write(tmp_path / "g.fna", f">chr whole\n{genome}\n")
    write(tmp_path / "g.gff", GENES)
    reading = SequenceCodec(alphabet="dna").read(tmp_path)
    features = [f for one in reading.items for f in one.features]
    told = {str(f): f.words for f in features if f.words[0] == "gene"}
    assert told == {forward: ("gene", "serine", "kinase"), backward: ("gene", "membrane", "pump")}
    ahead = [str(f) for f in features if f.words[0] == "promoter"]
    assert ahead[0] == "C" * 100 + forward[:50] and ahead[1].endswith(backward[:50])
    assert "2 gene" in " ".join(reading.notes)


def test_an_annotation_of_another_genome_is_refused(tmp_path):
    fasta = write(tmp_path / "g.fna", f">other\n{'ACGT' * 150}\n")
    gff = write(tmp_path / "g.gff", GENES)
    with pytest.raises(DataError, match="names 'chr', the data 'other'"):
        SequenceCodec(alphabet="dna", annotation=str(gff)).read(fasta)
    write(fasta, f">chr\n{'ACGT' * 100}\n")
    with pytest.raises(DataError, match="reaches to 600, the sequence has 400"):
        SequenceCodec(alphabet="dna", annotation=str(gff)).read(fasta)
    with pytest.raises(DataError, match="take no annotation"):
        proteins(write(tmp_path / "p.faa", f">chr\n{ONE * 20}\n"), annotation=str(gff))
    with pytest.raises(DataError, match="line 2: nine columns"):
        read_gff(write(tmp_path / "bad.gff", "##gff-version 3\nchr\tCDS\n"))
    with pytest.raises(DataError, match="is an annotation"):
        SequenceCodec(alphabet="dna").read(gff)


def test_headers_tell_family_function_and_organism():
    ncbi = "NP_1.1 homoserine kinase ThrB [Escherichia coli str. K-12 substr. MG1655]"
    assert words_of(ncbi) == ("homoserine", "kinase", "thrb", "escherichia", "coli")
    uniprot = "sp|P1|A_B Probable serine protease OS=Homo sapiens OX=9606 GN=X PE=1 SV=2"
    assert words_of(uniprot) == ("serine", "protease", "homo", "sapiens")
    assert words_of("Q9 3.5.99.7~~~acdA~~~Putative deaminase~~~") == ("deaminase",)
    assert words_of("a") == ()

"""Texts in HTML, Markdown, PDF and Parquet: what is kept, and what is left out by name."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import time
from pathlib import Path

import pytest

from genloom.codec.file_walk import Unreadable, content, files_at
from genloom.codec.left_out import MOST
from genloom.codec.text import pdf as text_pdf
from genloom.codec.text.files import read_texts
from genloom.codec.text.html import visible_text
from genloom.codec.text.markdown import without_front_matter
from genloom.data.source import Manifest
from genloom.errors import DataError, MissingExtra

PAGE = """<!DOCTYPE html>
<html><head><title>No</title><style>p {no: 1}</style><script>no()</script></head>
<body><nav><a href="/">Home no</a></nav>
<h1>The   sea</h1>
<p>It is <b>deep</b>,
and&nbsp;cold &amp; wide.<p>A second one.<br>Its line.
<ul><li>one<li><p>two <i>and a half</i></p>
  <ol start="3"><li>inner</li></ol></li></ul>
<pre>def f():
    return  1</pre>
<table><tr><th>a<th>b<tr><td>1<td>2</table>
<p hidden>no</p><div style="display: none">no</div><button>no</button>
<noscript>no</noscript><div role="navigation">no</div><form>no<input value="no"></form>
<h2>End</h2><article>last</article><footer>no</footer>
</body></html>"""
SEEN = """# The sea

It is deep, and cold & wide.

A second one.
Its line.

- one
- two and a half
  3. inner

def f():
    return  1

a\tb
1\t2

## End

last"""


# --- HTML


def test_a_page_is_what_its_reader_sees() -> None:
    assert visible_text(PAGE.encode()) == (SEEN, None)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ("<p>né".encode("utf-16"), None),
        ("<p>né".encode("utf-8-sig"), None),
        (b"<meta charset=iso-8859-1><p>n\xe9", None),
        (b'<?xml version="1.0" encoding="windows-1252"?><p>n\xe9</p>', None),
        (b'<meta http-equiv="x" content="text/html; charset=windows-1252"><p>n\xe9', None),
        (b"<p>n\xe9", "cp1252"),
        (b"<meta charset=utf-7><p>n\xc3\xa9", None),
        (b"<meta charset=nonsense><p>n\xc3\xa9", None),
    ],
)
def test_encodings_by_mark_by_what_is_said_and_by_fit(data: bytes, note: str | None) -> None:
    text, told = visible_text(data)
    assert text == "né" and (told is None if note is None else note in str(told))


@pytest.mark.parametrize(
    "data",
    [
        b"<" * 200_000,
        b"<!--" * 50_000,
        b"<div>" * 50_000 + b"x" + b"</b>" * 50_000,
        b"<p hidden>" * 50_000,
        b"</ul></li>" * 20_000 + b"<li>" * 20_000,
        b"<a " * 50_000,
        b"&" * 100_000,
    ],
)
def test_hostile_pages_end_soon(data: bytes) -> None:
    begun = time.process_time()
    with contextlib.suppress(Unreadable):
        visible_text(data)
    assert time.process_time() - begun < 10


def test_a_page_of_nothing_is_left_out_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<script>x()</script>")
    (tmp_path / "b.htm").write_text(PAGE)
    (tmp_path / "c.html").write_bytes(b"\x89PNG\0\0\0")
    (tmp_path / "d.html").write_text("")
    reading = read_texts(tmp_path)
    assert reading.items == [SEEN] and reading.files == (tmp_path / "b.htm",)
    assert reading.skipped == {
        "a.html": "has no visible text",
        "c.html": "a binary file",
        "d.html": "is empty",
    }


# --- Markdown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("---\ntitle: x\ntags: [a]\n---\n\n# Head\n\ntext\n", "# Head\n\ntext\n"),
        ("+++\ntitle = 'x'\n+++\ntext", "text"),
        ("---\r\ntitle: x\r\n---\r\ntext", "text"),
        ("---\n---\ntext", "text"),
        ("---\n\nProse between rules.\n\n---\nmore", None),
        ("# Head\n---\na: b\n---\n", None),
        ("--- not closed\ntext", None),
    ],
)
def test_front_matter_goes_and_markdown_stays(text: str, kept: str | None) -> None:
    assert without_front_matter(text) == (text if kept is None else kept)


def test_markdown_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ndraft: true\n---\n*text*")
    (tmp_path / "only.md").write_text("---\ndraft: true\n---\n")
    reading = read_texts(tmp_path)
    assert reading.items == ["*text*"] and reading.skipped == {"only.md": "is empty"}


# --- PDF


def pdf(*texts: str) -> bytes:
    """A page a text; "" is a page without any."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    for text in texts:
        page = writer.add_blank_page(200, 200)
        font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
        named = DictionaryObject({NameObject(k): NameObject(v) for k, v in font.items()})
        fonts = DictionaryObject({NameObject("/F"): named})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F 12 Tf 10 100 Td ({text}) Tj ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_of_a_pdf_are_joined(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    (tmp_path / "a.pdf").write_bytes(pdf("Hello there", "Second page"))
    (tmp_path / "named.txt").write_bytes(pdf("By its bytes"))
    reading = read_texts(tmp_path)
    assert reading.items == ["Hello there\n\nSecond page", "By its bytes"]


def test_pdfs_that_cannot_be_read_are_left_out_by_name(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    good = pdf("Hello there")
    (tmp_path / "good.pdf").write_bytes(good)
    (tmp_path / "pictures.pdf").write_bytes(pdf("", ""))
    (tmp_path / "damaged.pdf").write_bytes(good[: len(good) // 3])
    (tmp_path / "none.pdf").write_bytes(b"this is no pdf")
    (tmp_path / "empty.pdf").write_bytes(b"")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(good))
    writer.encrypt("secret", algorithm="RC4-128")
    with (tmp_path / "locked.pdf").open("wb") as file:
        writer.write(file)
    before = logging.getLogger("pypdf").level
    reading = read_texts(tmp_path)
    assert reading.items == ["Hello there"]
    assert "encrypted" in reading.skipped["locked.pdf"]
    assert "no text on 2 pages" in reading.skipped["pictures.pdf"]
    assert "damaged" in reading.skipped["damaged.pdf"] and "damaged" in reading.skipped["none.pdf"]
    assert reading.skipped["empty.pdf"] == "is empty"
    assert logging.getLogger("pypdf").level == before
    with pytest.raises(DataError, match=r"locked\.pdf: is encrypted"):
        read_texts(tmp_path / "locked.pdf")


def test_without_its_library_a_pdf_is_named_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "b.txt").write_text("text")
    monkeypatch.setattr(text_pdf.importlib, "import_module", missing)
    reading = read_texts(tmp_path)
    assert reading.items == ["text"] and "genloom[documents]" in reading.skipped["a.pdf"]
    with pytest.raises(MissingExtra, match="documents"):
        read_texts(tmp_path / "a.pdf")


# --- Parquet


def test_the_text_column_is_read(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"text": "one", "n": 1}, {"text": None, "n": 2}, {"text": " ", "n": 3}]
    table = arrow.Table.from_pylist([*rows, *({"text": f"t{n}", "n": n} for n in range(3000))])
    parquet.write_table(table, tmp_path / "a.parquet")
    parquet.write_table(arrow.table({"messages": ["x"]}), tmp_path / "b.parquet")
    parquet.write_table(arrow.table({"text": [1, 2]}), tmp_path / "c.parquet")
    (tmp_path / "d.parquet").write_bytes(b"PAR1 broken")
    reading = read_texts(tmp_path)
    assert len(reading.items) == 3001 and reading.items[:2] == ["one", "t0"]
    assert reading.skipped["b.parquet"] == 'has no column "text"; its columns: messages'
    assert "holds int, no texts" in reading.skipped["c.parquet"]
    assert "not readable as Parquet" in reading.skipped["d.parquet"]


# --- many, and none


def test_many_tiny_files_are_read_in_order_and_quickly(tmp_path: Path) -> None:
    count = 5000
    for n in range(count):
        folder = tmp_path / f"{n % 50:02}"
        folder.mkdir(exist_ok=True)
        (folder / f"{n:05}.txt").write_text(f"text {n}")
    begun = time.process_time()
    reading = read_texts(tmp_path)
    manifest = Manifest.of_files(tmp_path, reading.files, items=len(reading.items))
    spent = time.process_time() - begun
    assert len(reading.items) == len(manifest.entries) == count
    assert reading.items[:2] == ["text 0", "text 50"]
    assert manifest.entries[0].path == "00/00000.txt" and not manifest.changed()
    assert spent < 10, f"{count / spent:.0f} files a second"


def test_what_is_left_out_is_counted_and_the_first_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    for n in range(MOST + 200):
        (tmp_path / f"{n}.bin").write_bytes(b"\0\1\2\3\4")
    reading = read_texts(tmp_path)
    assert len(reading.skipped) == MOST and reading.left_out == MOST + 200
    assert f"{MOST + 200:,} are left out in all" in reading.notes[0]
    lines = [json.dumps({"text": "x"}), *["{"] * (MOST + 5)]
    (tmp_path / "b.jsonl").write_text("\n".join(lines))
    assert read_texts(tmp_path / "b.jsonl").left_out == MOST + 5


def test_a_folder_with_nothing_readable_says_what_was_tried(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0")
    (tmp_path / "b.txt").write_text("")
    (tmp_path / "c.html").write_text("<nav>x</nav>")
    words = r"tried a.bin \(a binary file\), b.txt \(is empty\), c.html \(has no visible text\)"
    with pytest.raises(DataError, match=words):
        read_texts(tmp_path)


def test_files_come_in_one_order_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("b/x.txt", "a.txt", "b/c/y.txt", ".hidden/z.txt", "node_modules/q.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    (tmp_path / "b" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    assert [name for _, name in files_at(tmp_path)] == [
        "a.txt", "gone.txt", "b/x.txt", "b/c/y.txt"
    ]  # fmt: skip
    with pytest.raises(Unreadable, match="cannot be read"):
        content(str(tmp_path / "gone.txt"))

"""`genloom score`, `embed`, `rank`: texts through a model that reads them.

Texts are arguments, the lines of a file (--file), or stdin: one text a line, or whole with --whole.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from genloom.cli import output, settings, source, variants
from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.engine.reading import Reader

Bits = Literal[32, 16, 8, 4] | None
File = Annotated[str | None, Parameter(name=["--file", "-f"])]


def _texts(given: tuple[str, ...], file: str | None, whole: bool) -> list[str]:
    """What is to be read, in the order given."""
    piped = file is None and not given
    place = source.STDIN if piped or list(given) == [source.STDIN] else file
    if place is None:
        return [source.as_given(text) for text in given]
    if place == source.STDIN:
        content = source.prompt_from(source.STDIN) or ""
    else:
        try:
            content = Path(place).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{place} does not read as text ({error}): give a UTF-8 file"
            ) from None
    texts = [content] if whole else [line for line in content.splitlines() if line.strip()]
    if not any(text.strip() for text in texts):
        raise UsageError("there is no text to read: give some, a --file, or pipe it in")
    return texts


def _reader(model: str, bits: int | None) -> Reader:
    from genloom.engine.reading import Reader

    return Reader(settings.load(model, bits))


def score(
    model: str,
    /,
    *texts: str,
    file: File = None,
    whole: bool = False,
    each: bool = False,
    wild: str | None = None,
    mutations: str | None = None,
    measured: str | None = None,
    bits: Bits = None,
    json: bool = False,
) -> None:
    """How likely a model finds texts: nats, perplexity, bits a byte; or sequences and variants.

    A model of proteins or DNA reads FASTA and CSV files, or sequences themselves; with --wild it
    tells of each variant how much likelier it is than the wild one.

    Parameters
    ----------
    model
        Name or path of a model of texts.
    texts
        The texts; without any, the lines of stdin.
    file
        A file to read instead, one text a line.
    whole
        The file, or stdin, is one text.
    each
        Tell every token's log-probability, too.
    wild
        The sequence that variants are of: a FASTA file, or its letters.
    mutations
        Variants of it, parted by commas, such as A24G,A24G:L30P,M1del.
    measured
        Column of a CSV file that holds what was measured: how alike the ranks are is told, too.
    bits
        Of the weights: 32, 16, 8 or 4; as stored unless given.
    json
        Print JSON.
    """
    from genloom.engine.reading import Reader

    loaded = settings.load(model, bits)
    if variants.meant(loaded, wild, mutations, measured):
        variants.score(loaded, texts, file, wild, mutations, measured, json)
        return
    read = _texts(texts, file, whole)
    with Reader(loaded) as reader:
        told = reader.score(read)
        pieces = [_pieces(reader, s.ids) for s in told] if each else []
    rows: list[dict[str, Any]] = [
        {
            "text": text,
            "tokens": len(s.logprobs),
            "nats": s.nats,
            "perplexity": s.perplexity,
            "bits_per_byte": s.bits_per_byte,
            **({"logprobs": list(zip(pieces[n], s.logprobs, strict=False))} if each else {}),
        }
        for n, (text, s) in enumerate(zip(read, told, strict=True))
    ]
    if json:
        output.values(rows)
        return
    names = ("tokens", "nats", "perplexity", "bits_per_byte")
    lines = [(*(row[n] for n in names), _short(row["text"])) for row in rows]
    output.table((*names, "text"), lines)
    for row in rows if each else ():
        output.table(("token", "nats"), [(repr(piece), -nats) for piece, nats in row["logprobs"]])


def embed(
    model: str,
    /,
    *texts: str,
    file: File = None,
    whole: bool = False,
    pooling: Literal["mean", "last"] = "mean",
    size: int | None = None,
    raw: bool = False,
    bits: Bits = None,
) -> None:
    """Texts as vectors, printed as JSON: one list of numbers a line.

    Parameters
    ----------
    model
        Name or path of a model of texts.
    texts
        The texts; without any, the lines of stdin.
    file
        A file to read instead, one text a line.
    whole
        The file, or stdin, is one text.
    pooling
        The mean of all tokens, or the last one.
    size
        Keep the first so many numbers.
    raw
        Do not scale to length one.
    bits
        Of the weights: 32, 16, 8 or 4; as stored unless given.
    """
    import json

    read = _texts(texts, file, whole)
    with _reader(model, bits) as reader:
        made = reader.embed(read, pooling=pooling, size=size, normalise=not raw)
    for row in made.tolist():
        sys.stdout.write(json.dumps([round(x, 7) for x in row]) + "\n")


def rank(
    model: str,
    query: str,
    /,
    *texts: str,
    file: File = None,
    count: Annotated[int | None, Parameter(name=["-n", "--count"])] = None,
    bits: Bits = None,
    json: bool = False,
) -> None:
    """Order texts by how well they answer a query, best first.

    Parameters
    ----------
    model
        Name or path of a model of texts.
    query
        What is asked.
    texts
        The texts; without any, the lines of stdin.
    file
        A file to read instead, one text a line.
    count
        Show the best so many.
    bits
        Of the weights: 32, 16, 8 or 4; as stored unless given.
    json
        Print JSON.
    """
    read = _texts(texts, file, whole=False)
    with _reader(model, bits) as reader:
        told = reader.rank(query, read)
    order = sorted(range(len(read)), key=lambda n: (-told[n], n))[:count]
    rows = [{"place": n, "score": told[n], "text": read[n]} for n in order]
    if json:
        output.values(rows)
        return
    output.table(("score", "text"), [(row["score"], _short(str(row["text"]))) for row in rows])


def _pieces(reader: Reader, ids: tuple[int, ...]) -> list[str]:
    """What each id is alone; part of a character is told by its bytes."""
    codec: Any = reader.model.codec
    pieces = codec.pairs.pieces
    return [pieces[i].decode("utf-8", "backslashreplace") for i in ids]


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= 72 else f"{line[:71]}…"

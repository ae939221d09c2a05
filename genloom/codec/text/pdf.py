"""PDF as a text to learn from: the text of its pages, where it holds any.

Knows the library that reads it and what can be wrong with a file; recognises no pictures of text.
"""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from genloom.codec.file_walk import Unreadable
from genloom.errors import MissingExtra

SUFFIXES = (".pdf",)
EXTRA = "documents"


def page_texts(data: bytes) -> str:
    """The texts of all pages, a blank line between two. Unreadable where it is encrypted, damaged
    or holds pictures only. MissingExtra without the library."""
    library = _library()
    with _quiet():
        try:
            reader = library.PdfReader(io.BytesIO(data))
            if reader.is_encrypted:
                raise Unreadable("is encrypted: save it without a password")
            pages = [_plain(page.extract_text()) for page in reader.pages]
        except (Unreadable, MemoryError):
            raise
        except Exception as error:  # the library raises what its parsers happen to raise
            raise Unreadable(f"a damaged PDF ({_line(error)})") from None
    told = "\n\n".join(page for page in pages if page)
    if not told:
        count = f"{len(pages)} pages" if len(pages) != 1 else "its one page"
        raise Unreadable(f"holds no text on {count} (pictures of text?): recognise it first")
    return told


def _library() -> Any:
    try:
        return importlib.import_module("pypdf")
    except ImportError:
        raise MissingExtra("pypdf", EXTRA) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """What the library mutters about a file is not for whoever trains."""
    log = logging.getLogger("pypdf")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def _plain(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\0", "").splitlines())
    return "\n".join(lines).strip("\n")


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]

"""HTML as a text to learn from: what a reader sees of it, as plain lines.

Headings keep their rank ("## "), lists their marks, preformatted text its lines; scripts, styles,
forms and navigation are left out. Knows tags; runs and fetches nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from genloom.codec.file_walk import Unreadable
from genloom.codec.text.encodings import text_of

SUFFIXES = (".html", ".htm", ".xhtml")
_LARGEST = 64 << 20  # bytes; a page of that size is none
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_BLANKS = re.compile(r"[ \t\n\r\f\v\u00a0]+")

_UNSEEN = {
    *("script", "style", "noscript", "template", "head", "title", "svg", "math", "iframe"),
    *("object", "canvas", "audio", "video", "nav", "menu", "footer", "form", "button", "select"),
    *("textarea", "dialog", "datalist"),
}
_ROLES = {"navigation", "menu", "menubar", "search", "banner", "contentinfo", "toolbar"}
_VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"),
    *("track", "wbr"),
}
_BLOCKS = {
    *("p", "div", "section", "article", "main", "header", "aside", "blockquote", "figure"),
    *("figcaption", "table", "address", "details", "summary", "fieldset", "dl", "body", "hr"),
}
_HEADINGS = {f"h{n}": f"{'#' * n} " for n in range(1, 7)}
_LISTS = ("ul", "ol")
_OPEN_ENDED = {"li", "p", "dt", "dd", "tr", "td", "th", "option"}  # whose end may be left out


def visible_text(data: bytes) -> tuple[str, str | None]:
    """The text and a note when the encoding had to be guessed. Unreadable where nothing is seen."""
    if len(data) > _LARGEST:
        raise Unreadable(f"more than {_LARGEST >> 20} MiB of HTML")
    head = data[:4096]
    said = _META.search(head) or _XML.search(head)
    text, note = text_of(data, said[1].decode("ascii", "replace") if said else "")
    page = _Page()
    page.feed(_tame(_without_comments(text)))
    page.close()
    seen = page.text()
    if not seen:
        raise Unreadable("has no visible text")
    return seen, note


def _without_comments(text: str) -> str:
    """One that never ends goes to the end, as in browsers."""
    parts, place = [], 0
    while (start := text.find("<!--", place)) >= 0:
        parts.append(text[place:start])
        end = text.find("-->", start + 4)
        place = len(text) if end < 0 else end + 3
    return "".join([*parts, text[place:]])


def _tame(text: str) -> str:
    """The same page, in which no more than two signs that could open a tag stand before one that
    closes it. The library's patterns take the square of the number of signs, or worse."""
    *parts, rest = text.split(">")
    done = [_few(part) if part.count("<") > 2 else part for part in parts]
    return ">".join([*done, rest.replace("<", "&lt;")])


def _few(part: str) -> str:
    first, last = part.index("<") + 1, part.rindex("<")
    return part[:first] + part[first:last].replace("<", "&lt;") + part[last:]


class _Page(HTMLParser):
    """Lines as they are seen."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line: list[str] = []  # the parts of the line that is being written
        self.gap = False  # a blank line is due before the next
        self.open: list[tuple[str, bool]] = []  # elements, and whether each is unseen
        self.counts: Counter[str] = Counter()  # of open elements by name
        self.unseen = 0
        self.pre = 0
        self.lists: list[list[int]] = []  # of each: [number of the next item], or [] for marks

    def text(self) -> str:
        self._end_line()
        lines = [line.rstrip() for line in self.lines]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    # --- tags

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _OPEN_ENDED:
            self._close_like(tag)
        elif self.counts["p"] and (tag in _BLOCKS or tag in _HEADINGS or tag in _LISTS):
            self._close_like("p")
        if tag in _VOID:
            self._void(tag)
            return
        hides = _hidden(tag, attrs)
        self.open.append((tag, hides))
        self.counts[tag] += 1
        self.unseen += hides
        if not self.unseen:
            self._begun(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.counts[tag]:
            return  # it was never opened
        while self.open:
            name = self._closed()
            if name == tag:
                return

    def _close_like(self, tag: str) -> None:
        """End an element that the next one of its kind ends, within its list or table."""
        if not self.counts[tag]:
            return
        walls = {"ul", "ol", "menu", "table", "tr", "div", "section", "article", "blockquote"}
        for depth in range(len(self.open) - 1, -1, -1):
            name = self.open[depth][0]
            if name == tag:
                while len(self.open) > depth:
                    self._closed()
                return
            if name in walls - {tag}:
                return

    def _closed(self) -> str:
        tag, hides = self.open.pop()
        self.counts[tag] -= 1
        if not self.unseen:
            self._ended(tag)
        self.unseen -= hides
        return tag

    def _void(self, tag: str) -> None:
        if self.unseen:
            return
        if tag == "br":
            self._end_line()
        elif tag == "hr":
            self._break()

    def _begun(self, tag: str, attrs: dict[str, str | None]) -> None:
        if tag in _LISTS:
            start = attrs.get("start") or "1"
            number = int(start) if re.fullmatch(r"\d{1,6}", start) else 1
            self._break() if not self.lists else self._end_line()
            self.lists.append([number] if tag == "ol" else [])
        elif tag == "li":
            self._end_line()
            self.line.append(self._mark())
        elif tag in _HEADINGS:
            self._break()
            self.line.append(_HEADINGS[tag])
        elif tag == "pre":
            self._break()
            self.pre += 1
        elif tag in ("tr", "dt", "dd"):
            self._end_line()
        elif tag in _BLOCKS and not self._bare():
            self._break()

    def _ended(self, tag: str) -> None:
        if tag in _LISTS:
            self.lists = self.lists[:-1]
            self._break() if not self.lists else self._end_line()
        elif tag in ("li", "tr", "dt", "dd"):
            self._end_line()
        elif tag in ("td", "th"):
            self.line.append("\t")
        elif tag == "pre":
            self._break()
            self.pre -= 1
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._end_line() if self.lists else self._break()

    # --- text

    def handle_data(self, data: str) -> None:
        if self.unseen:
            return
        if self.pre:
            first, *rest = data.expandtabs(8).split("\n")
            self.line.append(first)
            for part in rest:
                self._end_line()
                self.line.append(part)
            return
        self.line.append(_BLANKS.sub(" ", data))

    def _mark(self) -> str:
        deep = "  " * (len(self.lists) - 1)
        if not self.lists or not self.lists[-1]:
            return f"{deep}- "
        number = self.lists[-1][0]
        self.lists[-1][0] += 1
        return f"{deep}{number}. "

    def _bare(self) -> bool:
        """The line has its mark, and nothing after it yet."""
        return bool(self.line) and not "".join(self.line[1:]).strip() and bool(self.lists)

    def _end_line(self) -> None:
        line = "".join(self.line)
        self.line = []
        if self.pre:
            if self.gap:
                self.lines.append("")
                self.gap = False
            self.lines.append(line)
            return
        cells = [" ".join(cell.split(" ")).strip() for cell in line.split("\t")]
        told = re.sub(r" {2,}", " ", "\t".join(cells).rstrip("\t"))
        if not told.strip() or not re.search(r"[^#\s.\d-]|\d[^.]|\w", told):
            return
        if self.gap and self.lines:
            self.lines.append("")
        self.gap = False
        indent = len(line) - len(line.lstrip(" ")) if self.lists else 0
        self.lines.append(" " * indent + told.lstrip())

    def _break(self) -> None:
        """End the paragraph."""
        self._end_line()
        self.gap = True


def _hidden(tag: str, attrs: list[tuple[str, str | None]]) -> bool:
    told = {name: (value or "").strip().lower() for name, value in attrs}
    style = told.get("style", "").replace(" ", "")
    return (
        tag in _UNSEEN
        or "hidden" in told
        or told.get("aria-hidden") == "true"
        or told.get("role") in _ROLES
        or "display:none" in style
        or "visibility:hidden" in style
    )

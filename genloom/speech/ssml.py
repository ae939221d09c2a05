"""A text that is to be said, with the marks of SSML in it (a subset of W3C's version 1.1).

Knows marks and what they ask for: who speaks, how fast, where it pauses, how a part is read. What
becomes of words is the business of reading.py; how texts are cut, of pieces.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from genloom.errors import RequestError

LONGEST = 200_000  # characters of a marked text
DEEPEST = 64  # marks within marks
LONGEST_BREAK = 60.0  # seconds
SENTENCE, PARAGRAPH = 0.35, 0.7  # seconds of silence behind them
STRENGTHS = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.2,
    "medium": 0.4,
    "strong": 0.7,
    "x-strong": 1.2,
}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.75}
SLOWEST, FASTEST = 0.25, 4.0
READINGS = ("characters", "cardinal", "ordinal", "digits", "date", "time")
NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,4})?")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A stretch of text that is said in one manner.

    voice     who says it, None: whoever says the rest
    rate      how fast, of the usual pace
    alias     what is said in the text's place
    reading   one of READINGS, "" for as it stands
    phonemes  its sounds themselves
    """

    text: str
    voice: str | None = None
    rate: float = 1.0
    alias: str | None = None
    reading: str = ""
    phonemes: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether something else is said than is written."""
        return self.alias is not None or bool(self.reading or self.phonemes)


@dataclass(frozen=True, kw_only=True)
class Break:
    """So many seconds of silence; here the text is cut. asked: by a mark of its own."""

    seconds: float
    asked: bool = True


Part = Run | Break


def parsed(text: str) -> list[Part]:
    """What is said in what manner, in order: a plain text as it is, a marked one by its marks.
    RequestError where it begins as a marked one and is none, or has a mark that is not known."""
    if not text.lstrip().startswith("<"):
        return [Run(text=text)] if text.strip() else []
    if len(text) > LONGEST:
        raise RequestError(f"{len(text):,} characters of marked text: {LONGEST:,} at most")
    if "<!" in text or "<?" in text:
        raise RequestError("marked text takes no declarations: leave out what begins with <! or <?")
    try:
        root = ElementTree.fromstring(f"<speak>{text}</speak>")
    except ElementTree.ParseError as error:
        raise RequestError(f"the text begins as marked text, but is none ({error})") from None
    parts = _within(root, Run(text=""), 0)
    return [one for one in parts if isinstance(one, Break) or one.text.strip() or one.alias]


def _within(node: ElementTree.Element, manner: Run, depth: int) -> Iterator[Part]:
    """The parts of a mark, depth first."""
    if depth > DEEPEST:
        raise RequestError(f"marks within marks, more than {DEEPEST} deep: write it flatter")
    name = node.tag.rpartition("}")[2]
    way = MARKS.get(name)
    if way is None:
        raise RequestError(f"the mark <{name[:40]}> is not known: known are {', '.join(MARKS)}")
    made = way(node, manner)
    if isinstance(made, Break):
        yield made
        return
    around = {"p": PARAGRAPH, "s": SENTENCE}.get(name)
    if made.marked:  # the whole of it is said in one way, whatever stands within
        yield replace(made, text=" ".join("".join(node.itertext()).split()))
        return
    if around:
        yield Break(seconds=around, asked=False)
    yield replace(made, text=node.text or "")
    for child in node:
        yield from _within(child, made, depth + 1)
        yield replace(made, text=child.tail or "")
    if around:
        yield Break(seconds=around, asked=False)


# --- marks ----------------------------------------------------------------------------------------


def _as_it_is(node: ElementTree.Element, manner: Run) -> Run:
    """<speak>, <p>, <s>; <emphasis> is taken and read like any other text."""
    return manner


def _voice(node: ElementTree.Element, manner: Run) -> Run:
    return replace(manner, voice=_needed(node, "name", "a voice of the model"))


def _break(node: ElementTree.Element, manner: Run) -> Break:
    time, strength = node.get("time"), node.get("strength", "medium")
    if time is None:
        if strength not in STRENGTHS:
            raise RequestError(f"<break strength={strength!r}>: use {', '.join(STRENGTHS)}")
        return Break(seconds=STRENGTHS[strength])
    value, unit = time.strip().removesuffix("ms").removesuffix("s").strip(), time.strip()
    if not NUMBER.fullmatch(value) and not (value.isdigit() and len(value) < 7):
        raise RequestError(f"<break time={time!r}>: a time such as 500ms or 1.5s is expected")
    if not unit.endswith("s"):
        raise RequestError(f"<break time={time!r}>: a unit is missing: write {value}ms or {value}s")
    seconds = float(value) / (1000 if unit.endswith("ms") else 1)
    if seconds > LONGEST_BREAK:
        raise RequestError(f"<break time={time!r}>: {LONGEST_BREAK:.0f}s at most")
    return Break(seconds=seconds)


def _prosody(node: ElementTree.Element, manner: Run) -> Run:
    others = sorted(set(node.attrib) - {"rate"})
    if others or "rate" not in node.attrib:
        what = f"has {others[0]}" if others else "says nothing"
        raise RequestError(f"<prosody> {what}: this subset knows rate alone")
    return replace(
        manner, rate=min(FASTEST, max(SLOWEST, manner.rate * _rate(node.attrib["rate"])))
    )


def _rate(told: str) -> float:
    plain = told.strip()
    if plain in RATES:
        return RATES[plain]
    number = plain.removesuffix("%").lstrip("+-")
    if not NUMBER.fullmatch(number):
        known = ", ".join(RATES)
        raise RequestError(f"<prosody rate={told!r}>: use {known}, or such as 80%, +20% or 1.2")
    value = float(number) / 100 if plain.endswith("%") else float(number)
    if plain[0] in "+-":
        value = 1 + (value if plain[0] == "+" else -value)
    if not SLOWEST <= value <= FASTEST:
        raise RequestError(f"<prosody rate={told!r}>: 25% to 400% are expected")
    return value


def _sub(node: ElementTree.Element, manner: Run) -> Run:
    return replace(manner, alias=_needed(node, "alias", "what is said instead"))


def _say_as(node: ElementTree.Element, manner: Run) -> Run:
    told = _needed(node, "interpret-as", "a reading")
    told = {"spell-out": "characters", "number": "cardinal"}.get(told, told)
    if told not in READINGS:
        raise RequestError(f"<say-as interpret-as={told[:40]!r}>: use {', '.join(READINGS)}")
    return replace(manner, reading=told)


def _phoneme(node: ElementTree.Element, manner: Run) -> Run:
    """Phonemes apart by spaces or dots, as the model has them; see SpelledCodec."""
    if node.get("alphabet", "ipa") != "ipa":
        raise RequestError(f"<phoneme alphabet={node.get('alphabet')!r}>: ipa alone is known")
    told = tuple(re.split(r"[\s._]+", _needed(node, "ph", "phonemes").strip(" ._")))
    return replace(manner, phonemes=told)


def _needed(node: ElementTree.Element, name: str, what: str) -> str:
    value = node.get(name, "").strip()
    if not value:
        raise RequestError(f"<{node.tag}> without {name}: say {what}")
    return value


MARKS: dict[str, Callable[[ElementTree.Element, Run], Part]] = {
    "speak": _as_it_is,
    "voice": _voice,
    "break": _break,
    "prosody": _prosody,
    "p": _as_it_is,
    "s": _as_it_is,
    "sub": _sub,
    "say-as": _say_as,
    "emphasis": _as_it_is,
    "phoneme": _phoneme,
}


# --- and back -------------------------------------------------------------------------------------


def written(runs: list[Run]) -> str:
    """The marked text of runs by one voice; a plain one where nothing is marked."""
    voice = next((run.voice for run in runs if run.voice), None)
    plain = "".join(run.text for run in runs)
    marked = any(run.marked for run in runs) or plain.lstrip().startswith("<")
    if not voice and not marked:
        return plain
    inner = "".join(map(_marked, runs))
    return f"<voice name={quoteattr(voice)}>{inner}</voice>" if voice else f"<speak>{inner}</speak>"


def _marked(run: Run) -> str:
    text = escape(run.text)
    if run.phonemes:
        return f"<phoneme ph={quoteattr(' '.join(run.phonemes))}>{text}</phoneme>"
    if run.alias is not None:
        return f"<sub alias={quoteattr(run.alias)}>{text}</sub>"
    return f'<say-as interpret-as="{run.reading}">{text}</say-as>' if run.reading else text

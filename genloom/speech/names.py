"""Abbreviations, initials, acronyms, Roman numerals behind names, addresses of the net and signs as
English words. Rules: a pattern, and what is said of a match; None where it is none of theirs."""

from __future__ import annotations

import re
from re import Match

from genloom.speech.numbers import cardinal, number, ordinal, roman
from genloom.speech.rule import Rule, rule

_NAMES = (
    "a bee see dee ee ef gee aitch eye jay kay ell em en oh pea cue ar ess tee you vee double-you "
    "ex why zee"
)
LETTERS: dict[str, str] = dict(zip("abcdefghijklmnopqrstuvwxyz", _NAMES.split(), strict=True))
# said by itself; True: only before a name (a capital letter)
ABBREVIATIONS = {
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "messrs": "messers",
    "prof": "professor",
    "gen": "general",
    "col": "colonel",
    "capt": "captain",
    "lt": "lieutenant",
    "sgt": "sergeant",
    "rev": "reverend",
    "gov": "governor",
    "sen": "senator",
    "rep": "representative",
    "pres": "president",
    "jr": "junior",
    "sr": "senior",
    "vs": "versus",
    "etc": "et cetera",
    "approx": "approximately",
    "dept": "department",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "co": "company",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "mt": "mount",
    "ft": "fort",
    "vol": "volume",
    "ch": "chapter",
    "fig": "figure",
    "pp": "pages",
    "est": "established",
    "govt": "government",
    "misc": "miscellaneous",
    "assn": "association",
    "univ": "university",
    "hon": "honorable",
    "al": "al",
    "ca": "circa",
    "cf": "compare",
    "viz": "namely",
}
POINTED = "|".join(sorted(ABBREVIATIONS, key=len, reverse=True))
BARE = {"mr", "mrs", "ms", "dr", "vs", "jr", "sr", "etc", "approx", "dept", "govt"}
PHRASES = {
    "e.g.": "for example",
    "i.e.": "that is",
    "a.k.a.": "also known as",
    "ph.d.": "pea aitch dee",
    "phd": "pea aitch dee",
    "b.c.": "bee see",
    "a.d.": "a dee",
    "r.s.v.p.": "ar ess vee pea",
    "w/o": "without",
    "w/": "with",
    "24/7": "twenty four seven",
    "o'clock": "o'clock",
}
_KINGS = (
    "henry louis charles george edward james william philip pius john paul benedict gregory leo "
    "elizabeth catherine mary richard frederick napoleon ferdinand alexander nicholas peter ivan "
    "clement innocent urban boniface gustav christian harald haakon carl wilhelm otto francis "
    "ramesses ptolemy cleopatra xerxes darius malcolm alfonso victoria margaret"
)
KINGS = frozenset(_KINGS.split())
_SPELT = "naacp ieee aclu espn usda ucla faq eta atm iou uae eu uk us un usa ira ai io ui ua"
SPELT = frozenset(_SPELT.split())
_WORDS = (  # written in capitals for loudness, or said as words
    "a i no not and the all are you but for yes now new old out one two can may she her him his "
    "has had was see who why how any our its too off big bad hot red run stop go do it is in on "
    "at to of or so up we he me my be by if as an am oh ah aids ram rom pin sim gif nasa nato "
    "fifa opec"
)
WORDS = frozenset(_WORDS.split())
VOWELS = re.compile(r"[AEIOUY]")
SIGNS = {
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "%": "percent",
    "~": "about",
    "\u2248": "about",
    "\u00d7": "times",
    "\u00f7": "divided by",
    "\u00b1": "plus or minus",
    "\u00b0": "degrees",
    "\u00a9": "copyright",
    "\u00ae": "registered",
    "\u2122": "trademark",
    "\u00a7": "section",
    "\u00b2": "squared",
    "\u00b3": "cubed",
    "\u2192": "to",
    "<": "less than",
    ">": "greater than",
    "\u2264": "at most",
    "\u2265": "at least",
    "\u2260": "is not",
    "\u221e": "infinity",
    "\u03c0": "pi",
    "$": "dollar",
    "\u20ac": "euro",
    "\u00a3": "pound",
}
HOSTS = r"(?-i:com|org|net|edu|gov|io|ai|dev|app|info|co|uk|de|fr|eu|au|ch)"
ADDRESS = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon"}
ADDRESS |= {
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
}


def spelt(text: str) -> str:
    """Letters and digits by their names: "B2" -> "bee two"."""
    told = [
        LETTERS.get(c, number(c) if c in "0123456789" else c) for c in text.lower() if c.isalnum()
    ]
    return " ".join(told).replace("double-you", "double you")


NEAR = 40  # characters that are looked at around a match


def _before(m: Match[str]) -> str:
    return m.string[max(0, m.start() - NEAR) : m.start()]


def _behind(m: Match[str]) -> str:
    return m.string[m.end() : m.end() + NEAR]


def _end(m: Match[str], said: str) -> str:
    """With the point that ends the sentence, too, where nothing or a capital letter follows."""
    rest = _behind(m).lstrip(" \t\"')\u201d\u2019")
    pointed = m.group().rstrip().endswith(".")
    return f"{said}." if pointed and not rest else said


def _address(m: Match[str]) -> str:
    text = re.sub(r"^(?:https?://)", "", m.group(), flags=re.IGNORECASE)
    tail = re.search(r"[.,;:!?)\"']*$", text)
    end = "" if tail is None else tail.group()
    text = text[: len(text) - len(end)].rstrip("/")
    told = []
    for part in re.findall(r"[A-Za-z]+|\d+|.", text):
        low = part.lower()
        if low in ("www", "html", "php", "io", "uk", "de", "ai", "eu", "pdf"):
            told.append(spelt(low))
        else:
            told.append(number(part) if part.isdigit() else ADDRESS.get(part, part))
    return " ".join(told) + end


def _abbreviation(m: Match[str]) -> str | None:
    name = m["name"].lower()
    if not m.group().endswith(".") and name not in BARE:
        return None
    if name == "co" and not m["name"][0].isupper():
        return None
    return _end(m, ABBREVIATIONS[name])


def _doctor(m: Match[str]) -> str:
    """Doctor before a name, drive behind one."""
    return "doctor" if re.match(r"\s*[A-Z]", _behind(m)) else _end(m, "drive")


def _saint(m: Match[str]) -> str:
    """Saint before a name, street behind one."""
    before = re.search(r"([A-Z0-9]\w*)\s+$", _before(m))
    named = re.match(r"\s*[A-Z]", _behind(m)) is not None
    behind = before is not None and before[1].lower() not in ("the", "of", "in", "at", "to", "from")
    return "saint" if named and not behind else _end(m, "street")


def _phrase(m: Match[str]) -> str:
    return _end(m, PHRASES[m.group().lower()])


def _numbered(m: Match[str]) -> str:
    return f"number {number(m['number'])}"


def _ruler(m: Match[str]) -> str | None:
    value = None if _pronoun(m) else roman(m["roman"])
    if value is None or m["name"].lower() not in KINGS or value > 40:
        return None
    return f"{m['name']} the {ordinal(value)}{_possessive(m)}"


def _of_a_row(m: Match[str]) -> str | None:
    """Of single letters, I, V and X alone: a grade C is no hundredth."""
    letter = m["roman"] in "LC" or _pronoun(m)
    value = None if letter else roman(m["roman"])
    return None if value is None else f"{m['name']} {cardinal(value)}{_possessive(m)}"


def _pronoun(m: Match[str]) -> bool:
    """Whether "I" is more likely who speaks than a number: "the part I like"."""
    if m["roman"] != "I":
        return False
    if m["name"] in ("War", "Chapter", "Act", "Scene", "Volume"):
        return False
    return not m["name"][0].isupper() or re.match(r"\s+(?!of\b)[a-z]", _behind(m)) is not None


def _possessive(m: Match[str]) -> str:
    return "'s" if m["own"] else ""


def _initials(m: Match[str]) -> str:
    last = m.group().rstrip().endswith(".") and not _behind(m).strip(" \"')")
    told = " and ".join(map(spelt, m.group().split("&")))
    return told + ("'s" if m["own"] else "") + ("." if last else "")


def _acronym(m: Match[str]) -> str | None:
    word, low = m["word"], m["word"].lower()
    some = "s" if m["some"] else "'s" if m["own"] else ""
    if low == "ok":
        return "okay"
    if low not in SPELT and (low in WORDS or _shouted(m) or _sayable(word)):
        return None
    told = spelt(word)
    return f"{told}{some}" if some else told


def _sayable(word: str) -> bool:
    """Whether capitals are a word: four letters or more, vowels and consonants in turn enough."""
    if len(word) < 4:
        return False
    return bool(VOWELS.search(word)) and not re.search(
        r"[^AEIOUY]{4}|^[^AEIOUYSLCTPBDFGKM][^AEIOUYRLH]", word
    )


def _shouted(m: Match[str]) -> bool:
    """Whether a neighbour is all capitals, too: then somebody shouts."""
    before = re.search(r"([A-Za-z']+)\W*$", _before(m))
    behind = re.match(r"\W*([A-Za-z']+)", _behind(m))
    near = [x[1] for x in (before, behind) if x is not None]
    return bool(VOWELS.search(m["word"])) and any(len(one) > 1 and one.isupper() for one in near)


def _mixed(m: Match[str]) -> str:
    """Letters and digits in one, such as B2B, MP3, A4."""
    parts = re.findall(r"[A-Z]+|\d+", m.group())
    return " ".join(
        spelt(p) if p.isalpha() else number(p) if len(p) < 3 else spelt(p) for p in parts
    )


def _sign(m: Match[str]) -> str:
    return f" {SIGNS[m.group()]} "


def _hashtag(m: Match[str]) -> str:
    return "hashtag " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", m["tag"]).replace("_", " ")


def _either(m: Match[str]) -> str:
    return " "


def _quiet(m: Match[str]) -> str:
    return " "


ROWS = (
    "chapter|part|act|scene|book|volume|war|section|article|phase|type|class|level|title|appendix|"
    "figure|table|psalm|stage|grade|act|canto|lesson|step|unit|round|rocky|apollo|bowl|olympiad|"
    "elizabeth|saturn|mark|tome|episode|vatican|schedule"
)
OWN = r"(?P<own>['\u2019]s)?"

FIRST: tuple[Rule, ...] = (
    rule(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _address),
    rule(
        rf"\b(?:https?://|www\.)\S+|\b(?:[a-z0-9-]+\.)+{HOSTS}\b(?:/[^\s,;)]*)?(?!\.[A-Z])",
        _address,
    ),
    rule(r"(?<!\w)#(?P<tag>[A-Za-z]\w*)", _hashtag),
    rule(r"(?:(?<![\w&])#|\b(?:No|Nr|no)\.\s?)(?P<number>\d+)(?!\w)", _numbered, exact=True),
    rule("|".join(rf"(?<!\w){re.escape(p)}(?!\w)" for p in PHRASES), _phrase),
    rule(r"\bDr\b\.?(?!\w)", _doctor, exact=True),
    rule(r"\bSt\.(?!\w)", _saint, exact=True),
    rule(rf"\b(?P<name>{ROWS})\s+(?P<roman>(?-i:[IVXLC]+)){OWN}\b", _of_a_row),
    rule(rf"\b(?P<name>[A-Z][a-z]+)\s+(?P<roman>[IVXL]+){OWN}\b", _ruler, exact=True),
    rule(rf"\b(?P<name>[A-Z][a-z]+)\s+(?P<roman>[IVX]{{2,}}){OWN}\b", _of_a_row, exact=True),
    rule(rf"(?<![\w.])(?P<name>{POINTED}|{POINTED.title()})\b\.?(?!\w)", _abbreviation, exact=True),
    rule(
        rf"\b(?:(?:[A-Z]\.\s?)+[A-Z]\.|(?!I\.)[A-Z]\.(?=\s[A-Z])|[A-Z]{{1,2}}(?:&|/)[A-Z]\b){OWN}",
        _initials,
        exact=True,
    ),
)
LAST: tuple[Rule, ...] = (
    rule(r"\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{2,6}\b", _mixed, exact=True),
    rule(r"(?<=[A-Za-z])/(?=[A-Za-z])", _either),
    rule(rf"\b(?P<word>[A-Z]{{2,6}})(?:(?P<some>s)|{OWN})\b", _acronym, exact=True),
    rule("|".join(map(re.escape, SIGNS)), _sign),
    rule(r"[_*\\|^{}\[\]\"\u201c\u201d\u00ab\u00bb\u2022#`/]", _quiet),
)

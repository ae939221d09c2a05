"""Written English as it is read aloud: a table of what becomes of what."""

from __future__ import annotations

import pytest

from genloom.speech.numbers import cardinal, decade, ordinal, roman, year
from genloom.speech.reading import chunks, said
from genloom.speech.ssml import Run

CASES = {
    # numbers
    "0 and 7": "zero and seven",
    "42": "forty two",
    "100": "one hundred",
    "1,234": "one thousand two hundred thirty four",
    "1,000,001": "one million one",
    "3.14": "three point one four",
    "0.05": "zero point zero five",
    "-5 and 3": "minus five and three",
    "007": "zero zero seven",
    "12345678901234567890": " ".join(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero"] * 2
    ),
    "10-20 people": "ten to twenty people",
    "a 3x4 grid": "a three by four grid",
    "version v1.2.3": "version one point two point three",
    "192.168.0.1": "one hundred ninety two dot one hundred sixty eight dot zero dot one",
    "No. 5": "number five",
    "#7": "number seven",
    # ordinals and fractions
    "the 1st, 2nd and 3rd": "the first, second and third",
    "the 21st": "the twenty first",
    "112th": "one hundred twelfth",
    "1/2": "one half",
    "3/4 of it": "three quarters of it",
    "2/3": "two thirds",
    "2 1/2 cups": "two and a half cups",
    "\u00bd cup": "one half cup",
    "3\u00bc": "three and a quarter",
    "24/7": "twenty four seven",
    # years and dates
    "in 1984.": "in nineteen eighty four.",
    "in 1905": "in nineteen oh five",
    "in 1900": "in nineteen hundred",
    "in 2000": "in two thousand",
    "in 2005": "in two thousand five",
    "in 2021": "in twenty twenty one",
    "1990-1995": "nineteen ninety to nineteen ninety five",
    "1914\u201318": "nineteen fourteen to eighteen",
    "the 1990s": "the nineteen nineties",
    "the '80s": "the eighties",
    "March 4, 2021": "march fourth, twenty twenty one",
    "March 4th": "march fourth",
    "Mar. 5": "march fifth",
    "4 March 2021": "the fourth of march twenty twenty one",
    "the 21st of May": "the twenty first of may",
    "May 2020": "may twenty twenty",
    "2021-03-04": "march fourth, twenty twenty one",
    "3/4/2021": "march fourth, twenty twenty one",
    "25/12/1999": "december twenty fifth, nineteen ninety nine",
    "4.3.2021": "march fourth, twenty twenty one",
    "Mon. to Fri. noon": "monday to friday noon",
    # times
    "at 3:45 pm": "at three forty five pea em",
    "at 10:05": "at ten oh five",
    "12:00": "twelve o'clock",
    "15:30": "fifteen thirty",
    "3 p.m. today": "three pea em today",
    "7am": "seven a em",
    "We met at 3 p.m.": "We met at three pea em.",
    "1:02:03": "one oh two and three seconds",
    # money
    "$5": "five dollars",
    "$1": "one dollar",
    "$5.20": "five dollars and twenty cents",
    "$0.99": "ninety nine cents",
    "$3 million": "three million dollars",
    "$1.2bn": "one point two billion dollars",
    "\u20ac20": "twenty euros",
    "20 EUR": "twenty euros",
    "\u00a33.50": "three pounds and fifty pence",
    "\u00a5500": "five hundred yen",
    "-$5": "minus five dollars",
    # shares and measures
    "50%": "fifty percent",
    "2.5 %": "two point five percent",
    "5 km": "five kilometers",
    "1 kg": "one kilogram",
    "60 mph": "sixty miles per hour",
    "100 km/h": "one hundred kilometers per hour",
    "20\u00b0C": "twenty degrees Celsius",
    "1\u00b0": "one degree",
    "5 ft": "five feet",
    "6'2\" tall": "six feet two tall",
    "50 Hz": "fifty hertz",
    "3 GB": "three gigabytes",
    "9 m\u00b2": "nine square meters",
    # Roman numerals
    "Henry VIII's wives": "Henry the eighth's wives",
    "Louis XIV": "Louis the fourteenth",
    "World War II.": "World War two.",
    "Chapter IV": "Chapter four",
    "Rocky III": "Rocky three",
    "I am": "I am",
    "the part I like, a grade C": "the part I like, a grade C",
    "I told Mary I would": "I told Mary I would",
    "Charles I of England": "Charles the first of England",
    "World War I was": "World War one was",
    # telephone numbers
    "555-1234": "five five five, one two three four",
    "(555) 123-4567": "five five five, one two three, four five six seven",
    "+44 20 7946 0958": "plus four four, two zero, seven nine four six, zero nine five eight",
    # abbreviations and initials
    "Dr. Lee, Mr. and Mrs. Roe": "doctor Lee, mister and missus Roe",
    "5 Main St. in St. Paul": "five Main street in saint Paul",
    "e.g. this, i.e. that, etc.": "for example this, that is that, et cetera.",
    "us vs. them": "us versus them",
    "J. K. Rowling": "jay kay Rowling",
    "J.R.R. Tolkien": "jay ar ar Tolkien",
    "the U.S. army": "the you ess army",
    "the FBI's CDs": "the ef bee eye's see dees",
    "NASA and UNESCO": "NASA and UNESCO",
    "HTML5 and MP3": "aitch tee em ell five and em pea three",
    "AT&T": "a tee and tee",
    "STOP THAT NOW": "STOP THAT NOW",
    "a PhD, ok? OK": "a pea aitch dee, ok? okay",
    # the net
    "www.genloom.org/docs": ("double you double you double you dot genloom dot org slash docs"),
    "see https://a-b.com.": "see a dash b dot com.",
    "it is done.At last": "it is done.At last",
    "me@home.net": "me at home dot net",
    "#HelloWorld": "hashtag Hello World",
    # signs, emoji, other scripts
    "salt & pepper": "salt and pepper",
    "2 + 2 = 4": "two plus two equals four",
    "and/or": "and or",
    "\u201cyes\u201d *now*": "yes now",
    "I \u2764\ufe0f it \U0001f600\U0001f44d\U0001f3fd!": "I it !",
    "\u4f60\u597d \u041f\u0440\u0438\u0432\u0435\u0442 hi": "hi",
    "\u0663 m": "three meters",
    "5 \u00d7 6": "five by six",
    "caf\u00e9": "caf\u00e9",
    "": "",
}


@pytest.mark.parametrize("written", CASES)
def test_what_is_written_is_said(written: str) -> None:
    assert said(written) == CASES[written]


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 80


def test_numbers_of_every_size() -> None:
    assert cardinal(10**15 + 1) == "one quadrillion one"
    assert cardinal(-20) == "minus twenty" and ordinal(30) == "thirtieth"
    assert ordinal(1_000_002) == "one million second"
    assert year(1066) == "ten sixty six" or year(1066) == cardinal(1066)
    assert decade(2010) == "twenty tens"
    assert [roman(n) for n in ("IV", "XLII", "MCMXC", "IIII", "")] == [4, 42, 1990, None, None]


def test_writing_keeps_its_own_words() -> None:
    told = [(c.written, c.said) for c in chunks([Run(text="On March 4, 2021, I paid $5.20.")])]
    assert told == [
        ("On", "On"),
        ("March 4, 2021,", "march fourth, twenty twenty one,"),
        ("I", "I"),
        ("paid", "paid"),
        ("$5.20.", "five dollars and twenty cents."),
    ]


def test_readings_that_are_asked_for() -> None:
    def read(text: str, reading: str) -> str:
        return " ".join(c.said for c in chunks([Run(text=text, reading=reading)]))

    assert read("B2b", "characters") == "bee two bee"
    assert read("1999", "digits") == "one nine nine nine"
    assert read("1999", "cardinal") == "one thousand nine hundred ninety nine"
    assert read("21", "ordinal") == "twenty first"
    assert read("2021-03-04", "date") == "march fourth, twenty twenty one"
    assert read("3:45", "time") == "three forty five"
    assert [c.said for c in chunks([Run(text="WWW", alias="the 1st web")])] == ["the first web"]

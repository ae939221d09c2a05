"""What is to be said as a prompt: who says it, then the sounds of the words, in order.

    voice, begin, h ə l oʊ, gap, w ɜː l d, ".", end

English is read aloud first (speech/reading.py): numbers, dates and signs become words. Sounds are
phonemes where they can be told (letters.py), else letters. Words that were learnt are kept with
their sounds. Knows texts and symbols; no frames.
Shape legend: N prompts, P symbols.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import torch
from torch import Tensor

from genloom.codec.prompt import letters
from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import Span, TokenSpec
from genloom.speech.pieces import Piece, cut, parts_of
from genloom.speech.reading import RULES, Chunk, chunks
from genloom.speech.ssml import Break, Run, parsed

PAD, BEGIN, END, GAP, FIRST = 0, 1, 2, 3, 4
MARKS = ",.?!;:"
SIGNS = {"\u2026": ".", "\u2014": ",", "\u2013": ",", "(": ",", ")": ",", "\n": "."}
Sort = Literal["auto", "phonemes", "plain"]
STRESS = str.maketrans("", "", "\u02c8\u02cc")  # primary and secondary


class SpelledCodec:
    """Texts as symbols.

    limit     most symbols of a prompt; the length is that of the longest caption up to this
    letters   "phonemes" (by espeak-ng), "plain" (letters), or "auto": as the machine has it
    language  of the phonemes, as espeak-ng calls it
    """

    kind: ClassVar[str] = "spelled"
    needed: ClassVar[bool] = True  # nothing is said without a prompt
    ordered: ClassVar[bool] = True  # symbols follow each other as what is made does

    def __init__(
        self, *, limit: int = 400, letters: Sort = "auto", language: str = "en-us"
    ) -> None:
        if limit < 8:
            raise RecipeError(f"prompt.limit is {limit}: 8 symbols or more are expected")
        if letters not in get_args(Sort):
            raise RecipeError(f"prompt.letters is {letters!r}: use {', '.join(get_args(Sort))}")
        if not _is_language(language):
            raise RecipeError(f"prompt.language is {language!r}: a name such as en-us is expected")
        self.limit, self.letters, self.language = limit, letters, language
        self.length = 4
        self.symbols: tuple[str, ...] = ()
        self.voices: tuple[str, ...] = ()
        self.words: dict[str, tuple[str, ...]] = {}  # what each learnt word sounds like
        self.spoken = False  # whether symbols are phonemes

    @property
    def spec(self) -> TokenSpec:
        vocab = FIRST + len(self.symbols) + len(self.voices) + 1
        voice = Span(name="voice", start=0, size=1, kind="choice")
        return TokenSpec(
            vocab=vocab, length=self.length, bos=PAD, eos=None, pad=PAD, spans=(voice,)
        )

    # --- learning ---------------------------------------------------------------------------------

    def fit(self, captions: Iterable[str]) -> None:
        """Symbols, voices and the words' sounds."""
        every = [self._one(text, strict=False) for text in captions]
        every = [line for line in every if any(run.text.strip() for run in line.runs)]
        if not every:
            raise DataError("no words to say: every caption is empty")
        if self.letters == "phonemes" and not letters.told(self.language):
            raise RecipeError(
                f"prompt.letters is phonemes, but {letters.PROGRAM} is not installed: install it, "
                "or use plain"
            )
        self.spoken = letters.told(self.language) and self.letters != "plain"
        self.words = self._sounds([word for line in every for word in line.words()])
        self.voices = tuple(sorted({line.voice for line in every if line.voice}))
        known = {symbol for sounds in self.words.values() for symbol in sounds}
        self.symbols = (*MARKS, *sorted(known))
        self.length = min(self.limit, max(len(self._ids(line)) for line in every))

    def _sounds(self, words: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The sounds of words, marks left out."""
        wanted = [word for word in dict.fromkeys(words) if word not in MARKS]
        if not self.spoken:
            return {word: letters.letters(word) for word in wanted}
        return letters.phonemes(wanted, self.language)

    # --- symbols ----------------------------------------------------------------------------------

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """long [N, P]. strict is for prompts: what is too long or says nothing is an error."""
        lines = [self._one(prompt, strict) for prompt in prompts]
        self._learn_sounds(lines)
        out = torch.full((len(prompts), self.length), PAD, dtype=torch.long)
        for row, line in enumerate(lines):
            ids = self._ids(line)
            if strict and line.runs and len(ids) <= 3:
                raise _unsaid(line.runs)
            if strict and len(ids) > self.length:
                raise RequestError(
                    f"the prompt has {len(ids)} sounds, this model says {self.length} at a time: "
                    "shorten it"
                )
            ids = ids if len(ids) <= self.length else [*ids[: self.length - 1], END]
            out[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        return out

    def pieces(self, prompt: str) -> list[Piece]:
        """A text of any length as prompts that `encode` takes, with the silence behind each.
        RequestError where there is nothing to say in it, or a voice is not known."""
        told = parts_of(prompt)
        runs = [part for part in told if isinstance(part, Run)]
        for voice in {run.voice for run in runs}:
            self._voice(voice)
        self._learn_sounds([_Line.of(runs, None, self._rules)])  # of all words at once
        return cut(told, self._count, self.length, self._rules)

    def _count(self, runs: Sequence[Run]) -> int:
        """Symbols of what one voice says; 0 where nothing of it is said."""
        ids = self._ids(_Line.of(runs, None, self._rules))
        sounded = any(one >= FIRST + len(MARKS) for one in ids[2:-1])
        return len(ids) if sounded else 0

    def laid(self, prompt: str) -> list[tuple[str, int, int]]:
        """(as it is written, its first symbol, that behind its last), of each word of a prompt that
        has sounds, as places of what `encode` makes of it."""
        line = self._one(prompt, True)
        self._learn_sounds([line])
        found, at = [], 2
        for chunk, ids in zip(line.chunks, self._told(line), strict=True):
            sounded = [n for n, one in enumerate(ids) if one >= FIRST + len(MARKS)]
            if sounded:
                found.append((chunk.written, at + sounded[0], at + sounded[-1] + 1))
            at += len(ids)
        return found

    @property
    def _rules(self) -> tuple[Any, ...]:
        return RULES if letters.english(self.language) else ()

    def _one(self, prompt: str | None, strict: bool) -> _Line:
        """A text with one voice. RequestError where several are to say it at once."""
        every = parsed(prompt or "")
        runs = [part for part in every if isinstance(part, Run)]
        if strict and len({run.voice for run in runs if run.text.strip()}) > 1:
            raise RequestError("several voices in one piece: give each its own")
        if strict and (
            any(run.rate != 1 for run in runs)
            or any(isinstance(part, Break) and part.asked for part in every)
        ):
            raise RequestError("a piece has one pace and no pause: say it by `say` or `generate`")
        return _Line.of(runs, next((run.voice for run in runs if run.voice), None), self._rules)

    def _learn_sounds(self, lines: Sequence[_Line]) -> None:
        """Sounds of words that are new, asked for together. They are not kept on disk."""
        new = [word for line in lines for word in line.words() if word not in self.words]
        found = [word for word in dict.fromkeys(new) if word not in MARKS]
        if not found:
            return
        if self.spoken and not letters.told(self.language):
            raise RequestError(
                f"{found[0]!r} was not learnt, and {letters.PROGRAM}, which tells how words sound, "
                "is not installed: install it"
            )
        self.words |= self._sounds(found)

    def _ids(self, line: _Line) -> list[int]:
        """The ids of one text: voice, begin, sounds with gaps between words, end."""
        return [
            self._voice(line.voice),
            BEGIN,
            *(one for ids in self._told(line) for one in ids),
            END,
        ]

    def _told(self, line: _Line) -> list[list[int]]:
        """The ids of each chunk, the gap before it among them."""
        numbers = {symbol: FIRST + n for n, symbol in enumerate(self.symbols)}
        made: list[list[int]] = []
        begun = False
        for chunk in line.chunks:
            ids: list[int] = []
            for part, sounds in self._heard(chunk):
                told = [numbers[s] for one in sounds if (s := _known(one, numbers)) is not None]
                if told and begun and part not in MARKS:
                    ids.append(GAP)
                begun = begun or bool(told)
                ids += told
            made.append(ids)
        return made

    def _heard(self, chunk: Chunk) -> list[tuple[str, tuple[str, ...]]]:
        """(a word or a mark, its sounds), those without any left out."""
        if chunk.phonemes:
            return [(chunk.written, self._given(chunk))]
        told = [(p, (p,) if p in MARKS else self.words.get(p, ())) for p in parts(chunk.said)]
        return [(part, sounds) for part, sounds in told if sounds]

    def _given(self, chunk: Chunk) -> tuple[str, ...]:
        """Phonemes as they are given, those written as one taken apart, the longest first."""
        known = {symbol.translate(STRESS) for symbol in self.symbols} | set(self.symbols)
        longest, found = max(map(len, known)), []
        for told in chunk.phonemes:
            at = 0
            while at < len(told):
                ends = range(min(len(told), at + longest), at, -1)
                end = next((n for n in ends if told[at:n] in known), None)
                if end is None and told[at] in "\u02c8\u02cc":
                    at += 1
                    continue
                if end is None:
                    raise RequestError(
                        f"<phoneme ph={told!r}>: this model has no sound {told[at]!r}; it has "
                        f"{' '.join(sorted(known - set(MARKS)))}"
                    )
                found.append(told[at:end])
                at = end
        return tuple(found)

    def _voice(self, name: str | None) -> int:
        """The id of a voice: the first where none is named, the last of all where there is none."""
        first = FIRST + len(self.symbols)
        if not self.voices:
            return first
        if name is not None and name not in self.voices:
            known = ", ".join(self.voices)
            raise RequestError(f"the voice {name!r} is not known; voices of this model: {known}")
        return first + (0 if name is None else self.voices.index(name))

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        options = {"limit": self.limit, "letters": self.letters, "language": self.language}
        learnt: dict[str, Any] = {"length": self.length, "spoken": self.spoken}
        learnt |= {"symbols": list(self.symbols), "voices": list(self.voices)}
        words = {word: " ".join(sounds) for word, sounds in sorted(self.words.items())}
        save_json(folder, self.kind, {**options, **learnt, "words": words})

    @classmethod
    def load(cls, folder: Path) -> Self:
        learnt = ("length", "spoken", "symbols", "voices", "words")
        values = load_json(folder, cls.kind, frozenset({"limit", "letters", "language", *learnt}))
        length, spoken, symbols, voices, words = (values.pop(name) for name in learnt)
        try:
            codec = cls(**values)
            codec.length, codec.spoken = int(length), bool(spoken)
            codec.symbols, codec.voices = tuple(map(str, symbols)), tuple(map(str, voices))
            codec.words = {str(word): tuple(str(s).split()) for word, s in words.items()}
        except (RecipeError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        return codec


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A text by one voice, as it is read."""

    runs: tuple[Run, ...]
    voice: str | None
    chunks: tuple[Chunk, ...]

    @classmethod
    def of(cls, runs: Sequence[Run], voice: str | None, rules: Sequence[Any]) -> Self:
        return cls(runs=tuple(runs), voice=voice, chunks=tuple(chunks(runs, rules)))

    def words(self) -> list[str]:
        """And marks; of what is given in phonemes, none."""
        return [part for one in self.chunks if not one.phonemes for part in parts(one.said)]


def parts(text: str) -> list[str]:
    """Words and marks of a text, in lower case."""
    plain = unicodedata.normalize("NFKC", text).lower()
    for sign, mark in SIGNS.items():
        plain = plain.replace(sign, f" {mark} ")
    found: list[str] = []
    at = 0
    for match in letters.WORD.finditer(plain):
        found += [c for c in plain[at : match.start()] if c in MARKS][:1]
        found.append(match.group().replace("\u2019", "'"))
        at = match.end()
    return found + [c for c in plain[at:] if c in MARKS][:1]


def _known(sound: str, numbers: dict[str, int]) -> str | None:
    """The sound, or that without its stress or accent, or None where none of them was learnt."""
    bare = sound.translate(STRESS)
    base = unicodedata.normalize("NFKD", bare)[:1]
    return next((one for one in (sound, bare, base) if one in numbers), None)


def _unsaid(runs: Sequence[Run]) -> RequestError:
    text = " ".join(run.text for run in runs).strip()
    return RequestError(
        f"nothing in {text[:40]!r} can be said: give words in letters that the model has learnt"
    )


def _is_language(name: str) -> bool:
    return letters.LANGUAGE.fullmatch(name) is not None

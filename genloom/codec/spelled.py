"""What is to be said as a prompt: who says it, then the sounds of the words, in order.

    voice, begin, h ə l oʊ, gap, w ɜː l d, ".", end

Sounds are phonemes where espeak-ng is installed while learning, else letters. Words that were
learnt are kept with their sounds. Knows texts and symbols; no frames.
Shape legend: N prompts, P symbols.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import torch
from torch import Tensor

from genloom.codec import letters
from genloom.codec.saving import load_json, save_json
from genloom.codec.voiced import Said, said
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import Span, TokenSpec

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
        every = [piece for text in captions for piece in said(text)]
        if not any(piece.text.strip() for piece in every):
            raise DataError("no words to say: every caption is empty")
        here = letters.installed() is not None
        if self.letters == "phonemes" and not here:
            raise RecipeError(
                f"prompt.letters is phonemes, but {letters.PROGRAM} is not installed: install it, "
                "or use plain"
            )
        self.spoken = here and self.letters != "plain"
        split = [parts(piece.text) for piece in every]
        self.words = self._sounds([word for one in split for word in one])
        self.voices = tuple(sorted({piece.voice for piece in every if piece.voice}))
        known = {symbol for sounds in self.words.values() for symbol in sounds}
        self.symbols = (*MARKS, *sorted(known))
        self.length = min(self.limit, max(len(self._ids(piece)) for piece in every))

    def _sounds(self, words: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The sounds of words, marks left out."""
        wanted = [word for word in dict.fromkeys(words) if word not in MARKS]
        if not self.spoken:
            return {word: letters.letters(word) for word in wanted}
        return letters.phonemes(wanted, self.language)

    # --- symbols ----------------------------------------------------------------------------------

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """long [N, P]. strict is for prompts: what is too long or says nothing is an error."""
        pieces = [_one(prompt, strict) for prompt in prompts]
        self._learn_sounds(pieces)
        out = torch.full((len(prompts), self.length), PAD, dtype=torch.long)
        for row, piece in enumerate(pieces):
            ids = self._ids(piece)
            if strict and piece.text.strip() and len(ids) <= 3:
                raise RequestError(f"nothing in {piece.text[:40]!r} can be said: give words")
            if strict and len(ids) > self.length:
                raise RequestError(
                    f"the prompt has {len(ids)} sounds, this model says {self.length} at a time: "
                    "shorten it"
                )
            ids = ids if len(ids) <= self.length else [*ids[: self.length - 1], END]
            out[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        return out

    def _learn_sounds(self, pieces: Sequence[Said]) -> None:
        """Sounds of words that are new, asked for together. They are not kept on disk."""
        new = [w for piece in pieces for w in parts(piece.text) if w not in self.words]
        found = [word for word in dict.fromkeys(new) if word not in MARKS]
        if not found:
            return
        if self.spoken and letters.installed() is None:
            raise RequestError(
                f"{found[0]!r} was not learnt, and {letters.PROGRAM}, which tells how words sound, "
                "is not installed: install it"
            )
        self.words |= self._sounds(found)

    def _ids(self, piece: Said) -> list[int]:
        """The ids of one text: voice, begin, sounds with gaps between words, end."""
        numbers = {symbol: FIRST + n for n, symbol in enumerate(self.symbols)}
        ids: list[int] = []
        for part in parts(piece.text):
            sounds = (part,) if part in MARKS else self.words.get(part, ())
            told = [numbers[s] for one in sounds if (s := _known(one, numbers)) is not None]
            if told and ids and part not in MARKS:
                ids.append(GAP)
            ids += told
        return [self._voice(piece.voice), BEGIN, *ids, END]

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
    """The sound, or that without its stress, or None where neither was learnt."""
    bare = sound.translate(STRESS)
    return sound if sound in numbers else bare if bare in numbers else None


def _one(prompt: str | None, strict: bool) -> Said:
    """A text with one voice. RequestError where several are to say it at once."""
    pieces = said(prompt or "")
    if len(pieces) > 1 and strict and len({piece.voice for piece in pieces}) > 1:
        raise RequestError("several voices in one piece: give each its own")
    text = " ".join(piece.text for piece in pieces)
    return Said(text=text, voice=pieces[0].voice if pieces else None)


def _is_language(name: str) -> bool:
    return letters.LANGUAGE.fullmatch(name) is not None

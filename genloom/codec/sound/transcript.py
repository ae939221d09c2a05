"""Recordings -> what is said in them, letter by letter.

An item is a text; what a net is told of it are the mel frames of its recording, some frames to a
place. Where in the recording each letter is nobody has marked. Knows sounds and letters; no net.
Shape legend: V letters with the blank, M mel bands, T places, R frames of a place.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.sound.heard import Heard, sized
from genloom.codec.sound.recordings import QUIETEST, Recording, as_recording, each, read_recordings
from genloom.codec.sound.transcript_item import HeardWord, Transcript, letters
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.sound.wave import Sound
from genloom.spec import ArraySpec
from genloom.speech.numerals import numerals
from genloom.speech.reading import said
from genloom.speech.subtitles import WRITTEN, subtitles

OPTIONS = ("rate", "window", "hop", "bands", "seconds", "fold", "numbers")
LATER = frozenset({"numbers"})  # options that models of before do not name
NUMBERS = ("", "words", "digits")
DEPTH = 7.0  # nats below the loudest band of a recording, from where all is silence
BLANK = 0
SHOWN = 16
LONGEST = 20.0  # seconds of a recording that is learnt from, unless said


class TranscriptCodec(Heard):
    """Texts by their recordings.

    rate     samples a second of what is heard; other recordings are brought to it
    window   samples of a frame; 0: 64 ms at most, the power of two below
    hop      samples from frame to frame; 0: a quarter of the window
    bands    mel bands
    seconds  longest recording to learn from; 0: 20
    fold     frames of a place, at which one letter can be said
    numbers  "": texts are learnt as they are written; "words": English is read aloud first, so that
             25 is learnt as twenty five; "digits": likewise, and what is heard is written as 25
    """

    kind: ClassVar[str] = "transcript"
    media: ClassVar[str] = "text/plain"
    suffix: ClassVar[str] = ".txt"
    preview_suffix: ClassVar[str] = ".txt"
    compares: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec
    lossy: ClassVar[bool] = True
    tells: ClassVar[bool] = True
    travels: ClassVar[bool] = True
    brings: ClassVar[tuple[str, ...]] = ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg")

    def __init__(
        self,
        *,
        rate: int = 16_000,
        window: int = 512,
        hop: int = 128,
        bands: int = 64,
        seconds: float = 0.0,
        fold: int = 4,
        numbers: str = "",
    ) -> None:
        super().__init__(rate, window, hop, bands, seconds)
        if not 1 <= fold <= 16:
            raise RecipeError(f"codec.fold is {fold}: 1 to 16 is expected")
        if numbers not in NUMBERS:
            raise RecipeError(f"codec.numbers is {numbers!r}: use words, digits or nothing")
        self.fold, self.numbers = fold, numbers
        self.letters = ""  # in order; the blank comes before them
        self.lengths: tuple[int, ...] = ()  # in places
        self.mean, self.deviation = 0.0, 1.0
        self.notes: tuple[str, ...] = ()

    @property
    def spec(self) -> ArraySpec:
        if not self.lengths:
            raise DataError("no recordings were seen yet: call fit first")
        grids = tuple((length,) for length in self.lengths) if len(self.lengths) > 1 else ()
        return ArraySpec(
            grid=(self.lengths[-1],),
            channels=1 + len(self.letters),
            grids=grids,
            control=self.bands * self.fold,
        )

    @property
    def place(self) -> float:
        """Seconds of one."""
        return self.fold * self.cut.hop / self.cut.rate

    # --- files ------------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        """Recordings with a text; those without one, or too long, are left out."""
        reading = read_recordings(path)
        why = {one.name: _unfit(one, self.seconds or LONGEST) for one in reading.items}
        good = [one for one in reading.items if not why[one.name]]
        if not good:
            name, reason = next(iter(why.items()))
            raise DataError(f"{path} has nothing to learn to hear from: {name} {reason}")
        left = {name: reason for name, reason in why.items() if reason}
        return replace(reading, items=good, skipped={**reading.skipped, **left})

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """The text; where the path ends in .srt or .vtt subtitles of it, in .json all that is known
        of a transcript."""
        path = Path(path)
        write_atomic(path, written(item, path.suffix.lower()).encode())
        return False

    def preview(self, items: Iterable[Any], path: Path) -> Path:
        some = [item for item, _ in zip(items, range(SHOWN), strict=False)]
        shown = [str(one) if isinstance(one, str) else text_of(one) for one in some]
        return write_atomic(Path(path), ("\n".join(shown) + "\n").encode())

    def save(self, folder: Path) -> None:
        options = {name: getattr(self, name) for name in OPTIONS}
        learnt = {"learnt_rate": self.cut.rate, "lengths": list(self.lengths)}
        learnt |= {"mean": self.mean, "deviation": self.deviation, "letters": self.letters}
        save_json(folder, self.kind, {**options, **learnt})

    @classmethod
    def load(cls, folder: Path) -> Self:
        learnt = ("learnt_rate", "lengths", "mean", "deviation", "letters")
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, *learnt}), LATER)
        rate, lengths, mean, deviation, letters_ = (values.pop(name) for name in learnt)
        try:
            codec = cls(**values)
            codec._settle(int(rate))
            codec.lengths = tuple(int(n) for n in lengths)
            codec.mean, codec.deviation = float(mean), float(deviation)
            codec.letters = str(letters_)
        except (RecipeError, TypeError, ValueError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if not codec.lengths or min(codec.lengths) < 1 or not codec.deviation > 0:
            raise ModelError(f"{folder}: lengths or scales are damaged; restore the model folder")
        return codec

    # --- tensors ----------------------------------------------------------------------------------

    def text(self, item: Any) -> str:
        """The letters that are learnt of a text, or of what is said in a recording."""
        return letters(said(text_in(item))) if self.numbers else text_of(item)

    def fit(self, items: Sequence[Any]) -> None:
        """The letters, the lengths and the scale."""
        every = [self._given(item) for item in items]
        for one in every:
            if why := _unfit(one, self.seconds or LONGEST):
                raise DataError(f"{one.name or 'a recording'} {why}")
        sounds = self.settled(every, self.frames)
        self.letters = "".join(sorted(set("".join(self.text(one) for one in every)) | {" "}))
        self.lengths = tuple(sorted({-(-n // self.fold) for n in self.suited(every)}))
        mels = torch.cat([self._levelled(sound).flatten() for sound in sounds])
        self.mean, self.deviation = float(mels.mean()), max(float(mels.std()), 1e-3)
        tight = sum(len(self.text(one)) > _seconds(one) / self.place for one in every)
        told = f"{tight:,} of {len(every):,} texts have more letters than their recordings places"
        self.notes = (f"{told} of {self.place * 1000:.0f} ms: use codec.fold=2",) if tight else ()

    def keys(self, items: Sequence[Any]) -> list[str]:
        """What must be alike for two items to be on one side of a split: what is said."""
        return [text_of(item) for item in items]

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """float [V + M R, T] each: 1 for each letter in turn, for a blank between two that are the
        same and for those behind them; then what is told: silence, where a transcript is given
        alone."""
        return each(self._array, list(items))

    def _array(self, item: Any) -> Tensor:
        bare = isinstance(item, Transcript)
        told = self._silent(item) if bare else self.frames_told(self._given(item).open())
        length = next((n for n in self.lengths if n >= told.shape[1]), self.lengths[-1])
        known = [self.letters.find(c) + 1 for c in self.text(item if bare else self._given(item))]
        ids = sized(torch.tensor(_apart([n for n in known if n != BLANK])), length).long()
        shares = torch.nn.functional.one_hot(ids, 1 + len(self.letters)).T.float()
        return torch.cat((shares, sized(told, length, self._silence)))

    def _silent(self, text: Transcript) -> Tensor:
        """float [M R, T]: as many places as it lasted."""
        places = max(1, round(text.seconds / self.place))
        return torch.full((self.bands * self.fold, places), self._silence)

    def told(self, x: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
        """Arrays as `encode` lays them, [B, V + M R, T]: the items, and what is told of each."""
        count = 1 + len(self.letters)
        return x[:, :count], x[:, count:]

    def frames_told(self, sound: Sound) -> Tensor:
        """float [M R, T] of any sound, R frames of a band beside each other; at least one place."""
        mel = self.scaled(self._levelled(sound))
        places = max(1, -(-mel.shape[1] // self.fold))
        whole = sized(mel, places * self.fold, self._silence)
        return whole.unflatten(1, (places, self.fold)).transpose(1, 2).flatten(0, 1)

    def _levelled(self, sound: Sound) -> Tensor:
        """float [M, T]: mel frames in logarithms from the loudest band of the recording, 0, down
        to -DEPTH; so loudness and what hums below speech do not count."""
        mel = self.mel(sound)
        top = mel.max() if mel.numel() else torch.zeros(())
        return (mel - top).clamp(min=-DEPTH)

    @property
    def _silence(self) -> float:
        return (-DEPTH - self.mean) / self.deviation

    def scaled(self, mel: Tensor) -> Tensor:
        return (mel - self.mean) / self.deviation

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Transcript]:
        """Transcripts of the chances of each place's letter, [V, T]; what lies beside is not
        read."""
        return [self._transcript(one.detach().float().cpu()) for one in x]

    def _transcript(self, x: Tensor) -> Transcript:
        chances, path = torch.nan_to_num(x[: 1 + len(self.letters)]).max(0)
        sure = chances.clamp(1e-9, 1.0).log().tolist()
        runs: list[tuple[str, int, int, float]] = []
        before = BLANK
        for place, symbol in enumerate(path.tolist()):
            if symbol != BLANK and symbol == before:
                letter, begin, _, log = runs[-1]
                runs[-1] = (letter, begin, place, max(log, sure[place]))
            elif symbol != BLANK:
                runs.append((self.letters[symbol - 1], place, place, sure[place]))
            before = symbol
        made = _transcript(runs, self.place, self.numbers == NUMBERS[2])
        made.seconds = x.shape[1] * self.place
        return made

    # --- at use -----------------------------------------------------------------------------------

    def grid_told(self, given: Any) -> tuple[int, ...]:
        if isinstance(given, Tensor):
            return (given.shape[-1],)
        return (max(1, math.ceil(self._opened(given).seconds / self.place)),)

    def control(self, given: Any, grid: Sequence[int], fresh: Tensor | None = None) -> Tensor:
        """float [M R, T] of a recording of any length; a tensor is what is told already."""
        if fresh is not None:
            raise RequestError("recordings have no holes that a mask shows: leave it out")
        if not isinstance(given, Tensor):
            return self.frames_told(self._opened(given))
        channels = self.spec.control
        if given.dim() != 2 or len(given) != channels or not bool(given.isfinite().all()):
            raise RequestError(
                f"the control is a tensor of the shape {tuple(given.shape)}, but ({channels}, T) "
                "of finite numbers is expected"
            )
        return given.float()

    def shown(self, control: Tensor) -> str:
        """A line that stands for what is told."""
        return f"({control.shape[1] * self.place:.1f} seconds)"

    def _opened(self, given: Any) -> Sound:
        try:
            sound = self._given(given).open()
        except DataError as error:
            raise RequestError(f"the given recording: {error}", param="item") from None
        top = float(sound.samples.abs().max()) if sound.samples.numel() else 0.0
        if not top >= QUIETEST:
            raise RequestError(
                "the given recording is silent: give one that is heard", param="item"
            )
        return sound

    def condition(self, prompt: str | None, where: Any) -> Condition:
        if prompt or where:
            raise RequestError("this model writes down a recording: give an item, nothing besides")
        return Condition()

    # --- meaning ----------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str]:
        """What is said, as it is learnt: also of what was heard, so that both can be compared."""
        return [self.text(item) for item in items]

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, F]: how often each letter and each pair of them is in the text."""
        pairs = [a + b for a in self.letters for b in self.letters]
        places = {name: n for n, name in enumerate([*self.letters, *pairs])}
        rows = []
        for item in items:
            text = text_of(item)
            counts = Counter([*text, *(text[n : n + 2] for n in range(len(text) - 1))])
            row = torch.zeros(len(places))
            for name, count in counts.items():
                if name in places:
                    row[places[name]] = count / max(1, len(text))
            rows.append(row)
        return torch.stack(rows)

    def compare(self, real: Sequence[Any], made: Sequence[Any]) -> dict[str, float]:
        """Nothing: the errors against what is said tell more."""
        return {}


def text_in(item: Any) -> str:
    """A text, or what is said in a recording, as it is written."""
    return item if isinstance(item, str) else as_recording(item).caption or ""


def text_of(item: Any) -> str:
    """The letters of it."""
    return letters(text_in(item))


def _apart(ids: Sequence[int]) -> list[int]:
    """With a blank between neighbours that are the same."""
    out: list[int] = []
    for one in ids:
        out += [BLANK, one] if out and out[-1] == one else [one]
    return out


def written(item: Any, suffix: str) -> str:
    """What a file of this suffix holds."""
    if isinstance(item, Transcript) and suffix == ".json":
        return json.dumps(item.told(), ensure_ascii=False, indent=1) + "\n"
    if isinstance(item, Transcript) and suffix in WRITTEN:
        return subtitles((item.words,), suffix)
    return (str(item) if isinstance(item, str) else text_of(item)) + "\n"


def _seconds(recording: Recording) -> float:
    return recording.open().seconds if recording.seconds is None else recording.seconds


def _unfit(recording: Recording, longest: float) -> str:
    """Why nothing can be learnt from it, or ""."""
    if not text_of(recording):
        return "has no text: say in metadata.jsonl or a .txt beside it what is said"
    if (seconds := _seconds(recording)) > longest:
        return f"has {seconds:.1f} seconds: cut it at pauses to {longest:g} at most"
    return ""


def _transcript(
    runs: Sequence[tuple[str, int, int, float]], place: float, digits: bool
) -> Transcript:
    """Of letters with their first and last places and log-chances. digits: how numbers are
    written."""
    words: list[HeardWord] = []
    group: list[tuple[str, int, int, float]] = []
    for run in [*runs, (" ", 0, 0, 0.0)]:
        if run[0] != " ":
            group.append(run)
        elif group:
            words.append(
                HeardWord(
                    text="".join(one[0] for one in group),
                    begin=group[0][1] * place,
                    end=(group[-1][2] + 1) * place,
                    confidence=math.exp(sum(one[3] for one in group) / len(group)),
                )
            )
            group = []
    return Transcript(_numbered(words) if digits else words, words[-1].end if words else 0.0)


def _numbered(words: Sequence[HeardWord]) -> list[HeardWord]:
    """With numbers in digits, each a word over the time of those that it was heard as."""
    out: list[HeardWord] = []
    at = 0
    for begin, end, text in numerals([word.text for word in words]):
        some = words[begin:end]
        sure = math.exp(sum(math.log(max(one.confidence, 1e-9)) for one in some) / len(some))
        whole = HeardWord(text=text, begin=some[0].begin, end=some[-1].end, confidence=sure)
        out += [*words[at:begin], whole]
        at = end
    return [*out, *words[at:]]

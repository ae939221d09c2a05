"""The codec of chorales: a key and frames of four voices <-> ids on a lattice of frames and voices.

The first id is the key, then four a frame, as pitches of C major and A minor: what is learnt in one
key is known in all. Knows ids; the piece itself is in chorale_item, files in chorale_files, what
may be asked in chorale_given.
Shape legend: N chorales, T frames, V = 4 voices, L = 1 + T V positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.chorale.files import read_chorales
from genloom.codec.chorale.given import conditions, made_anew
from genloom.codec.chorale.item import BAR, MOST_FRAMES, SILENT, VOICES, Chorale
from genloom.codec.chorale.pages import given_pieces, opened, preview, written
from genloom.codec.music.dressing import TAKES, programmes
from genloom.codec.music.scores import MEDIA
from genloom.codec.prompt.label import LabelCodec
from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.voice_leading import chorale_features, voice_leading
from genloom.music.key_finder import every_key
from genloom.music.keys import Key
from genloom.options import Options
from genloom.spec import Span, TokenSpec

PAD, BOS = 0, 1
_KEYS = 2  # the first of 24
_BEHIND = _KEYS + 24  # after the end of a piece that is shorter than the frames
_REST = _BEHIND + 1
_PITCH = _REST + 1
_FARTHEST = 6  # semitones, of a transposition
_HOME = {"minor": 9}  # the pitch class that tonics are moved to; that of other modes is 0


class ChoraleCodec:
    """Four voices on a grid of sixteenths.

    frames     of an item; pieces are cut into windows of so many, every `stride` frames
    transpose  in training every window comes once more, moved by up to so many semitones, as far
               as all voices stay within what they sing somewhere; 0 for none
    """

    kind: ClassVar[str] = "chorale"
    media: ClassVar[str] = "audio/wav"
    suffix: ClassVar[str] = ".wav"
    preview_suffix: ClassVar[str] = ".png"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    brings: ClassVar[tuple[str, ...]] = (*MEDIA, "application/json")
    takes: ClassVar[frozenset[str]] = TAKES | {"tries"}
    told_where: ClassVar[bool] = True
    carries: ClassVar[type] = TokenSpec

    def __init__(self, *, frames: int = 128, stride: int = 16, transpose: int = 5) -> None:
        for name, value, low, high in (
            ("frames", frames, 4, MOST_FRAMES),
            ("stride", stride, 1, MOST_FRAMES),
            ("transpose", transpose, 0, _FARTHEST),
        ):
            if not isinstance(value, int) or not low <= value <= high:
                raise RecipeError(f"codec.{name} is {value!r}: give a number from {low} to {high}")
        self.frames, self.stride, self.transpose = frames, stride, transpose
        self.low, self.high, self.upbeat = 0, -1, 0  # of pitches as they are learnt
        self.prompts = LabelCodec()
        self.prompts.labels = tuple(map(str, every_key()))

    @property
    def spec(self) -> TokenSpec:
        if self.high < self.low:
            raise ModelError("this chorale codec has learnt no pitches yet: call fit or load first")
        vocab = _PITCH + self.high - self.low + 1
        cells = len(VOICES) * self.frames
        names = [f"{name} {t}" for t in range(self.frames) for name in VOICES]
        return TokenSpec(
            vocab=vocab,
            length=1 + cells,
            bos=BOS,
            eos=None,
            pad=PAD,
            spans=tuple(
                Span(name=name, start=n, size=1, kind="choice")
                for n, name in enumerate(["key", *names])
            ),
            ranges=((_KEYS, _BEHIND), *[(_BEHIND, vocab)] * cells),
            lattice=(self.frames, len(VOICES)),
        )

    # --- data -------------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        """JSON of frames."""
        return read_chorales(path, opened())

    def vary(self, items: Sequence[Chorale], seed: int) -> list[Chorale]:
        """Windows of all pieces, each also in another key that its voices can sing."""
        spans, draw = _compass(items), np.random.default_rng(seed)
        out = []
        for piece in items:
            starts = range(0, max(1, len(piece) - self.frames + 1), self.stride)
            lowest, highest = _room(piece, spans, self.transpose)
            for start in starts:
                window = piece.part(start, self.frames)
                moves = [0, int(draw.integers(lowest, highest + 1))] if self.transpose else [0]
                out += [window.transposed(n) for n in dict.fromkeys(moves)]
        return out

    def fit(self, items: Sequence[Chorale]) -> None:
        """The lowest and the highest pitch, and how long upbeats are."""
        sung = [p.voices[p.voices != SILENT].astype(int) - home(p.key) for p in items]
        pitches = np.concatenate(sung) if sung else np.zeros(0)
        if not len(pitches):
            raise DataError("no note to learn from: give at least one chorale with notes")
        self.low, self.high = int(pitches.min()), int(pitches.max())
        upbeats, counts = np.unique([piece.upbeat for piece in items], return_counts=True)
        self.upbeat = int(upbeats[counts.argmax()])

    def encode(self, items: Sequence[Chorale]) -> Tensor:
        """long [N, L]: the first frames of each; behind shorter ones stands an id of its own."""
        out = torch.full((len(items), self.frames, len(VOICES)), _BEHIND)
        for row, piece in zip(out, items, strict=True):
            voices = piece.voices[: self.frames]
            row[: len(voices)] = self._ids(voices, piece.key)
        keys = torch.tensor([self._key(str(piece.key)) for piece in items], dtype=torch.long)
        return torch.cat((keys.view(-1, 1), out.flatten(1)), 1)

    def _ids(self, voices: np.ndarray, key: Key) -> Tensor:
        """long [T, V]; pitches beyond those learnt are moved by octaves."""
        pitches = torch.from_numpy(voices.astype(np.int64))
        silent = pitches == SILENT
        pitches = pitches - home(key)
        up = torch.div(self.low - pitches + 11, 12, rounding_mode="floor").clamp(min=0)
        down = torch.div(pitches - self.high + 11, 12, rounding_mode="floor").clamp(min=0)
        moved = (pitches + 12 * (up - down)).clamp(self.low, self.high)
        return torch.where(silent, _REST, _PITCH + moved - self.low)

    def _key(self, text: str | None) -> int:
        """The id of a key; RequestError names the nearest where it is unknown."""
        return _KEYS + int(self.prompts.encode([text])[0, 0]) - 1

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Chorale]:
        """Ids that are no pitch count as rests; what stands behind the end is cut off."""
        return [self._decoded(row.detach().cpu().long()) for row in x]

    def _decoded(self, row: Tensor) -> Chorale:
        frames = row[1 : 1 + (len(row) - 1) // len(VOICES) * len(VOICES)].view(-1, len(VOICES))
        there = (frames != _BEHIND).any(1).nonzero()
        frames = frames[: int(there[-1]) + 1] if len(there) else frames[:1]
        number = int(row[0]) - _KEYS
        key = every_key()[number if 0 <= number < 24 else 0]
        pitches = (frames - _PITCH + self.low + home(key)).clamp(0, 127)
        voices = torch.where(frames < _PITCH, SILENT, pitches).numpy().astype(np.int16)
        return Chorale(voices, told=key, upbeat=self.upbeat)

    def captions(self, items: Sequence[Chorale]) -> list[str]:
        """The keys."""
        return [str(piece.key) for piece in items]

    # --- requests ---------------------------------------------------------------------------------

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """A prompt is a key: "G major"."""
        if conditions(where):
            raise RequestError(
                "where says which voices or bars of a piece are made: give the piece, too (item)",
                param="where",
            )
        if not prompt:
            return Condition()
        known = torch.full((1 + len(VOICES) * self.frames,), -1)
        known[0] = self._key(prompt)
        return Condition(known=known)

    def given(self, item: Any, prompt: str | None, where: Any) -> Condition:
        """A piece of any length, of which some voices or bars are made and the rest stays. item: a
        chorale, or a file of one. Its key is that of the prompt, or found from its notes."""
        piece = self._one(item)
        number = self._key(prompt or str(piece.key))
        key = every_key()[number - _KEYS]
        sung = piece.voices[piece.voices != SILENT]
        low, high = self.low + home(key), self.high + home(key)
        if len(sung) and (sung.min() < low or sung.max() > high):
            raise RequestError(
                f"the given piece has pitches from {sung.min()} to {sung.max()}, this model knows "
                f"{low} to {high} in {key}: transpose it, or say another key",
                param="item",
            )
        open_ = torch.from_numpy(made_anew(piece, where))
        cells = torch.where(open_, -1, self._ids(piece.voices, key)).flatten()
        return Condition(known=torch.cat((torch.tensor([number]), cells)))

    def _one(self, item: Any) -> Chorale:
        if isinstance(item, Chorale):
            return item
        try:
            found = given_pieces(item) if isinstance(item, bytes) else self.read(Path(item)).items
        except (DataError, TypeError) as error:
            raise RequestError(f"the given piece cannot be read ({error})", param="item") from error
        if len(found) > 1:
            raise RequestError(f"the given file holds {len(found)} pieces: give one", param="item")
        return found[0]

    def dressed(self, items: Sequence[Chorale], options: Options) -> list[Chorale]:
        """The pieces with the instruments and the tempo that are asked for."""
        chosen = programmes(options.instrument, len(VOICES))
        return [
            replace(
                one,
                instruments=one.instruments if chosen is None else tuple(chosen),
                tempo=options.tempo or one.tempo,
            )
            for one in items
        ]

    def strays(self, items: Sequence[Chorale], asked: Any = None) -> list[float]:
        """Parallel fifths, octaves and unisons in 100 frames of each."""
        return [voice_leading(one.voices)["parallels"] for one in items]

    # --- quality ----------------------------------------------------------------------------------

    def natural_side(self, items: Any) -> None:
        """Chorales have no sides."""

    def features(self, items: Sequence[Chorale]) -> Tensor:
        """float [N, F]: which degrees of the key each voice sings, and its steps and leaps."""
        rows = [chorale_features(piece.voices, piece.key.pitch_class) for piece in items]
        return torch.from_numpy(np.stack(rows)).float() if rows else torch.zeros(0, 1)

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        """Held-out likelihood says it."""
        return {}

    def preview(self, items: Sequence[Chorale], path: Path) -> Path:
        """Piano rolls, one below the other."""
        return preview(items, Path(path).with_suffix(self.preview_suffix))

    # --- files ------------------------------------------------------------------------------------

    def write(self, item: Chorale, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """JSON or a sound, by the suffix of the path."""
        return written(item, Path(path), record)

    def save(self, folder: Path) -> None:
        save_json(folder, self.kind, {name: getattr(self, name) for name in _KEPT})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset(_KEPT))
        codec = cls(**{name: values[name] for name in _KEPT[:3]})
        low, high, upbeat = (values[name] for name in _KEPT[3:])
        good = all(isinstance(x, int) for x in (low, high, upbeat))
        if not good or not (-6 <= low <= high <= 133 and 0 <= upbeat < BAR):
            raise ModelError(f"{folder} is damaged (pitches {low!r} to {high!r}): restore it")
        codec.low, codec.high, codec.upbeat = low, high, upbeat
        return codec


def home(key: Key) -> int:
    """Semitones above C major or A minor, -6 to 5."""
    return (key.pitch_class - _HOME.get(key.mode, 0) + 6) % 12 - 6


_KEPT = ("frames", "stride", "transpose", "low", "high", "upbeat")


def _compass(items: Sequence[Chorale]) -> np.ndarray:
    """int [V, 2]: the lowest and the highest pitch of each voice."""
    every = np.concatenate([piece.voices for piece in items]).astype(int)
    low = np.where(every == SILENT, 127, every).min(0)
    return np.stack((low, every.max(0)), 1)


def _room(piece: Chorale, compass: np.ndarray, most: int) -> tuple[int, int]:
    """How far down and up all voices of a piece may go; (0, 0) at least."""
    own = _compass([piece])
    sung = own[:, 1] >= 0
    down = int((compass[sung, 0] - own[sung, 0]).max(initial=-most))
    up = int((compass[sung, 1] - own[sung, 1]).min(initial=most))
    return min(0, max(down, -most)), max(0, min(up, most))

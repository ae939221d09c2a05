"""Sound files <-> sounds, and the record inside them.

WAV is read and written here, by the standard library alone: 8 to 32 bits, whole numbers or floats,
as far as a damaged file goes. FLAC, OGG (Vorbis, Opus) and MP3 are the business of libsndfile, by
the extra `audio`. Knows bytes and metadata; not what a record says.
Shape legend: C channels, N samples.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom.codec.embedded import embedded
from genloom.codec.image.files import SOURCE_TYPE
from genloom.codec.saving import write_atomic
from genloom.codec.sound.comments import FLAC, OGG, commented, remarked, with_comments
from genloom.codec.sound.marks import Mark, chapters_in, cue_chunks, cue_marks, with_chapters
from genloom.errors import DataError, MissingExtra, RequestError
from genloom.sound.resampling import resampled
from genloom.sound.wave import CHANNELS, RATES, Sound

SUFFIXES = frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"})
# suffix -> libsndfile's container and coding, and the rates that the coding knows (none: any)
WRITTEN: dict[str, tuple[str, str, tuple[int, ...]]] = {
    ".flac": ("FLAC", "PCM_16", ()),
    ".ogg": ("OGG", "VORBIS", ()),
    ".opus": ("OGG", "OPUS", (8_000, 12_000, 16_000, 24_000, 48_000)),
    ".mp3": ("MP3", "MPEG_LAYER_III", (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)),
}
COMMENTED = frozenset({"FLAC", "OGG"})  # containers whose comments are written here
LOSSY = frozenset({"VORBIS", "OPUS", "MPEG_LAYER_III"})
LONGEST = 4 * 3600.0  # seconds of one file that are taken in
TOGETHER = 1 << 16  # samples that are handed to libsndfile at once
RECORD = b"glmr"  # the chunk of a WAV file that holds the record
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a WAV file says of itself."""

    code: int
    channels: int
    rate: int
    bits: int

    def check(self) -> None:
        known = (self.code == PCM and self.bits in (8, 16, 24, 32)) or (
            self.code == FLOAT and self.bits in (32, 64)
        )
        if not known:
            raise DataError(
                f"WAV of the coding {self.code} with {self.bits} bits: whole numbers of 8, 16, 24 "
                "or 32 bits or floats are expected"
            )
        if not 1 <= self.channels <= CHANNELS:
            raise DataError(f"{self.channels} channels: 1 to {CHANNELS} are expected")
        if not RATES[0] <= self.rate <= RATES[1]:
            raise DataError(f"a rate of {self.rate} Hz: {RATES[0]} to {RATES[1]} are expected")


# --- reading --------------------------------------------------------------------------------------


def read_sound(content: bytes, name: str = "the sound") -> Sound:
    """A whole file. DataError, in one line, where it is none that can be heard."""
    try:
        if content[:4] in (b"RIFF", b"RF64") and content[8:12] == b"WAVE":
            return _read_wav(content).finite()
        return _read_other(content).finite()
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _read_wav(content: bytes) -> Sound:
    form, data = None, None
    for kind, start, size in _chunks(content):
        if kind == b"fmt " and size >= 16:
            form = _form(content[start : start + size])
        elif kind == b"data" and data is None:
            data = content[start : start + size]
    if form is None or data is None:
        raise DataError("a WAV file without a format or without samples: fetch it again")
    form.check()
    frame = form.channels * form.bits // 8
    whole = len(data) // frame * frame
    if not whole:
        raise DataError("a WAV file without a single sample: leave it out")
    _check_length(whole // frame, form.rate)
    numbers = _numbers(data[:whole], form)
    return Sound(torch.from_numpy(numbers.reshape(-1, form.channels).T.copy()), form.rate)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte, bytes) of each; the last may be cut short, or say that it is endless."""
    at = 12
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        size = min(size, len(content) - at - 8)
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _form(chunk: bytes) -> Form:
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == EXTENSIBLE and len(chunk) >= 26:
        (code,) = struct.unpack_from("<H", chunk, 24)
    return Form(code=code, channels=channels, rate=rate, bits=bits)


def _numbers(data: bytes, form: Form) -> np.ndarray:
    """float32 within [-1, 1]."""
    if form.code == FLOAT:
        return np.frombuffer(data, f"<f{form.bits // 8}").astype(np.float32)
    if form.bits == 8:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    if form.bits == 24:
        bytes_ = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = (bytes_[:, 0] << 8 | bytes_[:, 1] << 16 | bytes_[:, 2] << 24) >> 8
        return whole.astype(np.float32) / (1 << 23)
    whole = np.frombuffer(data, f"<i{form.bits // 8}").astype(np.float64)
    return (whole / (1 << (form.bits - 1))).astype(np.float32)


def _check_length(count: int, rate: int) -> None:
    if count > LONGEST * rate:
        raise DataError(f"{count / rate / 3600:.1f} hours: at most {LONGEST / 3600:.0f} are taken")


def _read_other(content: bytes) -> Sound:
    """By libsndfile, from memory: no other file is opened, nothing is started."""
    library = soundfile()
    try:
        with library.SoundFile(io.BytesIO(content)) as file:
            _check_length(max(file.frames, 0), file.samplerate)
            if not 1 <= file.channels <= CHANNELS:
                raise DataError(f"{file.channels} channels: 1 to {CHANNELS} are expected")
            numbers = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except DataError:
        raise
    except Exception as error:  # hostile bytes raise anything
        told = getattr(error, "error_string", type(error).__name__)
        raise DataError(
            f"not a sound in a known format ({told}): use WAV, FLAC, OGG or MP3"
        ) from None
    if not len(numbers):
        raise DataError("without a single sample: leave it out")
    return Sound(torch.from_numpy(numbers.T.copy()), rate)


def soundfile() -> Any:
    """The module soundfile."""
    try:
        import soundfile as module
    except (ImportError, OSError):
        raise MissingExtra("soundfile", "audio") from None
    return module


# --- writing --------------------------------------------------------------------------------------


def write_sound(
    sound: Sound,
    path: Path,
    record: Mapping[str, Any] | None = None,
    marks: Sequence[Mark] = (),
) -> bool:
    """By suffix: .wav, .flac, .ogg, .opus, .mp3, or .pcm for the bare samples of 16 bits. True
    where the record went into the file. Rates that a coding does not know go to the next. marks:
    chapters, inside all but bare samples."""
    path, suffix = Path(path), Path(path).suffix.lower()
    if suffix in (".wav", ".wave"):
        write_atomic(path, wav_bytes(sound, record, marks))
        return record is not None
    if suffix == ".pcm":
        write_atomic(path, pcm_bytes(sound))
        return False
    if suffix not in WRITTEN:
        known = ", ".join((".wav", *WRITTEN))
        raise RequestError(f"{path.name}: sounds are written as {known}")
    content = _coded(sound, suffix, record)
    if content[:4] in (FLAC, OGG):
        content = with_comments(content, marks, "" if record is None else _text(record))
    else:
        content = with_chapters(content, marks)
    write_atomic(path, content)
    return record is not None


def wav_bytes(
    sound: Sound, record: Mapping[str, Any] | None = None, marks: Sequence[Mark] = ()
) -> bytes:
    """16 bits. No time, no path: the same sound and record give the same bytes."""
    data, channels = _whole(sound.samples).tobytes(), len(sound.samples)
    form = struct.pack(
        "<HHIIHH", PCM, channels, sound.rate, 2 * channels * sound.rate, 2 * channels, 16
    )
    chunks = [(b"fmt ", form), (b"data", data), *cue_chunks(marks, sound.rate)]
    if record is not None:
        told = _text(record).encode()
        source = b"ISFT" + _sized(b"genloom\0") + b"ISRC" + _sized(SOURCE_TYPE.encode() + b"\0")
        chunks += [(b"LIST", b"INFO" + source), (RECORD, told)]
    body = b"WAVE" + b"".join(kind + _sized(chunk) for kind, chunk in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pcm_bytes(sound: Sound) -> bytes:
    """Bare samples of 16 bits, low bytes first."""
    return _whole(sound.samples).tobytes()


def _sized(chunk: bytes) -> bytes:
    return struct.pack("<I", len(chunk)) + chunk + b"\0" * (len(chunk) % 2)


def _whole(samples: Tensor) -> np.ndarray:
    """int16 [N, C]."""
    numbers = torch.nan_to_num(samples.detach().float().cpu()).clamp(-1, 1).T.numpy()
    return np.round(numbers * 32767).astype("<i2")


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _coded(sound: Sound, suffix: str, record: Mapping[str, Any] | None) -> bytes:
    library = soundfile()
    container, coding, rates = WRITTEN[suffix]
    if rates and sound.rate not in rates:
        sound = resampled(sound, min((r for r in rates if r >= sound.rate), default=rates[-1]))
    buffer = io.BytesIO()
    with library.SoundFile(
        buffer, "w", sound.rate, len(sound.samples), subtype=coding, format=container
    ) as file:
        if record is not None:
            file.software = "genloom"
            if container not in COMMENTED:
                file.comment = _text(record)
        samples = _floats(sound.samples) if coding in LOSSY else _whole(sound.samples)
        for at in range(0, len(samples), TOGETHER):  # Vorbis crashes on minutes at once
            file.write(samples[at : at + TOGETHER])
    return buffer.getvalue()


def _floats(samples: Tensor) -> np.ndarray:
    """float32 [N, C]. libsndfile 1.2 makes noise of whole numbers of two channels in MP3."""
    return torch.nan_to_num(samples.detach().float().cpu()).clamp(-1, 1).T.contiguous().numpy()


# --- the record inside ----------------------------------------------------------------------------


def sound_record(path: Path) -> dict[str, Any] | None:
    """The record inside a file, or None where there is none. DataError where it is broken."""
    return embedded(_told(Path(path).read_bytes()), path)


def sound_marks(path: Path) -> list[Mark]:
    """The chapters inside a file."""
    content = Path(path).read_bytes()
    if content[:4] in (FLAC, OGG):
        return commented(content, read_sound(content, str(path)).seconds)
    if content[:4] != b"RIFF":
        return chapters_in(content) if content[:3] == b"ID3" else []
    chunks = [(kind, content[at : at + size]) for kind, at, size in _chunks(content)]
    points = next((chunk for kind, chunk in chunks if kind == b"cue "), b"")
    labels = next((c for kind, c in chunks if kind == b"LIST" and c[:4] == b"adtl"), b"")
    sound = read_sound(content, str(path))
    return cue_marks(points, labels, sound.rate, sound.seconds)


def _told(content: bytes) -> str | None:
    if content[:4] == b"RIFF":
        found = [content[at : at + size] for kind, at, size in _chunks(content) if kind == RECORD]
        return found[0].decode("utf-8", "replace") if found else None
    if content[:4] in (FLAC, OGG):
        return text if (text := remarked(content)) and text.startswith("{") else None
    try:
        with soundfile().SoundFile(io.BytesIO(content)) as file:
            text = str(file.comment)
    except (MissingExtra, RuntimeError):
        return None
    return text if text.startswith("{") else None


def sample_hash(sound: Sound) -> str:
    """SHA-256 of rate, channels and samples in 16 bits: the same whatever lossless file held
    them."""
    head = f"{sound.rate} {len(sound.samples)}\n".encode()
    return hashlib.sha256(head + _whole(sound.samples).tobytes()).hexdigest()

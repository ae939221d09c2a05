"""Films in containers (MP4, WebM, Matroska, MOV, AVI): read frame by frame and written, by PyAV.

Hostile bytes become one line; what is asked for is all that is decoded, so that an hour of film
costs no more than its first seconds. Knows arrays and seconds, no tensor of a model.
Shape legend: T frames, H rows, W columns.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genloom.codec.saving import write_atomic
from genloom.codec.video.frames import Reel, Timed
from genloom.errors import DataError, MissingExtra, RequestError
from genloom.sound.resampling import resampled
from genloom.sound.wave import Sound

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ogv", ".mpg", ".mpeg"})
# suffix -> container, picture codecs (the first that is there), sound codec
WRITTEN: dict[str, tuple[str, tuple[str, ...], str]] = {
    ".mp4": ("mp4", ("libx264", "libopenh264", "mpeg4"), "aac"),
    ".m4v": ("mp4", ("libx264", "libopenh264", "mpeg4"), "aac"),
    ".mov": ("mov", ("libx264", "libopenh264", "mpeg4"), "aac"),
    ".webm": ("webm", ("libvpx-vp9", "libvpx"), "libopus"),
    ".mkv": ("matroska", ("libx264", "libvpx-vp9", "mpeg4"), "libopus"),
}
QUALITY = {
    # A constant quantiser: rate control by sums of floats gave other bytes in 11 of 80 runs.
    "libx264": {"qp": "14", "preset": "veryfast", "threads": "1"},
    "libvpx-vp9": {"crf": "12", "b": "0", "deadline": "good", "cpu-used": "4", "threads": "1"},
    "libvpx": {"crf": "8", "b": "4M", "deadline": "good", "cpu-used": "4", "threads": "1"},
    "mpeg4": {"q:v": "2", "threads": "1"},
}
SOUND_RATE = 48_000
TICKS = 90_000  # of a second, of frames that are written
KEY = "genloom"  # of the record among a file's tags
LARGEST_SIDE, MOST_PIXELS = 16_384, 80_000_000  # of a frame
LONGEST_SOUND = 3600.0  # seconds
WHOLE = 0.8  # of the seconds that a file says it has: one that ends before is broken


def av() -> Any:
    """The module PyAV."""
    try:
        import av as library
    except ImportError:
        raise MissingExtra("av", "video") from None
    return library


def head(content: Path | bytes) -> bytes:
    """The first bytes."""
    if isinstance(content, bytes):
        return content[:32]
    with content.open("rb") as file:
        return file.read(32)


def is_container(beginning: bytes) -> bool:
    """By the first bytes: what pillow reads is none."""
    pictures = (b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"BM")
    webp = beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP"
    avif = beginning[4:12] in (b"ftypavif", b"ftypavis", b"ftypmif1", b"ftypheic")
    return not (beginning.startswith(pictures) or webp or avif)


# --- reading --------------------------------------------------------------------------------------


def decoded(content: Path | bytes, name: str, begin: float = 0.0) -> Iterator[Timed]:
    """Frames as uint8 [H, W, 3] with the second at which each begins, from the last key frame
    before `begin` on. DataError where nothing can be decoded, and where a file breaks off."""
    found, time = 0, 0.0
    with _opened(content, name) as container:
        stream = _pictures(container, name)
        start, usual, whole = _start(stream), _rate(stream), _seconds(container, stream)
        ticks = stream.time_base or Fraction(1, TICKS)
        with _explained(name, lambda: found):
            if begin > 1.0:
                container.seek(int((begin + start) / ticks), stream=stream)
            for frame in container.decode(stream):
                told = frame.pts is not None
                time = float(frame.pts * ticks) - start if told else found / usual
                found += 1
                yield time, _pixels(frame, name)
    if not found:
        raise DataError(
            f"{name}: no frame of it can be decoded; it has none, or no key frame to begin from"
        )
    if whole is not None and time + 2 / usual < WHOLE * whole:
        raise DataError(f"{name}: it breaks off at {time:.1f} of {whole:.1f} seconds")


def rate(content: Path | bytes, name: str) -> float:
    """Frames a second, the mean where they vary."""
    with _opened(content, name) as container:
        return _rate(_pictures(container, name))


def seconds(content: Path | bytes, name: str) -> float | None:
    """As the file says; None where it does not."""
    with _opened(content, name) as container:
        return _seconds(container, _pictures(container, name))


def sound(content: Path | bytes, name: str) -> Sound | None:
    """What is heard, None where there is no sound track."""
    with _opened(content, name) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        channels = min(2, stream.codec_context.channels or 1)
        layout = "stereo" if channels == 2 else "mono"
        parts, count = [], 0
        with _explained(name, lambda: len(parts)):
            into = av().AudioResampler(format="fltp", layout=layout, rate=stream.rate)
            for frame in container.decode(stream):
                for part in into.resample(frame):
                    parts.append(part.to_ndarray())
                    count += parts[-1].shape[1]
                if count > LONGEST_SOUND * stream.rate:
                    break
            parts += [part.to_ndarray() for part in into.resample(None)]
        if not parts:
            return None
        return Sound(torch.from_numpy(np.concatenate(parts, 1).copy()), stream.rate)


def tags(path: Path) -> dict[str, str]:
    """What the file says of itself, names in lower case."""
    with _opened(path, str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


@contextmanager
def _opened(content: Path | bytes, name: str) -> Iterator[Any]:
    source = str(content) if isinstance(content, Path) else io.BytesIO(content)
    library = av()
    try:
        container = library.open(source, metadata_errors="replace")
    except (OSError, ValueError, EOFError, RuntimeError) as error:
        raise DataError(f"{name}: no film that can be read ({_why(error)})") from None
    with container:
        yield container


def _pictures(container: Any, name: str) -> Any:
    if not container.streams.video:
        raise DataError(f"{name}: it holds no pictures, only sound: give a film")
    stream = container.streams.video[0]
    width, height = stream.codec_context.width, stream.codec_context.height
    if not width or not height:
        raise DataError(f"{name}: its frames have no size: the file is damaged")
    if max(width, height) > LARGEST_SIDE or width * height > MOST_PIXELS:
        raise DataError(
            f"{name}: frames of {width} x {height} pixels; {MOST_PIXELS:,} at most are decoded"
        )
    stream.thread_type = "AUTO"
    return stream


def _start(stream: Any) -> float:
    return float(stream.start_time * stream.time_base) if stream.start_time else 0.0


def _seconds(container: Any, stream: Any) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def _rate(stream: Any) -> float:
    found = stream.average_rate or stream.guessed_rate or stream.base_rate
    return min(240.0, max(0.1, float(found))) if found else 25.0


def _pixels(frame: Any, name: str) -> np.ndarray:
    if frame.width * frame.height > MOST_PIXELS:
        raise DataError(f"{name}: a frame of {frame.width} x {frame.height} pixels is too large")
    pixels: np.ndarray = frame.to_ndarray(format="rgb24")
    if (quarters := round(getattr(frame, "rotation", 0) / 90) % 4) != 0:
        pixels = np.rot90(pixels, quarters).copy()  # filmed with the camera held upright
    return pixels


@contextmanager
def _explained(name: str, found: Any) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, EOFError, RuntimeError, MemoryError) as error:
        if isinstance(error, DataError):
            raise
        many = found()
        where = f"breaks off behind {many:,} frames" if many else "cannot be decoded"
        raise DataError(f"{name}: it {where} ({_why(error)})") from None


def _why(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:120]


# --- writing --------------------------------------------------------------------------------------


def write(frames: Reel, path: Path, record: Mapping[str, Any] | None) -> None:
    """A film with its sound, and the record among its tags. The same frames and record give the
    same bytes. Odd sides get one more row or column, a copy of the last."""
    form, codecs, speech = WRITTEN[path.suffix.lower()]
    library, buffer = av(), io.BytesIO()
    codec = next((c for c in codecs if c in library.codecs_available), None)
    if codec is None:
        raise RequestError(
            f"{path.name}: this build of PyAV has none of {', '.join(codecs)}: write a .gif"
        )
    options = {"fflags": "+bitexact"}
    if form in ("mp4", "mov"):
        options["movflags"] = "use_metadata_tags"
    with library.open(buffer, "w", format=form, options=options) as container:
        if record is not None:
            container.metadata[KEY] = json.dumps(record, ensure_ascii=False, sort_keys=True)
            container.metadata["comment"] = "made by a trained model (trainedAlgorithmicMedia)"
        pictures = _stream(container, codec, frames)
        heard = None
        if frames.sound is not None:
            heard = container.add_stream(speech, rate=SOUND_RATE)
            heard.codec_context.layout = "mono" if len(frames.sound.samples) == 1 else "stereo"
            heard.codec_context.flags |= 1 << 23  # bit-exact: no name of a program in the stream
        packets = [*_encoded(pictures, frames)]
        if heard is not None and frames.sound is not None:
            packets += _heard(library, heard, frames.sound)
        for packet in sorted(packets, key=_time):
            container.mux(packet)
    write_atomic(path, buffer.getvalue())


def _stream(container: Any, codec: str, frames: Reel) -> Any:
    rate = Fraction(frames.rate).limit_denominator(1001)
    stream = container.add_stream(codec, rate=rate, options=dict(QUALITY.get(codec, {})))
    width, height = frames.size
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = 1 / rate
    stream.codec_context.flags |= 1 << 23
    return stream


def _encoded(stream: Any, frames: Reel) -> Iterator[Any]:
    width, height = frames.size
    for number, pixels in enumerate(frames.seen()):
        whole = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av().VideoFrame.from_ndarray(np.ascontiguousarray(whole), format="rgb24")
        frame.pts = number
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _heard(library: Any, stream: Any, sound: Sound) -> Iterator[Any]:
    samples = resampled(sound, SOUND_RATE).samples[:2].clamp(-1, 1).numpy()
    layout = "mono" if len(samples) == 1 else "stereo"
    size = stream.codec_context.frame_size or 1024
    converted = stream.codec_context.format.name
    into = library.AudioResampler(format=converted, layout=layout, rate=SOUND_RATE, frame_size=size)
    frame = library.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
    for part in (*into.resample(frame), *into.resample(None)):
        yield from stream.encode(part)
    yield from stream.encode(None)


def _time(packet: Any) -> float:
    return float((packet.dts if packet.dts is not None else 0) * packet.time_base)

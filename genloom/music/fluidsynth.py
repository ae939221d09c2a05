"""FluidSynth, where it is installed: a MIDI file played with a sound font, by the program itself.

Knows the program and where sound fonts usually lie; no score. Nothing here is needed for the
project's own synthesis.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from genloom.errors import GenloomError, UsageError

PROGRAM = "fluidsynth"
FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
FONTS = (".sf2", ".sf3")
SECONDS = 600


def play_midi(
    midi: bytes, font: str | Path | None = None, rate: int = 44_100, program: str = PROGRAM
) -> bytes:
    """A WAV file of a MIDI file, as `fluidsynth -ni -F` makes it. font: a sound font, by default
    the first that is found in the usual folders. UsageError where the program or a font is
    missing."""
    found = shutil.which(program)
    if found is None:
        raise UsageError(
            f"the program {program} is not installed: install it (apt install fluidsynth), or "
            "leave it to Genloom's own instruments"
        )
    with tempfile.TemporaryDirectory(prefix="genloom-midi-") as folder:
        source, target = Path(folder) / "score.mid", Path(folder) / "score.wav"
        source.write_bytes(midi)
        flags = ["-ni", "-q", "-F", str(target), "-T", "wav", "-r", str(rate)]
        _run([found, *flags, str(font_at(font)), str(source)])
        if not target.is_file():
            raise GenloomError(f"{program} has made no file of {len(midi):,} bytes of MIDI")
        return target.read_bytes()


def font_at(font: str | Path | None, folders: Sequence[str] = FOLDERS) -> Path:
    """The sound font that is given, or the largest that is found."""
    if font is not None:
        given = Path(font).expanduser()
        if not given.is_file():
            raise UsageError(f"there is no sound font {given}: give a .sf2 or .sf3 file")
        return given
    there = [
        path
        for folder in folders
        for path in sorted(Path(folder).glob("*"))
        if path.suffix.lower() in FONTS
    ]
    if not there:
        raise UsageError(
            f"no sound font in {', '.join(folders)}: install one (apt install "
            "fluid-soundfont-gm), or give the path of a .sf2 file"
        )
    return max(there, key=lambda path: path.stat().st_size)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise GenloomError(f"{command[0]} has not finished after {SECONDS} s") from None
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise GenloomError(f"{command[0]} failed: {told[-1] if told else done.returncode}")

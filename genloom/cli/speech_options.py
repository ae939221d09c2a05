"""Flags of `genloom generate` that are about speech, and what becomes of a text that is said.

Knows how they are written on a command line; how texts are said is the business of saying.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """Flags that speech is made with.

    Parameters
    ----------
    speed
        How fast a text is said; 1 is as learnt, 0.25 to 4.
    speaker
        A recording of a voice to say it in, together with --consent.
    consent
        A statement that whoever speaks in the recording agrees.
    subtitles
        A file (.srt or .vtt) for what is said when.
    """

    speed: float | None = None
    speaker: str | None = None
    consent: str | None = None
    subtitles: str | None = None

    def fields(self) -> dict[str, Any]:
        """What `api.request_of` takes."""
        told: dict[str, Any] = {"speed": self.speed, "consent": self.consent}
        if self.speaker is not None:
            path = Path(self.speaker).expanduser()
            if not path.is_file():
                raise UsageError(f"--speaker {self.speaker}: there is no such file")
            told["item"] = path
        return told

    def check(self, sayable: bool, count: int) -> None:
        """Refuse what cannot be before anything is made."""
        if self.subtitles is None:
            return
        from genloom.speech.subtitles import subtitles

        if not sayable:
            raise UsageError("--subtitles are of texts that are said: this model says none")
        if count != 1:
            raise UsageError(f"--subtitles are of one sound: leave out -n {count}")
        subtitles((), Path(self.subtitles).suffix)

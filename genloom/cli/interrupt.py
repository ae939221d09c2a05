"""Ctrl-C while training: once saves and stops, twice leaves at once with the last checkpoint.

Knows signals. Before the first step there is nothing to save, so there it interrupts as usual.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from genloom.cli.ending import INTERRUPTED

if TYPE_CHECKING:
    from genloom.train.log import Event

_SHOW_CURSOR = "\x1b[?25h"


class Interrupt:
    """Called by the training at each step: true once the user has asked to stop.

    say: prints a line. resume: the command that goes on, told when leaving at once.
    """

    def __init__(self, say: Callable[[str], None], resume: str) -> None:
        self.say, self.resume = say, resume
        self.training = self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other may hear signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        return self.asked

    def hear(self, event: Event) -> None:
        """From the start on there is a checkpoint to go on from."""
        self.training = self.training or event.kind == "start"

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if not self.training:
            raise KeyboardInterrupt
        if self.asked:
            self._leave()
        self.asked = True
        self.say("stopping after this step and saving; Ctrl-C again leaves at once")

    def _leave(self) -> None:
        """Without another look at anything: what is being written is written aside."""
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
        os.write(2, f"{cursor}\nerror: left at once; go on with:  {self.resume}\n".encode())
        os._exit(INTERRUPTED)

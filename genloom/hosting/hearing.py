"""The task of hearing a voice: a recording becomes the vector by which the model knows who speaks.

What is told is that vector alone; the recording is not kept. Knows families that `hear`.
"""

from __future__ import annotations

from typing import Any

import torch

from genloom.engine.requests import streams
from genloom.errors import RequestError
from genloom.hosting.task import News, Task


class Hear(Task):
    """given: consent, a statement that whoever speaks agrees. blobs: item, the recording."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.voice: list[float] | None = None

    @property
    def slow(self) -> bool:
        return True

    def prepare(self) -> None:
        model = self.site.model
        family: Any = model.family
        codec: Any = model.codec
        if not hasattr(family, "hear") or streams(codec.spec):
            raise RequestError("this model hears no voices", param="model")
        consent = self.given.get("consent")
        if not isinstance(consent, str) or not consent.strip():
            raise RequestError("consent: say that whoever speaks there agrees", param="consent")
        recording = self.blobs.get("item")
        if recording is None:
            raise RequestError("item: send a recording", param="item")
        frames = codec.begin(recording, codec.spec.grid).to(model.device)
        with torch.inference_mode():
            voice = family.hear(dict(model.nets.items()), frames)
        self.voice = [round(x, 6) for x in voice.float().cpu().tolist()]

    def news(self, now: float) -> list[News]:
        if self.voice is None:
            return []
        told = {"heard": self.voice, "weights": self.site.weights}
        return [self.tell("values", **told), self.finish()]

"""Tasks that need no step of the model: counting tokens, checking a file's record."""

from __future__ import annotations

from typing import Any

from genloom.codec.chat.messages import checked_tools
from genloom.errors import RequestError
from genloom.hosting import asked
from genloom.hosting.assets import verdict_of
from genloom.hosting.task import News, Task

MOST = 2048  # texts of one request
FILE = "file"


class Answer(Task):
    """Subclasses find out `values` aside."""

    values: dict[str, Any]

    def news(self, now: float) -> list[News]:
        return [self.tell("values", **self.values), self.finish()]


class Count(Answer):
    """given: texts, or messages with tools and variables. tokens: of each text, or of the prompt
    that the messages make."""

    def prepare(self) -> None:
        given, site = self.given, self.site
        if not site.texts:
            raise RequestError("this model makes no texts: it has no tokens", param="model")
        if given.get("messages") is not None:
            prompt = site.renderer.prompt(
                given["messages"],
                tools=checked_tools(given.get("tools")),
                variables=given.get("variables"),
            )
            self.values = {"tokens": len(prompt.ids), "context": site.renderer.spec.length}
            return
        texts = asked.texts_in(given, "texts")
        if len(texts) > MOST:
            raise RequestError(f"{len(texts)} texts: at most {MOST} at once", param="texts")
        codec: Any = site.model.codec
        tokens = [len(ids) for ids in codec.encode(texts)]
        self.values = {"tokens": tokens, "context": codec.spec.length}


class Verify(Answer):
    """given: name (of the file); and the blob "file". What is found out stands in verdict."""

    def prepare(self) -> None:
        data = self.blobs.get(FILE)
        if data is None:
            raise RequestError("no file came along: send one", param=FILE)
        name = asked.text_in(self.given, "name") or "asset"
        self.values = {"verdict": verdict_of(data, name, self.site.weights)}

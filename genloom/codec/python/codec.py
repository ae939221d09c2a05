"""The codec of Python modules: a text codec that knows what may go on after a module's beginning.

What is written by such a model is completed under the grammar of `python_grammar`, wherever a
beginning ends between two lines; else it is drawn as any text. Knows no family or net.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from genloom.codec.python.grammar import grammar
from genloom.codec.text.codec import TextCodec
from genloom.codec.text.files import Documents


class PythonCodec(TextCodec):
    """Modules as tokens: the text codec, a file a document unless told otherwise."""

    kind: ClassVar[str] = "python"
    suffix: ClassVar[str] = ".py"

    def __init__(
        self,
        *,
        vocab: int | Literal["auto", "bytes", "given"] = "auto",
        length: int = 512,
        documents: Documents = "file",
    ) -> None:
        super().__init__(vocab=vocab, length=length, documents=documents)

    def form(self, prompt: str | None, ids: Sequence[int] | None = None) -> str | None:
        """The grammar of what may follow; None where a line, a bracket or a string is open."""
        if ids is None:
            return grammar(prompt or "")
        text: Any = self.pairs
        return grammar(text.decode([i for i in ids if i != self.spec.bos]))

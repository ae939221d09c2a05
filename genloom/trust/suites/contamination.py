"""Whether a suite's items stand in the training data of the model that is asked.

The data is read again from where the model's card says it lay. Blanks and line ends count alike;
all else must stand word for word. Knows texts and items, not how they are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from genloom.api import Model
from genloom.errors import GenloomError
from genloom.metric.overlap import KEY, contained

PIECE = 200  # bytes of a long text that are looked for as one
PIECES = 64  # of one item at most, evenly over it


@dataclass(frozen=True)
class Training:
    """The training text, or why it is not at hand."""

    text: bytes = b""
    missing: str = ""


def training(model: Model) -> Training:
    """All that the model learnt from, as one text."""
    if not model.card.get("data"):
        return Training(missing="what this model was trained on is not at hand")
    try:
        items = model.training_items()
    except (GenloomError, OSError) as error:
        return Training(missing=f"its training data is not where it was ({error})")
    return Training(
        "\n\0\n".join(t for item in items for t in _texts(item)).encode("utf-8", "replace")
    )


def _texts(item: Any) -> Iterator[str]:
    """What is said in an item: a text, both sides of a pair, the turns of a conversation."""
    yield str(item)
    for other in ("asked", "chosen", "rejected"):
        if isinstance(text := getattr(item, other, None), str):
            yield text
    for message in getattr(item, "messages", ()):
        yield str(message.get("content", ""))


def seen(texts: Sequence[str], text: bytes) -> list[bool]:
    """Which items stand in the training text: more than half of each, piece by piece. One of fewer
    than KEY bytes would be met by chance and is not looked for."""
    plain = _plain(text)
    passages, owner = [], []
    for number, item in enumerate(texts):
        for piece in _pieces(_plain(item.encode("utf-8", "replace"))):
            passages.append(piece)
            owner.append(number)
    found, of = [0] * len(texts), [0] * len(texts)
    for number, hit in zip(owner, contained(passages, plain), strict=True):
        found[number] += hit
        of[number] += 1
    return [2 * hits > count > 0 for hits, count in zip(found, of, strict=True)]


def _plain(text: bytes) -> bytes:
    return b" ".join(text.split())


def _pieces(text: bytes) -> Iterator[bytes]:
    count = len(text) // PIECE
    if count < 2:
        if len(text) >= KEY:
            yield text
        return
    for n in range(0, count, max(1, count // PIECES)):
        yield text[n * PIECE : (n + 1) * PIECE]

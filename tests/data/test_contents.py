"""Items in memory by what they hold: the same in every run, never the same for two that differ."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genloom.data.contents import contents
from genloom.errors import DataError


@dataclass(frozen=True)
class Noted:
    samples: Any
    caption: str | None = None


def told(item: Any) -> bytes:
    return b"".join(contents(item))


LONG = torch.zeros(5000)
CHANGED = LONG.clone()
CHANGED[2500] = 1  # where a printed tensor has dots
RED, BLUE = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
DIFFERENT = [
    ("a", "b"),
    ("1", 1),
    ("a", b"a"),
    (["ab", "c"], ["a", "bc"]),
    ([["a"], "b"], [["a", "b"]]),
    (1, 1.0),
    (1, True),
    (None, "None"),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({1, 2}, {1, 3}),
    (LONG, CHANGED),
    (LONG.numpy(), CHANGED.numpy()),
    (LONG, LONG.reshape(50, 100)),
    (torch.tensor(1.0), torch.tensor(2.0)),
    (LONG, LONG.to(torch.bfloat16)),
    (RED, BLUE),
    (RED, RED.convert("RGBA")),
    (RED, RED.resize((2, 8))),
    (Noted(LONG), Noted(CHANGED)),
    (Noted(LONG, "a"), Noted(LONG, "b")),
    (Fraction(1, 3), Fraction(2, 3)),
    (date(2020, 1, 1), date(2020, 1, 2)),
    (Path("a"), Path("b")),
    (np.array(["a", None], dtype=object), np.array(["b", None], dtype=object)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_that_differ_read_differently(one: Any, other: Any) -> None:
    assert told(one) != told(other)
    assert told([one]) != told([other]) and told(one) == told(one)


ITEMS = [{"x", "y", "z"}, Image.new("RGB", (2, 2), "red"), {"k": (1, None)}]


def test_the_same_in_another_process() -> None:
    code = (
        "from PIL import Image; import hashlib; from genloom.data.contents import contents; "
        "items = [{'x', 'y', 'z'}, Image.new('RGB', (2, 2), 'red'), {'k': (1, None)}]; "
        "print(hashlib.sha256(b''.join(contents(items))).hexdigest())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.strip() == hashlib.sha256(told(ITEMS)).hexdigest(), ran.stderr


def test_what_says_nothing_of_itself_is_refused() -> None:
    with pytest.raises(DataError, match="a object, which says nothing"):
        told(object())
    deep: list[Any] = []
    for _ in range(99):
        deep = [deep]
    with pytest.raises(DataError, match="32 deep"):
        told(deep)

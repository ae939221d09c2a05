"""Names of stored things: a word for their kind and 96 random bits; labels that users give."""

from __future__ import annotations

import re
import secrets

LONGEST_LABEL = 255
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def new_id(prefix: str) -> str:
    """For example file-3f8a... with the prefix "file-"."""
    return prefix + secrets.token_hex(12)


def is_id(text: str) -> bool:
    """Whether it could name a stored thing: what cannot is not even looked for."""
    return _ID.fullmatch(text) is not None


def label(text: str) -> str:
    """A name that is only shown: the last part of a path, no control characters, not long."""
    last = re.split(r"[/\\]", text)[-1]
    return _CONTROL.sub("", last).strip()[-LONGEST_LABEL:] or "file"

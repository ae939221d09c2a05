"""What is asked of a driving scene: weather, how much traffic, what happens. Knows words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genloom.drive.scene import WEATHERS
from genloom.errors import RequestError

DENSITIES = ("no", "light", "medium", "dense")
EVENTS: Mapping[str, str] = {"cut-in": "a cut-in", "jaywalker": "a jaywalker"}
OTHERS: Mapping[str, str] = {
    "sunny": "clear",
    "sun": "clear",
    "rainy": "rain",
    "foggy": "fog",
    "snowy": "snow",
    "raining": "rain",
    "snowing": "snow",
    "heavy": "dense",
    "sparse": "light",
    "empty": "no",
    "cutin": "cut-in",
    "cutting-in": "cut-in",
    "jaywalking": "jaywalker",
    "none": "no",
}
EMPTY = {"a", "an", "the", "with", "in", "and", "traffic", "weather", "of", "density", "some"}


def asked(prompt: str | None, where: Any) -> str:
    """ "rain, dense traffic, a cut-in". RequestError for words that are not known and for
    contradictions."""
    text = " ".join(filter(None, (prompt, _of_conditions(where)))).lower()
    text = re.sub(r"\bcut(?:s|ting)?[ -]in\b", "cut-in", text)
    words = [OTHERS.get(w, w) for w in re.findall(r"[a-z]+(?:-[a-z]+)?", text)]
    denied = {words[n + 1] for n, w in enumerate(words[:-1]) if w in ("no", "without")}
    words = [w for w in words if w not in denied or w in DENSITIES]
    known = {*WEATHERS, *DENSITIES, *EVENTS, *EMPTY, "without"}
    if strange := [w for w in words if w not in known]:
        raise RequestError(
            f"{strange[0]!r} is nothing that scenes are asked for by: use {', '.join(WEATHERS)}; "
            f"{', '.join(DENSITIES[1:])} traffic; {', '.join(EVENTS.values())}"
        )
    weather = _only([w for w in words if w in WEATHERS], "weathers", "clear")
    no_traffic = bool(re.search(r"\bno(?: \w+)? ?traffic\b|\bempty\b", text))
    crowds = [w for w in words if w in DENSITIES[1:]] + (["no"] if no_traffic else [])
    density = _only(crowds, "densities", "medium")
    events = [said for word, said in EVENTS.items() if word in words]
    if density == "no" and EVENTS["cut-in"] in events:
        raise RequestError("nobody can cut in where there is no traffic: ask for light or more")
    return ", ".join([weather, f"{density} traffic", *events])


def _only(found: list[str], what: str, usual: str) -> str:
    distinct = list(dict.fromkeys(found))
    if len(distinct) > 1:
        raise RequestError(f"two {what} contradict each other: {' and '.join(distinct)}")
    return distinct[0] if distinct else usual


def _of_conditions(where: Any) -> str | None:
    """ "weather = rain and density = dense", or an object."""
    if where is None:
        return None
    if isinstance(where, Mapping):
        return " ".join(str(v) if v is not True else str(k) for k, v in where.items() if v)
    return " ".join(part.split("=")[-1] for part in re.split(r"\band\b|,", str(where)))

"""How each option is asked of a person: the field that clients send, its kind, a sentence, and the
range in which people are most of the time. What the limits are stands in options.py; which model
acts on what, in engine/acting.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Field:
    """name: as clients send it. needs: fields without which it says nothing. likely: (low, high),
    where people are most of the time."""

    name: str
    kind: str
    about: str
    likely: tuple[float, float] | None = None
    needs: tuple[str, ...] = ()


def _field(name: str, kind: str, about: str, *likely: float, needs: str = "") -> Field:
    pair = (likely[0], likely[1]) if likely else None
    return Field(name=name, kind=kind, about=about, likely=pair, needs=tuple(needs.split()))


# Option of a request -> its field, in the order in which they are shown.
FIELDS: Mapping[str, Field] = {
    "size": _field("size", "size", "Width and height in pixels."),
    "steps": _field("steps", "integer", "Denoising steps: more are finer and slower.", 1, 100),
    "guidance": _field(
        "guidance", "number", "How strictly the prompt is followed; 1 is not at all.", 1, 10
    ),
    "negative": _field(
        "negative_prompt",
        "text",
        "What to keep away from; acts with a guidance above 1.",
        needs="guidance",
    ),
    "strength": _field(
        "strength", "number", "How much of the given picture is made anew.", 0, 1, needs="image"
    ),
    "outpaint": _field(
        "outpaint", "margins", "Pixels to add around: top, right, bottom, left.", needs="image"
    ),
    "seamless": _field("seamless", "flag", "Opposite edges fit together, for tiles."),
    "solver": _field("solver", "choice", "How the steps are walked."),
    "guidance_interval": _field(
        "guidance_interval", "interval", "Times within which guidance acts, of 0 (finished) to 1."
    ),
    "truncation": _field(
        "truncation", "number", "Below 1: nearer to the usual, less varied.", 0, 1.5
    ),
    "directions": _field(
        "directions", "directions", "How far to go along the generator's own directions.", -5, 5
    ),
    "frames": _field(
        "frames", "integer", "So many samples on a way from one end to the other.", 2, 64
    ),
    "towards": _field("towards", "text", "The prompt at the other end.", needs="frames"),
    "towards_seed": _field("towards_seed", "integer", "The seed at the other end.", needs="frames"),
    "speed": _field("speed", "number", "How fast it is said; 1 is as learnt.", 0.5, 2),
    "consent": _field(
        "consent", "text", "That whoever speaks in the recording agrees.", needs="image"
    ),
    "instrument": _field("instrument", "text", "Who plays it: a name, or one for each part."),
    "tempo": _field("tempo", "number", "Quarter notes a minute.", 40, 240),
    "tries": _field("tries", "integer", "So many are drawn, the best is kept.", 1, 16),
    "balance": _field("balance", "text", "Columns whose values are to come equally often."),
    "fair": _field(
        "fair", "text", "sex:income - the same rates of the outcome in every group of the column."
    ),
    "weights": _field("weights", "text", "Add a column: how much rarer each row is by itself."),
    "max_tokens": _field("max_tokens", "integer", "Longest continuation, in tokens.", 1, 1024),
    "min_tokens": _field("min_tokens", "integer", "It does not end before so many.", 0, 256),
    "temperature": _field(
        "temperature", "number", "0 takes the likeliest; 1 draws as the model learnt.", 0, 2
    ),
    "top_p": _field("top_p", "number", "Draw from the likeliest that make up this share.", 0.05, 1),
    "top_k": _field("top_k", "integer", "Draw from so many likeliest.", 1, 200),
    "min_p": _field("min_p", "number", "Leave out what is below this share of the best.", 0, 0.5),
    "repetition_penalty": _field(
        "repetition_penalty", "number", "Above 1: what was there comes less often.", 0.8, 2
    ),
    "frequency_penalty": _field(
        "frequency_penalty", "number", "Takes more from what came more often.", -2, 2
    ),
    "presence_penalty": _field(
        "presence_penalty", "number", "Takes from whatever came at all.", -2, 2
    ),
    "stop": _field("stop", "texts", "Words at which it ends."),
    "beams": _field(
        "beams", "integer", "Search this broad for the likeliest; nothing is drawn.", 1, 8
    ),
    "schema": _field("json_schema", "object", "A JSON schema that the text meets."),
    "regex": _field("regex", "text", "A regular expression that the text matches."),
    "grammar": _field("grammar", "text", "A grammar (Lark or GBNF) that the text matches."),
    "suffix": _field("infill", "text", "What comes after the gap that is filled."),
}

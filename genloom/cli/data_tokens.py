"""What a data set is in tokens, for people: lengths, a histogram, rows with targets marked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from genloom.cli import output

BAR = 40  # characters of the longest bar


def tell(told: Mapping[str, Any]) -> None:
    lengths = ", ".join(f"{name} {value:,}" for name, value in told["lengths"].items())
    rows = sum(line["items"] for line in told["histogram"])
    over = told["over_context"]
    output.text("")
    output.pairs(
        {
            "tokenizer": told["tokenizer"],
            "vocabulary": told["vocabulary"],
            "tokens": f"{told['tokens']:,}, {told['trained']:,} of them targets",
            "lengths": lengths,
            "over the context": f"{over:,} of {rows:,} ({told['context']:,} tokens)",
        }
    )
    most = max(line["items"] for line in told["histogram"])
    for line in told["histogram"]:
        bar = "#" * max(1, round(BAR * line["items"] / most))
        output.text(f"  up to {line['up_to']:>7,}  {line['items']:>9,}  {bar}")
    for number, row in enumerate(told["shown"], 1):
        output.text(f"\n--- {number}: {len(row['ids']):,} tokens, targets marked")
        output.text("".join(map(_marked, row["parts"])))
    for note in told["notes"]:
        print(f"note: {note}", file=sys.stderr)


def _marked(part: Mapping[str, Any]) -> str:
    if not part["trained"]:
        return str(part["text"])
    return f"[[{part['text']}]]"

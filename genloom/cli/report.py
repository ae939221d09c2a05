"""`genloom report`: what is known of a model, as one HTML file or as JSON. Words around
`genloom.trust.report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from genloom.cli import output, settings


def report(
    model: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    json: bool = False,
) -> None:
    """What is known of a model: quality, memorisation, its data; and what was not measured.

    genloom eval measures; this puts the last measurement, the card and the data's manifest
    together. Without --out and --json it is printed.

    Parameters
    ----------
    model
        Name or path of a model.
    out
        A file for the report: one HTML page that needs nothing else, or JSON where it ends so.
    json
        Print JSON.
    """
    from genloom.codec.saving import write_atomic
    from genloom.trust.report import told_name
    from genloom.trust.report_page import page_of

    settings.store()
    found = told_name(model)
    if out is not None:
        path = out.expanduser()
        as_json = path.suffix.lower() == ".json"
        text = output.as_json(found) + "\n" if as_json else page_of(found)
        write_atomic(path, text.encode("utf-8", "replace"))
    if json:
        output.values(found)
    elif out is not None:
        output.text(str(out))
    else:
        _show(found)


def _show(found: dict[str, object]) -> None:
    sections: object = found["sections"]
    assert isinstance(sections, list)
    for section in sections:
        output.text(f"\n{section['title']}")
        if section["rows"]:
            columns = ("metric", "value", "floor", "ceiling", "better", "note")
            output.table(columns, [tuple(row[c] for c in columns) for row in section["rows"]])
        output.pairs({fact["name"]: fact["value"] for fact in section["facts"]})
        for line in section["missing"]:
            output.text(f"not measured: {line}" if section["id"] != "absent" else f"- {line}")

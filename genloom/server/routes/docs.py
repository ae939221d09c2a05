"""/docs, /openapi.json: what can be asked, as a page that loads nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

router = APIRouter(include_in_schema=False)
SAFE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
STYLE = """body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1a1a1a;background:#fff}summary{cursor:pointer;padding:.4rem 0;border-top:1px solid #ddd}
code,pre{font:14px ui-monospace,monospace}b{display:inline-block;min-width:5rem}
table{border-collapse:collapse;margin:.5rem 0 1rem 1rem}td{padding:.2rem .8rem .2rem 0;
vertical-align:top}p{margin:.5rem 1rem;white-space:pre-line}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}summary{border-color:#444}
a{color:#9cf}}"""


@router.get("/openapi.json")
async def document(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(page_of(request.app.openapi()), headers=SAFE)


def page_of(document: dict[str, Any]) -> str:
    """The document as HTML: a line for each operation, its fields inside."""
    parts = [
        _operation(method, path, told, document)
        for path, methods in sorted(document["paths"].items())
        for method, told in methods.items()
    ]
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f'<h1>{title}</h1><p>The same as data: <a href="/openapi.json">/openapi.json</a></p>'
        f"{''.join(parts)}</html>"
    )


def _operation(method: str, path: str, told: dict[str, Any], document: dict[str, Any]) -> str:
    about = escape(told.get("description", told.get("summary", "")))
    rows = [_row(one["name"], one) for one in told.get("parameters", ())]
    for content in told.get("requestBody", {}).get("content", {}).values():
        rows += _fields(content.get("schema", {}), document)
    return (
        f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code></summary>"
        f"<p>{about}</p><table>{''.join(rows)}</table></details>"
    )


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    schema = _resolved(schema, document)
    rows: list[str] = []
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        rows += _fields(part, document)
    needed = schema.get("required", ())
    for name, told in schema.get("properties", {}).items():
        rows.append(_row(name, {**told, "required": name in needed}))
    return rows


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _row(name: str, told: dict[str, Any]) -> str:
    need = "required" if told.get("required") else ""
    about = told.get("description", "")
    cells = (f"<code>{escape(name)}</code>", escape(_kind(told)), need, escape(about))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _kind(told: dict[str, Any]) -> str:
    told = told.get("schema", told)
    if "$ref" in told:
        return str(told["$ref"]).rpartition("/")[2]
    if "enum" in told:
        return " | ".join(map(str, told["enum"]))
    if "const" in told:
        return str(told["const"])
    parts = (*told.get("anyOf", ()), *told.get("oneOf", ()))
    return " | ".join(map(_kind, parts)) if parts else str(told.get("type", ""))

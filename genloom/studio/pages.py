"""The built page as answers: its files from memory, with a policy under which nothing else runs.

Knows files and headers. What the page shows it asks the server for, as any other client does; the
files hold nobody's data, so that they need no key.
"""

from __future__ import annotations

import gzip
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genloom.errors import ResourceError

SITE = Path(__file__).with_name("site")
HASHED = "studio"  # the folder of the files whose names change with what they hold
TEXTS = frozenset({".html", ".js", ".css", ".svg"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def built(site: Path = SITE) -> bool:
    """Whether this installation has the page."""
    return (site / "index.html").is_file()


def pages(site: Path = SITE) -> list[Route]:
    """A route for each of the page's files. ResourceError where the page was not built."""
    if not built(site):
        raise ResourceError(
            "this installation has no studio, for want of Node.js and npm when it was built: "
            "install them, then Genloom again"
        )
    found = {f"/{file.relative_to(site)}": file for file in site.rglob("*") if file.is_file()}
    found["/"] = found.pop("/index.html")
    return [_Page(file).route(path) for path, file in sorted(found.items())]


class _Page:
    """One file, as it is and compressed."""

    def __init__(self, file: Path) -> None:
        self.plain = file.read_bytes()
        self.small = gzip.compress(self.plain, mtime=0) if file.suffix in TEXTS else None
        self.kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        hashed = file.parent.name == HASHED
        kept = "public, max-age=31536000, immutable" if hashed else "no-cache"
        self.headers = {**HEADERS, "cache-control": kept, "vary": "accept-encoding"}

    def route(self, path: str) -> Route:
        return Route(path, self.answer, methods=["GET"], include_in_schema=False)

    async def answer(self, request: Request) -> Response:
        if self.small is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.plain, media_type=self.kind, headers=self.headers)
        headers = {**self.headers, "content-encoding": "gzip"}
        return Response(self.small, media_type=self.kind, headers=headers)

"""Files that a body names: an address, a data: URL, or a file that was uploaded before.

Knows the ways in which clients write them; not what is inside a file.
"""

from __future__ import annotations

from typing import Any

from genloom.server.failure import Failure
from genloom.server.fetching import Fetched, Fetching
from genloom.server.service import Service
from genloom.server.sniffing import sniffed
from genloom.server.threads import in_thread


def fetching(service: Service) -> Fetching:
    """By the server's settings."""
    return Fetching(
        hosts=tuple(service.settings.fetch_hosts), most=service.settings.limits.body_bytes
    )


async def referred(service: Service, owner: str, given: Any, param: str) -> Fetched:
    """given: a URL, {"url"}, {"image_url"} (itself either) or {"file_id"}. Failure 400 or 413."""
    match given:
        case str():
            return await fetching(service)(given, param)
        case {"file_id": str() as id}:
            return await _uploaded(service, owner, id, param)
        case {"image_url": inner} | {"url": inner} if isinstance(inner, (str, dict)):
            return await referred(service, owner, inner, param)
    raise Failure(
        400,
        f"{param}: a URL, a data: URL or {{'file_id': ...}} is expected",
        code="invalid_value",
        param=param,
    )


async def _uploaded(service: Service, owner: str, id: str, param: str) -> Fetched:
    most = service.settings.limits.body_bytes
    files = service.records.files

    def read() -> bytes:
        file = files.get(id, owner)
        if file.bytes > most:
            raise Failure(413, f"{param}: {most:,} bytes at most", code="file_too_large")
        return files.path(file.sha256).read_bytes()

    try:
        data = await in_thread(read)
    except Failure as failure:
        failure.param = failure.param or param
        raise
    return Fetched(data=data, media=sniffed(data) or "")

"""`genloom serve`: the HTTP interface on this machine."""

from __future__ import annotations

from genloom.errors import MissingExtra


def serve(*models: str, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve models over HTTP, in OpenAI's shape.

    Parameters
    ----------
    models
        Names or paths of models; all in this user's folder where none is given.
    host
        The address to listen on.
    port
        The port; 0 takes a free one.
    """
    try:
        from genloom.server import serving
        from genloom.server.settings import Settings
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "server") from error
    serving.serve(Settings(models=models, host=host, port=port), lambda text: print(text, flush=True))

"""`genloom studio`: the server with its page, opened in the browser."""

from __future__ import annotations

import webbrowser

from genloom.cli import settings


def studio(
    *models: str,
    port: int = 8000,
    home: str | None = None,
    no_browser: bool = False,
) -> None:
    """Open the studio: train, prompt, generate, compare and check on a page in the browser.

    Everything stays on this machine. For others, or with more settings, use genloom serve, which
    has the same page.

    Parameters
    ----------
    models
        Names or paths of models; all in this user's folder where none is given.
    port
        The port; 0 takes a free one.
    home
        The folder of models and records, where it is not the usual one.
    no_browser
        Say the address alone.
    """
    try:
        from genloom.server import serving
        from genloom.server.settings import Settings
        from genloom.studio.pages import pages
    except ImportError as error:
        raise settings.without_server(error) from error
    store = settings.store(home)
    for name in models:
        store.existing(name)

    def say(address: str, keyed: bool) -> None:
        print(f"the studio is at {address} (Ctrl-C ends it)", flush=True)
        if keyed:
            print("it asks for a key: genloom keys create NAME makes one", flush=True)
        if not no_browser:
            webbrowser.open(address)

    hosting = {"bits": None, "speculate": None, "device": settings.device()}
    serving.serve(Settings(models=models, port=port, hosting=hosting), say, pages())

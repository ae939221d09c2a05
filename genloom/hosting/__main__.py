"""`python -m genloom.hosting FD [HOME]`: serve the model that is named on that socket until it
closes. HOME: the folder of this user's models, where it is not the usual one. SIGTERM finishes what
is open first."""

from __future__ import annotations

import signal
import socket
import sys

from genloom import store
from genloom.hosting.host import Host


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to hear
    link = socket.socket(fileno=int(sys.argv[1]))
    if len(sys.argv) > 2:
        store.set_home(sys.argv[2])
    host = Host(link)
    signal.signal(signal.SIGTERM, host.drain)
    host.run()


if __name__ == "__main__":
    main()

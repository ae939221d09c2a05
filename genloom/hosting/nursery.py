"""`python -m genloom.hosting.nursery FD [HOME]`: makes hosts in milliseconds.

What a host needs is imported here, once; each host is a fork of this process, which runs nothing
and so has nothing to lose. Hears on that socket one byte, what is to be made (`MADE`), with two
descriptors: its socket, and where its errors go. Tells on its output, a line each, {"born": pid}
and {"ended": pid, "status"}.
"""

from __future__ import annotations

import array
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress

from genloom import store
from genloom.hosting.host import Host
from genloom.hosting.preparing import Preparing

# A byte -> what runs on the socket, and its module where there are no forks.
MADE = {b"+": (Host, "genloom.hosting"), b"?": (Preparing, "genloom.hosting.preparing")}
FORKS = sys.platform.startswith("linux")  # elsewhere a fork of a process with libraries may not run
STATUS_UNKNOWN = 255


def main() -> None:
    shield()
    control = socket.socket(fileno=int(sys.argv[1]))
    home = sys.argv[2] if len(sys.argv) > 2 else None
    if home is not None:
        store.set_home(home)
    Nursery(control, home).run()
    os._exit(0)  # at once: nothing was run here that has to be put away


def shield() -> None:
    """A terminal's Ctrl-C, and a service's end, are the parent's to hear: it closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Nursery:
    """Forks until its socket closes; hosts live on as long as theirs is open."""

    def __init__(self, control: socket.socket, home: str | None) -> None:
        self.control, self.home = control, home
        self.children: set[int] = set()
        self.woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(self.woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes)

    def run(self) -> None:
        gc.collect()
        gc.freeze()  # what is imported stays: no child need ever look through it, or copy its pages
        while True:
            ready, _, _ = select.select([self.control, self.woken], [], [])
            self._reap()
            if self.control in ready:
                links = self._received()
                if links is None:
                    return
                self._make(*links)

    def _received(self) -> tuple[bytes, int, int] | None:
        """What is wanted, and its descriptors; None where the parent is gone."""
        room = array.array("i").itemsize * 2
        data, parts, _, _ = self.control.recvmsg(1, socket.CMSG_SPACE(room))
        if not data or not parts:
            return None
        found = array.array("i")
        found.frombytes(parts[0][2][:room])
        return data, found[0], found[1]

    def _make(self, what: bytes, link: int, errors: int) -> None:
        kind, module = MADE[what]
        pid = self._fork(kind, link, errors) if FORKS else self._spawn(module, link, errors)
        os.close(link)
        os.close(errors)
        self.children.add(pid)
        _tell({"born": pid})

    def _fork(self, kind: type[Host | Preparing], link: int, errors: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            for stream in (1, 2):
                os.dup2(errors, stream)
            os.close(errors)
            kind(socket.socket(fileno=link)).run()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _spawn(self, module: str, link: int, errors: int) -> int:
        command = [sys.executable, "-m", module, str(link)]
        command += [] if self.home is None else [self.home]
        return subprocess.Popen(command, pass_fds=(link,), stdout=errors, stderr=errors).pid

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.woken, 4096)
        for pid in list(self.children):
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                found, status = pid, STATUS_UNKNOWN << 8
            if found:
                self.children.discard(pid)
                _tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _tell(values: dict[str, int]) -> None:
    with suppress(BrokenPipeError):
        os.write(1, json.dumps(values).encode() + b"\n")


if __name__ == "__main__":
    main()

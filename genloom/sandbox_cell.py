"""The process around a program in the sandbox: it builds the walls, starts it, waits, clears up.

Run as a script by `sandbox`, never imported. It tries the strongest walls first: namespaces of its
own for processes, network and files, with a root that holds the system's programs and an empty
folder; where those are refused, Landlock for files; limits of resources and a user of its own in
any case. It tells on a pipe which walls stand and how the program ended.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys

TYPE_CHECKING = False  # the module typing would cost as much time as everything else here
if TYPE_CHECKING:
    from collections.abc import Callable

    Act = Callable[..., object]

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_MOUNT, NEW_PROCESS = 0x10000000, 0x20000, 0x20000000
NEW_NETWORK, NEW_IPC, NEW_NAME = 0x40000000, 0x8000000, 0x4000000
READ_ONLY, NO_SUID, NO_DEVICE = 1, 2, 4
REMOUNT, BIND, RECURSIVE, PRIVATE, DETACH = 32, 4096, 16384, 1 << 18, 2
DEATH_SIGNAL, NO_NEW_PRIVILEGES, ADOPT_ORPHANS = 1, 38, 36  # of prctl
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
STRANGER = 1 << 24  # the first of the users that exist only here
ROOM = "/tmp"  # the program's folder in a root of its own


def call(name: str, *given: object) -> int:
    """A function of the C library; OSError if it fails."""
    made = [g.encode() if isinstance(g, str) else g for g in given]
    result = getattr(LIBC, name)(*made)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return int(result)


def attempt(act: Act, *given: object) -> bool:
    """Whether it could be done; a system that does not know it is no fault."""
    try:
        act(*given)
    except (OSError, ValueError, AttributeError):
        return False
    return True


class Order:
    """What the sandbox asked for, from the command line."""

    def __init__(self, words: list[str]) -> None:
        self.report, self.prefix = int(words[0]), words[1]
        self.seconds, self.memory = float(words[2]), int(words[3])
        self.disk, self.processes = int(words[4]), int(words[5])
        self.room, self.argv = words[6], words[7:]
        self.argv[0] = _found(self.argv[0])
        self.own = os.path.join(self.room, "own")
        self.user = _lent() if os.getuid() == 0 else None
        self.counted = os.getuid() != 0  # the system may have as many processes as it likes
        self.walls: set[str] = set()

    def tell(self, line: str) -> None:
        os.write(self.report, line.replace("\n", " ").encode() + b"\n")

    def readable(self) -> list[str]:
        """The places that a program needs to start at all."""
        places = [*SYSTEM, self.prefix, os.path.realpath(self.argv[0])]
        found = [place for place in places if os.path.lexists(place)]
        return [p for i, p in enumerate(found) if not any(_within(p, q) for q in found[:i])]


def _lent() -> int | None:
    """A user that nobody else is; None where the administrator of this place has none to give."""
    try:
        with open("/proc/self/uid_map") as file:
            inside, _, many = map(int, file.readline().split())
    except (OSError, ValueError):
        return None
    first = STRANGER if inside + many > 2 * STRANGER else 30_000
    return first + os.getpid() % 30_000 if inside + many >= 60_000 else None


def _within(path: str, folder: str) -> bool:
    inside = os.path.realpath(path).startswith(os.path.realpath(folder) + "/")
    return inside and not os.path.islink(path)


def _found(program: str) -> str:
    """Where a program without a folder in its name lies."""
    folders = () if "/" in program else ("/usr/local/bin", "/usr/bin", "/bin")
    places = [os.path.join(folder, program) for folder in folders]
    return next(filter(os.path.isfile, places), program)


# ---- namespaces


def part(order: Order) -> bool:
    """Leave the others' processes, network and mounts, from the next child on."""
    apart = NEW_MOUNT | NEW_PROCESS | NEW_NETWORK | NEW_IPC | NEW_NAME
    if order.user is not None and attempt(call, "unshare", apart):
        order.counted = True
        return True
    outside = os.getuid(), os.getgid()
    try:
        call("unshare", apart | NEW_USER)
        inside = tuple(x or 1000 for x in outside)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{inside[0]} {outside[0]} 1"),
            ("gid_map", f"{inside[1]} {outside[1]} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except (OSError, AttributeError):
        return False
    order.user = None
    return True


def new_root(order: Order) -> None:
    """A root with the system's programs to read and an empty folder to write; nothing else."""
    root = os.path.join(order.room, "root")
    os.mkdir(root)
    call("mount", None, "/", None, RECURSIVE | PRIVATE, None)
    call("mount", "tmpfs", root, "tmpfs", NO_SUID | NO_DEVICE, "size=1m,mode=755")
    for place in [*order.readable(), *DEVICES]:
        _show(place, root + place)
    room = root + ROOM
    os.makedirs(room, exist_ok=True)
    size = f"size={order.disk},nr_inodes=10000,mode=755"
    call("mount", "tmpfs", room, "tmpfs", NO_SUID | NO_DEVICE, size)
    _copy(order.own, room)
    os.chdir(root)
    call("syscall", _number("pivot_root"), ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
    call("umount2", ".", DETACH)
    os.chdir("/")
    call("mount", None, "/", None, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICE, None)
    order.own = ROOM


def _copy(folder: str, target: str) -> None:
    for entry in os.scandir(folder):
        place = os.path.join(target, entry.name)
        if entry.is_dir():
            os.mkdir(place)
            _copy(entry.path, place)
        else:
            with open(entry.path, "rb") as source, open(place, "wb") as copy:
                copy.write(source.read())


def _number(name: str) -> int:
    """Numbers of system calls that the C library has no function for."""
    arm = os.uname().machine == "aarch64"
    return {"pivot_root": 41 if arm else 155}[name]


def _show(place: str, target: str) -> None:
    """The same file or folder at another place, only to read."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(place):
        os.symlink(os.readlink(place), target)
        return
    if os.path.isdir(place):
        os.makedirs(target, exist_ok=True)
    elif os.path.exists(place):
        with open(target, "w"):
            pass
    else:
        return
    call("mount", place, target, None, BIND | RECURSIVE, None)
    close = struct.pack("=QQQQ", READ_ONLY | NO_SUID, 0, 0, 0)
    try:  # mount_setattr, for all that is mounted below as well
        call("syscall", 442, -100, ctypes.c_char_p(target.encode()), 0x8000, close, len(close))
    except OSError:
        kept = os.statvfs(target).f_flag & (NO_DEVICE | 8)
        call("mount", None, target, None, REMOUNT | BIND | READ_ONLY | NO_SUID | kept, None)


# ---- where namespaces are refused


def landlock(order: Order) -> bool:
    """Files to read: the system's. To write: the folder. No TCP where the kernel knows how."""
    try:
        version = call("syscall", 444, None, 0, 1)
    except (OSError, AttributeError):
        return False
    every = (1 << (13 + (version >= 2) + (version >= 3))) - 1
    rules = struct.pack("=QQ", every, 3 if version >= 4 else 0)
    ruleset = call("syscall", 444, rules, len(rules) if version >= 4 else 8, 0)
    reading = 1 | 4 | 8  # execute, read a file, read a folder
    for place in [*order.readable(), *DEVICES]:
        _allow(ruleset, place, reading | (2 if place in DEVICES else 0))
    _allow(ruleset, order.own, every)
    call("syscall", 446, ruleset, 0)
    os.close(ruleset)
    return True


def _allow(ruleset: int, place: str, what: int) -> None:
    if not os.path.exists(place):
        return
    what = what if os.path.isdir(place) else what & (1 | 2 | 4)
    handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", what, handle)
    call("syscall", 445, ruleset, 1, rule, 0)
    os.close(handle)


def reachable(path: str) -> bool:
    """Whether a user who owns nothing gets there."""
    path = os.path.realpath(path)
    folders = [path]
    while folders[-1] != "/":
        folders.append(os.path.dirname(folders[-1]))
    return all(os.stat(folder).st_mode & 0o001 for folder in folders)


# ---- the program


def limit(order: Order) -> None:
    spare = 2  # this process and the one that waits for it may be counted as well
    for name, most in {
        "RLIMIT_AS": order.memory,
        "RLIMIT_CPU": int(order.seconds) + 2,
        "RLIMIT_FSIZE": order.disk,
        "RLIMIT_NPROC": order.processes + spare,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }.items():
        attempt(resource.setrlimit, getattr(resource, name, -1), (most, most))


def become(order: Order) -> None:
    """Turn into the program. Does not return."""
    try:
        os.setsid()
        if order.user is not None:
            os.setgroups([])
            os.setresgid(order.user, order.user, order.user)
            os.setresuid(order.user, order.user, order.user)
        attempt(call, "prctl", DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        attempt(call, "prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if "files" not in order.walls and landlock(order):
            order.walls |= {"files"}
        order.tell("walls " + " ".join(sorted(order.walls)))
        os.chdir(order.own)
        for caught in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM):
            signal.signal(caught, signal.SIG_DFL)
        limit(order)
        words = {"HOME": order.own, "TMPDIR": order.own, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        os.execve(order.argv[0], order.argv, words)
    except OSError as error:
        order.tell(f"start {order.argv[0]} cannot be started: {error.strerror}")
    except MemoryError:
        order.tell(f"start {order.memory} bytes of memory are too few to start anything")
    os._exit(127)


def attend(order: Order) -> int:
    """Start the program, wait for it, bury whoever else dies, tell its status: its number."""
    child = os.fork()
    if child == 0:
        become(order)
    signal.signal(signal.SIGTERM, lambda *_: sweep(child))
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            order.tell(f"end {os.waitstatus_to_exitcode(status)}")
            return child


def sweep(child: int) -> None:
    """Without a namespace: end the program's session and every orphan that came to us."""
    for _ in range(100):
        attempt(os.kill, -child, signal.SIGKILL)
        left = _children()
        if not left:
            break
        for pid in left:
            attempt(os.kill, pid, signal.SIGKILL)
            attempt(os.waitpid, pid, 0)
    os._exit(0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def house(order: Order) -> None:
    """The first process of a namespace: when it ends, everything in it does."""
    attempt(call, "prctl", DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    order.walls |= {"network"}
    try:
        new_root(order)
        order.walls |= {"files"}
    except OSError:
        pass
    if order.user is not None:
        _hand_over(order)
    if order.counted:
        order.walls |= {"processes"}
    attend(order)
    os._exit(0)


def _hand_over(order: Order) -> None:
    assert order.user is not None
    for folder, _, names in os.walk(order.own):
        for name in (".", *names):
            os.chown(os.path.join(folder, name), order.user, order.user)


def main() -> None:
    order = Order(sys.argv[1:])
    os.set_inheritable(order.report, False)
    if part(order):
        attempt(call, "prctl", DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        first = os.fork()
        if first == 0:
            house(order)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
        os.waitpid(first, 0)
    else:
        attempt(call, "prctl", DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        attempt(call, "prctl", ADOPT_ORPHANS, 1, 0, 0, 0)
        _settle(order)
        sweep(attend(order))


def _settle(order: Order) -> None:
    """Without a namespace: a user of its own, if the system's administrator can lend one."""
    if order.user is not None and all(map(reachable, (order.prefix, order.argv[0]))):
        os.chmod(order.room, 0o711)
        _hand_over(order)
    else:
        order.user = None
    if order.user is not None or order.counted:
        order.walls |= {"processes"}


if __name__ == "__main__":
    main()

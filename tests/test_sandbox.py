"""What a hostile program may try, tried: each ends in time, is named, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genloom import sandbox
from genloom.sandbox import Ran, python, run, run_all, strength

NAMESPACES = pytest.mark.skipif(
    not (strength().files and strength().network and strength().processes),
    reason="this system refuses the walls",
)


def tried(code: str, **limits: object) -> Ran:
    return run(python(code), **{"seconds": 5.0, **limits})  # type: ignore[arg-type]


def alive(mark: str) -> list[str]:
    """Processes whose command line holds the mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


# ---- what a program may do


def test_a_program_reads_computes_and_writes() -> None:
    code = """
        import sys, json
        from beside import double
        open("made.txt", "w").write("x")
        print(double(int(sys.stdin.read())), file=sys.stdout)
        print("fault", file=sys.stderr)
        sys.exit(3)
    """
    from textwrap import dedent

    ran = run(python(dedent(code), stdin="21", files={"beside.py": "def double(x): return 2 * x"}))
    assert (ran.status, ran.stdout, ran.stderr, ran.why) == (3, "42\n", "fault\n", "")
    assert not ran.fine and run(python("pass")).fine


def test_text_of_every_script_comes_through_and_broken_bytes_are_replaced() -> None:
    text = "Grüße, 漢字, \U0001f9f6, עברית"
    assert run(python("print(open('a').read())", files={"a": text})).stdout == text + "\n"
    assert run(python("print(input())", stdin=text)).stdout == text + "\n"
    ran = tried("import os; os.write(1, b'a\\xff\\xfeb')")
    assert ran.stdout == "a��b" and ran.fine


def test_any_program_of_the_system_runs() -> None:
    assert run(["cat"], stdin="abc").stdout == "abc"
    assert run(["/bin/sh", "-c", "echo $((6 * 7)); exit 4"]).status == 4


def test_what_is_no_program_is_said() -> None:
    ran = run(["/no/such/program"])
    assert ran.why == "start" and "/no/such/program" in ran.stderr and ran.status is None


def test_site_packages_are_out_of_sight() -> None:
    assert "ModuleNotFoundError" in tried("import torch").stderr


def test_a_file_outside_the_folder_is_refused() -> None:
    for name in ("../x", "/etc/x", ""):
        with pytest.raises(ValueError, match="inside its folder"):
            run(["true"], files={name: ""})


def test_many_run_side_by_side_and_answer_in_order() -> None:
    programs = [python(f"import time; time.sleep({0.2 - i / 20}); print({i})") for i in range(4)]
    assert [ran.stdout for ran in run_all(programs, workers=4)] == [f"{i}\n" for i in range(4)]
    assert run_all([]) == []


# ---- time and memory


def test_an_endless_loop_ends() -> None:
    for code in ("while True: pass", "import time; time.sleep(60)", "input()\nwhile 1: pass"):
        ran = run(python(code, stdin="x\n"), seconds=0.5)
        assert ran.why == "timeout" and ran.status is None and ran.seconds < 20


def test_output_before_the_end_of_time_is_kept() -> None:
    ran = tried("print('so far', flush=True)\nwhile True: pass", seconds=1.0)
    assert (ran.stdout, ran.why) == ("so far\n", "timeout")


def test_a_hog_runs_out_of_memory() -> None:
    for code in ("x = bytearray(1 << 31)", "x = []\nwhile True: x.append(bytes(1 << 20))"):
        ran = tried(code, memory=128 << 20)
        assert ran.why == "memory" and "MemoryError" in ran.stderr


def test_no_memory_at_all_is_said() -> None:
    assert run(python("pass"), memory=1 << 20).why in ("start", "memory", "lost", "")
    assert not run(python("pass"), memory=1 << 20).fine


def test_deep_recursion_is_the_programs_own_fault() -> None:
    code = "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()"
    assert not tried(code, seconds=1.0).fine


# ---- output, files, processes


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_is_cut_and_named(stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 4096)"
    ran = tried(code, output=10_000)
    assert ran.why == "flood" and len(getattr(ran, stream)) == 10_000 and ran.seconds < 20


def test_a_flood_that_ends_by_itself_is_one_too() -> None:
    ran = tried("print('x' * 20_000)", output=10_000)
    assert ran.why == "flood" and len(ran.stdout) == 10_000
    assert tried("print('x' * 9_999)", output=10_000).fine


def test_a_huge_file_finds_no_room() -> None:
    code = "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()"
    ran = tried(code, disk=8 << 20)
    assert ran.status != 0 and "OSError" in ran.stderr


@NAMESPACES
def test_many_files_find_no_more_room_than_one() -> None:
    code = "for i in range(100): open(f'{i}', 'wb').write(bytes(1 << 20))"
    assert "No space left" in tried(code, disk=8 << 20).stderr


@NAMESPACES
def test_a_fork_bomb_is_bounded() -> None:
    code = """
import os, time
made = 0
for _ in range(200):
    try:
        if os.fork() == 0:
            time.sleep(30)
        made += 1
    except OSError:
        break
print(made)
"""
    ran = tried(code, processes=8)
    assert ran.fine and 1 <= int(ran.stdout) <= 10


def test_a_bomb_ends_with_its_run() -> None:
    mark = f"bomb-{os.getpid()}-{time.time_ns()}"
    code = f"""
import os, time
mark = "{mark}"
for _ in range(6):
    try: os.fork()
    except OSError: pass
while True: time.sleep(1)
"""
    ran = run(["/bin/sh", "-c", f"exec {sandbox.PYTHON} -S -c '{code}' {mark}"], seconds=0.6)
    assert ran.why == "timeout"
    assert not alive(mark)


def test_nobody_outlives_the_run() -> None:
    """A child that left the session and closed everything is ended like any other."""
    mark = f"left-{time.time_ns()}"
    inner = "import time\nwhile True: time.sleep(1)"
    code = f"""
import os, subprocess, sys
p = subprocess.Popen([{sandbox.PYTHON!r}, "-S", "-c", {inner!r}, "{mark}"],
    start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
print(p.pid)
"""
    before = time.monotonic()
    ran = tried(code)
    assert ran.fine and ran.stdout.strip().isdigit()
    assert time.monotonic() - before < 20
    assert not alive(mark)


def test_zombies_are_buried() -> None:
    code = "import os\nfor _ in range(3):\n    if os.fork() == 0: os._exit(0)\nprint('done')"
    assert tried(code).stdout == "done\n"
    status = [p.read_text() for p in Path("/proc").glob("[0-9]*/stat") if _mine(p)]
    assert not [line for line in status if " Z " in line]


def _mine(path: Path) -> bool:
    try:
        return path.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
    except OSError:
        return False


def test_a_signal_to_itself_is_told_and_to_others_is_harmless() -> None:
    assert tried("import os; os.kill(os.getpid(), 11)").status == -signal.SIGSEGV
    assert tried("import os; os.abort()").status == -signal.SIGABRT


@NAMESPACES
def test_a_program_cannot_reach_other_processes() -> None:
    code = f"""
import os
for target in ({os.getpid()}, os.getppid(), -1, 1):
    try: os.kill(target, 9); print("hit", target)
    except OSError as error: print(type(error).__name__)
"""
    ran = tried(code)
    assert "hit" not in ran.stdout.replace("hit -1", "") and ran.why in ("", "memory")


# ---- the rest of the machine


@NAMESPACES
def test_nothing_outside_can_be_written_or_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the key")
    code = f"""
import os, sys
for place in ({str(secret)!r}, "/etc/passwd", "/root", "/home", "/proc/1/environ"):
    try: print(open(place).read())
    except OSError as error: print(type(error).__name__)
for place in ({str(tmp_path / "new")!r}, "/etc/new", "/usr/new", "/new", sys.prefix + "/new"):
    try: open(place, "w"); print("wrote", place)
    except OSError as error: print(type(error).__name__)
try: os.remove(os.__file__); print("removed")
except OSError as error: print(type(error).__name__)
"""
    ran = tried(code)
    assert ran.fine and "the key" not in ran.stdout and "wrote" not in ran.stdout
    assert "removed" not in ran.stdout and not (tmp_path / "new").exists()
    assert len(ran.stdout.splitlines()) == 11


@NAMESPACES
def test_there_is_no_network() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        code = f"""
import socket
for host in ("127.0.0.1", "192.0.2.1"):
    try: socket.create_connection((host, {server.getsockname()[1]}), timeout=2); print("in")
    except OSError as error: print(type(error).__name__)
"""
        ran = tried(code)
    assert ran.fine and "in" not in ran.stdout.split()


def test_the_parents_environment_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "tell-nobody")
    code = f"""
import os, glob
print(dict(os.environ))
for place in ("/proc/{os.getpid()}/environ", f"/proc/{{os.getppid()}}/environ", "/proc/1/environ"):
    try: print(open(place).read())
    except OSError: print("no")
"""
    ran = tried(code)
    assert ran.fine and "tell-nobody" not in ran.stdout and "SECRET" not in ran.stdout


def test_nothing_is_left_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tried("open('x', 'w').write('y')")
    tried("while True: pass", seconds=0.3)
    assert not list(tmp_path.iterdir())


def test_no_file_of_ours_is_open_in_there() -> None:
    code = """
import os
found = []
for handle in range(3, 256):
    try: os.fstat(handle); found.append(handle)
    except OSError: pass
print(found)
"""
    with open(os.devnull) as file:
        os.set_inheritable(file.fileno(), True)
        assert tried(code).stdout == "[]\n"


def test_threads_of_ours_are_no_hindrance() -> None:
    """Started from a thread that ends at once, a run is not ended with it."""
    found: list[Ran] = []
    thread = threading.Thread(target=lambda: found.append(tried("print(1)")))
    thread.start()
    thread.join()
    assert found[0].stdout == "1\n"


# ---- where the system refuses namespaces


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """The same cell, without the right to make namespaces."""
    text = sandbox.CELL.read_text("utf-8")
    weak = text.replace("if part(order):", "if False:")
    assert weak != text
    cell = tmp_path / "cell.py"
    cell.write_text(weak, "utf-8")
    monkeypatch.setattr(sandbox, "CELL", cell)
    return lambda: None


def test_without_namespaces_the_limits_hold(refused: object) -> None:
    assert tried("print(6 * 7)").stdout == "42\n"
    assert tried("while True: pass", seconds=0.5).why == "timeout"
    assert tried("x = bytearray(1 << 31)", memory=128 << 20).why == "memory"
    assert tried("while True: print('x' * 999)", output=9999).why == "flood"
    assert run(["/no/such"]).why == "start"


@pytest.mark.skipif(sys.platform != "linux", reason="orphans come to us on Linux alone")
def test_without_namespaces_nobody_outlives_the_run(refused: object) -> None:
    test_nobody_outlives_the_run()
    test_a_bomb_ends_with_its_run()


def test_without_namespaces_it_says_so(refused: object) -> None:
    ran = tried("pass")
    assert "network" not in ran.walls
    weak = sandbox.Strength(files=True, network=False, processes=True)
    assert "network not closed off" in str(weak)
    assert str(sandbox.Strength(files=True, network=True, processes=True)).startswith("full")

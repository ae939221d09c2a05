"""The loop of a host: who waits for whom, who is told what, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from parent import PATIENCE, Parent, hosted, of_kind, process, text_of

from genloom.hosting.host import Host
from genloom.hosting.link import FULL, Link
from genloom.hosting.log import log
from genloom.hosting.site import open_site
from genloom.hosting.tasks import GENERATE, TASKS
from genloom.hosting.texts import Complete
from genloom.wire import frame

LONG = {"max_tokens": 2000, "ignore_eos": True}


def _settled(parent: Parent) -> dict[str, int]:
    """Its stats once nothing is open."""
    while (stats := parent.stats())["open"] or stats["preparing"]:
        pass
    return stats


def test_what_is_cancelled_is_gone_within_two_ticks_and_leaves_no_page(texts: Parent) -> None:
    before = _settled(texts)["pages_used"]
    numbers = [texts.make("complete", prompt="a b", seed=n, options=LONG) for n in range(6)]
    heard: set[int] = set()
    for one in texts.news():
        heard.add(one["id"])
        if heard >= set(numbers):
            break
    for number in numbers:
        texts.say("cancel", id=number)
    stats = _settled(texts)
    assert stats["pages_used"] == before
    ticks = stats["ticks"]
    assert texts.stats()["ticks"] - ticks <= 2, "it went on for nobody"


def test_cancelled_while_it_is_prepared_it_never_begins(texts: Parent) -> None:
    schema = {"enum": [f"{n}" * 20 for n in range(1000)]}
    texts.number = number = texts.number + 1
    given = {"prompt": "x", "options": {"schema": schema}}
    make = {"do": "make", "id": number, "task": "complete", "given": given}
    texts.sock.sendall(frame(make) + frame({"do": "cancel", "id": number}))
    other = texts.make("complete", prompt="x", options={"max_tokens": 2})
    for one in texts.news():
        assert one["id"] != number
        if one["id"] == other and one["kind"] == "done":
            break
    assert _settled(texts)["preparing"] == 0


def test_a_request_that_fails_leaves_its_mates_alone(texts: Parent) -> None:
    short = {"max_tokens": 30, "ignore_eos": True}
    alone = text_of(texts.ask("complete", prompt="we", seed=8, options=short))
    good = texts.make("complete", prompt="we", seed=8, options=short)
    bad = [
        texts.make("complete", prompt="x" * 4000),
        texts.make("complete", prompt="x", options={"grammar": "start: nothing"}),
        texts.make("chat", messages=[{"role": "user", "content": "x"}]),
        texts.make("embed", texts=["x" * 300]),
        texts.make("no such task"),
        texts.make("complete", prompt="x", options=[1]),
        texts.make("embed", texts=["x"], pooling=3),
    ]
    found = texts.until_done(good, *bad)
    assert text_of(found[good]) == alone
    for number in bad:
        assert [one["kind"] for one in found[number]] == ["error"], found[number]
        assert "\n" not in found[number][0]["message"]


def test_compiling_does_not_hold_up_running_texts(texts: Parent) -> None:
    keys = [f"k{n}" for n in range(140)]
    inner = {"type": "object", "properties": {k: {"enum": [k * 9, k]} for k in keys[:12]}}
    schema = {"type": "object", "properties": dict.fromkeys(keys, inner), "required": keys}
    running = texts.make("complete", prompt="a", options=LONG)
    next(one for one in texts.news() if one["id"] == running)
    slow = texts.make("complete", prompt="x", options={"schema": schema, "max_tokens": 1})
    between = 0
    for one in texts.news():
        between += one["id"] == running
        if one["id"] == slow:
            break
    texts.say("cancel", id=running)
    assert one["kind"] != "error" and between >= 1


def test_a_short_request_does_not_wait_for_slow_forms(chats: Parent) -> None:
    inner = {"type": "object", "properties": {f"q{n}": {"enum": ["a" * 30, n]} for n in range(12)}}
    slow = []
    for n in range(4):
        keys = [f"k{n}_{i}" for i in range(60)]
        schema = {"type": "object", "properties": dict.fromkeys(keys, inner), "required": keys}
        options = {"schema": schema, "max_tokens": 1}
        slow.append(chats.make("complete", prompt="x", options=options))
    say = [{"role": "user", "content": "hi"}]
    quick = chats.make("chat", messages=say, options={"max_tokens": 1})
    found = chats.until_done(quick, *slow)
    assert list(found) != [] and all(news[-1]["kind"] == "done" for news in found.values())
    order = sorted(found, key=lambda number: found[number][-1]["order"])
    assert order.index(quick) < order.index(slow[-1])


def test_many_schemas_do_not_grow_what_is_kept(texts: Parent) -> None:
    for n in range(150):
        options = {"schema": {"enum": [f"word {n}"]}, "max_tokens": 1}
        texts.make("complete", prompt="x", options=options)
    last = texts.make("complete", prompt="x", options={"schema": {"const": "word"}})
    done = texts.until_done(*range(texts.number - 150, texts.number + 1))
    assert text_of(done[last]) == '"word"'


def test_first_pieces_come_at_once_and_further_ones_now_and_then(text_model: str) -> None:
    site = open_site(text_model, {})
    a, b = (int(x[0]) for x in site.model.codec.encode(["a", "b"]))
    options = {"max_tokens": 40, "ignore_eos": True, "logit_bias": {a: 100.0, b: 100.0}}
    tasks = [Complete(n, site, {"prompt": "x", "options": options}, {}) for n in range(3)]
    for task in tasks:
        task.prepare()
        task.begin()

    def told(now: float) -> list[int]:
        """Tokens of the pieces that are told after one more step."""
        site.engine.tick()
        return [one.values["tokens"] for task in tasks for one in task.news(now)]

    assert told(100.0) == [1, 1, 1]
    assert told(100.001) == told(100.002) == []
    assert told(101.0) == [3, 3, 3]
    late = Complete(9, site, {"prompt": "x", "options": options}, {})
    late.prepare()
    late.begin()
    tasks.append(late)
    assert told(101.001) == [1], "a first piece waited for another's time"
    for task in tasks:
        task.cancel()
    site.close()


def test_ready_says_what_the_web_process_decides_by(texts: Parent, pictures: Parent) -> None:
    told, drawn = texts.about, pictures.about
    json.dumps([told, drawn])
    assert (told["texts"], told["chats"], told["embeds"], told["context"]) == (
        True,
        False,
        True,
        96,
    )
    assert (drawn["texts"], drawn["embeds"], drawn["grids"]) == (False, False, [[8, 8]])
    assert drawn["accepts"] == ["item", "mask"] and told["accepts"] == []
    assert told["bytes"] == 4 * told["parameters"] and len(told["weights"]) == 64


def test_options_of_a_host_are_acted_on_or_refused(text_model: str) -> None:
    with hosted(text_model, bits=8, memory=1 << 24, speculate="lookup", steady=True) as parent:
        assert parent.about["bits"] == 8
        options = {"max_tokens": 4, "ignore_eos": True}
        assert of_kind(parent.ask("complete", prompt="a", options=options), "done")
    for options, told in (({"speed": 1}, "speed"), ({"adapters": {"a": "/nowhere"}}, "nowhere")):
        ours, theirs = socket.socketpair()
        host = Host(theirs)
        thread = threading.Thread(target=host.run)
        thread.start()
        failed = Parent(ours).open(text_model, **options)
        ours.close()
        thread.join(PATIENCE)
        assert failed["say"] == "failed" and told in failed["error"]["message"]


def test_every_task_has_its_name() -> None:
    reads = {"embed", "rank", "score", "count", "verify", "neighbours", "hear"}
    assert {GENERATE, *TASKS} == {"generate", "complete", "chat", *reads}


# --- the socket -----------------------------------------------------------------------------------


def test_a_parent_that_does_not_read_stops_the_work_not_the_process() -> None:
    ours, theirs = socket.socketpair()
    link = Link(theirs)
    piece = frame({"say": "news", "of": []}, {"0": bytes(1 << 20)})
    begun = time.monotonic()
    while not link.full:
        link.say({"say": "news", "of": []}, {"0": bytes(1 << 20)})
    assert time.monotonic() - begun < PATIENCE / 2 and link.waiting <= FULL + 2 * len(piece)
    got, whole = 0, link.waiting
    ours.setblocking(False)
    while link.waiting:
        try:
            got += len(ours.recv(1 << 20))
        except BlockingIOError:
            link.hear(0.1)
    assert got > 0 and not link.full and whole
    ours.close()
    link.hear(0.1)
    assert link.closed
    link.close()


def test_a_log_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log("a\nb\x1b[31m\r")
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "\x1b" not in err and "a\\nb" in err


def test_a_process_finishes_what_is_open_when_it_is_told_to_end(
    folder: Path, text_model: str
) -> None:
    with process(folder) as (parent, child):
        assert parent.open(text_model)["say"] == "ready"
        number = parent.make("complete", prompt="a", options={**LONG, "max_tokens": 120})
        next(one for one in parent.news() if one["id"] == number)
        child.send_signal(signal.SIGTERM)
        found = parent.until_done(number)[number]
        assert found[-1]["kind"] == "done" and found[-1]["usage"]["completion_tokens"] == 120
        with pytest.raises(EOFError):
            while True:
                parent.hear()
        assert child.wait(PATIENCE) == 0


def test_a_process_ends_with_its_parent_whatever_it_is_at(folder: Path, text_model: str) -> None:
    with process(folder) as (parent, child):
        assert parent.open(text_model)["say"] == "ready"
        for n in range(8):
            parent.make("complete", prompt="a", seed=n, options=LONG)
        next(parent.news())
        parent.sock.close()
        assert child.wait(PATIENCE) == 0
        assert child.stderr is not None and child.stderr.read() == b""

"""A program that writes records until it is killed, and says what was acknowledged, line by line.

It loads once and forks a writer for every "go" that it reads, so that many can die in a second.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from genloom.server.records.records import Records, open_records


def say(**told: Any) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")  # one write: whole, or not there


def write(records: Records, rng: random.Random) -> None:
    """Everything that a server acknowledges, again and again."""
    job = records.jobs.create("batch", owner="ann", given={"n": rng.random()})
    say(job=job.id)
    while True:
        data = rng.randbytes(rng.choice((10, 5_000, 300_000)))
        asset = records.assets.put(data, "image/png", owner="ann")
        say(asset=asset.id, sha256=asset.sha256)
        twice = records.assets.put(b"the same", "text/plain", owner="ann")
        say(asset=twice.id, sha256=twice.sha256)
        value = {"n": rng.random(), "long": "x" * rng.randrange(5_000)}
        document = records.documents.put("response", f"r{rng.getrandbits(64)}", value, owner="ann")
        say(document=document.id, value=value)
        event = records.jobs.note(job.id, "still here", data=value)
        say(event=event.number, job=job.id)
        say(file=uploaded(records, rng))
        gone = records.files.put(data, "gone.bin", "user_data", owner="ann")
        records.files.remove(gone.id, "ann")
        say(gone=gone.id)
        records.sweep()


def uploaded(records: Records, rng: random.Random) -> str:
    """A file of two parts."""
    parts = [rng.randbytes(1_000), rng.randbytes(2_000)]
    upload = records.uploads.create(
        owner="ann", filename="f", purpose="user_data", media="text/plain", bytes=3_000
    )
    for part in parts:
        with records.blobs.draft() as draft:
            draft.write(part)
            draft.finish()
            records.uploads.add(upload.id, "ann", draft)
    with records.blobs.draft() as draft:
        draft.write(b"".join(parts))
        draft.finish()
        return records.uploads.complete(upload.id, "ann", draft)[1].id


def main(folder: str, url: str) -> None:
    for number, _ in enumerate(sys.stdin):
        pid = os.fork()
        if pid == 0:
            records = open_records(Path(folder), url, wait=20)
            say(pid=os.getpid())
            write(records, random.Random(os.getpid() * 1000 + number))
        _, status = os.waitpid(pid, 0)
        say(dead=pid, status=status)


if __name__ == "__main__":
    main(*sys.argv[1:])

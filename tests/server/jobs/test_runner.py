"""The loop that does jobs, with a real model: what survives, what is fair, what is bounded."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from toys import texts

from genloom import api, store
from genloom.server.app import make_app
from genloom.server.call import Call
from genloom.server.failure import Failure
from genloom.server.jobs.claims import Outline
from genloom.server.jobs.generation import given_for
from genloom.server.jobs.limits import JobLimits
from genloom.server.jobs.runner import _fair
from genloom.server.records.rows import Page
from genloom.server.settings import Settings
from genloom.server.threads import in_thread

SMALL = ["train.steps=4", "train.judge=0", "train.preview=0", "net.net.width=32"]
TEXT = [*SMALL, "net.net.depth=1", "net.net.heads=2", "codec.length=64"]


@pytest.fixture(scope="module")
def model(tmp_path_factory, home):
    store.set_home(home)
    file = tmp_path_factory.mktemp("jobs") / "corpus.txt"
    file.write_text("\n\n".join(texts(60)))
    api.train("text", file, out=home / "models" / "jobs-text", size="tiny", changes=TEXT)
    return "jobs-text"


@asynccontextmanager
async def served(folder, **limits):
    app = make_app(Settings(data=folder, jobs=JobLimits(**limits)))
    async with app.router.lifespan_context(app):
        yield app.state.service


async def begun(service, model, owner="ann", seed=7, count=1, tokens=12, **more):
    given = {"prompt": "The ", "seed": seed, "count": count, "options": {"max_tokens": tokens}}
    call = Call(model=model, task="generate", given=given, owner=owner)
    told = await in_thread(given_for, service.records, call, service.settings.jobs.until())
    return await service.jobs.start("generation", owner, told, model=model, **more)


def test_a_generation_is_done_and_kept(model, tmp_path):
    async def made():
        async with served(tmp_path) as service:
            job = await begun(service, model)
            assert job.status == "queued" and not job.over
            job = await service.jobs.wait(job.id, "ann", 60)
            again = await service.jobs.wait((await begun(service, model)).id, "ann", 60)
            other = await service.jobs.wait((await begun(service, model, seed=8)).id, "ann", 60)
            with pytest.raises(Failure, match="no job"):
                await service.jobs.get(job.id, "bob")
            return job, again, other

    job, again, other = asyncio.run(made())
    assert job.status == "completed", job.error
    assert job.progress == 100 and job.ended >= job.started
    assert job.result["texts"][0]["text"] and job.result["usage"]["completion_tokens"] > 0
    assert again.result["texts"] == job.result["texts"] != other.result["texts"]


def test_what_a_drain_stops_is_taken_up_again_and_is_the_same(model, tmp_path):
    async def stopped():
        async with served(tmp_path) as service:
            await service.engines.about(model)
            job = await begun(service, model, count=400, tokens=60)
            while (await service.jobs.get(job.id, "ann")).status == "queued":
                await asyncio.sleep(0.02)
        return job.id

    async def resumed(id):
        async with served(tmp_path) as service:
            found = await service.jobs.get(id, "ann")
            one = await service.jobs.wait(id, "ann", 60)
            straight = await begun(service, model, owner="bob", count=400, tokens=60)
            return found, one, await service.jobs.wait(straight.id, "bob", 60)

    found, one, straight = asyncio.run(resumed(asyncio.run(stopped())))
    assert found.status in ("queued", "in_progress")
    assert one.status == "completed" and one.result["texts"] == straight.result["texts"]


def test_a_cancel_holds_and_may_be_repeated(model, tmp_path):
    async def cancelled():
        async with served(tmp_path, generations=1) as service:
            long = await begun(service, model, count=400, tokens=60)
            behind = await begun(service, model)
            first = await service.jobs.cancel(behind.id, "ann")
            while (await service.jobs.get(long.id, "ann")).status == "queued":
                await asyncio.sleep(0.02)
            await service.jobs.cancel(long.id, "ann")
            await service.jobs.cancel(long.id, "ann")
            ended = await service.jobs.wait(long.id, "ann", 20)
            after = await service.jobs.cancel(long.id, "ann")
            with pytest.raises(Failure, match="cannot pause"):
                await service.jobs.pause(long.id, "ann")
            return first, ended, after

    first, ended, after = asyncio.run(cancelled())
    assert [job.status for job in (first, ended, after)] == ["cancelled"] * 3
    assert ended.ended == after.ended


def test_a_deleted_job_leaves_nothing(model, tmp_path):
    async def deleted():
        async with served(tmp_path) as service:
            job = await begun(service, model)
            await service.jobs.wait(job.id, "ann", 60)
            await service.jobs.remove(job.id, "ann")
            with pytest.raises(Failure, match="no job"):
                await service.jobs.remove(job.id, "ann")
            return await service.jobs.listed("ann", Page())

    assert asyncio.run(deleted()) == ([], False)


def test_an_owner_has_a_bound_and_so_have_all(model, tmp_path):
    async def refused():
        async with served(tmp_path, generations=0, live=3, live_per_owner=2) as service:
            for _ in range(2):
                await begun(service, model)
            with pytest.raises(Failure) as own:
                await begun(service, model)
            await begun(service, model, owner="bob")
            with pytest.raises(Failure) as whole:
                await begun(service, model, owner="eve")
            return own.value, whole.value

    own, whole = asyncio.run(refused())
    assert (own.status, own.code) == (429, "too_many_jobs") and own.headers["retry-after"]
    assert (whole.status, whole.code) == (503, "overloaded") and whole.headers["retry-after"]


def test_a_model_that_is_not_there_fails_the_job(tmp_path):
    async def failed():
        async with served(tmp_path) as service:
            return await service.jobs.wait((await begun(service, "no-such")).id, "ann", 60)

    job = asyncio.run(failed())
    assert job.status == "failed" and "no-such" in job.error["message"]


def test_those_with_less_under_way_come_first():
    first = Outline(id="1", kind="batch", owner="a", status="queued", holder=None, created=1.0)
    jobs = [replace(first, id=str(n), owner=o, created=n) for n, o in enumerate("aaabab", 1)]
    assert [job.owner for job in _fair(jobs, [])] == ["a", "b", "a", "b", "a", "a"]
    busy = replace(first, id="9", status="in_progress", holder="x")
    assert [job.owner for job in _fair(jobs, [busy])] == ["b", "a", "b", "a", "a", "a"]

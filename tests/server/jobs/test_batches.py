"""Batches with the official library: every line by the very same routes, whatever is wrong with
others; cancelled, too late, killed in the middle."""

from __future__ import annotations

import json
import time

import pytest

ENDPOINT = "/v1/completions"


def line(id, body, url=ENDPOINT):
    return json.dumps({"custom_id": id, "method": "POST", "url": url, "body": body})


def body(n, tokens=6, model="words"):
    return {"model": model, "prompt": "The ", "seed": n, "max_tokens": tokens}


def sent(client, lines, purpose="batch"):
    data = "\n".join(lines).encode()
    return client.files.create(file=("asked.jsonl", data), purpose=purpose).id


def begun(client, lines, **more):
    asked = {"endpoint": ENDPOINT, "completion_window": "24h", **more}
    return client.batches.create(input_file_id=sent(client, lines), **asked)


def ended(client, batch, seconds=90):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        batch = client.batches.retrieve(batch.id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.2)
    raise AssertionError(f"still {batch.status} after {seconds} s: {batch.request_counts}")


def answers(client, id):
    return [json.loads(one) for one in client.files.content(id).text.splitlines()]


def test_lines_are_answered_as_if_asked_alone(client):
    lines = [line(f"a{n}", body(n)) for n in range(5)]
    lines.insert(2, line("bad", {**body(1), "temperature": -1}))
    lines.insert(4, line("gone", body(1, model="no-such")))
    batch = begun(client, lines, metadata={"why": "test"})
    assert batch.status == "validating" and batch.metadata == {"why": "test"}
    batch = ended(client, batch)
    assert batch.status == "completed", batch
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (7, 5, 2)
    made = answers(client, batch.output_file_id)
    assert [one["custom_id"] for one in made] == [f"a{n}" for n in range(5)]
    for n, one in enumerate(made):
        alone = client.completions.create(**body(n))
        assert one["response"]["status_code"] == 200 and one["error"] is None
        assert one["response"]["body"]["choices"][0]["text"] == alone.choices[0].text
    bad, gone = answers(client, batch.error_file_id)
    assert bad["response"]["status_code"] == 400 and gone["response"]["status_code"] == 404
    assert bad["response"]["body"]["error"]["param"] == "temperature"
    assert gone["response"]["body"]["error"]["code"] == "model_not_found"
    assert batch.usage.output_tokens > 0 and batch.completed_at >= batch.in_progress_at
    assert client.batches.list(limit=1).data[0].id == batch.id


def test_a_line_that_streams_or_asks_elsewhere_is_an_error_line(client):
    lines = [
        line("s", {**body(1), "stream": True}),
        line("u", body(1), url="/v1/embeddings"),
        line("good", body(1)),
    ]
    batch = ended(client, begun(client, lines))
    assert batch.status == "completed" and batch.request_counts.failed == 2
    told = {one["custom_id"]: one["error"]["param"] for one in answers(client, batch.error_file_id)}
    assert told == {"s": "body.stream", "u": "url"}


def test_what_cannot_be_a_batch_is_refused_with_the_field(client):
    file = sent(client, [line("a", body(1))])
    cases = [
        ({"completion_window": "8d"}, "completion_window"),
        ({"completion_window": "soon"}, "completion_window"),
        ({"endpoint": "/v1/files"}, "endpoint"),
        ({"metadata": {"k": "v" * 600}}, "metadata.k"),
    ]
    for change, param in cases:
        asked = {"endpoint": ENDPOINT, "completion_window": "24h", **change}
        answer = client.batches.with_raw_response
        with pytest.raises(Exception) as error:
            answer.create(input_file_id=file, **asked)
        assert error.value.status_code == 400 and error.value.param == param, change
    with pytest.raises(Exception) as error:
        client.batches.create(input_file_id="file-none", endpoint=ENDPOINT, completion_window="24h")
    assert error.value.status_code == 404


def test_a_cancelled_batch_keeps_what_it_has(client):
    lines = [line(f"a{n}", body(n, tokens=400)) for n in range(400)]
    batch = begun(client, lines)
    while not client.batches.retrieve(batch.id).request_counts.completed:
        time.sleep(0.1)
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    batch = ended(client, batch)
    counts = batch.request_counts
    assert batch.status == "cancelled" and 0 < counts.completed < counts.total == 400
    assert len(answers(client, batch.output_file_id)) == counts.completed

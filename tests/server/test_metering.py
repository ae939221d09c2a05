"""What a call's events come to: tokens, pictures and time, also where nobody took the end."""

from __future__ import annotations

from genloom.server.call import Event
from genloom.server.metering import Work


def heard(*events: tuple[str, dict[str, object]]) -> Work:
    work = Work()
    for kind, values in events:
        work.hear(Event(kind=kind, values=values))
    return work


def test_a_whole_call_counts_what_its_end_says() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 5}
    work = heard(("text", {"tokens": 2}), ("ended", {"tokens": 5}), ("done", {"usage": usage}))
    assert (work.amounts().tokens, work.amounts().requests) == (8, 1)
    assert work.amounts().seconds >= 0


def test_a_call_that_was_left_counts_what_had_come() -> None:
    assert heard(("delta", {"tokens": 2}), ("text", {"tokens": 1})).amounts().tokens == 3
    assert heard().began == 0


def test_pictures_count_and_other_things_do_not() -> None:
    kinds = ("image/png", "text/csv", "audio/midi", "image/svg+xml", "")
    work = heard(
        *(("asset", {"media": media}) for media in kinds), ("preview", {"media": kinds[0]})
    )
    assert work.amounts().images == 2

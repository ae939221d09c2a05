"""What a call's events come to: tokens, pictures and time, also where nobody took the end."""

from __future__ import annotations

from typing import Any

from genloom.server.call import Call, Event
from genloom.server.forecast import forecast
from genloom.server.metering import Work
from genloom.server.records.usage import Amounts


def heard(*events: tuple[str, dict[str, object]]) -> Work:
    work = Work()
    for kind, values in events:
        work.hear(Event(kind=kind, values=values))
    return work


def test_a_whole_call_counts_what_its_end_says() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 5}
    work = heard(("text", {"tokens": 2}), ("ended", {"tokens": 5}), ("done", {"usage": usage}))
    assert (work.amounts().tokens, work.amounts().requests) == (8, 1)


def test_a_call_that_was_left_counts_what_had_come() -> None:
    assert heard(("delta", {"tokens": 2}), ("text", {"tokens": 1})).amounts().tokens == 3
    assert not heard().began
    left = heard()
    left.seconds = 2.5  # given up before anything came
    assert left.amounts() == Amounts(seconds=2.5)


def test_pictures_count_and_other_things_do_not() -> None:
    kinds = ("image/png", "text/csv", "audio/midi", "image/svg+xml", "")
    work = heard(
        *(("asset", {"media": media}) for media in kinds), ("preview", {"media": kinds[0]})
    )
    assert work.amounts().images == 2


def at_most(about: dict[str, Any], task: str = "complete", **given: Any) -> Amounts:
    return forecast(Call(model="m", task=task, given=given), about, 0.5)


def test_what_a_text_may_take_is_bounded_by_what_is_asked_and_by_the_context() -> None:
    about = {"texts": True, "context": 1000}
    few = at_most(about, prompt="abc", count=2, options={"max_tokens": 10})
    assert 20 + 3 <= few.tokens <= 20 + 40 and few.images == 0
    assert at_most(about, prompt="a" * 5000, count=2).tokens == 3 * 1000
    assert at_most(about, "embed", texts=["a" * 5000]).tokens >= 5000


def test_what_pictures_may_take_is_their_number() -> None:
    most = at_most({"texts": False, "media": "image/png"}, "generate", count=4)
    assert most == Amounts(requests=1, images=4, seconds=0.5)
    assert at_most({"media": "text/csv"}, "generate", count=4).images == 0

"""How many samples a heavy owner may have beside others: by how much each slows a step."""

from __future__ import annotations

import pytest

from genloom.hosting.pace import LEAST, Pace
from genloom.server.engines.gate import Gate
from genloom.server.engines.limits import EngineLimits


def gate_at(step: float, sample: float) -> Gate:
    """Where somebody asked a little a moment ago."""
    gate = Gate(EngineLimits(room=80, slower=1.5), lambda: 1.0, pace=lambda: (step, sample))
    gate._see("ann")
    return gate


def test_a_slow_sample_leaves_a_flood_little_and_a_quick_one_much() -> None:
    assert gate_at(0.0, 0.0).share("flood") == 10  # not measured: an eighth
    assert gate_at(0.003, 0.001).share("flood") == pytest.approx(2)  # 4 ms become 6
    assert gate_at(0.0, 0.001).share("flood") == 1  # never none
    assert gate_at(0.010, 0.0001).share("flood") == pytest.approx(50.5)
    assert gate_at(0.010, 0.00001).share("flood") == 64  # never more than alone


def test_alone_the_room_is_not_cut() -> None:
    gate = Gate(EngineLimits(room=80), lambda: 1.0, pace=lambda: (0.0, 0.001))
    assert gate.share("flood") == 64


def test_a_line_is_found_through_steps() -> None:
    pace = Pace()
    for n in range(int(LEAST)):
        assert pace.line() is None
        pace.add(1 + n % 4, 0.002 + 0.0005 * (1 + n % 4))
    for n in range(400):
        pace.add(1 + n % 4, 0.002 + 0.0005 * (1 + n % 4))
    assert pace.line() == pytest.approx((0.002, 0.0005))
    for n in range(4000):  # the machine became slower
        pace.add(1 + n % 4, 0.004 + 0.001 * (1 + n % 4))
    assert pace.line() == pytest.approx((0.004, 0.001), rel=0.01)


def test_steps_of_one_width_tell_no_line() -> None:
    pace = Pace()
    for _ in range(1000):
        pace.add(3, 0.004)
    assert pace.line() is None

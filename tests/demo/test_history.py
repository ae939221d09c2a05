"""How a training went: what is read of its lines, and what is drawn."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from genloom.demo.history import plot, read, smoothed, thinned


def line(kind: str, step: int, **values: object) -> str:
    return json.dumps({"time": 1.0, "kind": kind, "step": step, **values})


def test_losses_and_judgements_are_read_once_a_step_in_order():
    lines = [
        line("start", 0, steps=3),
        line("step", 1, nats=3.0, norm=1.0, seconds=0.1),
        line("step", 2, nats=9.0),
        line("judge", 2, recall_error=0.5),
        line("step", 2, nats=2.0),  # taken again after a stop
        line("step", 3, nats=float("nan")),
        '{"time": 2, "ki',
    ]
    assert read(lines) == {"nats": [(1, 3.0), (2, 2.0)], "recall_error": [(2, 0.5)]}


def test_the_running_mean_follows_and_long_lines_are_thinned_with_their_end():
    points = [(float(n), 100.0 - n + (n % 2)) for n in range(1000)]
    mean = smoothed(points)
    assert len(mean) == 50 and mean[0][1] > mean[-1][1]
    assert abs(mean[0][1] - sum(y for _, y in points[:20]) / 20) < 1e-9
    assert len(thinned(points)) == 600 and thinned(points)[-1] == points[-1]


def test_a_plot_is_sound_and_names_its_measures():
    text = plot("a < b", {"nats": [(n, 1 / n) for n in range(1, 400)], "flat": [(5, 2.0)]})
    root = ElementTree.fromstring(text)
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a < b" in words and "nats" in words and "flat" in words

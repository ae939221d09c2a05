"""Numbers for Prometheus, in a registry of our own: requests here, models as the engines tell them.

Labels are templates of routes, methods, codes and names of offered models: never what a client
wrote. Knows no route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from genloom.server.call import Engines
from genloom.server.engines import stats
from genloom.server.engines.stats import Counts, ModelStats
from genloom.server.life import Life

STATES = ("cold", "loading", "up", "down", "failed")
GAUGES: Mapping[str, str] = {
    "queued": "calls that wait for a model",
    "running": "calls under way",
    "streams": "samples in flight",
    "room": "samples that can be in flight",
    "memory": "bytes that a model's process holds",
}
INSIDE: Mapping[str, str] = {  # what a model's process tells of itself
    "open": "requests that a model's process works on",
    "pages": "pages of memory for keys and values",
    "pages_used": "pages that samples in flight hold",
}
COUNTERS: Mapping[str, str] = {
    "loads": "models loaded",
    "failed_loads": "models that could not be loaded",
    "restarts": "engines started again after they died",
    "unloads": "models unloaded",
    "swaps": "models swapped",
    "retries": "calls started again in a new process",
}
BY: Mapping[str, tuple[str, str]] = {  # counters by one more label
    "outcomes": ("outcome", "calls by how they ended"),
    "refused": ("code", "calls refused before they were queued"),
    "tokens": ("kind", "tokens and items, by kind of usage"),
}
TIMES: Mapping[str, str] = {
    "waited": "seconds until a call began",
    "first": "seconds until a call's first piece",
    "work": "seconds from begin to end of a call",
}


class Measures:
    def __init__(self, life: Life) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "genloom_requests",
            "requests answered",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.times = Histogram(
            "genloom_request_seconds",
            "time until an answer was whole",
            ("route",),
            registry=self.registry,
            buckets=stats.BOUNDS,
        )
        self.shed = Counter(
            "genloom_requests_shed",
            "requests turned away because the server itself was behind",
            registry=self.registry,
        )
        self._gauge("genloom_requests_active", "requests being answered", lambda: life.active)
        self._gauge("genloom_draining", "1 while the server shuts down", lambda: life.draining)
        ProcessCollector(registry=self.registry)  # of the web process: memory, files, time

    def _gauge(self, name: str, told: str, value: object) -> None:
        Gauge(name, told, registry=self.registry).set_function(value)  # type: ignore[arg-type]

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"
        self.requests.labels(route, known, str(status)).inc()
        self.times.labels(route).observe(seconds)

    def watch(self, engines: Engines) -> None:
        self.registry.register(Models(engines))

    def count(self, name: str, told: str, value: Callable[[], float]) -> None:
        """A number that only grows and is kept elsewhere."""
        self.registry.register(Grown(name, told, value))

    def text(self) -> bytes:
        return generate_latest(self.registry)


METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Grown(Collector):
    def __init__(self, name: str, told: str, value: Callable[[], float]) -> None:
        self.name, self.told, self.value = name, told, value

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self.name, self.told, value=self.value())


class Models(Collector):
    """The engines' numbers, asked for when they are read."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        models = self.engines.stats().models
        yield _states(models)
        for name, told in GAUGES.items():
            gauge = GaugeMetricFamily(f"genloom_model_{name}", told, labels=("model",))
            for one in models:
                gauge.add_metric((one.model,), getattr(one, name))
            yield gauge
        for name, told in INSIDE.items():
            gauge = GaugeMetricFamily(f"genloom_model_{name}", told, labels=("model",))
            for one in models:
                gauge.add_metric((one.model,), float(one.host.get(name, 0)))
            yield gauge
        for name, told in COUNTERS.items():
            counter = CounterMetricFamily(f"genloom_model_{name}", told, labels=("model",))
            for one in models:
                counter.add_metric((one.model,), getattr(one.counts, name))
            yield counter
        yield from _by_label(models)
        yield from _times(models)


def _states(models: Iterable[ModelStats]) -> Metric:
    gauge = GaugeMetricFamily(
        "genloom_model_state", "1 for the state a model is in", labels=("model", "state")
    )
    for one in models:
        for state in STATES:
            gauge.add_metric((one.model, state), float(one.state == state))
    return gauge


def _by_label(models: Iterable[ModelStats]) -> Iterator[Metric]:
    for name, (label, told) in BY.items():
        counter = CounterMetricFamily(f"genloom_model_{name}", told, labels=("model", label))
        for one in models:
            for kind, count in getattr(one.counts, name).items():
                counter.add_metric((one.model, kind), count)
        yield counter


def _times(models: Iterable[ModelStats]) -> Iterator[Metric]:
    for name, told in TIMES.items():
        family = HistogramMetricFamily(f"genloom_model_{name}_seconds", told, labels=("model",))
        for one in models:
            _add_times(family, one.model, one.counts, name)
        yield family


def _add_times(family: HistogramMetricFamily, model: str, counts: Counts, name: str) -> None:
    held: stats.Histogram = getattr(counts, name)
    bounds = [*map(str, held.bounds), "+Inf"]
    family.add_metric((model,), list(zip(bounds, accumulate(held.counts), strict=True)), held.total)

"""Series foretold, filled and drawn, beside naive ways and statsmodels' ETS and ARIMA.

Usage: bench_series.py [--only load sales beijing] [--minutes 3] [--peer PYTHON] [--seed 0]
PYTHON is an interpreter that has statsmodels. The last fifth of each series is foretold from
origins a horizon apart, with what came before known; intervals are corrected by the 60 windows
before each origin, as `genloom forecast` does. MAE of medians (peers: means). naive: the last
value; seasonal naive: the value a season ago, whose intervals (and naive's) are their errors'
quantiles on windows of the training part. Filling: holes of six steps. Drawn series: windows of 72
(28) steps against windows of the training part; floor: these with their steps shuffled; ceiling:
windows of the last fifth. beijing joins both files of `beijing_pm25`, a random split of hours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import protocol

from genloom.datasets.drawn_series import draw_load, draw_sales
from genloom.metric import series as metric
from genloom.series.filling import imputed
from genloom.series.forecasting import _scores, corrected, levels_of, paths_from
from genloom.series.model import Series
from genloom.series.panel import Panel
from genloom.series.training import read_series, train

BEFORE = 60
PATHS = 100


def beijing() -> pd.DataFrame:
    folder = protocol.SHARED / "data" / "tables" / "beijing_pm25"
    parts = [
        pd.read_csv(folder / name)
        for name in ("train.csv", "test.csv")
        if (folder / name).is_file()
    ]
    return pd.concat(parts).sort_values("No").reset_index(drop=True)


SETS: dict[str, tuple[Any, int, int, int, list[str] | None]] = {
    # made by, horizon, season, origins, channels that are told of
    "load": (lambda: draw_load(6000), 24, 24, 50, None),
    "sales": (lambda: draw_sales(60, 400), 14, 7, 4, None),
    "beijing": (beijing, 24, 24, 90, ["pm2.5", "DEWP", "TEMP", "PRES"]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(SETS))
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--peer", type=Path, default=None)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in given.only:
        one(name, given)


def one(name: str, given: Any) -> None:
    make, horizon, season, count, wanted = SETS[name]
    frame = make()
    panel, _, _ = read_series(frame)
    cut = cut_of(panel)
    first = frame[frame_time(panel, frame) < cut]
    with tempfile.TemporaryDirectory() as work:
        begun = time.monotonic()
        train(first, out=Path(work) / "m", minutes=given.minutes, seed=given.seed, heard=print)
        print(f"{name}: trained in {time.monotonic() - begun:.0f} s")
        model = Series.load(Path(work) / "m")
    panel, _, _ = read_series(frame, roles=model.plan.roles)
    names = [channel.name for channel in model.plan.channels]
    shown = names if wanted is None else wanted
    begun = time.monotonic()
    foretell(
        name, model, panel, cut, horizon, season, count, [names.index(n) for n in shown], given
    )
    print(f"{name}: foretold in {time.monotonic() - begun:.0f} s", flush=True)
    holes(name, model, panel, cut, [names.index(n) for n in shown], given.seed)
    drawn(name, model, panel, cut, 28 if season == 7 else 72, given.seed)


def frame_time(panel: Panel, frame: pd.DataFrame) -> np.ndarray:
    from genloom.series.panel import seconds_of

    return seconds_of(frame, panel.roles)[0]


def cut_of(panel: Panel) -> float:
    low, high = panel.seconds.min(), panel.seconds.max()
    return float(low + 0.8 * (high - low))


def foretell(
    name: str,
    model: Series,
    panel: Panel,
    cut: float,
    horizon: int,
    season: int,
    count: int,
    shown: list[int],
    given: Any,
) -> None:
    origins, tests = [], []
    for begin, end in zip(panel.starts[:-1], panel.starts[1:], strict=True):
        first = begin + int(np.searchsorted(panel.seconds[begin:end], cut))
        able = list(range(first, end - horizon + 1, horizon))[:count]
        early = [
            first - horizon * k
            for k in range(1, BEFORE + 1)
            if first - horizon * k > begin + model.plan.depth
        ]
        early = early[: max(4, BEFORE // (len(panel.starts) - 1))]
        origins += sorted(early) + able
        tests += [False] * len(early) + [True] * len(able)
    origins, tests = np.array(origins), np.array(tests)
    order = np.argsort(panel.seconds[origins], kind="stable")
    origins, tests = origins[order], tests[order]
    drawn, _ = paths_from(model.walker(given.seed), panel, origins, horizon, PATHS)
    levels = levels_of((0.8, 0.9))
    quantiles = np.quantile(drawn, levels, axis=1)
    truth = panel.values[origins[:, None] + np.arange(horizon)]
    scores = _scores(quantiles, truth, levels)
    fixed = np.moveaxis(quantiles, 0, -1).copy()
    when = panel.seconds[origins]
    step = model.plan.roles.step or 1.0
    for n in np.flatnonzero(tests):
        past = np.flatnonzero(when + step * horizon <= when[n])[-BEFORE:]
        own = {key: value[past] for key, value in scores.items()}
        fixed[n : n + 1] = corrected(fixed[n : n + 1], own, levels)
    raw = np.moveaxis(quantiles, 0, -1)
    rows = np.flatnonzero(tests)
    values = panel.values
    held = pd.DataFrame(values).groupby(panel.owner).ffill().to_numpy()
    last = held[origins - 1][:, None].repeat(horizon, 1)
    ago = held[origins[:, None] + np.arange(horizon) % season - season]
    third = rows[:: max(1, len(rows) // 40)]
    for channel in shown:
        y = truth[..., channel]
        line = {
            "model": mae(fixed[rows][:, :, channel, 2], y[rows]),
            "naive": mae(last[rows][..., channel], y[rows]),
            "seasonal": mae(ago[rows][..., channel], y[rows]),
        }
        title = f"{name} {model.plan.channels[channel].name}"
        print(
            f"{title}: MAE over {len(rows)} origins x {horizon}: "
            + ", ".join(f"{k} {v:.4g}" for k, v in line.items())
        )
        for place, share in ((1, 80), (0, 90)):
            told = [
                coverage(
                    side[rows][:, :, channel, place], side[rows][:, :, channel, -1 - place], y[rows]
                )
                for side in (fixed, raw)
            ]
            bad = {}
            for way, guess in (("naive", last), ("seasonal", ago)):
                error = (y - guess[..., channel])[~tests]
                ends = np.nanquantile(error, [(100 - share) / 200, (100 + share) / 200], axis=0)
                bad[way] = coverage(
                    guess[rows][..., channel] + ends[0],
                    guess[rows][..., channel] + ends[1],
                    y[rows],
                )
            print(
                f"{title}: interval of {share} % holds {100 * told[0]:.1f} % "
                f"(as drawn {100 * told[1]:.1f}; naive {100 * bad['naive']:.1f}, "
                f"seasonal {100 * bad['seasonal']:.1f})"
            )
        if given.peer is not None and channel in shown[:2]:
            peers(
                name,
                model,
                panel,
                origins,
                third,
                channel,
                horizon,
                season,
                held,
                fixed,
                last,
                ago,
                truth,
                given.peer,
            )


def peers(
    name,
    model,
    panel,
    origins,
    third,
    channel,
    horizon,
    season,
    held,
    fixed,
    last,
    ago,
    truth,
    peer,
) -> None:
    third = third[:24]
    back = 21 * season
    windows = [
        held[max(panel.starts[panel.owner[o - 1]], o - back) : o, channel].tolist()
        for o in origins[third]
    ]
    asked = json.dumps({"season": season, "horizon": horizon, "windows": windows})
    begun = time.monotonic()
    done = subprocess.run(
        [str(peer), str(Path(__file__).with_name("peer_series.py"))],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    y = truth[third][..., channel]
    line = {
        "model": mae(fixed[third][:, :, channel, 2], y),
        "naive": mae(last[third][..., channel], y),
        "seasonal": mae(ago[third][..., channel], y),
    }
    for way in ("ets", "arima"):
        there = [n for n, one in enumerate(found) if one[way] is not None]
        mean, low, high = (
            np.array([found[n][way][k] for n in there]) for k in ("mean", "low80", "high80")
        )
        line[way] = mae(mean, y[there])
        line[f"{way} 80 %"] = 100 * coverage(low, high, y[there])
    print(
        f"{name} {model.plan.channels[channel].name}: MAE over {len(third)} origins beside peers "
        f"({time.monotonic() - begun:.0f} s): "
        + ", ".join(f"{k} {v:.4g}" for k, v in line.items()),
        flush=True,
    )


def mae(guess: np.ndarray, truth: np.ndarray) -> float:
    return float(np.nanmean(np.abs(guess - truth)))


def coverage(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> float:
    known = ~np.isnan(truth)
    return float(((truth >= low) & (truth <= high))[known].mean())


def holes(name: str, model: Series, panel: Panel, cut: float, shown: list[int], seed: int) -> None:
    """Six steps are hidden of every sixty of the last fifth, of the first channel."""
    channel = shown[0]
    hidden = np.zeros(len(panel.seconds), bool)
    for begin, end in zip(panel.starts[:-1], panel.starts[1:], strict=True):
        first = begin + int(np.searchsorted(panel.seconds[begin:end], cut))
        for start in range(first + 20, min(end - 10, first + 6000), 60):
            hidden[start : start + 6] = True
    hidden &= ~np.isnan(panel.values[:, channel])
    values = panel.values.copy()
    values[hidden, channel] = np.nan
    keep = panel.seconds >= cut - 400 * (model.plan.roles.step or 1.0)
    owner = panel.owner[keep]
    mine = Panel(
        roles=panel.roles,
        owner=owner,
        seconds=panel.seconds[keep],
        values=values[keep],
        words=panel.words[keep],
        names=panel.names,
        statics=panel.statics,
    )
    truth, where = panel.values[keep][:, channel], hidden[keep]
    line = {
        "a draw": imputed(model, mine, seed)[:, channel],
        "mean of 16": imputed(model, mine, seed, draws=16)[:, channel],
    }
    side = pd.Series(mine.values[:, channel]).groupby(owner)
    line["the last value"] = side.ffill().to_numpy()
    line["a straight line"] = side.transform(
        lambda s: s.interpolate(limit_direction="both")
    ).to_numpy()
    print(
        f"{name} {model.plan.channels[channel].name}: filled, MAE over {int(where.sum())} steps: "
        + ", ".join(f"{k} {mae(v[where], truth[where]):.4g}" for k, v in line.items()),
        flush=True,
    )


def drawn(name: str, model: Series, panel: Panel, cut: float, length: int, seed: int) -> None:
    count = 60 if len(panel.names) == 1 else None
    begun = time.monotonic()
    frame = model.generate(count, steps=2 * length, seed=seed + 1)
    seconds = time.monotonic() - begun
    values = frame[[c.name for c in model.plan.channels]].to_numpy(np.float64)
    every = 2 * length
    made = metric.windows_of(values, np.arange(0, len(values) + 1, every), length, 400, seed)
    early = panel.seconds < cut
    real, late = (
        metric.windows_of(
            panel.values[side],
            np.r_[0, np.cumsum(np.bincount(panel.owner[side]))],
            length,
            400,
            seed,
        )
        for side in (early, ~early)
    )
    rng = np.random.default_rng(seed)
    shuffled = np.stack([window[rng.permutation(length)] for window in real])
    mean, scale = real.mean((0, 1)), np.maximum(real.std((0, 1)), 1e-9)
    real, made, late, shuffled = ((side - mean) / scale for side in (real, made, late, shuffled))
    print(f"{name}: {len(frame):,} steps drawn in {seconds:.0f} s; {len(made)} windows of {length}")
    for label, of in (
        ("autocorrelation_error", metric.autocorrelation_error),
        ("cross_correlation_error", metric.cross_correlation_error),
        ("spectrum_error_db", metric.spectrum_error),
        ("discriminative_score", metric.discriminative_score),
        ("predictive_score", lambda real, side: metric.predictive_score(late, side)),
    ):
        if label == "predictive_score":
            told = of(real, made), of(real, shuffled), of(real, real)
        else:
            told = of(real, made), of(real, shuffled), of(real, late)
        print(
            f"{name}: {label} {told[0]:.4f}, floor {told[1]:.4f}, ceiling {told[2]:.4f}", flush=True
        )


if __name__ == "__main__":
    main()

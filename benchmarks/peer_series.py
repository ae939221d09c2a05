"""ETS and ARIMA of statsmodels on windows of one channel: JSON in, JSON out.

Usage: PYTHON peer_series.py < {"season": 24, "horizon": 24, "windows": [[...]]}. Of each window:
ETS with additive errors and season, and ARIMA(2, 0, 1) with two waves a season; each gives the mean
and the ends of its intervals of 80 and 90 %.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel


def waves(at: np.ndarray, season: int) -> np.ndarray:
    angle = 2 * np.pi * at[:, None] * np.array([1, 2]) / season
    return np.concatenate([np.sin(angle), np.cos(angle)], 1)


def ets(y: np.ndarray, season: int, horizon: int) -> dict[str, list[float]]:
    y = pd.Series(y, index=pd.date_range("2024-01-01", periods=len(y), freq="h"))
    model = ETSModel(y, error="add", seasonal="add", seasonal_periods=season)
    found = model.fit(disp=False, maxiter=200).get_prediction(len(y), len(y) + horizon - 1)
    return told(found.predicted_mean, found.pred_int)


def arima(y: np.ndarray, season: int, horizon: int) -> dict[str, list[float]]:
    at = np.arange(len(y) + horizon)
    model = ARIMA(y, exog=waves(at[: len(y)], season), order=(2, 0, 1))
    found = model.fit().get_forecast(horizon, exog=waves(at[len(y) :], season))
    return told(found.predicted_mean, lambda alpha: found.conf_int(alpha=alpha))


def told(mean, interval) -> dict[str, list[float]]:
    out = {"mean": np.asarray(mean).tolist()}
    for share in (80, 90):
        ends = np.asarray(interval(alpha=1 - share / 100))
        out[f"low{share}"], out[f"high{share}"] = ends[:, 0].tolist(), ends[:, 1].tolist()
    return out


def main() -> None:
    asked = json.load(sys.stdin)
    out = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for window in asked["windows"]:
            y = np.array(window)
            found = {}
            for name, way in (("ets", ets), ("arima", arima)):
                try:
                    found[name] = way(y, asked["season"], asked["horizon"])
                except (ValueError, np.linalg.LinAlgError):
                    found[name] = None
            out.append(found)
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()

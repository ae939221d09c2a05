"""How far made series are from real ones: memory, what leads what, frequencies, and what a
classifier and a predictor make of them.

Windows of equal length are compared. The discriminative score is |accuracy - 1/2| of a classifier
that tells real from made windows, the predictive score the error on real windows of a predictor
taught by made ones, in standard deviations (Yoon, Jarrett & van der Schaar 2019, with boosting and
ridge in place of recurrent nets). Knows arrays; no model.
Shape legend: W windows, T steps, C channels.
"""

from __future__ import annotations

import importlib
from itertools import pairwise

import numpy as np

PAST = 12  # steps that a predictor sees
_FLOOR = 1e-6


def windows_of(
    values: np.ndarray, starts: np.ndarray, length: int, most: int, seed: int
) -> np.ndarray:
    """float64 [W, length, C]: windows without a missing value, drawn from series that lie end to
    end and begin at `starts`."""
    rng = np.random.default_rng(seed)
    able = [
        begin + at
        for begin, end in pairwise(starts)
        for at in range(0, end - begin - length + 1, max(1, length // 4))
    ]
    if not able:
        return np.zeros((0, length, values.shape[1]))
    chosen = rng.permutation(able)
    found = values[chosen[:, None] + np.arange(length)]
    return found[~np.isnan(found).any((1, 2))][:most]


def autocorrelations(windows: np.ndarray, lags: int) -> np.ndarray:
    """float64 [lags, C], over all windows, about the mean of all."""
    centred = windows - windows.mean((0, 1))
    power = np.maximum((centred**2).mean((0, 1)), _FLOOR)
    found = [(centred[:, k:] * centred[:, :-k]).mean((0, 1)) / power for k in range(1, lags + 1)]
    return np.stack(found)


def autocorrelation_error(real: np.ndarray, made: np.ndarray, lags: int = 24) -> float:
    """Mean gap of the autocorrelations."""
    lags = min(lags, real.shape[1] - 1)
    return float(np.abs(autocorrelations(real, lags) - autocorrelations(made, lags)).mean())


def cross_correlations(windows: np.ndarray, lags: int = 3) -> np.ndarray:
    """float64 [2 lags + 1, C, C]: of each channel with each other, so many steps before it."""
    scaled = windows - windows.mean((0, 1))
    scaled = scaled / np.sqrt(np.maximum((scaled**2).mean((0, 1)), _FLOOR))
    length = windows.shape[1]
    found = []
    for lag in range(-lags, lags + 1):
        one = scaled[:, max(0, lag) : length + min(0, lag)]
        other = scaled[:, max(0, -lag) : length + min(0, -lag)]
        found.append(np.einsum("wtc,wtd->cd", one, other) / (one.shape[0] * one.shape[1]))
    return np.stack(found)


def cross_correlation_error(real: np.ndarray, made: np.ndarray) -> float:
    """Mean gap over pairs of different channels; NaN for a single one."""
    channels = real.shape[2]
    if channels < 2:
        return float("nan")
    apart = ~np.eye(channels, dtype=bool)
    gap = np.abs(cross_correlations(real) - cross_correlations(made))
    return float(gap[:, apart].mean())


def spectrum_error(real: np.ndarray, made: np.ndarray) -> float:
    """Mean gap of the logarithms of the mean power spectra, decibels."""
    return float(np.abs(_decibels(real) - _decibels(made)).mean())


def _decibels(windows: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(windows - windows.mean((0, 1)), axis=1)) ** 2
    mean = power.mean(0)[1:]
    return np.asarray(10 * np.log10(mean / np.maximum(mean.sum(0), _FLOOR) + 1e-9))


def discriminative_score(real: np.ndarray, made: np.ndarray, seed: int = 0) -> float:
    """|accuracy - 1/2| of boosting on the windows' values, steps from one to the next and moments,
    over three folds: 0 where none can tell, 0.5 where all are told apart."""
    ensemble = importlib.import_module("sklearn.ensemble")
    choosing = importlib.import_module("sklearn.model_selection")
    count = min(len(real), len(made))
    x = np.concatenate([_looks(real[:count]), _looks(made[:count])])
    y = np.r_[np.ones(count), np.zeros(count)]
    told = ensemble.HistGradientBoostingClassifier(max_iter=60, random_state=seed)
    folds = choosing.StratifiedKFold(3, shuffle=True, random_state=seed)
    return float(abs(choosing.cross_val_score(told, x, y, cv=folds).mean() - 0.5))


def _looks(windows: np.ndarray) -> np.ndarray:
    steps = np.diff(windows, axis=1)
    parts = [windows.std(1), np.abs(steps).mean(1), steps.std(1), windows.max(1), windows.min(1)]
    return np.concatenate([windows.reshape(len(windows), -1), *parts], 1)


def predictive_score(test: np.ndarray, taught_by: np.ndarray) -> float:
    """Mean absolute error, in standard deviations of the test, of ridge regression from the last 12
    steps to the next, of all channels."""
    x, y = _pairs(taught_by)
    ridge = importlib.import_module("sklearn.linear_model").Ridge(1.0).fit(x, y)
    x, y = _pairs(test)
    return float((np.abs(ridge.predict(x) - y).mean(0) / np.maximum(y.std(0), _FLOOR)).mean())


def _pairs(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    past = min(PAST, windows.shape[1] - 1)
    at = np.arange(past, windows.shape[1])
    x = np.stack([windows[:, n - past : n].reshape(len(windows), -1) for n in at], 1)
    return x.reshape(-1, x.shape[-1]), windows[:, at].reshape(-1, windows.shape[2])

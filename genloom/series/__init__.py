"""Time series: of one thing or of many, regular or not, with channels, events and attributes.

A model of rows draws a step at a time, told what came before; drawn, foretold and filled alike.
Joins `linked`, `api` and frames; knows no net and no loss.
"""

from genloom.series.forecasting import forecast
from genloom.series.model import Series
from genloom.series.training import read_series, train

load = Series.load
__all__ = ["Series", "forecast", "load", "read_series", "train"]

"""Linked tables: parents and children joined by keys, learnt table by table and drawn together.

Each table is a model of rows that is told what its rows hang on. Joins `api`, frames and files;
knows no net and no loss.
"""

from genloom.linked.tables import Tables
from genloom.linked.training import train, understand

load = Tables.load
__all__ = ["Tables", "load", "train", "understand"]

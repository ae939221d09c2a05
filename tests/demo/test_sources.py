"""The data that ships with Python and scikit-learn is found, copied and labelled."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from importlib.util import find_spec

import pytest

from genloom.codec.text.codec import TextCodec
from genloom.data.source import Manifest
from genloom.demo import sources
from genloom.demo.sources import real_table, standard_library
from genloom.errors import DataError, MissingExtra

needs_sklearn = pytest.mark.skipif(find_spec("sklearn") is None, reason="needs the tables extra")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_standard_library_as_a_data_set(tmp_path):
    folder = standard_library(tmp_path / "code", megabytes=0.3)
    reading = TextCodec().read(folder)
    size = sum(p.stat().st_size for p in reading.files)
    assert 300_000 <= size <= 500_000
    assert list(reading.skipped) == ["LICENSE"] and not reading.notes
    names = {p.relative_to(folder).parts[0] for p in reading.files}
    assert not names & {"test", "idlelib", "lib2to3", "site-packages", "encodings"}
    ast.parse(reading.items[0])
    assert Manifest.of_files(folder, reading.files, items=1).licence == "PSF-2.0"


def test_the_choice_of_modules_is_always_the_same(tmp_path):
    one = standard_library(tmp_path / "1", megabytes=0.1)
    two = standard_library(tmp_path / "2", megabytes=0.1)
    assert [p.relative_to(one) for p in sorted(one.rglob("*"))] == [
        p.relative_to(two) for p in sorted(two.rglob("*"))
    ]
    more = standard_library(tmp_path / "3", megabytes=0.3)
    names = [{p.relative_to(folder) for p in folder.rglob("*")} for folder in (one, more)]
    assert names[0] < names[1]


def test_no_library_is_a_data_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sources.sysconfig, "get_path", lambda _: str(tmp_path / "none"))
    with pytest.raises(DataError, match="no Python sources"):
        standard_library(tmp_path / "code")


@needs_sklearn
def test_the_table_is_real_and_mixed(tmp_path):
    path = real_table(tmp_path)
    rows = rows_of(path)
    assert path.name == "passengers.csv" and len(rows) == 1309
    assert Counter(row["survived"] for row in rows) == {"no": 809, "yes": 500}
    assert {row["class"] for row in rows} == {"first", "second", "third"}
    assert {row["port"] for row in rows} == {"Cherbourg", "Queenstown", "Southampton", ""}
    assert sum(row["age"] == "" for row in rows) == 263
    assert all(float(row["fare"]) >= 0 for row in rows if row["fare"])
    made = Manifest.of_files(path, [path], items=len(rows))
    assert made.licence == "LicenseRef-Public-Domain"


@needs_sklearn
def test_the_second_choice_where_a_package_has_no_test_data(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_PASSENGERS", "absent")
    path = real_table(tmp_path)
    rows = rows_of(path)
    assert path.name == "tumours.csv" and len(rows) == 569 and len(rows[0]) == 31
    assert Counter(row["diagnosis"] for row in rows) == {"malignant": 212, "benign": 357}
    assert float(rows[0]["radius_mean"]) == 17.99


def test_without_scikit_learn_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"genloom\[tables\]"):
        real_table(tmp_path)

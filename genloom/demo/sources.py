"""Real data that any machine already has: the standard library's own code, and a table of people.

Copies both into folders that are data sets like any other, each with the licence it came under.
Fetches nothing. Knows no model.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.util
import io
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from genloom.errors import DataError, MissingExtra

# Tests, other people's packages, and files that are data in the shape of code.
_LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages"}
_LEFT_OUT |= {"encodings", "pydoc_data", "__pycache__", "_bundled", "__phello__", "entities.py"}
_LARGEST = 200_000  # bytes of one file, so that none dominates

_PSF = """SPDX-License-Identifier: PSF-2.0

Files of the standard library of Python, copied unchanged from the interpreter on this machine.
Copyright (c) Python Software Foundation; all rights reserved.
Terms: https://docs.python.org/3/license.html
"""

_PASSENGERS = "datasets/tests/data/openml/id_40945/data-v1-dl-16826755.arff.gz"
_PASSENGERS_LICENCE = """SPDX-License-Identifier: LicenseRef-Public-Domain

Passengers of the Titanic, OpenML data set 40945, whose licence is stated there as "Public".
Authors: Frank E. Harrell Jr., Thomas Cason. Copied from the scikit-learn package on this machine;
names, tickets and what became known only after the sinking are left out.
"""
_PORTS = {"C": "Cherbourg", "Q": "Queenstown", "S": "Southampton"}
_CLASSES = {"1": "first", "2": "second", "3": "third"}

_TUMOURS_LICENCE = """SPDX-License-Identifier: CC-BY-4.0

Breast cancer Wisconsin (diagnostic), UCI Machine Learning Repository.
Authors: William Wolberg, Olvi Mangasarian, Nick Street, W. Street. Copied from the scikit-learn
package on this machine.
"""
_MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave_points", "symmetry", "fractal_dimension"),
)


def standard_library(folder: Path, *, megabytes: float = 2.0) -> Path:
    """Copy about so many MB of the library's modules into `folder`; returns it.

    The same files every time on the same Python: an even sample of all modules by a hash of their
    paths, until the size is reached.
    """
    root = Path(sysconfig.get_path("stdlib"))
    left = int(megabytes * 1e6)
    chosen = []
    for file in sorted(_modules(root), key=lambda f: _draw(f.relative_to(root))):
        if left <= 0:
            break
        chosen.append(file)
        left -= file.stat().st_size
    if not chosen:
        raise DataError(f"no Python sources under {root}: give a folder of code instead")
    for file in chosen:
        _put(folder / file.relative_to(root), file.read_bytes())
    own = root / "LICENSE.txt"
    terms = own.read_text("utf-8", "replace") if own.is_file() else ""
    _put(folder / "LICENSE", (_PSF + "\n" + terms).encode())
    return folder


def _modules(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _LEFT_OUT)  # site-packages alone can hold thousands
        for name in names:
            file = Path(folder, name)
            wanted = name.endswith(".py") and name not in _LEFT_OUT
            if wanted and not name.startswith("_sysconfigdata"):
                yield from [file] if 0 < file.stat().st_size <= _LARGEST else []


def _draw(path: Path) -> str:
    return hashlib.sha256(path.as_posix().encode()).hexdigest()


def real_table(folder: Path) -> Path:
    """Write the best real table that scikit-learn carries as a CSV file; returns the file.

    1,309 passengers of the Titanic, numbers and categories with gaps; where a package comes
    without them, 569 tumours with 30 measurements and a diagnosis.
    """
    package = _package("sklearn")
    source = package / _PASSENGERS
    if source.is_file():
        return _table(folder, "passengers.csv", _passengers(source), _PASSENGERS_LICENCE)
    source = package / "datasets/data/breast_cancer.csv"
    if source.is_file():
        return _table(folder, "tumours.csv", _tumours(source), _TUMOURS_LICENCE)
    raise DataError(f"no table found in {package}: give a CSV file of your own")


def _package(name: str) -> Path:
    """Where a package lies, without the second that importing this one would take."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("scikit-learn", "tables")
    return Path(spec.submodule_search_locations[0])


def _table(folder: Path, name: str, rows: list[dict[str, str]], licence: str) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _put(folder / "LICENSE", licence.encode())
    return _put(folder / name, text.getvalue().encode())


def _passengers(source: Path) -> list[dict[str, str]]:
    text = gzip.decompress(source.read_bytes()).decode("utf-8")
    lines = text.split("@data", 1)[1].strip().splitlines()
    return [_passenger(row) for row in csv.reader(lines)]


def _passenger(row: list[str]) -> dict[str, str]:
    row = ["" if cell == "?" else cell for cell in row]
    level, survived, _, sex, age, siblings, parents, _, fare, cabin, port, *_ = row
    return {
        "class": _CLASSES[level],
        "sex": sex,
        "age": age,
        "siblings_spouses": siblings,
        "parents_children": parents,
        "fare": fare,
        "deck": cabin[:1],
        "port": _PORTS.get(port, ""),
        "survived": "yes" if survived == "1" else "no",
    }


def _tumours(source: Path) -> list[dict[str, str]]:
    names = [f"{measure}_{kind}" for kind in ("mean", "error", "worst") for measure in _MEASURES]
    with open(source, encoding="utf-8", newline="") as file:
        (_, _, *labels), *rows = csv.reader(file)
    return [
        {**dict(zip(names, row, strict=False)), "diagnosis": labels[int(row[-1])]} for row in rows
    ]


def _put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path

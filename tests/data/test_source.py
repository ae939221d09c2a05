"""Manifests tell what a model was trained on, and notice when that is no longer so."""

from __future__ import annotations

import hashlib
import json

import pytest

from genloom.data.licences import identifiers
from genloom.data.source import Manifest, file_sha256

MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy"
BSD = "Redistribution and use in source and\nbinary forms, with or without modification, are"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("bee")
    (tmp_path / "sub/a.txt").write_text("ay")
    (tmp_path / "LICENSE").write_text(MIT)
    (tmp_path / "sub/COPYING.txt").write_text("SPDX-License-Identifier: CC-BY-4.0\n")
    return tmp_path


def manifest(folder, **more) -> Manifest:
    files = [folder / "sub/a.txt", folder / "b.txt"]
    return Manifest.of_files(folder, files, items=2, **more)


def test_files_sizes_digests_and_licences(folder):
    made = manifest(folder)
    assert [(e.path, e.size) for e in made.entries] == [("b.txt", 3), ("sub/a.txt", 2)]
    assert made.entries[0].sha256 == hashlib.sha256(b"bee").hexdigest()
    assert made.size == 5 and made.items == 2
    assert made.licence == "MIT AND CC-BY-4.0"
    assert made.evidence == ("LICENSE", "sub/COPYING.txt")


def test_a_licence_given_is_not_looked_for(folder):
    made = manifest(folder, licence="CC0-1.0")
    assert (made.licence, made.evidence) == ("CC0-1.0", ())


def test_one_file_looks_beside_itself(folder):
    made = Manifest.of_files(folder / "b.txt", [folder / "b.txt"], items=1)
    assert made.licence == "MIT" and made.entries[0].path == "b.txt"
    assert made.changed() == ()


def test_no_licence_is_unknown(tmp_path):
    (tmp_path / "x").write_text("x")
    assert Manifest.of_files(tmp_path, [tmp_path / "x"], items=1).licence == "unknown"


def test_through_json(folder):
    made = manifest(folder)
    assert Manifest.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_changes_are_noticed(folder, tmp_path_factory):
    made = manifest(folder)
    assert made.changed() == ()
    (folder / "b.txt").write_text("bet")
    assert made.changed() == ("b.txt",)
    (folder / "sub/a.txt").unlink()
    assert made.changed() == ("b.txt", "sub/a.txt")
    assert made.sha256 != Manifest.of_files(folder, [folder / "b.txt"], items=1).sha256
    moved = tmp_path_factory.mktemp("moved")
    (moved / "sub").mkdir()
    (moved / "b.txt").write_text("bee")
    (moved / "sub/a.txt").write_text("ay")
    assert made.changed(moved) == ()
    assert manifest(moved).sha256 == made.sha256  # the place does not matter, the content does


def test_data_from_memory():
    one = Manifest.of_memory([b"ab", b"c"], items=3)
    assert one.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert (one.entries, one.licence, one.changed()) == ((), "unknown", ())


def test_large_files_are_hashed_in_blocks(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "x").write_bytes(content)
    assert file_sha256(tmp_path / "x") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (MIT, ["MIT"]),
        ("Apache License\n   Version 2.0, January 2004", ["Apache-2.0"]),
        (BSD, ["BSD-2-Clause"]),
        (BSD + " permitted. Neither the name of", ["BSD-3-Clause"]),
        ("CC0 1.0 Universal (public domain dedication)", ["CC0-1.0"]),
        ("under CC BY-SA 3.0 (Creative Commons)", ["CC-BY-SA-3.0"]),
        ("the Creative Commons 3.0 BY or CC0 if so", ["CC-BY-3.0", "CC0-1.0"]),
        ("Creative Commons 4.0 BY-SA", ["CC-BY-SA-4.0"]),
        ("Attribution-NonCommercial-NoDerivatives 4.0 International", ["CC-BY-NC-ND-4.0"]),
        ("Attribution 4.0 International " + "terms " * 1000 + "public domain", ["CC-BY-4.0"]),
        ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", ["GPL-3.0"]),
        ("GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991", ["GPL-2.0"]),
        ("Plays: public domain. The code is MIT.", ["MIT", "LicenseRef-Public-Domain"]),
        ("SPDX-License-Identifier: PSF-2.0\nThe MIT License", ["PSF-2.0"]),
        ("All rights reserved. Permitted: nothing.", []),
    ],
)
def test_licences_by_their_wording(text, names):
    assert identifiers(text) == names

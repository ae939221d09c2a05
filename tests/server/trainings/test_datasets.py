"""What is to be learnt from: uploads cut into files, names that mean harm, folders that may be
named and those that may not, what was understood, and settings that two save at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from trainings_place import Asking, picture, rows, talk

HARM = (
    "../../etc/passwd",
    "/root/x.png",
    "a/../../b.png",
    "CON.png",
    "-rf.png",
    "x" * 4000 + ".png",
)
STRANGE = ("nul\0l.png", "left\u202egnp.png", "..", "a\\..\\c.png", "red/1.png", "RED/1.png")


def test_a_table_is_understood(asking: Asking) -> None:
    made = asking.upload({"people.csv": rows()})
    assert made["status"] == "looking" and made["path"] is None
    found = asking.looked(made)["found"]
    assert (found["medium"], found["items"], found["files"]) == ("table", 120, 1)
    assert found["duplicates"] == 70 and "repeats" in " ".join(found["warnings"])
    assert "people.csv" not in found["why"] and ".csv" in found["why"]
    assert [c["column"] for c in found["summary"]["columns"]] == ["age", "side"]
    assert {"table", "table-flow", "table-gan"} == {p["name"] for p in found["presets"]}
    (sample,) = found["samples"]
    told = asking.http.get(f"/v1/datasets/{made['id']}/samples/{sample['name']}")
    assert told.text.splitlines()[0] == "age,side" and sample["media"] == "text/csv"
    assert "sandbox" in told.headers["content-security-policy"]
    asking.get(f"datasets/{made['id']}/samples/..%2F..%2Frecords.sqlite", 404)


@pytest.mark.parametrize(("letters", "first"), [("MKALWDERNQ", "protein"), ("ACGTTGCAAC", "dna")])
def test_the_preset_that_fits_the_letters_is_offered_first(
    asking: Asking, letters: str, first: str
) -> None:
    told = "\n".join(f">s{n}\n{letters * (6 + n)}" for n in range(12))
    found = asking.looked(asking.upload({"some.fasta": told.encode()}))["found"]
    assert {p["name"] for p in found["presets"]} == {"protein", "dna"}
    assert found["presets"][0]["name"] == first


def test_names_are_shown_and_never_used(asking: Asking, tmp_path: Path) -> None:
    names = [*HARM, *STRANGE]
    made = asking.looked(asking.upload({name: picture(n) for n, name in enumerate(names)}))
    assert made["names"] == names and made["files"] == len(names)
    assert made["found"]["items"] == 10, "passwd and .. are no pictures by their names"
    place = asking.store / "datasets" / made["id"] / "files"
    kept = [path for path in place.rglob("*") if path.is_file()]
    assert len(kept) == len(names) and all(len(path.name.encode()) <= 160 for path in kept)
    assert not any(c in str(p.relative_to(place)) for p in kept for c in ("..", "\u202e", "\0"))
    captions = {one["caption"] for one in made["found"]["samples"]}
    assert not any(caption and ".." in caption for caption in captions)


def test_what_has_gone_is_gone(asking: Asking) -> None:
    made = asking.looked(asking.upload({"a.jsonl": talk()}))
    assert made["found"]["medium"] == "text"
    asking.http.delete(f"/v1/datasets/{made['id']}").raise_for_status()
    asking.get(f"datasets/{made['id']}", 404)
    asking.get(f"datasets/{made['id']}/samples/0.txt", 404)


def test_a_part_that_was_damaged_is_sent_again(asking: Asking) -> None:
    made = {"bytes": 8, "filename": "f", "purpose": "user_data", "mime_type": "text/plain"}
    id = asking.post("uploads", made)["id"]
    asking.part(id, b"1234", 400, sha256="0" * 64)
    assert asking.get(f"uploads/{id}")["parts"] == []
    first = asking.part(id, b"1234")
    (come,) = asking.get(f"uploads/{id}")["parts"]
    assert come["id"] == first and come["bytes"] == 4
    asking.post(f"uploads/{id}/cancel")
    assert asking.get(f"uploads/{id}")["parts"] == []


def test_only_folders_that_may_be_named(asking: Asking, tmp_path: Path) -> None:
    (asking.data / "good").mkdir()
    (asking.data / "good" / "a.csv").write_bytes(rows())
    (asking.data / ".keys").mkdir()
    (tmp_path / "secret.csv").write_bytes(rows())
    os.symlink(tmp_path, asking.data / "away")
    assert asking.get("places")["data"] == [str(asking.data.resolve())]
    made = asking.looked(asking.post("datasets", {"path": str(asking.data / "good")}))
    assert made["found"]["items"] == 120 and made["path"]
    for bad in ("away", "away/secret.csv", "../", ".keys", "none", "good/../../.."):
        told = asking.post("datasets", {"path": f"{asking.data}/{bad}"}, 400)["error"]
        assert told["param"] == "path" and str(tmp_path) not in told["message"]
    asking.post("datasets", {"path": "good"}, 400)
    os.symlink(tmp_path / "secret.csv", asking.data / "good" / "b.csv")
    made = asking.looked(asking.post("datasets", {"path": str(asking.data / "good")}))
    assert made["status"] == "failed" and "leads out" in made["error"]["message"]


def test_the_second_save_is_told_what_differs(asking: Asking) -> None:
    made = asking.upload({"a.csv": rows()})
    at = f"datasets/{made['id']}/draft"
    asking.post(at, {"version": 0, "values": {"minutes": 2, "seed": 1}})
    told = asking.post(at, {"version": 0, "values": {"minutes": 3, "seed": 1}}, 409)["error"]
    assert told["code"] == "draft_conflict" and "minutes" in told["message"]
    assert "seed" not in told["message"]
    assert asking.get(f"datasets/{made['id']}")["draft"]["values"]["minutes"] == 2
    kept = asking.post(at, {"version": 1, "values": {"minutes": 3, "seed": 1}})
    assert kept["version"] == 2


@pytest.mark.parametrize("body", [{}, {"file": "file-none", "files": [{"name": "a", "bytes": 1}]}])
def test_what_is_none_is_refused(asking: Asking, body: dict) -> None:
    asking.post("datasets", body, 404 if body else 400)

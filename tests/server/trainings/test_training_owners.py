"""Whose data and trainings: another's id is not found, and what lies on the machine is named by
administrators alone."""

from __future__ import annotations

from collections.abc import Iterator

import databases
import httpx2
import pytest
import small_server
from trainings_place import QUICK, Asking, rows

from genloom.server.issuing import Wish, issue


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asking, ...]]:
    """An administrator and two members."""
    folder, data = tmp_path_factory.mktemp("closed"), tmp_path_factory.mktemp("named")
    records = databases.opened(folder)
    roles = {"root": "admin", "anna": "member", "bert": "member"}
    keys = [issue(records, Wish(name=n, role=r), "test")[1] for n, r in roles.items()]
    records.close()
    with small_server.running(folder, places=(data,)) as found:
        made = [
            Asking(
                http=httpx2.Client(
                    base_url=found.url, timeout=120, headers={"authorization": f"Bearer {key}"}
                ),
                data=data,
                store=folder,
            )
            for key in keys
        ]
        yield tuple(made)
        for one in made:
            one.http.close()


def test_anothers_is_not_found(three: tuple[Asking, ...]) -> None:
    _, anna, bert = three
    made = anna.looked(anna.upload({"a.csv": rows()}))
    id, sample = made["id"], made["found"]["samples"][0]["name"]
    bert.get(f"datasets/{id}", 404)
    bert.get(f"datasets/{id}/samples/{sample}", 404)
    bert.post(f"datasets/{id}/draft", {"version": 0, "values": {}}, 404)
    bert.post(f"datasets/{id}/medium", {"medium": "text"}, 404)
    assert bert.http.delete(f"/v1/datasets/{id}").status_code == 404
    asked = {"dataset": id, "preset": "table", "size": "tiny"}
    bert.post("plans", asked, 404)
    bert.post("fine_tuning/jobs", {"model": "new", "medium": "table", "dataset": id}, 404)
    assert bert.get("datasets")["data"] == []
    name = anna.train(made, "table", *QUICK, "train.steps=5000", "train.judge=0")
    assert name not in [one["id"] for one in bert.get("trainings")["data"]]
    for path in ("", "/metrics", "/previews/step-000006.txt"):
        bert.get(f"trainings/{name}{path}", 404)
    for act in ("pause", "end", "cancel", "resume"):
        bert.post(f"trainings/{name}/{act}", status=404)
    assert bert.http.delete(f"/v1/trainings/{name}").status_code == 404
    assert anna.get(f"trainings/{name}")["data"] is None, "where it lies is not told"
    anna.post(f"trainings/{name}/cancel")
    anna.until(f"trainings/{name}", "state", ("cancelled",))


def test_the_machine_is_for_administrators(three: tuple[Asking, ...]) -> None:
    root, anna, _ = three
    (root.data / "a.csv").write_bytes(rows())
    path = {"path": str(root.data / "a.csv")}
    assert anna.get("places")["data"] == [] and root.get("places")["data"]
    assert anna.post("datasets", path, 403)["error"]["param"] == "path"
    assert root.looked(root.post("datasets", path))["found"]["items"] == 120


@pytest.mark.parametrize("act", ["pause", "delete-everything"])
def test_what_is_no_training_is_not_found(three: tuple[Asking, ...], act: str) -> None:
    root = three[0]
    status = 404 if act == "pause" else 400
    root.post(f"trainings/none/{act}", status=status)
    root.get("trainings/..%2F..%2Fetc", 404)

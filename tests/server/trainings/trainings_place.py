"""A client that begins trainings, and what they learn: few rows, texts and pictures."""

from __future__ import annotations

import hashlib
import io
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from PIL import Image

QUICK = ["train.steps=12", "train.judge=4", "train.preview=6", "data.batch=8"]
QUICK += ["train.compile=off", "train.precision=fp32"]  # long ones would try both first


@dataclass(kw_only=True)
class Asking:
    """A client in plain words; `data` is a folder that may be named, `store` the server's."""

    http: httpx2.Client
    data: Path
    store: Path

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._told(self.http.get(f"/v1/{path}", params=query), status)

    def post(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        return self._told(self.http.post(f"/v1/{path}", json=body or {}, **more), status)

    def _told(self, answer: httpx2.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()

    def upload(self, files: dict[str, bytes]) -> Any:
        """As the page does: laid end to end, in parts with their hashes."""
        whole = b"".join(files.values())
        made = {"bytes": len(whole), "filename": "files", "purpose": "user_data"}
        id = self.post("uploads", {**made, "mime_type": "application/octet-stream"})["id"]
        half = max(1, len(whole) // 2)
        parts = [self.part(id, whole[at : at + half]) for at in range(0, len(whole), half)]
        file = self.post(f"uploads/{id}/complete", {"part_ids": parts})["file"]["id"]
        named = [{"name": name, "bytes": len(data)} for name, data in files.items()]
        return self.post("datasets", {"file": file, "files": named})

    def part(self, id: str, data: bytes, status: int = 200, sha256: str | None = None) -> Any:
        told = {"sha256": sha256 or hashlib.sha256(data).hexdigest()}
        answer = self.http.post(f"/v1/uploads/{id}/parts", data=told, files={"data": ("p", data)})
        return self._told(answer, status).get("id")

    def looked(self, made: Any, seconds: float = 90) -> Any:
        return self.until(f"datasets/{made['id']}", "status", ("ready", "failed"), seconds)

    def until(self, path: str, field: str, values: tuple[str, ...], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.get(path)
            if found[field] in values:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{path} is still {found[field]} after {seconds} s: {found}")

    def train(self, dataset: Any, preset: str, *changes: str, **more: Any) -> str:
        """The name of the model to be."""
        asked = {"model": "new", "medium": preset, "size": "tiny", "dataset": dataset["id"]}
        asked |= {"changes": [*QUICK, *changes], "suffix": f"t{uuid.uuid4().hex[:6]}", **more}
        id = self.post("fine_tuning/jobs", asked)["id"]
        return next(t["id"] for t in self.get("trainings")["data"] if t["job"] == id)


def rows(count: int = 120) -> bytes:
    lines = "\n".join(f"{n % 50 + 18},{'ab'[n % 2]}" for n in range(count))
    return f"age,side\n{lines}\n".encode()


def talk(count: int = 60) -> bytes:
    lines = (json.dumps({"text": f"the {n}th line says {n * 7}"}) for n in range(count))
    return "\n".join(lines).encode()


def picture(n: int) -> bytes:
    rng, data = np.random.default_rng(n), io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(data, "PNG")
    return data.getvalue()

"""Images: MNIST by class, four kinds of model with the same wall-clock minutes each, in one table.

Usage: bench_images.py [--minutes 10] [--only flow gan codes fast peer] [--count 5000]
                       [--keep FOLDER] [--size S] [--guidance G]
flow: flow matching on pixels, 24 steps as the preset has it, and 50, with the preset's guidance and
with none. gan: one step. codes: an autoencoder with finite codes (half of the minutes), then a
transformer over the codes (the other half), through the engine of texts. fast: the flow model
taught to jump (as many minutes again), 1, 2 and 4 steps. peer: a transformer and a U-Net of
diffusers by class (peer_pictures.py), in bf16, with an average of their weights, as many minutes of
one core each; DDIM in 50 steps, DPM-Solver++ in 4 to 20, FEW pictures beside as many of ours
(distances rise where pictures are fewer), and for each of its rows our quickest that is as near to
the real ones. Times of a digit are those of one core. A sixth is held out. Feature space: the last
hidden layer of a classifier taught by real training digits, the same for all; "taught": one that
saw made digits alone, on real held-out ones. Floors: pixels drawn one by one from training digits,
the commonest class. Ceilings: training digits against held-out ones, the classifier taught by real
digits.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import protocol
import torch
from safetensors.torch import load_file, save_file

from genloom import api
from genloom.data.split import evenly
from genloom.trust import quality

WAYS = ("flow", "gan", "codes", "fast", "peer")
PEER = Path(__file__).with_name("peer_pictures.py")
PEER_NETS = ("dit", "unet")
FEW = 1000
SHOWN = ("taught_by_made", "recognised", "frechet_distance", "precision", "recall")
HELD = ("data.holdout=0.1667", "train.judge=0", "train.preview=0")


class Bench:
    """One run: where models lie, how long each may take, and the rows found."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.minutes, self.count, self.size = args.minutes, args.count, args.size
        self.guidance = args.guidance
        self.source, self.folder = protocol.data("mnist"), folder
        self.rows: list[dict[str, Any]] = []
        self.told = ""  # after a row's name
        self.near: dict[str, tuple[float, float]] = {}  # distance, seconds a digit

    def train(self, medium: str, name: str, share: float = 1.0, **more: Any) -> tuple[Path, float]:
        """The model's folder, and seconds; one that is there already is taken as it is."""
        out = self.folder / f"mnist-{name}"
        if (out / "card.json").exists():
            return out, float(api.load(out).card["seconds"])
        begun = time.perf_counter()
        changes = (*HELD, *more.pop("changes", ()))
        minutes = {"minutes": share * self.minutes}
        sized = {"size": self.size} if self.size else {}
        api.train(medium, self.source, out=out, changes=changes, **minutes, **sized, **more)
        return out, time.perf_counter() - begun

    def flow(self) -> None:
        out, seconds = self.train("image", "flow")
        self.measure("flow", out, seconds)
        self.measure("flow, unguided", out, seconds, guidance=1.0)
        self.measure("flow, unguided, 50 steps", out, seconds, guidance=1.0, steps=50)
        self.measure("flow, 50 steps", out, seconds, steps=50)

    def gan(self) -> None:
        self.measure("GAN", *self.train("image-gan", "gan"))

    def codes(self) -> None:
        coder, first = self.train("image-tokenizer", "coder", 0.5)
        told = (f"codec.autoencoder={coder}",)
        out, second = self.train("image-codes", "codes", 0.5, changes=told)
        self.measure("codes", out, first + second)

    def fast(self) -> None:
        start, first = self.train("image", "flow")
        worked_in = () if self.guidance is None else (f"family.guidance={self.guidance}",)
        name = "fast" if self.guidance is None else f"fast-{self.guidance:g}"
        out, second = self.train("image-fast", name, start=start, changes=worked_in)
        for steps in (1, 2, 4):
            self.measure(f"{name}, {steps} steps", out, first + second, steps=steps)

    def peer(self) -> None:
        here = importlib.util.find_spec("diffusers") is not None
        python = sys.executable if here else protocol.peer("diffusers")
        if python is None:
            return
        model = api.load(self.train("image", "flow")[0])  # whose codec and split the peer is given
        train, held = model.training_items(), model.held_out_items()
        count = min(self.count, FEW)
        held = evenly(held, count)
        place = self.folder / "mnist-peer"
        place.mkdir(parents=True, exist_ok=True)
        numbers = {
            "train": model.codec.encode(train),
            "labels": torch.tensor(list(map(int, model.codec.captions(train)))),
            "asked": torch.tensor(list(map(int, model.codec.captions(held)))),
        }
        save_file({k: v.contiguous() for k, v in numbers.items()}, place / "given.safetensors")
        self.count, self.told = count, f", {count}"
        for net in PEER_NETS:
            asked = [python, PEER, place, "--minutes", self.minutes, "--net", net]
            told = protocol.run_json(asked)
            for way, each in told["seconds_each"].items():
                made = model.codec.decode(load_file(place / f"{way}.safetensors")["made"])
                report = quality.evaluate(model, count=count, made=made)
                self.note(f"diffusers {way}{self.told}", report, told["seconds"], each)
        theirs = dict(self.near)
        for ours in (self.flow, self.fast, self.gan):
            ours()
        self.equal({k: v for k, v in self.near.items() if k not in theirs}, theirs)

    def equal(self, ours: dict[str, tuple[float, float]], theirs: dict[str, Any]) -> None:
        """For each of the peer's rows, our quickest whose distance is no larger."""
        for name, (distance, seconds) in theirs.items():
            fits = [(each, mine) for mine, (found, each) in ours.items() if found <= distance]
            each, mine = min(fits, default=(float("nan"), "none of ours"))
            print(f"{name} ({distance:.3g}): {mine} takes 1 / {seconds / each:.1f} of its time")

    def measure(self, name: str, out: Path, seconds: float, **family: Any) -> None:
        model = api.load(out)
        if family:  # the preset's own sampler, but for this
            model.recipe = model.recipe.with_(*(f"family.{k}={v}" for k, v in family.items()))
            model.family = model.recipe.make_family()
        list(model.generate("3", 64, seed=1))
        begun = time.process_time()
        list(model.generate("3", 64, seed=2))
        each = (time.process_time() - begun) / 64
        self.note(name + self.told, quality.evaluate(model, count=self.count), seconds, each)

    def note(self, name: str, report: quality.Report, seconds: float, each: float) -> None:
        if not any(row[""] == f"ceiling{self.told}" for row in self.rows):
            sides = ("floor", "ceiling")
            self.rows += [self._line(side + self.told, report, side) for side in sides]
        told = {"minutes": f"{seconds / 60:.1f}", "ms a digit": f"{1000 * each:.1f}"}
        self.rows.append(self._line(name, report, "value") | told)
        self.near[name] = report["frechet_distance"].value or 0.0, each
        print(name, self.rows[-1], flush=True)

    @staticmethod
    def _line(name: str, report: quality.Report, side: str) -> dict[str, Any]:
        values = {metric: f"{getattr(report[metric], side):.4g}" for metric in SHOWN}
        return {"": name, "minutes": "", "ms a digit": "", **values}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--size")
    parser.add_argument("--guidance", type=float, help="worked into `fast`, else the preset's")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    protocol.head(f"Images: MNIST, a sixth held out, {args.minutes:g} minutes each")
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(args, args.keep or Path(place))
        for way in args.only:
            getattr(bench, way)()
    print()
    protocol.table(bench.rows)


if __name__ == "__main__":
    main()

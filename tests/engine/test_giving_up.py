"""What fails in the middle of a step ends the requests of that flight, and the loop goes on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys import MADE, shaken

from genloom import api
from genloom.engine.engine import Engine
from genloom.errors import RequestError, ResourceError
from genloom.spec import Options, Request


class Fails(torch.nn.Module):
    """A net that cannot act on pictures of one side."""

    def __init__(self, net: Any, side: int) -> None:
        super().__init__()
        self.net, self.side, self.prompt, self.patch = net, side, net.prompt, net.patch

    def forward(self, x: torch.Tensor, *rest: Any) -> torch.Tensor:
        if x.shape[-1] == self.side:
            raise RequestError("not this one")
        out: torch.Tensor = self.net(x, *rest)
        return out


def test_an_error_in_a_step_ends_those_of_its_flight_alone(tmp_path: Any) -> None:
    model: api.Model = shaken(MADE["picture by flow"](), tmp_path)
    with Engine(model) as engine:
        engine.nets = {"net": Fails(engine.nets["net"], 16)}
        good = engine.submit(Request(count=2, options=Options(steps=3)))
        bad = engine.submit(Request(count=2, options=Options(steps=3, size=(16, 16))))
        with pytest.raises(RequestError, match="not this one"):
            bad.result()
        assert len(good.result()) == 2 and not engine.open and not engine.flights


def test_rows_that_memory_does_not_suffice_for_give_up(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: api.Model = shaken(MADE["row by transformer"](), tmp_path)
    net = model.nets["net"]
    forward = type(net).forward

    def narrow(self: Any, x: torch.Tensor, *rest: Any, **named: Any) -> Any:
        if len(x) > 20:
            raise MemoryError("no 20 rows")
        return forward(self, x, *rest, **named)

    monkeypatch.setattr(type(net), "forward", narrow)
    with Engine(model) as engine:
        large = engine.submit(Request(count=40))
        with pytest.raises(ResourceError, match="memory ran out with 40 samples"):
            large.result()
        assert not engine.open and not engine.flights
        assert len(engine.submit(Request(count=8)).result()) == 8

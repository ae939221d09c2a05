"""Trees as tensors answer as the library that grew them does, gaps included, and outlive a file."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from genloom.net import forest
from genloom.net.forest import Forest, grow


def data(seed: int, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3))
    x[rng.random(x.shape) < 0.2] = np.nan
    return x, np.nan_to_num(x[:, 0]) * np.nan_to_num(x[:, 1]) > 0.1


def planted() -> tuple[Forest, list[tuple[np.ndarray, np.ndarray]]]:
    taught = [data(1), data(2, 90)]
    made = Forest()
    made.plant([grow(x, yes, 8, seed=0) for x, yes in taught])
    return made, taught


def test_odds_are_those_of_the_library() -> None:
    made, taught = planted()
    asked = data(3)[0]
    found = made(torch.from_numpy(asked), 0, 2)
    for place, (x, yes) in enumerate(taught):
        slow = HistGradientBoostingClassifier(
            max_iter=forest.TREES,
            learning_rate=forest.RATE,
            max_leaf_nodes=forest.LEAVES,
            max_depth=forest.DEEPEST,
            min_samples_leaf=8,
            l2_regularization=forest.RIDGE,
            early_stopping=False,
            random_state=0,
        ).fit(x, yes)
        wanted = torch.from_numpy(slow.decision_function(asked)).float()
        assert torch.allclose(found[:, place].float(), wanted, atol=1e-4) and wanted.std() > 0.5
    assert torch.equal(made(torch.from_numpy(asked), 1, 2), found[:, 1:])


def test_a_row_is_answered_alike_in_any_company() -> None:
    made, _ = planted()
    x = torch.from_numpy(data(3)[0])
    whole = made(x, 0, 2)
    assert torch.equal(torch.cat([made(row[None], 0, 2) for row in x[:20]]), whole[:20])


def test_weights_come_back_whatever_their_number() -> None:
    made, _ = planted()
    again = Forest()
    again.load_state_dict(made.state_dict(), assign=True)
    x = torch.from_numpy(data(3)[0])
    assert torch.equal(again(x, 0, 2), made(x, 0, 2)) and len(again.feature) > 100

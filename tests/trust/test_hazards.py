"""What a detector of hazards learns from rare scenes, by those that the simulator draws."""

from __future__ import annotations

import pytest
import torch

from genloom.drive.simulator import simulate_many
from genloom.trust.hazards import looked, ranked, rare, taught


@pytest.mark.slow
def test_rare_scenes_teach_what_common_ones_do_not() -> None:
    some = simulate_many(3000, 0)
    tried = [one for one in simulate_many(1200, 1) if rare(one)]
    x, hazards = looked(tried)
    assert 0.1 < float(hazards.mean()) < 0.5
    common = [one for one in some if not rare(one)][:800]
    cases = [one for one in some if rare(one)]
    found = []
    for more in (cases[:10], cases):
        seen, wanted = looked([*common, *more])
        found.append(ranked(taught(seen, wanted, 0), x, hazards))
    assert found[0] < 0.7 < found[1], found
    shuffled = wanted[torch.randperm(len(wanted), generator=torch.Generator().manual_seed(0))]
    assert ranked(taught(seen, shuffled, 0), x, hazards) < 0.65

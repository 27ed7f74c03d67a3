"""The one-cycle rate is that of torch's scheduler, without its state."""

import pytest
import torch

from twinspike.model.rules.schedule import one_cycle


def test_same_shape_as_torch():
    steps, peak = 1000, 2e-3
    optimiser = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=peak)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=steps)
    theirs = []
    for _ in range(steps):
        theirs.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    ours = [one_cycle(step, steps, peak) for step in range(steps)]
    assert ours == pytest.approx(theirs, abs=peak * 0.01)
    assert max(ours) == pytest.approx(peak, rel=1e-4) and ours[-1] < peak / 1000


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_few_steps_give_positive_rates(steps):
    assert all(0 < one_cycle(step, steps, 1.0) <= 1.0 for step in range(steps))

"""Which devices a network's core fits, by the planner's estimate: an import's configuration names them."""

from __future__ import annotations

from twinspike.hw.plan import plan_for
from twinspike.hw.settings import TARGETS, HardwareSettings
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network import Network

from .cost import check_fit, logic_cells


def fits(network: Network, target: str) -> bool:
    """Whether the core that is planned for the device by itself needs no more than it has."""
    try:
        plan = plan_for(network, HardwareSettings(), target)
        check_fit(plan, logic_cells(plan, []))
    except TwinspikeError:
        return False
    return True


def fitting_targets(network: Network) -> tuple[str, ...]:
    """The usual targets that the core fits; else the first of all that it does; the usual ones if none."""
    usual = HardwareSettings().targets
    found = tuple(target for target in usual if fits(network, target))
    return found or tuple(target for target in TARGETS if fits(network, target))[:1] or usual

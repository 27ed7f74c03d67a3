"""The component of a plan: a core of one event per clock, or a wide one."""

from .core import Core
from .plan import CorePlan
from .wide.core import WideCore


def make_core(plan: CorePlan) -> Core | WideCore:
    """The component that a plan describes."""
    return WideCore(plan) if plan.wide else Core(plan)

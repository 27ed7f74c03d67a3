"""What the generator decides before any gate exists: lanes, words, widths, memories and their contents."""

from .choose import make_plan, plan_for
from .core import CorePlan
from .layer import STATE_LATENCY, LayerPlan

__all__ = ["STATE_LATENCY", "CorePlan", "LayerPlan", "make_plan", "plan_for"]

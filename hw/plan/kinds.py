"""The plan of each layer kind. A new kind is one file beside this one and one row here."""

from .conv import ConvPlan
from .delay import DelayPlan
from .dense import DensePlan
from .layer import LayerPlan
from .pool import PoolPlan
from .relay import RelayPlan
from .taps import TapsPlan

PLANS: dict[str, type[LayerPlan]] = {"dense": DensePlan, "conv": ConvPlan, "taps": TapsPlan}
# Those without neurons, which events pass on their way to the next layer.
RELAYS: dict[str, type[RelayPlan]] = {"pool": PoolPlan, "delay": DelayPlan}

"""The plan of each layer kind. A new kind is one file beside this one and one row here."""

from .dense import DensePlan
from .layer import LayerPlan

PLANS: dict[str, type[LayerPlan]] = {"dense": DensePlan}

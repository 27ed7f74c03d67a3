"""How often each output neuron has spiked in the frame: the memory that the readouts count in."""

from amaranth.lib.memory import Memory

from ..parts.memories import style
from ..plan import CorePlan


def neuron_counts(plan: CorePlan) -> Memory:
    """A count for each output neuron, in logic or a block of RAM as the device has room."""
    depth = plan.layers[-1].neurons
    attrs = style(plan.target, plan.count_bits * depth, plan.short_of_blocks)
    return Memory(shape=plan.count_bits, depth=depth, init=[], attrs=attrs)

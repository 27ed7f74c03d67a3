"""The ports of a core: the same for the serial and the wide one."""

from amaranth.lib.wiring import In, Out

from ..plan import CorePlan
from ..readout.slots import ERRORS as COMMAND_ERRORS
from ..readout.slots import STATUS
from .ingress import ERRORS
from .step_timer import PORTS as TIMER_PORTS

# m_result_tdata: a whole number of bytes around hw/readout/emd.py's RESULT (82 bits), zeros above.
RESULT_BITS = 96


COMMAND_BITS = 40  # of s_command_tdata, around hw/readout/slots.py's COMMAND


def core_members(plan: CorePlan) -> dict:
    """The ports of the core, beside clock and reset, as signature members."""
    banks = max(plan.layers[0].events_per_clock, 1)
    members = {
        **axis("s_axis", In, 16 * banks),
        **({"s_axis_tkeep": In(2 * banks)} if banks > 1 else {}),
        **axis("m_axis", Out, 16),
        **axis("m_result", Out, RESULT_BITS),
        "network_hash": Out(64),
        "error_flags": Out(len(ERRORS)),
        "error_clear": In(1),
    }
    if plan.loads:
        members |= {
            **axis("s_load", In, 16),
            "weights_loaded": Out(1),
            "weights_refused": Out(2),
            "weights_keep": In(1),
        }
    if plan.slots:
        members |= {
            "s_command_tdata": In(COMMAND_BITS),
            "s_command_tvalid": In(1),
            "s_command_tready": Out(1),
            "command_status": Out(STATUS.size),
            "command_errors": Out(len(COMMAND_ERRORS)),
        }
    if plan.step_timer:
        members |= {name: member for name, (member, _) in TIMER_PORTS.items()}
    return members


def axis(name: str, flow, width: int) -> dict:
    """Members of an AXI-Stream port; `flow` is that of its data."""
    return {
        f"{name}_tdata": flow(width),
        f"{name}_tvalid": flow(1),
        f"{name}_tready": flow.flip()(1),
        f"{name}_tlast": flow(1),
    }

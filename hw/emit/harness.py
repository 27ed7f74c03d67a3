"""The core behind few pins, for stand-alone place and route: its wide ports fit no small package."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core.signature import RESULT_BITS, axis
from ..cores import make_core
from ..plan import CorePlan

_TIMER_OUTPUTS = ("running", "event", "tick", "last", "dropped", "late")


class Harness(wiring.Component):
    """Registers every input pin of the core and folds its wide outputs by XOR into registered pins.

    About 100 logic cells beside the core; timing paths inside the core end at registers, as they
    would in a design that surrounds it. The load port shares the event port's data pins.
    """

    def __init__(self, plan: CorePlan):
        self._plan, self._core = plan, make_core(plan)
        width = len(self._core.s_axis_tdata)
        super().__init__(
            {
                **axis("s_axis", In, width),
                **({"s_axis_tkeep": In(width // 8)} if width > 16 else {}),
                "m_axis_pin": Out(1),
                "m_axis_tready": In(1),
                "m_result_pin": Out(1),
                "m_result_tready": In(1),
                "status_pin": Out(1),
                "error_clear": In(1),
                "load": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._core

        def registered(pin):
            stage = Signal.like(pin, name=f"{pin.name}_register", reset_less=True)
            m.d.sync += stage.eq(pin)
            return stage

        load = registered(self.load)
        valid, last, word = (
            registered(s) for s in (self.s_axis_tvalid, self.s_axis_tlast, self.s_axis_tdata)
        )
        m.d.comb += [
            core.s_axis_tdata.eq(word),
            core.s_axis_tvalid.eq(valid & ~load),
            core.s_axis_tlast.eq(last),
            core.m_axis_tready.eq(registered(self.m_axis_tready)),
            core.m_result_tready.eq(registered(self.m_result_tready)),
            core.error_clear.eq(registered(self.error_clear)),
        ]
        m.d.sync += self.s_axis_tready.eq(core.s_axis_tready)
        if len(core.s_axis_tdata) > 16:
            m.d.comb += core.s_axis_tkeep.eq(registered(self.s_axis_tkeep))
        status = core.error_flags
        if self._plan.loads:
            m.d.comb += [
                core.s_load_tdata.eq(word),
                core.s_load_tvalid.eq(valid & load),
                core.s_load_tlast.eq(last),
            ]
            status = Cat(status, core.weights_loaded, core.weights_refused, core.s_load_tready)
        if self._plan.slots:
            m.d.comb += [
                core.s_command_tdata.eq(Cat(word, word, word)),
                core.s_command_tvalid.eq(load & last),
            ]
            status = Cat(status, core.s_command_tready, core.command_status, core.command_errors)

        if self._plan.step_timer:
            inputs = [core.timer_run, core.timer_drop, core.timer_on_event, core.timer_clear]
            m.d.comb += [Cat(inputs).eq(word), core.timer_period.eq(Cat(word, word))]
            status = Cat(status, *(getattr(core, f"timer_{name}") for name in _TIMER_OUTPUTS))

        self._fold(m, "m_axis", Cat(core.m_axis_tdata, core.m_axis_tlast, core.m_axis_tvalid), 18)
        self._fold(m, "m_result", Cat(core.m_result_tdata, core.m_result_tvalid), RESULT_BITS + 1)
        m.d.sync += self.status_pin.eq(status.xor())
        return m

    def _fold(self, m, name, wide, width):
        """Register the wide output, then its parity: every bit stays observable at one pin."""
        stage = Signal(width, name=f"{name}_register", reset_less=True)
        m.d.sync += [stage.eq(wide), getattr(self, f"{name}_pin").eq(stage.xor())]

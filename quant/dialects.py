"""How each framework runs the equations that a NIR file states: its discretisation, exactly.

NIR defines tau dv/dt = (v_leak - v) + r I for LIF, dv/dt = r I for IF, a spike where v > v_threshold,
and then v = v_reset. With a = dt / tau and dt the step, every exporter below means forward Euler,

    LIF      u = (1 - a) v + a v_leak + a r I
    IF       u = v + dt r I              (Norse: u = v + r I)
    CubaLIF  as LIF, I = w_in S, where the synapse keeps nothing from step to step: tau_syn is 0, or dt

but each with its own dt, comparison, reset and first membrane, none of which is in the file. sinabs and
Rockpool let membranes decay by exp(-a) instead:

    exact    u = exp(-a) v + (1 - exp(-a)) (v_leak + r I)        (the equation's own solution)
    added    u = exp(-a) v + I                                   (the whole current, whatever the leak)
"""

import dataclasses

RESETS = ("zero", "subtract", "subtract-delayed", "zero-delayed")


@dataclasses.dataclass(frozen=True)
class Dialect:
    """One framework's reading.

    dt          seconds per step, as its exporter writes time constants
    strict      a spike needs v > v_threshold (NIR, snnTorch, Norse); else v >= v_threshold (SpikingJelly)
    if_per_step an IF node's r is a gain a step; else r dt is
    from_leak   membranes of LIF start a frame at v_leak (Norse); else at v_reset
    r_is_steps  where r is not 1 it is tau / dt (IF: 1 / dt), so that the file itself tells its step
                ("added": r is exp(-a) / a everywhere)
    leak        how LIF is stepped, as above: "euler", "exact" or "added"
    about       what else a user should know
    """

    name: str
    dt: float
    strict: bool
    if_per_step: bool
    about: str
    from_leak: bool = False
    r_is_steps: bool = False
    leak: str = "euler"


DIALECTS = {
    d.name: d
    for d in (
        Dialect("nir", 1e-4, True, False, "NIR's own equations by forward Euler"),
        Dialect(
            "snntorch",
            1e-4,
            True,
            False,
            "tau = dt / (1 - beta) and r = tau / dt: u = beta v + I. The file does not say how neurons "
            "reset; snnTorch's default subtracts the threshold a step later: give --reset subtract-delayed "
            "(subtract for reset_delay=False), or train with reset_mechanism='zero' (zero-delayed for "
            "Synaptic). beta is clipped to 0..1; 1 is a neuron without leak",
            r_is_steps=True,
        ),
        Dialect(
            "norse",
            1e-6,
            True,
            True,
            "to_nir writes tau = dt / tau_mem_inv with dt = 1e-3, which is 1e-3 of the time constant, so "
            "that a step of 1e-3 seconds is 1e-6 in the file; for to_nir(dt=1) give --dt 1e-3. Frames start "
            "at v_leak. v_reset is not written: train with v_reset = 0",
            from_leak=True,
        ),
        Dialect(
            "spikingjelly",
            1e-4,
            False,
            False,
            "tau is counted in steps of dt, r is 1 or tau / dt (decay_input); a membrane that equals the "
            "threshold spikes, and frames start at v_reset",
            r_is_steps=True,
        ),
        Dialect(
            "sinabs",
            1.0,
            False,
            False,
            "tau is counted in steps, u = exp(-1 / tau) v + (1 - exp(-1 / tau)) I "
            "(norm_input=True). The file "
            "says neither how neurons spike and reset nor norm_input, min_v_mem and tau_syn: train with "
            "spike_fn=SingleSpike, without the last two, and give --reset subtract, which is the default "
            "there (zero for MembraneReset with reset_value=0)",
            leak="exact",
        ),
        Dialect(
            "sinabs-unnormed",
            1.0,
            False,
            False,
            "sinabs with norm_input=False, u = exp(-1 / tau) v + I, whose file is the same; sinabs's own "
            "importer reads every file so. Everything else is as for sinabs",
            leak="added",
        ),
        Dialect(
            "rockpool",
            1e-3,
            False,
            False,
            "LIFNeuronTorch: u = exp(-dt / tau) v + I, where r = exp(-dt / tau) tau / dt tells "
            "dt. Its bias is "
            "not written: train with bias = 0 and give the layer before it one, and with "
            "max_spikes_per_dt = 1; it subtracts the threshold: give --reset subtract. LIFTorch has synapses "
            "with memory and cannot be mapped",
            r_is_steps=True,
            leak="added",
        ),
    )
}

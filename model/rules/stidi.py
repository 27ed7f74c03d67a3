"""Displacement of firing times, layer by layer, through convolutions as well: STiDi-BP.

Mirsadeghi, Shalchian, Kheradpisheh & Masquelier, "Spike time displacement based error backpropagation in
convolutional spiking neural networks", 2021 (arXiv 2108.13621). No gradient goes from layer to layer. Every
neuron j has a step at which it ought to spike, and learns by itself how far that is from where it does; what
it makes of that, its desired displacement e_j, is all that the layer before is told:

    e_i = sum over j of e_j * w_ji * p(t_j - t_i);   gradient of w_ji = e_j * p(t_j - t_i)

`p` is the potential of one spike in the step in which the receiver spikes, piecewise linear: it rises from
the step of the spike on for `rise` steps, and stays. A larger potential makes all neurons spike earlier by
the same (the derivative of the latency, taken as linear). The spikes themselves are made by potentials that
are there at once, as the cores' are: the integer step form, which `rise` = 1 is in both.
"""

from .firing import FiringTimes


class Displacement(FiringTimes):
    """Convolutions and dense layers."""

    name = "stidi"
    kinds = ("conv", "dense")

    @property
    def rise(self) -> float:
        return self.means.settings.rise

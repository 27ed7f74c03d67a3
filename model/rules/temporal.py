"""Backpropagation on firing times through dense layers: S4NN and BS4NN.

Kheradpisheh & Masquelier, "S4NN: temporal backpropagation for spiking neural networks with one spike per
neuron", 2020 (arXiv 1910.09495), and with binary weights Kheradpisheh, Mirsadeghi & Masquelier, "BS4NN", 2021
(arXiv 2007.04039). An input pushes a neuron if it spiked no later than the neuron did, or at all where the
neuron is silent. So with errors e of a layer as in model/rules/firing.py, those of the layer before, and
what a weight w has as gradient:

    e_i = sum over j of e_j * w_ji [t_i <= t_j];   gradient of w_ji = e_j [t_i <= t_j]

Real-valued weights learn, and carry errors back; their integers, signs at 1 bit, make the spikes. Where a
layer has one scale (`layer_scale`), it learns by the same errors.
"""

from .firing import FiringTimes


class Temporal(FiringTimes):
    """Dense layers, and spikes whose potential is there at once."""

    name = "temporal"
    kinds = ("dense",)

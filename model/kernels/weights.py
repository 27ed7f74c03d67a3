"""The units in which a layer's integers count, by the kernel of weights.cpp."""

import ctypes
from typing import NamedTuple

import torch
from torch import Tensor
from torch.linalg import vector_norm

from ...numerics.lif import state_range
from ...quant.quantizers import EPSILON, LEAST_SCALE, Quantised, Rule
from ...quant.spec import NeuronSpec
from .native import call


class _Units(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_float) for name in ("fan_in", "limit", "sigma", "epsilon", "least", "low", "high")
    )


class Counted(NamedTuple):
    """Weights with what makes integers of them, and integer-valued bias and threshold [N].

    `slope` [N] is the gradient of the integer bias by the real-valued one, straight-through.
    """

    weight: Quantised
    bias: Tensor
    threshold: Tensor
    slope: Tensor


def counted(weight: Tensor, bias: Tensor, rule: Rule, spec: NeuronSpec) -> Counted:
    """For real-valued weights [N, A] and biases [N] what `quantised` and `QuantLayer.folded` give."""
    neurons, inputs = weight.shape
    scale, mean, deviation = (torch.empty(neurons, 1) for _ in range(3))
    whole, threshold, slope = (torch.empty(neurons) for _ in range(3))
    units = _Units(inputs, rule.limit, rule.sigma, EPSILON, LEAST_SCALE, *state_range(spec.state_bits))
    # As `quantised` adds up, so that values are equal.
    sums = weight.abs().sum(1), vector_norm(weight, 2, 1)
    call("weight_units", *sums, bias, scale, mean, deviation, whole, threshold, slope, units, neurons)
    return Counted(Quantised(weight, scale, mean, deviation, rule), whole, threshold, slope)

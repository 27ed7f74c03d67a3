"""The units in which a layer's integers count, by the kernel of weights.cpp."""

import ctypes
from typing import NamedTuple

import torch
from torch import Tensor

from ...numerics.lif import state_range
from ...quant.quantizers import EPSILON, LEAST_SCALE, Quantised, Rule
from ...quant.spec import NeuronSpec
from .native import call


class _Units(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_double) for name in ("limit", "sigma", "epsilon", "least")),
        *((name, ctypes.c_float) for name in ("low", "high")),
    )


class _Quantiser(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weight", "scale", "mean", "deviation")),
        *((name, ctypes.c_float) for name in ("limit", "sigma")),
        ("sign", ctypes.c_int32),
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
    scale, mean, deviation, whole, threshold, slope = found = torch.empty(6, len(weight)).unbind()
    units = _Units(rule.limit, rule.sigma, EPSILON, LEAST_SCALE, *state_range(spec.state_bits))
    call("weight_units", weight, bias, *found, units, *weight.shape, torch.get_num_threads())
    measured = Quantised(weight, scale[:, None], mean[:, None], deviation[:, None], rule)
    return Counted(measured, whole, threshold, slope)


def integer_weights(weight: Quantised) -> Tensor:
    """`weight.integers()`: [N, A]."""
    out = torch.empty_like(weight.real)
    call("integer_weights", quantiser(weight), out, *out.shape)
    return out


def real_gradients(weight: Quantised, grad: Tensor) -> Tensor:
    """The gradient [N, A] of the real-valued weights for that of the integer ones, straight-through."""
    out = grad.clone(memory_format=torch.contiguous_format)
    call("real_gradients", quantiser(weight), out, *out.shape)
    return out


def quantiser(weight: Quantised) -> _Quantiser:
    """The weights as kernels take them; they must live for as long."""
    given = (weight.real, weight.scale, weight.mean, weight.deviation)
    assert all(x.is_contiguous() for x in given)
    rule = weight.rule
    return _Quantiser(*(x.data_ptr() for x in given), rule.limit, rule.sigma, rule.sign)

"""The compiled inner loops of training on a CPU (kernels/), built once by the system's C++ compiler.

Where there is no compiler, on a GPU and for other types than float32, torch code does the same work:
`usable` says which it is. Forward passes are bit-equal, gradients but for rounding.
"""

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

from ..numerics.lif import state_range
from ..quant.quantizers import Quantised
from ..quant.spec import NeuronSpec

# For the processor at hand. No fused multiply-add: floats are rounded as torch rounds them.
OPTIONS = (
    "-O3",
    "-march=native",
    "-std=c++17",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-shared",
    "-fPIC",
)
# torch's own threads where the compiler knows OpenMP; one thread where it does not.
THREADS = "-fopenmp"
COMPILE_SECONDS = 120
# In this order one text to the compiler.
SOURCES = ("common", "layers", "distances", "populations", "conv")
# As in kernels/common.cpp.
BLOCK = 32


class _Neuron(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_float) for name in ("leak", "low", "high", "carry")),
        *((name, ctypes.c_int32) for name in ("to_zero", "single")),
    )


class _Quantiser(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weight", "scale", "mean", "deviation")),
        *((name, ctypes.c_float) for name in ("limit", "sigma")),
        ("sign", ctypes.c_int32),
    )


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("steps", "batch", "inputs", "neurons"))


@functools.cache
def library() -> ctypes.CDLL | None:
    """The kernels, compiled into the user's cache if they are not there yet; None if they cannot be."""
    folder = resources.files(__package__) / "kernels"
    source = "\n".join((folder / f"{name}.cpp").read_text(encoding="utf-8") for name in SOURCES)
    command = [*os.environ.get("CXX", "g++").split(), *OPTIONS]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run([command[0], "--version"], capture_output=True, check=True, timeout=20).stdout
        made_by = "\0".join([source, *command, THREADS, said.decode(errors="replace"), _processor()])
        key = hashlib.sha256(made_by.encode()).hexdigest()[:16]
        path = platformdirs.user_cache_path("twinspike") / "kernels" / f"{key}.so"
        if not path.is_file():
            try:
                _compile(source, [*command, THREADS], path)
            except subprocess.CalledProcessError:
                _compile(source, command, path)
        return ctypes.CDLL(str(path))
    return None


def _processor() -> str:
    """What `-march=native` depends on: a cache may serve several machines."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return "\n".join(sorted({line for line in lines if line.lower().startswith(("flags", "features"))}))
    return platform.platform() + platform.processor()


def _compile(source: str, command: list[str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        subprocess.run(
            [*command, "-x", "c++", "-", "-o", str(made)],
            input=source.encode(),
            capture_output=True,
            check=True,
            timeout=COMPILE_SECONDS,
        )
        made.replace(path)


def usable(*arrays: Tensor) -> bool:
    """Whether the kernels can work on these tensors."""
    return all(x.device.type == "cpu" and x.dtype == torch.float32 for x in arrays) and library() is not None


def addresses_of_steps(when: Tensor, timesteps: int) -> tuple[Tensor, Tensor]:
    """Addresses and starts of `model.events.Events` for steps uint8 [B, A], contiguous."""
    count = torch.empty(timesteps * len(when), dtype=torch.int64)
    _call("step_counts", when, count, timesteps, *when.shape)
    start, address = _lists(count)
    _call("step_addresses", when, start, address, timesteps, *when.shape)
    return address, start


def addresses_of_spikes(spikes: Tensor) -> tuple[Tensor, Tensor]:
    """The same for float32 spikes [places, A], contiguous."""
    count = torch.empty(len(spikes), dtype=torch.int64)
    _call("spike_counts", spikes, count, *spikes.shape)
    start, address = _lists(count)
    _call("spike_addresses", spikes, start, address, *spikes.shape)
    return address, start


def _lists(count: Tensor) -> tuple[Tensor, Tensor]:
    start = torch.cat([count.new_zeros(1), count.cumsum(0)])
    return start, torch.empty(int(start[-1]), dtype=torch.int64)


# Input spikes [T, B, A], or else addresses and starts of events.
Given = tuple[Tensor | None, Tensor | None, Tensor | None]


def layer_forward(
    weight: Quantised,
    bias: Tensor,
    threshold: Tensor,
    address: Tensor,
    start: Tensor,
    batch: int,
    spec: NeuronSpec,
) -> tuple[Tensor, Tensor]:
    """Spikes [T, B, N] for weights [N, A], bias and threshold [N] and the events of B images; membranes."""
    neurons, inputs = weight.real.shape
    spikes = torch.empty((len(start) - 1) // batch, batch, neurons)
    membranes = torch.empty(-(-neurons // BLOCK) * BLOCK * spikes.shape[0] * batch)
    shape = _Shape(*spikes.shape[:2], inputs, neurons)
    _call(
        "layer_forward",
        _quantiser(weight),
        bias,
        threshold,
        address,
        start,
        spikes,
        membranes,
        shape,
        _neuron(spec),
        torch.get_num_threads(),
    )
    return spikes, membranes


def layer_backward(
    weight: Quantised,
    grad: Tensor,
    membranes: Tensor,
    threshold: Tensor,
    steepness: Tensor,
    address: Tensor,
    start: Tensor,
    spec: NeuronSpec,
    *,
    currents: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of real weight [N, A], integer bias [N] and, if wanted, currents [T, B, N].

    `steepness` [N]: (pi * slope)^2 / threshold, see `model.lif`.
    """
    by_weight, by_bias = torch.empty_like(weight.real), torch.empty(grad.shape[2])
    current = torch.empty(grad.shape) if currents else None
    shape = _Shape(*grad.shape[:2], weight.real.shape[1], grad.shape[2])
    _call(
        "layer_backward",
        _quantiser(weight),
        grad.contiguous(),
        membranes,
        threshold,
        steepness,
        address,
        start,
        by_weight,
        by_bias,
        current,
        shape,
        _neuron(spec),
        torch.get_num_threads(),
    )
    return by_weight, by_bias, current


def count_distances(a: Tensor, b: Tensor) -> Tensor:
    """L1 distances float32 [B, C] of counts uint8 [B, T, N] and [C, T, N], contiguous."""
    out = torch.empty(len(a), len(b))
    _call("count_distances", a, b, out, *out.shape, a[0].numel(), torch.get_num_threads())
    return out


def cumulative_counts(spikes: Tensor) -> Tensor:
    """Counts uint8 [B, T, N] of spikes [T, B, N], T at most 255."""
    steps, batch, outputs = spikes.shape
    counts = torch.empty(batch, steps, outputs, dtype=torch.uint8)
    _call("cumulative_counts", spikes.contiguous(), counts, steps, batch, outputs)
    return counts


def count_gradient(grad: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Gradient [T, B, N] of the spikes of `a` for that of its distances to `b`, transposed: grad [C, B].

    Counts uint8 a [B, T, N] and b [C, T, N].
    """
    batch, steps, outputs = a.shape
    out = torch.empty(steps, batch, outputs)
    _call(
        "count_gradient", grad.contiguous(), a, b, out, steps, batch, len(b), outputs, torch.get_num_threads()
    )
    return out


class Window(ctypes.Structure):
    """A convolution's geometry: maps in and out, filters and groups, then pairs of y and x."""

    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("height", "width", "channels", "rows", "columns", "filters", "groups")
        ),
        *((name, ctypes.c_int64 * 2) for name in ("kernel", "stride", "padding", "dilation")),
    )


def conv_forward(
    window: Window,
    weight: Tensor,
    bias: Tensor,
    threshold: Tensor,
    given: Given,
    shape: tuple[int, int],
    spec: NeuronSpec,
    *,
    hold: bool,
) -> tuple[Tensor, Tensor]:
    """Spikes [T, B, N] for weights [C, kh, kw, F / groups], bias and threshold [N]; membranes [B, T, N].

    `shape`: (T, B). Where `hold`, the currents of step 0 count in every step.
    """
    steps, batch = shape
    spikes = torch.empty(steps, batch, len(bias))
    narrow = spec.state_bits <= 16
    membranes = torch.empty(batch, steps, len(bias), dtype=torch.int16 if narrow else torch.float32)
    _call(
        "conv_forward",
        window,
        weight,
        bias,
        threshold,
        *given,
        spikes,
        membranes,
        steps,
        batch,
        _neuron(spec),
        hold,
        narrow,
        torch.get_num_threads(),
    )
    return spikes, membranes


def conv_backward(
    window: Window,
    weight: Tensor,
    grad: Tensor,
    threshold: Tensor,
    steepness: Tensor,
    given: Given,
    membranes: Tensor,
    spec: NeuronSpec,
    *,
    hold: bool,
    inputs: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of the weight [C, kh, kw, F / groups], the bias [N] and, if wanted, the inputs [T, B, A].

    Where the layer holds its input, that of all steps but the first is 0.
    """
    steps, batch, neurons = grad.shape
    by_weight, by_bias = torch.empty_like(weight), torch.empty(neurons)
    by_input = None
    if inputs:
        make = torch.zeros if hold else torch.empty
        by_input = make(steps, batch, window.height * window.width * window.channels)
    own = window.filters // window.groups
    seen = weight.view(window.groups, window.channels // window.groups, -1, own)
    _call(
        "conv_backward",
        window,
        seen.permute(0, 3, 2, 1).contiguous(),
        grad.contiguous(),
        threshold,
        steepness,
        *given,
        membranes,
        by_weight,
        by_bias,
        by_input,
        steps,
        batch,
        _neuron(spec),
        hold,
        membranes.dtype == torch.int16,
        torch.get_num_threads(),
    )
    return by_weight, by_bias, by_input


def _quantiser(weight: Quantised) -> _Quantiser:
    given = (weight.real, weight.scale, weight.mean, weight.deviation)
    assert all(x.is_contiguous() for x in given)
    rule = weight.rule
    return _Quantiser(*(x.data_ptr() for x in given), rule.limit, rule.sigma, rule.sign)


def _neuron(spec: NeuronSpec) -> _Neuron:
    # What forgets loses all of it: floor(v * 1) of a whole v.
    leak = 1.0 if spec.forget else 2.0**-spec.leak_shift if spec.leak_shift else 0.0
    return _Neuron(leak, *state_range(spec.state_bits), 1 - leak, spec.reset == "zero", spec.single_spike)


def _call(name: str, *arguments: Tensor | int | ctypes.Structure | None) -> None:
    """Call a kernel with the addresses of tensors, which must be contiguous, and 64-bit integers."""
    kernels = library()
    assert kernels is not None
    given: list[object] = []
    for x in arguments:
        if isinstance(x, Tensor):
            assert x.is_contiguous()
            given.append(ctypes.c_void_p(x.data_ptr()))
        else:
            given.append(ctypes.c_int64(x) if isinstance(x, int) else x)
    kernels[name](*given)

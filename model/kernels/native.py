"""The compiled inner loops of training on a CPU, built once by the system's C++ compiler.

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

from ...numerics.lif import state_range
from ...quant.spec import NeuronSpec

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
# Half a minute on an idle core; others may be busy.
COMPILE_SECONDS = 900
# In this order one text to the compiler.
SOURCES = (
    "common",
    "events",
    "weights",
    "dense",
    "dense_backward",
    "distances",
    "populations",
    "windows",
    "looks",
    "gather",
    "conv",
    "lif",
    "norm",
    "contrast",
    "firing",
)


@functools.cache
def library() -> ctypes.CDLL | None:
    """The kernels, compiled into the user's cache if they are not there yet; None if they cannot be."""
    folder = resources.files(__package__)
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


def call(name: str, *arguments: Tensor | int | ctypes.c_float | ctypes.Structure | None) -> None:
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


class Neuron(ctypes.Structure):
    """How neurons behave: their leak, bounds of the state, and what a spike does."""

    _fields_ = (
        *((name, ctypes.c_float) for name in ("leak", "low", "high", "carry")),
        *((name, ctypes.c_int32) for name in ("to_zero", "single")),
    )


def neuron(spec: NeuronSpec) -> Neuron:
    """Neurons of `spec` as kernels take them."""
    # What forgets loses all of it: floor(v * 1) of a whole v.
    leak = 1.0 if spec.forget else 2.0**-spec.leak_shift if spec.leak_shift else 0.0
    return Neuron(leak, *state_range(spec.state_bits), 1 - leak, spec.reset == "zero", spec.single_spike)

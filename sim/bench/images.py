"""A core's memory images without its Verilog: a tenth of the work of writing the core anew."""

from amaranth.hdl import Fragment, Shape
from amaranth.hdl._mem import MemoryInstance

from ...hw.cores import make_core
from ...hw.plan import CorePlan
from ...hw.weights.image import weight_image


def memory_images(plan: CorePlan) -> dict[str, str]:
    """File name -> text of every image that `emit` writes for the plan, as yosys writes them.

    Weights to be loaded are those of a core that shared_sources (sim/bench/direct.py) gave the network hash
    0.
    """
    images: dict[str, str] = {}
    _collect(Fragment.get(make_core(plan), None), [], images)
    if image := weight_image(plan, network_hash=0):
        images["weights.mem"] = "".join(f"{word:04x}\n" for word in image)
    return images


def _collect(fragment: Fragment, path: list[str], images: dict[str, str]) -> None:
    for number, (part, name, _) in enumerate(fragment.subfragments):
        inner = [*path, name or f"U${number}"]
        if isinstance(part, MemoryInstance):
            init = part._data.init
            width = Shape.cast(part._data.shape).width
            mask = (1 << width) - 1
            images["_".join(inner) + ".mem"] = "".join(f"{row & mask:0{width}b}\n" for row in init._raw)
        else:
            _collect(part, inner, images)

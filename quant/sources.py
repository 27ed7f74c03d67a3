"""Which layers a layer may take its input from, and what map it then sees."""

from collections.abc import Sequence

from ..numerics.errors import TwinspikeError, out_of_range
from .spec import COMBINES
from .synapses.maps import as_map


def source_shape(
    sources: Sequence[int], combine: str, shapes: Sequence[tuple[int, ...]], where: str
) -> tuple[int, ...]:
    """Shape of the map that the layer `where` sees behind its `sources`.

    `shapes` are those of the network's input and of the layers before it, first layer first. Raises
    TwinspikeError for a source that is not one of them (so that no cycle can be), for unequal shapes and
    for a combination that does not suit the number of sources.
    """
    last = len(shapes) - 2
    if combine not in COMBINES:
        raise out_of_range(f"{where}.combine", combine, "one of " + ", ".join(COMBINES))
    for source in sources:
        if type(source) is not int or not -1 <= source <= last:
            raise out_of_range(f"{where}.sources", list(sources), f"layers before it, -1..{last}")
    if combine == "iand" and len(sources) != 2:
        raise out_of_range(f"{where}.sources", list(sources), "two layers, for combine = iand")
    found = {shapes[source + 1] for source in sources}
    if len(found) > 1 and len({as_map(shape, where) for shape in found}) > 1:
        maps = " and ".join(str(list(shape)) for shape in sorted(found))
        raise TwinspikeError(f"{where}.sources have maps of {maps}: all must have the same shape")
    return shapes[sources[0] + 1]

"""`golden`: the integer network in numpy."""

import sys
from typing import Annotated

from twinspike.cli.app import command
from twinspike.cli.options import Config, Out, number


@command("golden")
def golden(
    config: Config = "digits",
    out: Out = "build",
    frames: Annotated[int | None, number("--frames", "N", "only the first N images")] = None,
) -> None:
    """Run the integer network in numpy over the test images and keep its spikes."""
    from twinspike.flow.folders import opened
    from twinspike.flow.golden import write_golden

    chosen, place = opened(config, out)
    path, images, accuracy = write_golden(chosen, place, frames or sys.maxsize)
    print(
        f"{path}: {images:,} frames, accuracy {accuracy:.4f} (spikes bool [T, frames, neurons], bit-packed)"
    )

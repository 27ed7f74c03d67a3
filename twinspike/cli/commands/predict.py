"""`predict`: what a trained network says of files."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import Config, Out


@command("predict")
def predict(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="images, sounds, recordings of events, captures")
    ],
    config: Config = "digits",
    network: Annotated[
        str,
        typer.Option(
            "--network",
            metavar="NAME",
            help="instead of --config: a network that ships, a .safetensors file, a build folder",
        ),
    ] = "",
    out: Out = "build",
    flows: Annotated[
        bool,
        typer.Option("--flows", help="answer for each flow of a capture, not for all its packets at once"),
    ] = False,
) -> None:
    """Say which class files are of, by the trained network in Python: no device is needed.

    Such as:
      twinspike predict --network mnist photo.png
      twinspike predict --config bars.toml bars/left/*.bs2
      twinspike predict --config sites.toml --flows capture.pcap

    A line a file: the class, by its name if the dataset gave it one; the distance to its reference, and that
    to the runner-up's. Unknown means that the distance exceeds the network's threshold. Images are brought
    to the network's size as [data] of the configuration says (fit, invert); everything else is encoded by the
    network's own encoder, from its beginning, for one frame. twinspike device stream goes on to its end.
    """
    from twinspike.api.loading import load
    from twinspike.cli.chosen import chosen_net
    from twinspike.flow.predict import answer_text

    net = load(network, out=out) if network else chosen_net(config, out)
    for found in net.predict(*files, flows=flows):
        text = answer_text(net.network, found.label, found.distance, found.runner_up, found.known)
        print(f"{found.title}: {text}", flush=True)

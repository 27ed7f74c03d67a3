"""`synth`: the core placed and routed."""

from twinspike.cli.app import command
from twinspike.cli.options import USUAL_SEEDS, Config, Jobs, Out, PlacerSeeds, SomeTargets


@command("synth")
def synth(
    config: Config = "digits",
    out: Out = "build",
    target: SomeTargets = None,
    seeds: PlacerSeeds = USUAL_SEEDS,
    jobs: Jobs = 2,
) -> None:
    """Place and route the core with yosys and nextpnr.

    Writes <target>/synth/synth.json: logic cells, block RAMs and Fmax, one a seed. Stages whose
    inputs have not changed are not run again.
    """
    from twinspike.cli.chosen import chosen_net
    from twinspike.cli.closing import then, wrote

    net = chosen_net(config, out)
    for each in target or net.hardware.targets:
        result = net.core(each).synthesise(seeds, jobs=jobs).table
        fmax = " / ".join(f"{result[f'fmax_{which}_mhz']:.1f}" for which in ("min", "median", "max"))
        print(
            f"{each}: {result['logic_cells']:,} of {result['logic_cells_available']:,} logic cells, "
            f"{result['ram_blocks']} of {result['ram_blocks_available']} block RAMs, Fmax {fmax} MHz "
            f"(min / median / max of seeds {', '.join(map(str, seeds))})"
        )
        wrote(net.place.synth(each), "synth.json, netlist.v, logs")
    print(f"next: {then('report', net.config, net.place)}")

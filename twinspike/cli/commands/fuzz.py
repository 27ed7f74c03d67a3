"""`fuzz`: a campaign of random networks and streams, or the replay of one case."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.executors import Cluster, Processes, executor
from twinspike.cli.options import Out, number

RESULTS = Path("results") / "fuzz.json"
MAP_RESULTS = Path("results") / "fuzz_maps.json"
MINUTES = 5


@command("fuzz", MAINTAINERS)
def fuzz(
    out: Out = "build",
    networks: Annotated[int | None, number("--networks", "N", "until N networks in all were tried")] = None,
    minutes: Annotated[int | None, number("--minutes", "M", "for M minutes")] = None,
    seed: Annotated[int | None, number("--seed", "S", "begin with this seed (default: the next)")] = None,
    maps: Annotated[
        bool,
        typer.Option("--maps", help="networks on feature maps, in a file of their own"),
    ] = False,
    case: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="try the case in this file, nothing else"),
    ] = None,
    jobs: Processes = None,
    cluster: Cluster = None,
) -> int:
    """Try random networks and streams, sound and hostile, in simulation against the golden model.

    Without a bound, 5 minutes. Counts are added up in results/fuzz.json, with --maps in
    results/fuzz_maps.json. A failure is shrunk and kept as a file for --replay; the command then ends with
    status 1.
    """
    from twinspike.numerics.extras import require
    from twinspike.numerics.locks import alone_with

    require("hypothesis")  # named first: its extra brings what the campaign needs besides
    from twinspike.sim.fuzz.campaign import Campaign, replay

    folder = Path(out) / "fuzz"
    if case:
        differs = replay(case, folder)
        print(f"{case}: {differs or 'everything is equal'}")
        return 1 if differs else 0
    results = MAP_RESULTS if maps else RESULTS
    # Each campaign goes on where the last one ended.
    with alone_with(results), executor(jobs, cluster) as workers:
        campaign = Campaign(folder, results, seed, maps=maps, executor=workers)
        if campaign.leaves_out_icarus:
            print("Icarus is not installed: its share of the seeds is left out (apt install iverilog)")
        first = campaign.counts["next_seed"]
        finding = campaign.run(networks, minutes if networks or minutes else MINUTES)
    c = campaign.counts
    print(
        f"seeds {first} to {c['next_seed']}; in all {c['networks']:,} networks, "
        f"{c.get('frames', 0):,} frames, {c.get('spikes_compared', 0):,} spikes compared ({results})"
    )
    for reason, count in sorted(c.get("refused", {}).items(), key=lambda item: -item[1]):
        print(f"  refused {count} times: {reason}")
    if finding:
        print(f"FOUND: {finding.message}\n  replay it with: twinspike fuzz --replay {finding.path}")
    return 1 if finding else 0

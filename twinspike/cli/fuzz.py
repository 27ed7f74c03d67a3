"""The step `fuzz`: a campaign of random networks and streams, or the replay of one case."""

from pathlib import Path

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.locks import alone_with

RESULTS = Path("results") / "fuzz.json"


def fuzz(networks: int | None, minutes: int | None, seed: int | None, case: Path | None, out: Path) -> int:
    """Run it and print what was compared; returns the exit status, 1 if something differs."""
    try:
        from twinspike.sim.fuzz.campaign import Campaign, replay
    except ModuleNotFoundError as error:
        raise TwinspikeError(
            f"fuzz needs {error.name}: install it with: pip install twinspike[dev]"
        ) from None

    folder = out / "fuzz"
    if case:
        differs = replay(case, folder)
        print(f"{case}: {differs or 'everything is equal'}")
        return 1 if differs else 0
    with alone_with(RESULTS):  # each campaign goes on where the last one ended
        campaign = Campaign(folder, RESULTS, seed)
        if campaign.leaves_out_icarus:
            print(
                "Icarus Verilog is not installed: its share of the seeds is left out (apt install iverilog)"
            )
        first = campaign.counts["next_seed"]
        finding = campaign.run(networks, minutes if networks or minutes else 5)
    c = campaign.counts
    print(
        f"seeds {first} to {c['next_seed']}; in all {c['networks']:,} networks, "
        f"{c.get('frames', 0):,} frames, {c.get('spikes_compared', 0):,} spikes compared ({RESULTS})"
    )
    if finding:
        print(f"FOUND: {finding.message}\n  replay it with: twinspike fuzz --replay {finding.path}")
    return 1 if finding else 0

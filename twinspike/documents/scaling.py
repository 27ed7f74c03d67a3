"""What docs/hardware.md says of a deeper network of convolutions, from benchmarks/scaling.py."""

from .tables import NOT_YET, Figures, table


def scaling_cost(figures: Figures, where: str) -> str:
    """What planning, writing and simulating the core took."""
    found = figures.studies.get("scaling")
    if found is None:
        return NOT_YET
    compared = sum(run["spikes_compared"] for run in found["runs"])
    wrong = sum(run["mismatches"] for run in found["runs"])
    rows = [
        ["neurons; weights", f"{found['neurons']:,}; {found['weights']:,}"],
        ["planned, CPU seconds", f"{found['plan_cpu_seconds']:.1f}"],
        ["written, CPU seconds", f"{found['emit_cpu_seconds']:.1f}"],
        ["memory at most, MiB", f"{found['emit_peak_mib']:,}"],
        ["simulated, neurons and steps compared; differing", f"{compared:,}; {wrong:,}"],
        ["spikes in the frames that were simulated", f"{found['spikes_simulated']:,}"],
    ]
    return table(("what", "measured"), rows)


def map_scaling(figures: Figures, where: str) -> str:
    """Clocks from image to image against lanes and input spikes, and the layer that is busiest."""
    found = figures.studies.get("scaling")
    if found is None:
        return NOT_YET
    head = (
        *("lanes at most", "inputs that spike", "spikes of all layers", "synaptic operations"),
        *("clocks from image to image", "busiest layer", "its clocks"),
    )
    rows = []
    for point in found["points"]:
        layers = point["layers"]
        busiest = max(range(len(layers)), key=lambda index: layers[index]["clocks"])
        rows.append(
            [
                str(point["lanes"]),
                f"{point['input_rate']:.0%}",
                f"{sum(layer['spikes'] for layer in layers):,.0f}",
                f"{sum(layer['operations'] for layer in layers):,.0f}",
                f"{point['interval']:,.0f}",
                f"{busiest} ({layers[busiest]['map']})",
                f"{layers[busiest]['clocks']:,.0f}",
            ]
        )
    return table(head, rows)


FILLS = (scaling_cost, map_scaling)

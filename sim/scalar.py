"""The integer network a second time: one neuron, one input, one step at a time, in plain Python.

Written from the definition in docs/numerics.md alone and sharing nothing with sim/golden.py, so that
the two can be held against each other. Far too slow for anything else.
"""


def run(network, frame):
    """A frame, frame[t][i] true if input i spikes in step t -> (spikes[layer][t][j], result).

    The result is (label, distance, runner_up, same), with runner_up 0xFFFFFFFF for a single reference.
    """
    trains: list[list[list[int]]] = []
    for index, layer in enumerate(network.layers):
        sources = [frame if s < 0 else trains[s] for s in layer.sources or (index - 1,)]
        trains.append(_run_layer(layer, _combined(sources, layer.combine)))
    return trains, _classify(network, trains[-1])


def _weight(layer, j, i):
    """The weight between input `i` and neuron `j`, 0 if there is none: a line per layer kind."""
    match layer.kind:
        case "dense":
            return int(layer.weight[j][i])
    raise ValueError(f"layer kind {layer.kind} is unknown")


def _combined(sources, how):
    """How often each input of a layer spikes in each step, from the trains of its sources."""
    out = []
    for steps in zip(*sources, strict=True):
        row = []
        for spikes in zip(*steps, strict=True):
            if how == "add":
                row.append(sum(int(s) for s in spikes))
            elif how == "and":
                row.append(1 if all(spikes) else 0)
            else:
                row.append(1 if spikes[0] and not spikes[1] else 0)
        out.append(row)
    return out


def _run_layer(layer, inputs):
    spec = layer.spec
    out: list[list[int]] = [[] for _ in inputs]
    lowest, highest = -(2 ** (spec.state_bits - 1)), 2 ** (spec.state_bits - 1) - 1
    for j in range(layer.neurons):
        channel = j % len(layer.threshold)
        threshold, bias = int(layer.threshold[channel]), int(layer.bias[channel])
        weights = [_weight(layer, j, i) for i in range(layer.inputs)]
        v, fired = 0, False
        for t, step in enumerate(inputs):
            u = v
            if spec.leak_shift > 0:
                u = v - v // 2**spec.leak_shift
            u = u + bias
            for i, spikes in enumerate(step):
                u = u + weights[i] * int(spikes)
            if u > highest:
                u = highest
            if u < lowest:
                u = lowest
            spike = u >= threshold and not (spec.single_spike and fired)
            v = u
            if spike:
                fired = True
                v = u - threshold if spec.reset == "subtract" else 0
            out[t].append(spike)
    return out


def _classify(network, outputs):
    distances, labels = [], [int(label) for label in network.references.labels]
    if network.readout == "counts":
        labels = list(range(len(outputs[0])))
        distances = [sum(1 for step in outputs if not step[n]) for n in labels]
    for table in network.references.counts:
        count = [0] * len(outputs[0])
        distance = 0
        for t, step in enumerate(outputs):
            for n, spike in enumerate(step):
                count[n] += 1 if spike else 0
                difference = count[n] - int(table[t][n])
                distance += difference if difference > 0 else -difference
        distances.append(distance)
    best = 0
    for k in range(1, len(distances)):
        if distances[k] < distances[best]:
            best = k
    runner_up = 0xFFFFFFFF
    for k, distance in enumerate(distances):
        if k != best and distance < runner_up:
            runner_up = distance
    return labels[best], distances[best], runner_up, distances[best] <= network.verify_threshold

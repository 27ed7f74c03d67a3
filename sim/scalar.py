"""The integer network a second time: one neuron, one input, one step at a time, in plain Python.

Written from the definition in docs/numerics.md alone and sharing nothing with sim/golden.py, so that
the two can be held against each other. Far too slow for anything else.
"""


def run(network, frame):
    """A frame, frame[t][i] true if input i spikes in step t -> (spikes[layer][t][j], result).

    The result is (label, distance, runner_up, same), with runner_up 0xFFFFFFFF for a single reference.
    """
    trains, inputs = [], frame
    for layer in network.layers:
        inputs = _run_layer(layer, inputs)
        trains.append(inputs)
    return trains, _classify(network, inputs)


def _run_layer(layer, inputs):
    spec = layer.spec
    out: list[list[int]] = [[] for _ in inputs]
    lowest, highest = -(2 ** (spec.state_bits - 1)), 2 ** (spec.state_bits - 1) - 1
    for j in range(len(layer.threshold)):
        threshold, bias = int(layer.threshold[j]), int(layer.bias[j])
        weights = [int(w) for w in layer.weight[j]]
        v, fired = 0, False
        for t, step in enumerate(inputs):
            u = v
            if spec.leak_shift > 0:
                u = v - v // 2**spec.leak_shift
            u = u + bias
            for i, spikes in enumerate(step):
                if spikes:
                    u = u + weights[i]
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

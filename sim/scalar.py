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
        inputs = _combined(sources, layer.combine)
        if network.readout == "membrane" and index == len(network.layers) - 1:
            sums = [0] * layer.neurons
            trains.append(_run_layer(layer, inputs, sums))
            return trains, _by_sum(network, sums)
        trains.append(_run_layer(layer, inputs))
    return trains, _classify(network, trains[-1])


def _weight(layer, j, i):
    """The weight between input `i` and neuron `j`, 0 if there is none: a line per layer kind."""
    match layer.kind:
        case "dense":
            return int(layer.weight[j][i])
        case "conv":
            return _conv_weight(layer, j, i)
        case "taps":
            return _taps_weight(layer, j, i)
    raise ValueError(f"layer kind {layer.kind} is unknown")


def _conv_weight(layer, j, i):
    """Output (y, x) sees input (y * s - p + ky * d, x * s - p + kx * d), within its group of channels."""
    s = layer.synapses
    _, width, channels = s.map
    filters, per_group, kh, kw = layer.weight.shape
    columns = (width + 2 * s.padding[1] - s.dilation[1] * (kw - 1) - 1) // s.stride[1] + 1
    out, x, y = j % filters, j // filters % columns, j // filters // columns
    c, at_x, at_y = i % channels, i // channels % width, i // channels // width
    if out // (filters // s.groups) != c // per_group:
        return 0
    for ky in range(kh):
        for kx in range(kw):
            if y * s.stride[0] - s.padding[0] + ky * s.dilation[0] != at_y:
                continue
            if x * s.stride[1] - s.padding[1] + kx * s.dilation[1] == at_x:
                return int(layer.weight[out][c % per_group][ky][kx])
    return 0


def _taps_weight(layer, j, i):
    """Tap k of channel c at output (y, x) sees input (y * s + offset[c, k, 0], x * s + offset[c, k, 1])."""
    s = layer.synapses
    _, width, channels = s.map
    filters, per_group, taps = layer.weight.shape
    columns = (width + s.stride[1] - 1) // s.stride[1]
    out, x, y = j % filters, j // filters % columns, j // filters // columns
    c, at_x, at_y = i % channels, i // channels % width, i // channels // width
    if out // (filters // s.groups) != c // per_group:
        return 0
    total = 0  # several taps may look at the same input
    for k in range(taps):
        dy, dx = (int(d) for d in s.offset[c][k])
        if y * s.stride[0] + dy == at_y and x * s.stride[1] + dx == at_x:
            total += int(layer.weight[out][c % per_group][k])
    return total


def _pooled(layer, inputs):
    """Each output of a pool: how often the inputs of its window spike, or whether any of them does."""
    s = layer.synapses
    (height, width, channels), (rows, columns) = s.map, s.window
    out = []
    for step in inputs:
        row = []
        for y in range(height // rows):
            for x in range(width // columns):
                for c in range(channels):
                    total = 0
                    for dy in range(rows):
                        for dx in range(columns):
                            total += step[((y * rows + dy) * width + x * columns + dx) * channels + c]
                    row.append(total > 0 if s.mode == "or" else total)
        out.append(row)
    return out


def _upsampled(layer, inputs):
    """Each output of a block spikes as often as the input that the block stands for."""
    s = layer.synapses
    (height, width, channels), (rows, columns) = s.map, s.window
    out = []
    for step in inputs:
        row = []
        for y in range(height * rows):
            for x in range(width * columns):
                for c in range(channels):
                    row.append(step[(y // rows * width + x // columns) * channels + c])
        out.append(row)
    return out


def _delayed(layer, inputs):
    """Output i * K + k of a delay spikes delay[i][k] steps after input i, unless the frame is over."""
    taps = len(layer.synapses.delay[0])
    out = [[False] * layer.neurons for _ in inputs]
    for t, step in enumerate(inputs):
        for i, spikes in enumerate(step):
            for k in range(taps):
                later = t + int(layer.synapses.delay[i][k])
                if int(spikes) > 0 and later < len(inputs):
                    out[later][i * taps + k] = True
    return out


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


def _run_layer(layer, inputs, sums=None):
    """Spikes [t][j] of a layer; with `sums` it never fires, and each u is added to those."""
    if layer.kind == "pool":
        return _pooled(layer, inputs)
    if layer.kind == "delay":
        return _delayed(layer, inputs)
    if layer.kind == "upsample":
        return _upsampled(layer, inputs)
    spec = layer.spec
    out: list[list[int]] = [[] for _ in inputs]
    lowest, highest = -(2 ** (spec.state_bits - 1)), 2 ** (spec.state_bits - 1) - 1
    for j in range(layer.neurons):
        channel = j % len(layer.threshold)
        threshold, bias = int(layer.threshold[channel]), int(layer.bias[channel])
        weights = [_weight(layer, j, i) for i in range(layer.inputs)]
        v, fired = 0, False
        for t, step in enumerate([inputs[0]] * len(inputs) if layer.hold else inputs):
            u = v
            if spec.leak_shift > 0:
                u = v - v // 2**spec.leak_shift
            if spec.forget:
                u = 0
            u = u + bias
            for i, spikes in enumerate(step):
                u = u + weights[i] * int(spikes)
            if u > highest:
                u = highest
            if u < lowest:
                u = lowest
            spike = u >= threshold and not (spec.single_spike and fired)
            if sums is not None:
                sums[j] += u
                spike = False
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
    return _nearest(network, labels, distances)


def _by_sum(network, sums):
    """The largest sum of membranes wins; its distance is what it lacks to the highest in every step."""
    highest = 2 ** (network.layers[-1].spec.state_bits - 1) - 1
    return _nearest(network, list(range(len(sums))), [network.timesteps * highest - s for s in sums])


def _nearest(network, labels, distances):
    best = 0
    for k in range(1, len(distances)):
        if distances[k] < distances[best]:
            best = k
    runner_up = 0xFFFFFFFF
    for k, distance in enumerate(distances):
        if k != best and distance < runner_up:
            runner_up = distance
    threshold = network.verify_threshold
    if network.references.threshold is not None:
        threshold = int(network.references.threshold[best])
    return labels[best], distances[best], runner_up, distances[best] <= threshold

"""A first look at files of one's own: what there is in words, and a picture of some of it."""

from pathlib import Path

import numpy as np

from twinspike.model.data.images import read_image
from twinspike.model.data.readers import kind_of, read_recording
from twinspike.model.data.readers.packets import FlowKey, read_flows
from twinspike.model.data.settings import DataSettings
from twinspike.model.data.summary import recording_lines, summary
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import EventRecording, Flow, Recording, Sound

# Classes and flows that a picture or a table has room for.
MOST_ROWS = 12


def look_at(path: Path, out: Path) -> tuple[list[str], Path | None]:
    """Lines about a dataset or a recording, and the picture that was written into the folder `out`.

    Raises TwinspikeError for what cannot be read.
    """
    if path.is_dir() or path.suffix.lower() in (".npz", ".csv"):
        found = summary(path)
        rows = dict(list(found.shown.items())[:MOST_ROWS])
        picture = _sheet(out / f"{path.resolve().name}.png", rows, found.kind)
        return found.lines, picture
    kind = kind_of(path)
    if kind is None:
        raise TwinspikeError(f"{path}: expected a folder, an .npz or a .csv file, or a recording")
    if kind == "packets":
        flows = read_flows(path, path.read_bytes())
        recording: Recording = max(flows.values(), key=len)
        lines = _flow_lines(path, flows)
    else:
        recording = read_recording(path)
        lines = recording_lines(path, recording)
    return lines, _sheet(out / f"{path.name}.png", {path.name: [recording]}, kind)


def _flow_lines(path: Path, flows: dict[FlowKey, Flow]) -> list[str]:
    """A line for each of the longest flows."""
    most = sorted(flows.items(), key=lambda item: -len(item[1]))
    lines = [f"{path}: {len(flows)} flows, {sum(map(len, flows.values())):,} packets"]
    for key, flow in most[:MOST_ROWS]:
        lines += recording_lines(Path(key.text), flow)
    if len(most) > MOST_ROWS:
        lines.append(f"and {len(most) - MOST_ROWS} shorter ones")
    return lines


def _sheet(file: Path, rows: dict[str, list], kind: str) -> Path:
    """One row per class, a few samples each."""
    from matplotlib.figure import Figure

    columns = max(len(samples) for samples in rows.values())
    wide = 5.0 if columns == 1 else 1.5
    figure = Figure(figsize=(max(wide * columns, 3), 1.6 * len(rows) + 0.3), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (name, samples) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for place, axis in enumerate(axes):
            axis.set_xticks([])
            axis.set_yticks([])
            if place < len(samples):
                sample = samples[place]
                draw(axis, _read(sample, kind) if isinstance(sample, Path) else sample)
            else:
                axis.axis("off")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    return file


def _read(path: Path, kind: str) -> np.ndarray | Recording:
    if kind == "image":
        return read_image(path, path.read_bytes(), DataSettings())
    return read_recording(path)


def draw(axis, sample: np.ndarray | Recording) -> None:
    """One sample in a small picture: an image, counts of events, a spectrogram, packets over time."""
    if isinstance(sample, EventRecording):
        counts = np.zeros((sample.height, sample.width, 2))
        np.add.at(counts, (sample.y, sample.x, sample.on.astype(int)), 1)
        top = max(float(np.percentile(counts[counts > 0], 95)), 1) if counts.any() else 1
        dark, bright = np.moveaxis(np.clip(counts / top, 0, 1), 2, 0)
        axis.imshow(np.stack([bright, (bright + dark) * 0.2, dark], axis=2), interpolation="nearest")
    elif isinstance(sample, Sound):
        axis.specgram(sample.samples, NFFT=256, Fs=sample.rate, noverlap=128, cmap="magma")
    elif isinstance(sample, Flow):
        axis.vlines((sample.t - sample.t.min()) / 1e6, 0, sample.size, linewidth=0.7)
        axis.axhline(0, color="grey", linewidth=0.5)
    elif sample.ndim == 1:
        axis.bar(range(len(sample)), sample)
    elif sample.ndim == 2 or (sample.ndim == 3 and sample.shape[2] in (1, 3)):
        axis.imshow(sample.squeeze(), cmap="gray", vmin=0, vmax=255 if sample.max() > 1 else 1)
    else:
        # Spikes [T, *map]: steps from left to right, addresses from top to bottom.
        axis.imshow(sample.reshape(len(sample), -1).T, cmap="gray_r", aspect="auto", interpolation="nearest")

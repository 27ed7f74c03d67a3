"""Slots of a device: listed, enrolled into, cleared."""

import sys

from rich.console import Console
from rich.table import Table

from twinspike.boards.request import Request, examples, opened
from twinspike.config import Config
from twinspike.flow.folders import Folders
from twinspike.host import Device, DeviceError
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.class_names import label_text


def listing(config: Config, place: Folders, request: Request) -> bool:
    """Print every slot; the network's file need not be at hand."""
    with Device.open(request.port, baud=request.baud, timeout=request.timeout) as device:
        slots = device.slots()
        usual = device.threshold
    table = Table("slot", "label", "threshold")
    for slot in slots:
        threshold = f"{usual} (the device's)" if slot.threshold is None else str(slot.threshold)
        table.add_row(str(slot.number), *((str(slot.label), threshold) if slot.holds else ("free", "")))
    Console().print(table)
    print(f"{sum(not slot.holds for slot in slots)} of {len(slots)} slots free")
    return True


def enrol(config: Config, place: Folders, request: Request) -> bool:
    """Enrol an image, or the median of several, in the slot that was named, else in a free one."""
    with opened(config, place, request) as (device, network):
        images, titles = examples(config, network, request)
        slot = _slot(device, request)
        if len(images) > 1:
            device.enrol_median(slot, request.label, images, pixels=request.pixels)
            print(f"slot {slot} holds the median of {', '.join(titles)} under label {request.label}")
        else:
            answer = device.enrol(slot, request.label, images[0], pixels=request.pixels)
            print(
                f"slot {slot} holds {titles[0]} under label {request.label}; until now it was nearest to "
                f"{label_text(network, answer.label)}, at distance {answer.distance}"
            )
        threshold = device.fit_threshold(slot, images, pixels=request.pixels)
    print(f"what is further from it than {threshold} is unknown")
    return True


def clear(config: Config, place: Folders, request: Request) -> bool:
    """Empty a slot."""
    if request.slot is None:
        raise TwinspikeError("clear: name a slot, --slot K; twinspike device list shows what they hold")
    with Device.open(request.port, baud=request.baud, timeout=request.timeout) as device:
        _consent(device, request, "empty")
        device.clear(request.slot)
    print(f"slot {request.slot} is free")
    return True


def _slot(device: Device, request: Request) -> int:
    if request.slot is not None:
        _consent(device, request, "replace")
        return request.slot
    slot = device.free_slot()
    if slot is None:
        raise DeviceError(
            f"all {device.info.slots} slots hold references: name one to replace with --slot K, or empty one "
            "with twinspike device clear --slot K; twinspike device list shows them"
        )
    print(f"slot {slot} is free: it is taken")
    return slot


def _consent(device: Device, request: Request, what: str) -> None:
    """Ask before a reference is given up; raises TwinspikeError where nobody agrees."""
    assert request.slot is not None
    label, holds = device.reference(request.slot)
    if not holds or request.replace:
        return
    if not sys.stdin.isatty():
        raise TwinspikeError(f"slot {request.slot} holds label {label}: give --replace to {what} it")
    if input(f"slot {request.slot} holds label {label}: {what} it? [y/N] ").strip().lower() != "y":
        raise TwinspikeError(f"slot {request.slot} keeps label {label}")

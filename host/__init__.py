"""Talking to a board: images in, labels, distances and decisions out, classes enrolled on the chip.

from twinspike.host import Device

with Device.open("/dev/ttyUSB1", network="build/mnist/network.safetensors") as device:
    for answer in device.classify(images):
        print(answer.label, answer.distance)
"""

from .device import Device
from .errors import DeviceError, HostError, LinkError
from .info import Answer, Info, Slot

__all__ = ["Answer", "Device", "DeviceError", "HostError", "Info", "LinkError", "Slot"]

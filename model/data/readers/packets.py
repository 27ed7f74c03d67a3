"""Packets of a capture, .pcap or .pcapng, by the library dpkt; flows are told apart by their five-tuple."""

import io
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dpkt
import numpy as np

from ....numerics.errors import TwinspikeError
from ....numerics.recordings import Flow

_PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}


class FlowKey(NamedTuple):
    """Who talks to whom: the side that sent first, the other one, each an address and a port, and how."""

    source: tuple[bytes, int]
    target: tuple[bytes, int]
    protocol: int

    @property
    def text(self) -> str:
        """As `10.0.0.5:51233 > 93.184.216.34:443 TCP`."""
        ends = " > ".join(_end_text(*end) for end in (self.source, self.target))
        return f"{ends} {_PROTOCOLS.get(self.protocol, f'protocol {self.protocol}')}"


def _end_text(address: bytes, port: int) -> str:
    if len(address) not in (4, 16):
        return address.hex(":")
    host = str(ipaddress.ip_address(address))
    if not port:
        return host
    return f"[{host}]:{port}" if len(address) == 16 else f"{host}:{port}"


def read_pcap(path: Path, data: bytes) -> Flow:
    """All packets of a capture as one flow; above 0 what its first packet's sender sent."""
    flows = read_flows(path, data)
    t = np.concatenate([flow.t for flow in flows.values()])
    size = np.concatenate([flow.size for flow in flows.values()])
    order = np.argsort(t, kind="stable")
    return Flow(t[order], size[order])


def read_flows(path: Path, data: bytes) -> dict[FlowKey, Flow]:
    """The flows of a capture, in the order of their first packets; raises TwinspikeError.

    A packet's size is the length of its IP packet (what is no IP counts whole, as one flow of its own).
    Packets that follow a cut are left out; a file that is cut off at its very beginning is refused.
    """
    packets: dict[FlowKey, list[tuple[int, int]]] = {}
    for time, link, frame in _frames(path, data):
        source, target, protocol, size = _ends(link, frame)
        there, back = FlowKey(source, target, protocol), FlowKey(target, source, protocol)
        if back in packets and there != back:
            packets[back].append((time, -size))
        else:
            packets.setdefault(there, []).append((time, size))
    if not packets:
        raise TwinspikeError(f"{path}: holds no packets: expected one at least")
    return {key: Flow(*np.array(rows, np.int64).T.copy()) for key, rows in packets.items()}


def _frames(path: Path, data: bytes) -> Iterator[tuple[int, int, bytes]]:
    try:
        reader = dpkt.pcap.UniversalReader(io.BytesIO(data))
    except (ValueError, dpkt.UnpackError, dpkt.NeedData) as error:
        raise TwinspikeError(f"{path}: is no .pcap or .pcapng file ({error})") from None
    try:
        for seconds, frame in reader:
            yield round(float(seconds) * 1_000_000), reader.datalink(), bytes(frame)
    except (ValueError, dpkt.UnpackError, dpkt.NeedData):
        return


def _ends(link: int, frame: bytes) -> tuple[tuple[bytes, int], tuple[bytes, int], int, int]:
    """Sender, receiver, protocol and size of a frame."""
    try:
        packet = _ip(link, frame)
    except (dpkt.UnpackError, dpkt.NeedData, IndexError):
        packet = None
    if not isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)):
        return (frame[6:12], 0), (frame[:6], 0), 0, len(frame)
    if isinstance(packet, dpkt.ip.IP):
        size, protocol = packet.len, packet.p
    else:
        size, protocol = packet.plen + 40, packet.nxt
    ports = (getattr(packet.data, "sport", 0), getattr(packet.data, "dport", 0))
    return (packet.src, ports[0]), (packet.dst, ports[1]), protocol, size


def _ip(link: int, frame: bytes) -> object:
    if link == dpkt.pcap.DLT_EN10MB:
        return dpkt.ethernet.Ethernet(frame).data
    if link == dpkt.pcap.DLT_LINUX_SLL:
        return dpkt.sll.SLL(frame).data
    if link in (dpkt.pcap.DLT_NULL, dpkt.pcap.DLT_LOOP):
        return dpkt.loopback.Loopback(frame).data
    version = frame[0] >> 4
    return dpkt.ip6.IP6(frame) if version == 6 else dpkt.ip.IP(frame)

"""The image of weights that are loaded at run time: 16-bit words with a header and a CRC.

    word 0     0x5754, the characters TW
    word 1     2, the version of this format, and 256 times the weights a memory word (the layer's lanes); of
               several layers: 256 times the lowest byte of the CRC-32 of their lanes, a byte each
    words 2-5  network hash, lowest word first
    words 6-7  number of weight words, lower half first
    ...        weight words in the order of the memory, lowest piece of each row first, layer by layer
    last two   CRC-32 (ISO-HDLC, as of zlib and Ethernet) of all words before, lower half first

As bytes, in a flash memory, the words are little-endian.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Array, Module, Mux, ResetSignal, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from ..parts.events import AXIS
from ..plan import CorePlan, LayerPlan
from ..plan.core import HEADER_WORDS, TRAILER_WORDS

MAGIC = int.from_bytes(b"TW", "little")
VERSION = 2


def weight_image(plan: CorePlan, network_hash: int | None = None) -> list[int]:
    """The words of the plan's image, empty if nothing is loaded; `network_hash` is the network's own."""
    if network_hash is None:
        network_hash = plan.network_hash
    loaded = plan.loaded
    if not loaded:
        return []
    words = [word for layer in loaded for word in layer.load_words()]
    image = [MAGIC, _form(loaded), *_halves(network_hash, 4), *_halves(len(words), 2), *words]
    return [*image, *_halves(zlib.crc32(image_bytes(image)), TRAILER_WORDS)]


def image_bytes(words: list[int]) -> bytes:
    """Words as they lie in a flash memory."""
    return np.array(words, dtype="<u2").tobytes()


def _form(plans: Sequence[LayerPlan]) -> int:
    """Word 1: images of one network for other lanes have the same hash, and the same length."""
    lanes = bytes(plan.lanes for plan in plans)
    return VERSION | (lanes[0] if len(lanes) == 1 else zlib.crc32(lanes) & 0xFF) << 8


def _halves(value: int, count: int) -> list[int]:
    return [value >> (16 * i) & 0xFFFF for i in range(count)]


def load_layout(plan: LayerPlan) -> data.StructLayout:
    """A word on its way into a layer's weight memory: piece `address` is written while `enable`."""
    return _pieces_layout(plan.load_length)


def _pieces_layout(pieces: int) -> data.StructLayout:
    return data.StructLayout({"enable": 1, "address": (pieces - 1).bit_length(), "data": 16})


class ImageCheck(wiring.Component):
    """Takes an image apart, hands its weight words on, and says whether they may be used.

    From an image's first word taken until its CRC has been found right, `loaded` is low. An image with
    another header is passed over up to its `last` and sets `foreign`; one that ends too early or has
    another CRC sets `damaged`. The next image clears both. `last` is needed only with images that are
    not sound. A word every 2 clocks, for a CRC of half the size and short paths (what loads is slower),
    and 2 more behind each image; a weight word comes out 3 clocks after it was taken, and `loaded` rises 4
    clocks after the image's last word was taken.

    `loaded` outlives a reset with `keep`: the weights do.

    Members: `i` (In stream of words and `last`), `network_hash` (In), `o` (Out, of load_layout; of several
    layers' pieces, numbered one after the other: see LoadShare), `loaded`, `foreign`, `damaged` (Out), `keep`
    (In).
    """

    def __init__(self, *plans: LayerPlan):
        self._pieces = sum(plan.load_length for plan in plans)
        self._layout = _pieces_layout(self._pieces)
        self._form = _form(plans)
        super().__init__(
            {
                "i": In(stream.Signature(AXIS)),
                "network_hash": In(64),
                "o": Out(self._layout),
                "loaded": Out(1),
                "foreign": Out(1),
                "damaged": Out(1),
                "keep": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        place, position = Signal(range(HEADER_WORDS)), Signal.like(self.o.address)
        loaded = Signal(reset_less=True)
        word, last = Signal(16, reset_less=True), Signal()
        taken, deciding = Signal(), Signal()
        # A word is taken, looked at beside its lower byte's CRC, and acted on beside its upper byte's.
        look, act = Signal(), Signal()
        unequal, complete, header_ends = Signal(), Signal(), Signal()
        hash_words = [self.network_hash[16 * i : 16 * i + 16] for i in range(4)]
        expected = Array([MAGIC, self._form, *hash_words, *_halves(self._pieces, 2)])[place]
        m.d.comb += [
            self.i.ready.eq(~look & ~deciding),
            taken.eq(self.i.valid & self.i.ready),
            crc.valid.eq(look | act),
            crc.data.eq(Mux(look, word[:8], word[8:])),
            self.loaded.eq(loaded),
        ]
        m.d.sync += [
            look.eq(taken),
            act.eq(look),
            unequal.eq(word != expected),
            complete.eq(position == self._pieces - 1),
            header_ends.eq(place == HEADER_WORDS - 1),
            self.o.enable.eq(0),
            self.o.address.eq(position),
            self.o.data.eq(word),
        ]
        with m.If(taken):
            m.d.sync += [word.eq(self.i.p.data), last.eq(self.i.p.last)]
        with m.FSM():
            with m.State("HEADER"):
                m.d.comb += crc.start.eq(look & (place == 0))
                m.d.sync += position.eq(0)
                with m.If(taken):
                    m.d.sync += loaded.eq(0)
                with m.If(act):
                    m.d.sync += place.eq(Mux(last, 0, place + 1))
                    with m.If(place == 0):
                        m.d.sync += [self.foreign.eq(0), self.damaged.eq(0)]
                    with m.If(unequal):
                        m.d.sync += [self.foreign.eq(1), self.damaged.eq(0), place.eq(0)]
                        with m.If(~last):
                            m.next = "PASS OVER"
                    with m.Elif(last):
                        m.d.sync += self.damaged.eq(1)
                    with m.Elif(header_ends):
                        m.next = "WEIGHTS"
            with m.State("WEIGHTS"):
                m.d.sync += self.o.enable.eq(act)
                with m.If(act):
                    m.d.sync += position.eq(position + 1)
                    with m.If(last):
                        m.d.sync += self.damaged.eq(1)
                        m.next = "HEADER"
                    with m.Elif(complete):
                        m.next = "CRC LOW"
            with m.State("CRC LOW"), m.If(act):
                m.d.sync += self.damaged.eq(last)
                m.next = "CRC HIGH"
                with m.If(last):
                    m.next = "HEADER"
            with m.State("CRC HIGH"):
                m.d.comb += deciding.eq(act)
                with m.If(act):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                m.d.comb += deciding.eq(1)
                m.d.sync += [loaded.eq(crc.match_detected), self.damaged.eq(~crc.match_detected)]
                m.next = "HEADER"
            with m.State("PASS OVER"), m.If(act & last):
                m.next = "HEADER"
        with m.If(ResetSignal() & ~self.keep):
            m.d.sync += loaded.eq(0)
        return m


class LoadShare(wiring.Component):
    """Deals the pieces of an image to the layers that it holds weights of, a clock later.

    Members: `i` (In, as ImageCheck's `o`), `o` (Out, a list: of load_layout for each of `plans`).
    """

    def __init__(self, *plans: LayerPlan):
        self._lengths = [plan.load_length for plan in plans]
        members = {f"o_{k}": Out(load_layout(plan)) for k, plan in enumerate(plans)}
        super().__init__({"i": In(_pieces_layout(sum(self._lengths))), **members})

    @property
    def o(self) -> list[data.View]:
        return [getattr(self, f"o_{k}") for k in range(len(self._lengths))]

    def elaborate(self, platform):
        m = Module()
        start = 0
        for port, length in zip(self.o, self._lengths, strict=True):
            mine = (self.i.address >= start) & (self.i.address < start + length)
            m.d.sync += [
                port.enable.eq(self.i.enable & mine),
                port.address.eq(self.i.address - start),
                port.data.eq(self.i.data),
            ]
            start += length
        return m

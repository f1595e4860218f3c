"""Pictures of every kind that is read → files that are broken, misleading or odd, each from its number."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from tests.tiny import draw_face

Chance = np.random.Generator

_MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16"),
}
_NOT_PICTURES = (
    b"",
    b"\x00" * 4096,
    b"GIF89a",
    b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Type /Catalog>> endobj",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9999 9999\n(/etc/passwd) run",
    b"PK\x05\x06" + bytes(18),
    b"#!/bin/sh\necho hello\n",
    "Grüße aus der Ferne".encode("utf-16"),
)


BOMBS = (2_000, 4_900, 12_000, 20_000)  # pixels to a side; the first two are within the limits, and are unpacked
_BLOCK = 1 << 20  # bytes
_ADLER = 65_521  # the prime of zlib's checksum


@cache
def pictures() -> tuple[tuple[str, bytes], ...]:
    """A face in every format and mode, with its format's name; GIF, WebP and TIFF also with several frames."""
    face = Image.fromarray(draw_face(3, seed=1, size=80))
    found = [(kind, _file(_in_mode(face, mode), kind)) for kind, modes in _MODES.items() for mode in modes]
    frames = [face.rotate(20 * number) for number in range(3)]
    for kind in ("GIF", "WEBP", "TIFF"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:])
        found.append((kind, file.getvalue()))
    return tuple(found)


def mutant(number: int) -> bytes:
    """The file of that number, always the same."""
    chance = np.random.default_rng(number)
    return _MUTATIONS[number % len(_MUTATIONS)](chance)


def _in_mode(face: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257)
    return face.convert(mode)


def _file(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def _any(chance: Chance) -> bytes:
    return pictures()[chance.integers(len(pictures()))][1]


def _truncated(chance: Chance) -> bytes:
    content = _any(chance)
    return content[: chance.integers(len(content))]


def _flipped(chance: Chance) -> bytes:
    content = bytearray(_any(chance))
    for place in chance.integers(len(content), size=chance.integers(1, 40)):
        content[place] ^= 1 << int(chance.integers(8))
    return bytes(content)


def _flipped_head(chance: Chance) -> bytes:
    content = bytearray(_any(chance))
    for place in chance.integers(min(64, len(content)), size=chance.integers(1, 6)):
        content[place] = int(chance.integers(256))
    return bytes(content)


def _spliced(chance: Chance) -> bytes:
    first, second = _any(chance), _any(chance)
    return first[: chance.integers(len(first))] + second[chance.integers(len(second)) :]


def _no_picture(chance: Chance) -> bytes:
    return _NOT_PICTURES[chance.integers(len(_NOT_PICTURES))]


def _polyglot(chance: Chance) -> bytes:
    return _any(chance) + _NOT_PICTURES[chance.integers(len(_NOT_PICTURES))] + _any(chance)


def _noise(chance: Chance) -> bytes:
    return bytes(chance.integers(0, 256, chance.integers(1, 3000), dtype=np.uint8))


def _huge(chance: Chance) -> bytes:
    """A PNG whose heading tells of sides that its few pixels do not have, or that no machine could hold."""
    width, height = (int(chance.choice([0, 1, 30_000, 100_000, 2**31 - 1])) for _ in range(2))
    return _png(width, height, zlib.compress(bytes(1000)))


def _bomb(chance: Chance) -> bytes:
    """A small PNG that unpacks to many megabytes, where its heading does not already say that these are too many."""
    return bomb(int(chance.choice(BOMBS)))


@cache
def bomb(side: int) -> bytes:
    """A whole PNG of so many black pixels to a side; each of its rows is a byte that names a filter, and the pixels."""
    return _png(side, side, zeros(side * (1 + 3 * side)))


def zeros(count: int) -> bytes:
    """So many zeros, as zlib packs them; the same block again and again, so that billions take a moment."""
    full, rest = divmod(count, _BLOCK)
    checksum = struct.pack(">HH", count % _ADLER, 1)
    return b"\x78\xda" + _packed(_BLOCK) * full + _packed(rest) + b"\x03\x00" + checksum


@cache
def _packed(count: int) -> bytes:
    """So many zeros as a deflated block that stands on its own."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(bytes(count)) + packer.flush(zlib.Z_FULL_FLUSH)


def _png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    heading = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", heading) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


_MUTATIONS: tuple[Callable[[Chance], bytes], ...] = (
    _any,
    _truncated,
    _flipped,
    _flipped_head,
    _spliced,
    _no_picture,
    _polyglot,
    _noise,
    _huge,
    _bomb,
)

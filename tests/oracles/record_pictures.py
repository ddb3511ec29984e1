#!/usr/bin/env python3
"""Writes small PNG and JPEG files of every kind that a reader may have, and records what Pillow's convert("RGB") makes of them (SHA-256 of the bytes) ->
tests/data/pictures/, tests/data/pictures.json. Samples of 16 bits are recorded as their upper bytes (NumPy), broken files as refused.
Needs numpy and Pillow 9 (pip install numpy==1.26.4 pillow==9.5.0)."""
import hashlib
import io
import json
import pathlib
import struct
import zlib

import numpy
import PIL
from PIL import Image

FOLDER = pathlib.Path(__file__).parents[1] / "data/pictures"
WIDTH, HEIGHT = 37, 26


def formula(channels, bits=8):
    y, x, c = numpy.meshgrid(numpy.arange(HEIGHT), numpy.arange(WIDTH), numpy.arange(channels), indexing="ij")
    values = (x * 7 + y * 13 + c * 50 + (x // 9) * (y // 5) * 17) % 256
    return (values * 257 + x * 3 + c if bits == 16 else values).astype(numpy.uint16 if bits == 16 else numpy.uint8)


def png(header, rows, *more):
    """A PNG file by hand, for what Pillow does not write: header (bit depth, colour type, interlace), filtered rows."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    depth, color, interlace = header
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + body + b"".join(chunk(*m) for m in more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def plain(values):
    return b"".join(b"\0" + row.tobytes() for row in values)


def interlaced(values):
    """Adam7 (PNG, section 8.2)."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return b"".join(plain(values[y0::dy, x0::dx]) for x0, y0, dx, dy in passes if values[y0::dy, x0::dx].size)


def written(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


rgb = Image.fromarray(formula(3))
grey = Image.fromarray(formula(1)[..., 0])
palette = rgb.quantize(16)
oriented = Image.Exif()
oriented[0x0112] = 6
wide, wider = formula(3, 16), formula(1, 16)
FILES = {
    "rgb.png": written(rgb, "PNG"),
    "rgba.png": written(Image.fromarray(formula(4), "RGBA"), "PNG"),
    "grey.png": written(grey, "PNG"),
    "grey-alpha.png": written(Image.fromarray(formula(2), "LA"), "PNG"),
    "bits.png": written(grey.point(lambda v: 255 * (v > 127)).convert("1"), "PNG"),
    "palette.png": written(palette, "PNG", bits=4),
    "palette-transparent.png": written(palette, "PNG", transparency=3),
    "interlaced.png": png((8, 2, 1), interlaced(formula(3))),
    "grey16.png": png((16, 0, 0), plain(wider[..., 0].astype(">u2"))),
    "rgb16.png": png((16, 2, 0), plain(wide.astype(">u2"))),
    "rgb.jpg": written(rgb, "JPEG", quality=90),
    "full-colour.jpg": written(rgb, "JPEG", quality=95, subsampling=0),
    "progressive.jpg": written(rgb, "JPEG", quality=80, progressive=True),
    "grey.jpg": written(grey, "JPEG"),
    "oriented.jpg": written(rgb, "JPEG", exif=oriented),
    "cmyk.jpg": written(rgb.convert("CMYK"), "JPEG"),
}
FILES["short.png"] = FILES["rgb.png"][:-100]
FILES["short.jpg"] = FILES["rgb.jpg"][:-300]
FILES["damaged.png"] = FILES["rgb.png"][:60] + bytes(b ^ 0x55 for b in FILES["rgb.png"][60:70]) + FILES["rgb.png"][70:]
FILES["huge.png"] = FILES["rgb.png"][:16] + struct.pack(">II", 2**30, 2**30) + FILES["rgb.png"][24:29] \
    + struct.pack(">I", zlib.crc32(b"IHDR" + struct.pack(">II", 2**30, 2**30) + FILES["rgb.png"][24:29])) + FILES["rgb.png"][33:]
FILES["text.png"] = b"This is no picture.\n"
FILES["empty.jpg"] = b""
REFUSED = {"short.png", "short.jpg", "damaged.png", "huge.png", "text.png", "empty.jpg"}
UPPER = {"grey16.png": numpy.repeat(wider >> 8, 3, axis=2), "rgb16.png": wide >> 8}

FOLDER.mkdir(exist_ok=True)
cases = []
for name, data in FILES.items():
    FOLDER.joinpath(name).write_bytes(data)
    if name in REFUSED:
        cases.append({"file": name, "refused": True})
        continue
    pixels = UPPER[name].astype(numpy.uint8) if name in UPPER else numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    cases.append({"file": name, "size": [pixels.shape[1], pixels.shape[0]], "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()})
FOLDER.parent.joinpath("pictures.json").write_text(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=1) + "\n")

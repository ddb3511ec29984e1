#!/usr/bin/env python3
"""Records SHA-256 of Pillow's bicubic resizes of pictures made by a formula -> tests/data/pillow.json. Needs numpy and Pillow 9 (pip install pillow==9.5.0): the
library of the published models passes rows first; later releases choose the order by size and round differently."""
import hashlib
import json
import pathlib

import numpy
import PIL
from PIL import Image

SIZES = [((100, 80), (168, 168)), ((512, 512), (384, 384)), ((37, 211), (168, 168)), ((400, 300), (384, 384)), ((168, 168), (168, 168)), ((5, 7), (30, 20))]


def picture(width, height):
    y, x, c = numpy.meshgrid(numpy.arange(height), numpy.arange(width), numpy.arange(3), indexing="ij")
    return ((x * 7 + y * 13 + (x * y) % 31 * 5 + c * 50 + (x // 9) * (y // 5) * 17) % 256).astype(numpy.uint8)


out = []
for (w, h), (tw, th) in SIZES:
    resized = Image.fromarray(picture(w, h)).resize((tw, th), Image.BICUBIC)
    out.append({"from": [w, h], "to": [tw, th], "sha256": hashlib.sha256(resized.tobytes()).hexdigest()})
pathlib.Path(__file__).parents[1].joinpath("data/pillow.json").write_text(json.dumps({"pillow": PIL.__version__, "cases": out}, indent=1) + "\n")

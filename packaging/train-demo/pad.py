#!/usr/bin/env python3
"""Makes a checkpoint that stretched pictures to a square pad them with black instead: pixels are no longer moved by the mean, and the bias of the patches makes up for it.

    packaging/train-demo/pad.py MODEL OUT

On square pictures OUT computes what MODEL did, within the rounding of bf16. Version 1.0 of the demo model began with what this made. Needs NumPy.
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy

model, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
shutil.copytree(model, out)
top = json.loads((out / "config.json").read_text())
top["image_aspect_ratio"] = "pad"
(out / "config.json").write_text(json.dumps(top, indent=2) + "\n")
preprocessor = json.loads((out / "vision_tower/preprocessor_config.json").read_text())
shift = preprocessor["image_mean"][0] / preprocessor["image_std"][0]
preprocessor["image_mean"] = [0.0] * 3
(out / "vision_tower/preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")

file = out / "vision_tower/model.safetensors"
data = bytearray(file.read_bytes())
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + length])


def place(ending):
    entry = next(entry for name, entry in header.items() if name.endswith(ending))
    begin, end = (8 + length + n for n in entry["data_offsets"])
    values = (numpy.frombuffer(bytes(data[begin:end]), "<u2").astype(numpy.uint32) << 16).view(numpy.float32)
    return values.reshape(entry["shape"]), begin, end


weight, (bias, begin, end) = place("patch_embedding.weight")[0], place("patch_embedding.bias")
bits = numpy.ascontiguousarray(bias - shift * weight.sum((1, 2, 3)), dtype=numpy.float32).view(numpy.uint32)
data[begin:end] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
file.write_bytes(data)

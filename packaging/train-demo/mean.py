#!/usr/bin/env python3
"""The mean of the weights of two checkpoints of the same shape in bf16, as versions of the demo model since 0.8 are made.

    packaging/train-demo/mean.py ONE OTHER OUT SHARE

SHARE is that of OTHER; everything but the weights is OTHER's. Sums in fp32, rounded to the nearest bf16. Needs NumPy.
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy


def read(path):
    data = bytearray(path.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    return data, json.loads(data[8:8 + length]), 8 + length


def values(data, at, entry):
    begin, end = (at + n for n in entry["data_offsets"])
    return (numpy.frombuffer(bytes(data[begin:end]), "<u2").astype(numpy.uint32) << 16).view(numpy.float32), begin, end


def main():
    one, other, out, share = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), float(sys.argv[4])
    shutil.copytree(other, out)
    for part in ("llm", "mm_projector", "vision_tower"):
        file = pathlib.Path(part) / "model.safetensors"
        (data1, header1, at1), (data2, header2, at2) = read(one / file), read(other / file)
        for name, entry in header2.items():
            if name == "__metadata__":
                continue
            if entry["dtype"] != "BF16" or header1[name]["shape"] != entry["shape"]:
                sys.exit(f"{file}: {name} is not of the same shape in bf16")
            first, (second, begin, end) = values(data1, at1, header1[name])[0], values(data2, at2, entry)
            bits = numpy.ascontiguousarray((1 - share) * first + share * second, dtype=numpy.float32).view(numpy.uint32)
            data2[begin:end] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
        (out / file).write_bytes(data2)


main()

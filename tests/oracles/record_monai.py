#!/usr/bin/env python3
"""Records what MONAI's transforms make of volumes with a hashed content and difficult geometries -> tests/data/monai.json.
The chain is that of VISTA3D: spacing, crop of the foreground, scaling, orientation; then labels are inverted to the original grid.
Needs torch and monai 1.5.0."""
import json
import pathlib
import zlib

import monai
import numpy
import torch
from monai.data import MetaTensor
from monai.transforms import CropForegroundd, Compose, Invertd, Orientationd, ScaleIntensityRanged, Spacingd

RANGE = (-963.8247715525971, 1053.678477684517)


def hashed(shape, low, high):
    n = (numpy.arange(int(numpy.prod(shape)), dtype=numpy.uint64) * 2654435761 + 7).astype(numpy.uint32)
    n ^= n >> 16
    n = (n.astype(numpy.uint64) * 2246822519).astype(numpy.uint32)
    n ^= n >> 13
    return (low + (high - low) * n.astype(numpy.float64) / 4294967296.0).astype(numpy.float32).reshape(shape)


def rotation(degrees, axis):
    c, s = numpy.cos(numpy.radians(degrees)), numpy.sin(numpy.radians(degrees))
    matrix = numpy.eye(3)
    a, b = [(1, 2), (0, 2), (0, 1)][axis]
    matrix[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return matrix


def cases():
    def affine(matrix, translation):
        full = numpy.eye(4)
        full[:3, :3] = matrix
        full[:3, 3] = translation
        return full
    lps = numpy.diag([-1.0, -1.0, 1.0])
    yield "LPS CT", (40, 42, 12), affine(lps @ numpy.diag([0.7, 0.7, 5]), (100, 120, -300))
    yield "two to one", (36, 30, 28), affine(lps @ numpy.diag([0.75, 0.75, 0.75]), (10, -20, 30))
    yield "oblique", (30, 26, 18), affine(rotation(10, 2) @ rotation(-7, 0) @ lps @ numpy.diag([0.8, 0.9, 3]), (-50, 60, 70))
    yield "coronal storage", (24, 14, 33), affine(numpy.array([[-1.1, 0, 0], [0, 0, 2.2], [0, -0.9, 0]]), (5, 6, 7))
    tilt = numpy.diag([0.8, 0.8, 2.9])
    tilt[1, 2] = 0.5
    yield "gantry tilt", (28, 26, 20), affine(tilt, (0, 1, 2))
    yield "already spaced", (20, 21, 22), affine(lps @ numpy.diag([1.5004, 1.4996, 1.5]), (1, 2, 3))


def content(shape):
    """Noise inside an ellipsoid, air around: the crop has something to cut away."""
    values = hashed((1, *shape), -400, 900)
    grid = numpy.meshgrid(*[(numpy.arange(n) - 0.55 * n) / (0.25 * n) for n in shape], indexing="ij")
    values[0][sum(g * g for g in grid) > 1] = -1000
    return values


def run(shape, affine):
    data = {"image": MetaTensor(torch.from_numpy(content(shape)), affine=torch.from_numpy(affine))}
    chain = Compose([Spacingd("image", pixdim=(1.5, 1.5, 1.5), mode="bilinear"), CropForegroundd("image", source_key="image", allow_smaller=True, margin=10),
                     ScaleIntensityRanged("image", a_min=RANGE[0], a_max=RANGE[1], b_min=0, b_max=1, clip=True), Orientationd("image", axcodes="RAS")])
    out = chain(data)
    image = out["image"]
    labels = torch.floor(image * 9)
    out["pred"] = MetaTensor(labels.as_tensor().clone(), affine=image.affine)
    inverted = Invertd("pred", transform=chain, orig_keys="image", nearest_interp=True, to_tensor=True)(out)["pred"]
    out["pred"] = MetaTensor(image.as_tensor().clone(), affine=image.affine)
    values = Invertd("pred", transform=chain, orig_keys="image", nearest_interp=False, to_tensor=True)(out)["pred"].numpy()[0]
    there = [[int(n * f) for n, f in zip(values.shape, fractions)] for fractions in ((0.5, 0.5, 0.5), (0.45, 0.6, 0.4), (0.6, 0.5, 0.55), (0, 0, 0))]
    array = image.numpy()[0]
    places = [[int(n * f) for n, f in zip(array.shape, fractions)] for fractions in ((0, 0, 0), (0.5, 0.5, 0.5), (0.3, 0.6, 0.4), (0.7, 0.2, 0.55), (0.999, 0.999, 0.999))]
    return {"shape": list(array.shape), "affine": image.affine.numpy().tolist(), "mean": float(array.astype(numpy.float64).mean()),
            "probes": [[place, float(array[tuple(place)])] for place in places],
            "inverted_crc32": zlib.crc32(inverted.numpy()[0].astype(numpy.uint8).tobytes()), "inverted_sum": int(inverted.sum()),
            "inverted_values_mean": float(values.astype(numpy.float64).mean()), "inverted_probes": [[place, float(values[tuple(place)])] for place in there]}


result = {"monai": monai.__version__, "cases": [{"name": name, "in_shape": list(shape), "in_affine": affine.tolist(), **run(shape, affine)} for name, shape, affine in cases()]}
lines = ",\n".join(json.dumps(case) for case in result["cases"])
pathlib.Path(__file__).parents[1].joinpath("data/monai.json").write_text(f'{{"monai": "{result["monai"]}", "cases": [\n{lines}\n]}}\n')

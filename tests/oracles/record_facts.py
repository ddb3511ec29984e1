#!/usr/bin/env python3
"""Records what NumPy, SciPy and scikit-image measure on a mask made by a formula -> tests/data/facts.json. Needs numpy, scipy, scikit-image."""
import json
import pathlib

import numpy
import scipy.ndimage
import scipy.spatial.distance
import skimage.measure

SHAPE, SPACING, ORIGIN = (40, 44, 26), (0.8, 0.9, 2.0), (-12.0, 7.0, 100.0)     # i, j, k

i, j, k = numpy.meshgrid(*[numpy.arange(n) for n in SHAPE], indexing="ij")
place = numpy.stack([i * SPACING[0], j * SPACING[1], k * SPACING[2]], -1)


def ball(centre, radii):
    return (((place - numpy.array(centre)) / numpy.array(radii)) ** 2).sum(-1) <= 1


mask = numpy.zeros(SHAPE, numpy.uint8)
mask[ball((15, 18, 24), (11, 12, 18))] = 1
mask[ball((26, 33, 12), (3, 3, 4))] = 2
mask[ball((5, 33, 40), (3.4, 4, 5))] = 2
mask[0, 0, 0] = 2
mask[1, 1, 1] = 2       # joined over a corner
mask[39, :, 25] = 3     # a line along the border
values = ((i * 37 + j * 101 + k * 211 + (i * j + k) % 17 * 13) % 1400 - 700).astype(numpy.int16)

labels = []
for value in (1, 2, 3):
    inside = mask == value
    points = place[inside]
    slices = [(float(scipy.spatial.distance.pdist(place[:, :, n][inside[:, :, n]]).max(initial=0)), n) for n in range(SHAPE[2]) if inside[:, :, n].any()]
    best = max(slices, key=lambda entry: (round(entry[0], 9), -entry[1]))
    edge = inside & ~scipy.ndimage.binary_erosion(inside)
    numbers, count = scipy.ndimage.label(inside, numpy.ones((3, 3, 3)))
    components = sorted(({"voxels": int((numbers == n).sum()), "centroid": (numpy.array(ORIGIN) + place[numbers == n].mean(0)).tolist()} for n in range(1, count + 1)),
                        key=lambda entry: -entry["voxels"])
    row = {"value": value, "voxels": int(inside.sum()), "volume_ml": float(inside.sum() * numpy.prod(SPACING) / 1000), "diameter": float(scipy.spatial.distance.pdist(place[edge]).max()),
           "axial_diameter": best[0], "axial_slice": best[1], "mean": float(values[inside].mean()), "sd": float(values[inside].std()), "min": int(values[inside].min()),
           "max": int(values[inside].max()), "components": components}
    if value == 1:
        smooth = scipy.ndimage.gaussian_filter(numpy.pad(inside, 2).astype(float), (1.2, 1.1, 0.5))
        vertices, faces, _, _ = skimage.measure.marching_cubes(smooth, 0.5, spacing=SPACING)
        row["mesh_surface"] = float(skimage.measure.mesh_surface_area(vertices, faces))
        a, b, c = 11, 12, 18
        row["ellipsoid_surface"] = 4 * numpy.pi * (((a * b) ** 1.6075 + (a * c) ** 1.6075 + (b * c) ** 1.6075) / 3) ** (1 / 1.6075)
    labels.append(row)
pathlib.Path(__file__).parents[1].joinpath("data/facts.json").write_text(json.dumps({"labels": labels}, indent=1) + "\n")

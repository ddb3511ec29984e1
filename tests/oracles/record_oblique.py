#!/usr/bin/env python3
"""Oblique slices of a small tilted volume: places by NumPy from the definition of the planes, values by SciPy and checked by ITK.

Writes tests/data/oblique.json. A plane is tilted the shortest way from its straight slice; its pixels are the finest spacing; its middle is
the projection of the volume's centre. Outside the outermost voxel borders there is no value; between the outermost centres and the borders
the value of the edge goes on. Needs numpy, scipy, SimpleITK.
"""
import json, math, pathlib
import numpy as np
import SimpleITK as sitk
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

SIZE, SPACING, ORIGIN = np.array([24, 20, 16]), np.array([1.0, 1.25, 2.5]), np.array([-11.0, 7.0, 30.0])
C, S = math.cos(math.radians(20)), math.sin(math.radians(20))
AXES = np.array([[1, 0, 0], [0, C, S], [0, -S, C]]).T          # columns: directions of i, j, k
I, J, K = np.meshgrid(*[np.arange(n) for n in SIZE], indexing="ij")
VALUES = ((I * 37 + J * 101 + K * 59 + I * J * 13 + K * K * 7) % 1501 - 500).astype(np.float64)

# Straight slices on the screen: right, down.
STRAIGHT = {"axial": (AXES[:, 0], AXES[:, 1]), "coronal": (AXES[:, 0], -AXES[:, 2]), "sagittal": (AXES[:, 1], -AXES[:, 2])}


def turn_of(turns):
    total = Rotation.identity()
    for x, y, z, degrees in turns:
        axis = np.array([x, y, z]) / np.linalg.norm([x, y, z])
        total = Rotation.from_rotvec(axis * math.radians(degrees)) * total
    return total


def frame_of(plane, turns, through):
    right, down = STRAIGHT[plane]
    normal = np.cross(right, down)
    tilted = turn_of(turns).apply(normal)
    axis = np.cross(normal, tilted)
    angle = math.atan2(np.linalg.norm(axis), normal @ tilted)
    tilt = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle)
    right, down = tilt.apply(right), tilt.apply(down)
    fine = SPACING.min()
    width, height = (math.ceil(sum(abs(AXES[:, a] @ v) * SIZE[a] * SPACING[a] for a in range(3)) / fine - 1e-6) for v in (right, down))
    centre = ORIGIN + AXES @ ((SIZE - 1) / 2 * SPACING)
    middle = centre + tilted * ((np.array(through) - centre) @ tilted)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    points = middle + (x[..., None] - (width - 1) / 2) * fine * right + (y[..., None] - (height - 1) / 2) * fine * down
    return points, tilted, fine


def sample(points):
    index = (points - ORIGIN) @ AXES / SPACING
    values = map_coordinates(VALUES, np.moveaxis(np.clip(index, 0, SIZE - 1), -1, 0), order=1)
    inside = np.all((index >= -0.5) & (index <= SIZE - 0.5), axis=-1)
    return np.where(inside, values, np.nan), index


def check_with_itk(points, values, index):
    image = sitk.GetImageFromArray(VALUES.transpose(2, 1, 0))
    image.SetSpacing(SPACING.tolist())
    image.SetOrigin(ORIGIN.tolist())
    image.SetDirection(AXES.flatten().tolist())
    away = 0
    for at in np.ndindex(points.shape[:2]):
        if np.all((index[at] > 1e-6) & (index[at] < SIZE - 1 - 1e-6)):
            away = max(away, abs(image.EvaluateAtPhysicalPoint(points[at].tolist(), sitk.sitkLinear) - values[at]))
    assert away < 1e-6, away


def combine(layers, mode):
    stack = np.stack(layers)
    with np.errstate(all="ignore"):
        import warnings
        warnings.simplefilter("ignore", RuntimeWarning)
        return {"max": np.nanmax, "min": np.nanmin, "mean": np.nanmean}[mode](stack, axis=0)


def main():
    through = [0.7, 14.1, 48.3]
    cases = [("axial", [[1, 0, 0, 25]]), ("axial", [[1, 0, 0, -38], [0, 1, 0, 17]]), ("coronal", [[0, 0, 1, 30]]), ("coronal", [[0, 0, 1, 12], [1, 0, 0, -20]]),
             ("sagittal", [[0, 0, 1, -45]]), ("sagittal", [[1, 1, 1, 50]])]
    slices = []
    for plane, turns in cases:
        points, _, _ = frame_of(plane, turns, through)
        values, index = sample(points)
        check_with_itk(points, values, index)
        slices.append({"plane": plane, "turns": turns, "values": values})
    for mode, thickness in (("max", 10.0), ("min", 7.0), ("mean", 12.0)):
        plane, turns = cases[1]
        points, normal, fine = frame_of(plane, turns, through)
        each = math.floor((thickness / fine - 1) / 2 + 1e-6)
        layers = [sample(points + normal * n * fine)[0] for n in range(-each, each + 1)]
        slices.append({"plane": plane, "turns": turns, "slab": mode, "thickness": thickness, "values": combine(layers, mode)})
    for entry in slices:
        values = entry["values"]
        entry["height"], entry["width"] = values.shape
        entry["through"] = through
        entry["values"] = [None if math.isnan(v) else round(float(v), 4) for v in values.flatten()]
    target = pathlib.Path(__file__).parent.parent / "data" / "oblique.json"
    target.write_text(json.dumps({"slices": slices}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Records tests/data/regions.json: what NumPy and Shapely say about outlines on a volume with unequal spacing.

A pixel belongs to an outline when its centre is inside or on it. Needs numpy and shapely.
"""
import json
import pathlib

import numpy as np
import shapely

SIZE = (40, 33, 12)
SPACING = (0.7, 1.3, 2.5)


def volume():
    i, j, k = np.meshgrid(*(np.arange(n) for n in SIZE), indexing="ij")
    return (i * i * 37 + j * 91 * (1 + k % 3) + k * 53 + i * j * 11) % 2001 - 1000


def plane_values(values, axis, index):
    """Values of one slice as [column, row] of the two other axes, and their coordinates in mm."""
    a, b = [n for n in range(3) if n != axis]
    x, y = np.meshgrid(np.arange(SIZE[a]) * SPACING[a], np.arange(SIZE[b]) * SPACING[b], indexing="ij")
    return np.take(values, index, axis=axis), x, y


def facts(values, mask, pixel):
    inside = values[mask].astype(np.float64)
    return {"pixels": int(mask.sum()), "mean": inside.mean(), "sd": inside.std(), "minimum": inside.min(), "maximum": inside.max(), "pixelArea": mask.sum() * pixel}


def main():
    values = volume()
    star = [[3.1, 2.2], [20.4, 6.3], [25.2, 30.1], [14.9, 15.2], [5.05, 28.4]]
    # Corners on voxel centres: the pixels of the outline count.
    grid = [[7 * 0.7, 4 * 1.3], [21 * 0.7, 4 * 1.3], [21 * 0.7, 18 * 1.3], [7 * 0.7, 18 * 1.3]]
    shapes = [
        ("rectangle", 2, 5, [[4.31, 5.17], [19.8, 33.3]]),
        ("rectangle", 2, 0, [[7 * 0.7, 4 * 1.3], [21 * 0.7, 18 * 1.3]]),
        ("ellipse", 2, 5, [[3.3, 4.1], [22.9, 31.7]]),
        ("ellipse", 1, 20, [[20.2, 3.1], [4.4, 24.6]]),
        ("polygon", 2, 7, star),
        ("polygon", 2, 7, grid),
        ("freehand", 0, 11, [[5.2 + 9 * np.cos(t) * (1 + 0.2 * np.sin(5 * t)) + 12, 14 + 10 * np.sin(t)] for t in np.linspace(0, 2 * np.pi, 60, endpoint=False)]),
    ]
    out = []
    for kind, axis, index, points in shapes:
        grey, x, y = plane_values(values, axis, index)
        a, b = [n for n in range(3) if n != axis]
        (x0, y0), (x1, y1) = np.min(points, 0), np.max(points, 0)
        if kind == "ellipse":
            mask = ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1
            area = np.pi * (x1 - x0) * (y1 - y0) / 4
        else:
            shape = shapely.box(x0, y0, x1, y1) if kind == "rectangle" else shapely.Polygon(points)
            # A hair wider, so that rounding does not decide about centres on the outline.
            mask = shapely.intersects_xy(shape.buffer(1e-7), x, y)
            area = shape.area
        entry = {"kind": kind, "axis": axis, "index": index, "points": [[float(u) for u in p] for p in points], "area": float(area)}
        entry.update({key: float(value) if key != "pixels" else value for key, value in facts(grey, mask, SPACING[a] * SPACING[b]).items()})
        out.append(entry)
    path = pathlib.Path(__file__).parent.parent / "data" / "regions.json"
    path.write_text(json.dumps({"size": SIZE, "spacing": SPACING, "regions": out}, indent=1) + "\n")


if __name__ == "__main__":
    main()

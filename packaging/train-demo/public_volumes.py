#!/usr/bin/env python3
"""Writes the images of public_volumes.csv as small uncompressed MetaImage files, for MORE_VOLUMES of run-gpu.

    packaging/train-demo/public_volumes.py REPOSITORIES OUT

REPOSITORIES has a checkout of every repository, in a folder "owner+name". OUT gets the folders CT, MR and CXR. What cannot be converted is
said and left out; the exit code is 1 then. Needs SimpleITK, numpy and the program dcm2niix (1.0.20220720 was used). The column `commit` of
public_volumes.csv has the state of each repository that this was tried with; should a file be gone from it, check that one out.

Columns that are read here, besides `file` and `repository`; the others tell people what it is and whose:
    source   file in the repository, also one in a zip archive ("a.zip/b.dcm"), or a folder with the DICOM files of one series
    series   where dcm2niix converts the folder: the name of the file that it makes
    slices   most slices; blocks of slices are averaged until it fits; nothing: all slices stay
"""
import csv
import functools
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import numpy
import SimpleITK

LIST = pathlib.Path(__file__).with_name("public_volumes.csv")
PIXELS = {"CT": 256, "MR": 180, "CXR": 320}  # most pixels across and down; blocks of pixels are averaged


@functools.cache
def run_dcm2niix(folder, temporary):
    """What dcm2niix makes of all series in a folder. Its exit code is not looked at: a series that is not there shows later."""
    out = tempfile.mkdtemp(dir=temporary)
    subprocess.run(["dcm2niix", "-b", "n", "-z", "n", "-f", "%p_s%s_%d", "-o", out, str(folder)], stdout=subprocess.DEVNULL)
    return pathlib.Path(out)


def unpack(path, temporary):
    """The path; where it leads into a zip archive, that of the unpacked file."""
    for archive in path.parents:
        if archive.is_file():
            with zipfile.ZipFile(archive) as files:
                return pathlib.Path(files.extract(path.relative_to(archive).as_posix(), temporary))
    return path


def read(path):
    """One volume: the first time point of several, the first component of colours."""
    if path.is_dir():
        image = SimpleITK.ReadImage(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(path)))
    else:
        image = SimpleITK.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() > 1:
        image = SimpleITK.VectorIndexSelectionCast(image, 0)
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if image.GetDimension() == 2:
        image = SimpleITK.JoinSeries(image)
        image.SetSpacing((1, 1, 1))
    return SimpleITK.Cast(image, SimpleITK.sitkFloat32)


def shrink(image, pixels, slices):
    columns, rows, depth = image.GetSize()
    return SimpleITK.BinShrink(image, [math.ceil(columns / pixels), math.ceil(rows / pixels), math.ceil(depth / slices)])


def scale(values, modality):
    """CT in Hounsfield units; MR with 1000 for the brightest but a thousandth; radiographs from 0 to 1000."""
    if modality == "CT":
        return numpy.clip(numpy.round(values), -2048, 8000)
    if modality == "MR":
        bright = numpy.percentile(values, 99.9)
        return numpy.clip(numpy.round(values * (1000 / max(bright, 1e-6))), -1000, 4000)
    dark, bright = numpy.percentile(values, 0.05), numpy.percentile(values, 99.95)
    return numpy.clip(numpy.round((values - dark) / (bright - dark) * 1000), 0, 1000)


def convert(row, repository, out, temporary):
    modality = row["file"].split("/")[0]
    path = repository / row["source"]
    if row["series"]:
        path = run_dcm2niix(path, temporary) / f"{row['series']}.nii"
    image = read(unpack(path, temporary))
    image = shrink(image, PIXELS[modality], int(row["slices"] or image.GetDepth()))
    values = scale(numpy.nan_to_num(SimpleITK.GetArrayFromImage(image)), modality)
    small = SimpleITK.GetImageFromArray(values.astype(numpy.int16))
    small.CopyInformation(image)
    path = out / row["file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(small, str(path), useCompression=False)
    print(path, small.GetSize(), [round(s, 2) for s in small.GetSpacing()])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not shutil.which("dcm2niix"):
        sys.exit("The program dcm2niix is missing.")
    repositories, out = map(pathlib.Path, sys.argv[1:])
    with open(LIST, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing, failed = {}, 0
    with tempfile.TemporaryDirectory() as temporary:
        for row in rows:
            repository = repositories / row["repository"].replace("/", "+")
            if not repository.is_dir():
                missing[row["repository"]] = missing.get(row["repository"], 0) + 1
                continue
            try:
                convert(row, repository, out, temporary)
            except (OSError, RuntimeError, ValueError, KeyError, zipfile.BadZipFile) as error:
                failed += 1
                print(f"{row['file']} was not made of {row['repository']} {row['source']} {row['series']}: {error}", file=sys.stderr)
    for name, count in missing.items():
        print(f"{name} is missing, images left out: {count}. git clone https://github.com/{name} {name.replace('/', '+')}", file=sys.stderr)
    left_out = failed + sum(missing.values())
    print(f"{len(rows) - left_out} of {len(rows)} images were written.")
    sys.exit(1 if left_out else 0)


main()

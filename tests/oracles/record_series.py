#!/usr/bin/env python3
"""Records affines and voxel values of real series as SimpleITK (GDCM) and nibabel read them -> tests/data/series.json.

    tests/oracles/record_series.py SHARED_DATA
"""
import json
import pathlib
import sys

import nibabel
import numpy
import SimpleITK

data = pathlib.Path(sys.argv[1])
SERIES = ["ct_chest_abdomen/dicom", "ct_vendors/philips_ingenuity_head_5mm", "ct_vendors/slicer_head_64x64", "mr/siemens_t1_sagittal"]
# Tilt is straightened; the reference for that is the volume that dcm2niix wrote.
CORRECTED = {"ct_tilt/philips_tilt_p16": "ct_tilt/philips_tilt_p16_corrected.nii.gz"}
FILES = ["nifti/mr_abdomen.nii.gz", "nifti/t1_brain_256.nii.gz", "nifti/ct_oblique_head_phantom.nii.gz", "nifti/brain1_image.nrrd"]


def from_image(image):
    matrix = numpy.eye(4)
    matrix[:3, :3] = numpy.array(image.GetDirection()).reshape(3, 3) @ numpy.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return numpy.diag([-1, -1, 1, 1]) @ matrix, numpy.transpose(SimpleITK.GetArrayFromImage(image), (2, 1, 0))


def entry(affine, values, tolerance):
    rng = numpy.random.default_rng(1)
    probes = [[int(rng.integers(0, n)) for n in values.shape] for _ in range(200)]
    return {"size": list(values.shape), "affine_ras": affine.reshape(-1).tolist(), "tolerance": tolerance, "probes": [p + [float(values[tuple(p)])] for p in probes]}


out = {}
for name in SERIES:
    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(data / name), reader.GetGDCMSeriesIDs(str(data / name))[0])
    reader.SetFileNames(names)
    out[name] = entry(*from_image(reader.Execute()), 0.5)
for name, reference in CORRECTED.items():
    image = nibabel.load(data / reference)
    # dcm2niix flips rows: ours run as in the file.
    values = numpy.asarray(image.dataobj)
    affine = image.affine.copy()
    if affine[1, 1] > 0:
        affine[:3, 3] += affine[:3, 1] * (values.shape[1] - 1)
        affine[:3, 1] *= -1
        values = values[:, ::-1]
    out[name] = entry(affine, values, 60)
for name in FILES:
    out[name] = entry(*from_image(SimpleITK.ReadImage(str(data / name))), 0.5)
pathlib.Path(__file__).parents[1].joinpath("data/series.json").write_text(json.dumps(out) + "\n")

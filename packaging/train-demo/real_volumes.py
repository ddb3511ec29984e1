#!/usr/bin/env python3
"""Writes real volumes as uncompressed MetaImage files for `hounsfield-engine train --pictures DIR --held-out DIR`.

    packaging/train-demo/real_volumes.py SHARED_DATA OUT

OUT/learned and OUT/held-out get the folders CT, MR and CXR. The model is tried on the studies in HELD_OUT and does not learn from them.
Needs SimpleITK, pydicom, nibabel, numpy. Licences of the sources: see the READMEs of the data folders; resources/README.md lists them.
"""
import pathlib
import sys

import numpy
import SimpleITK

HELD_OUT = {"ct_vendors/tcia_chest_A046441", "mr/siemens_t1_sagittal", "nifti/mr_abdomen.nii.gz", "cxr/siim_cr_jpeg.dcm",
            "ct_vendors/ge_hispeed_head_tilt_varspacing"}
SERIES = {"CT": ["ct_chest_abdomen/dicom", "ct_tilt/philips_tilt_p16", "ct_vendors/philips_ingenuity_head_5mm",
                 "ct_vendors/slicer_head_64x64", "ct_vendors/tcia_chest_A046441", "ct_vendors/ge_hispeed_head_tilt_varspacing"],
          "MR": ["mr/siemens_t1_sagittal"]}
FILES = {"MR": ["mr_brats/t1.nii.gz", "mr_brats/t1c.nii.gz", "mr_brats/t2.nii.gz", "mr_brats/fla.nii.gz", "nifti/t1_brain_256.nii.gz",
                "nifti/spine_t1.nii.gz", "nifti/brain1_image.nrrd", "nifti/mr_abdomen.nii.gz", "mr/siemens_enhanced_t1/t1w_96frames_ref.nii",
                "mr/siemens_mosaic_ref.nii", "mr/siemens_enhanced_bold/ref.nii", "mr/philips_enhanced_b0/ref_magnitude.nii",
                "mr/enhanced_moving_knee.dcm", "odd/examples_overlay.dcm"],
         "CT": ["ct_tilt/philips_tilt_p16_corrected.nii.gz", "seg/ct3slice/03.dcm", "transfer_syntaxes/ct_evrle.dcm",
                "transfer_syntaxes/multiframe/CT1_J2KR.dcm", "transfer_syntaxes/gray/J2K_pixelrep_mismatch.dcm", "odd/bad_sequence.dcm"],
         "CXR": ["cxr/nih_00000001_000_dx.dcm", "cxr/philips_rg1_cr_mono1_j2k.dcm", "cxr/siim_cr_jpeg.dcm"]}


def read_series(folder):
    """All series of the folder."""
    reader = SimpleITK.ImageSeriesReader()
    for series in reader.GetGDCMSeriesIDs(str(folder)):
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series))
        yield reader.Execute()


def read_file(path):
    """One volume; the first time point of several."""
    image = SimpleITK.ReadImage(str(path))
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if image.GetNumberOfComponentsPerPixel() > 1:
        image = SimpleITK.VectorIndexSelectionCast(image, 0)
    # SimpleITK has turned MONOCHROME1 over already.
    yield image


def write(image, path):
    values = SimpleITK.GetArrayFromImage(image).astype(numpy.float64)
    values = numpy.nan_to_num(values)
    if values.max() > 32000 or numpy.abs(values - numpy.round(values)).max() > 0:
        values = values / max(1e-9, values.max()) * 4000
    out = SimpleITK.GetImageFromArray(numpy.round(values).astype(numpy.int16))
    out.CopyInformation(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(out, str(path), useCompression=False)
    print(path, out.GetSize(), [round(s, 2) for s in out.GetSpacing()])


def main():
    data, out = map(pathlib.Path, sys.argv[1:3])
    for names, read in ((SERIES, read_series), (FILES, read_file)):
        for modality in names:
            for name in names[modality]:
                part = "held-out" if name in HELD_OUT else "learned"
                for number, image in enumerate(read(data / name)):
                    write(image, out / part / modality / f"{name.replace('/', '_').split('.')[0]}_{number}.mha")


main()

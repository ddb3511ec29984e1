#!/usr/bin/env python3
"""Writes tests/data/us_regions.dcm with pydicom: two frames of ultrasound side by side, each half with its own calibration."""
import pathlib

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

COLUMNS, ROWS, FRAMES = 80, 60, 2


def region(left, right, delta, unit=3):
    item = Dataset()
    item.RegionSpatialFormat = 1
    item.RegionDataType = 1
    item.RegionFlags = 0
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = left, 5, right, 54
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = unit
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta
    return item


def main():
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    meta.MediaStorageSOPInstanceUID = "2.25.1004"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = "2.25.1001", "2.25.1002"
    data.Modality, data.PatientName, data.PatientID = "US", "Phantom^Ultrasound", "PHANTOM-2"
    data.Columns, data.Rows, data.NumberOfFrames = COLUMNS, ROWS, FRAMES
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    # The last one is a spectrum (seconds and cm/s): no lengths.
    data.SequenceOfUltrasoundRegions = Sequence([region(0, 39, (0.02, 0.04)), region(40, 79, (0.005, 0.005)), region(0, 79, (0.01, 1.5), unit=4)])
    ramp = (np.arange(COLUMNS)[None, None, :] + np.arange(ROWS)[None, :, None] + 100 * np.arange(FRAMES)[:, None, None]) % 256
    data.PixelData = ramp.astype(np.uint8).tobytes()
    data.save_as(pathlib.Path(__file__).parent.parent / "data" / "us_regions.dcm", enforce_file_format=True)


if __name__ == "__main__":
    main()

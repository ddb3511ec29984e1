#!/usr/bin/env python3
"""Makes small DICOM objects of every kind of value, grey, colour and geometry, one ZIP a case -> tests/data/dicom/*.zip, and records what
pydicom and NumPy make of them -> tests/data/dicom.json.

    tests/oracles/record_dicom.py

Recorded by case: "values" (probes [i, j, k, value] of the volume in slice order along the normal), "grey" or "rgb" (the picture of a case
of one image, rows top to bottom, 0..255), "affine_ras", "size", "notes" that must be there, "unit". Series of geometry cases hold a linear function of the place in the
patient, so that a value tells where it is: "plane" [a, b, c, d] means a x + b y + c z + d in LPS mm.
"""
import datetime
import io
import json
import pathlib
import zipfile

import numpy
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence

CT, MR, SC, PT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.128"
DX, XA, PR = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.11.1"
ENHANCED_MR, PMAP, DOSE = "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.30", "1.2.840.10008.5.1.4.1.1.481.2"
root = pathlib.Path(__file__).parents[1]
rng = numpy.random.default_rng(20)
recorded = {}
counter = [0]


def uid():
    counter[0] += 1
    return f"2.25.4711{counter[0]:06d}"


def dataset(sop_class, modality, rows=12, columns=16):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID = "2.25.1", uid()
    d.Modality, d.PatientName, d.PatientID = modality, "Test^Case", "T1"
    d.SeriesNumber, d.InstanceNumber = 1, 1
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = rows, columns, 1, "MONOCHROME2"
    return d


def put(d, pixels, bits, signed=False, high=None):
    """Pixels in the smallest words that hold `bits`."""
    allocated = 8 if bits <= 8 else 16 if bits <= 16 else 32
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = allocated, bits, bits - 1 if high is None else high, int(signed)
    words = pixels.astype(numpy.int64) & ((1 << bits) - 1)
    words = words << (d.HighBit + 1 - bits)
    data = words.astype(f"<u{allocated // 8}").tobytes()
    d.PixelData = data + b"\0" * (len(data) % 2)
    d["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return d


def save(name, datasets, **facts):
    with zipfile.ZipFile(root / "data/dicom" / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n, d in enumerate(datasets):
            buffer = io.BytesIO()
            pydicom.dcmwrite(buffer, d, enforce_file_format=True)
            archive.writestr(zipfile.ZipInfo(f"IM{n:03d}", (2020, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED)
    recorded[name] = facts


def probes(values):
    """[i, j, k, value] of up to 60 voxels of [k, j, i]."""
    return [[int(n % values.shape[2]), int(n // values.shape[2] % values.shape[1]), int(n // values.shape[1] // values.shape[2]), float(values.reshape(-1)[n])]
            for n in numpy.unique(rng.integers(0, values.size, 60))]


def ramp(low, high, rows=12, columns=16):
    return numpy.rint(numpy.linspace(low, high, rows * columns)).astype(numpy.int64).reshape(rows, columns)


def reference_grey(d, values):
    """8 bits as PS3.3 C.11.2 has it, by pydicom."""
    shown = apply_voi_lut(values, d)
    if "VOILUTSequence" in d:
        top = 2 ** d.VOILUTSequence[0].LUTDescriptor[2] - 1
        shown = shown.astype(float) / top * 255
    elif d.get("WindowWidth"):
        # pydicom scales to the range that the modality rescale gives to the stored bits.
        low, high = (-(2 ** (d.BitsStored - 1)), 2 ** (d.BitsStored - 1) - 1) if d.PixelRepresentation else (0, 2**d.BitsStored - 1)
        slope, intercept = float(d.get("RescaleSlope", 1)), float(d.get("RescaleIntercept", 0))
        low, high = low * slope + intercept, high * slope + intercept
        shown = (shown.astype(float) - low) / (high - low) * 255
    grey = numpy.clip(numpy.rint(shown), 0, 255).astype(int)
    return 255 - grey if d.PhotometricInterpretation == "MONOCHROME1" else grey


# --- values and grey -------------------------------------------------------------------------------------------------------------------

def grey_case(name, d, pixels, bits, signed=False, notes=()):
    put(d, pixels, bits, signed)
    values = apply_modality_lut(pixels, d)
    save(name, [d], values=probes(numpy.asarray(values, float)[None]), grey=reference_grey(d, values).reshape(-1).tolist(), notes=list(notes))


def window(d, center, width, function=None):
    d.WindowCenter, d.WindowWidth = center, width
    if function:
        d.VOILUTFunction = function
    return d


def rescaled(d, slope, intercept):
    d.RescaleSlope, d.RescaleIntercept = slope, intercept
    return d


def voi_lut(d, values, bits, first):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    item.LUTExplanation = "curve"
    item.LUTData = [int(v) for v in values]
    item["LUTData"].VR = "US"
    d.VOILUTSequence = Sequence([item])
    return d


def grey_cases():
    mr = lambda: dataset(MR, "MR")
    grey_case("window-linear", window(rescaled(mr(), 1, 0), 500, 300), ramp(0, 1000), 12)
    grey_case("window-narrow", window(rescaled(mr(), 1, 0), 500, 2), ramp(495, 505), 12)
    grey_case("window-several", window(rescaled(mr(), 1, 0), [200, 800], [100, 50]), ramp(0, 1000), 12)
    grey_case("window-exact", window(rescaled(mr(), 1, 0), 500, 20, "LINEAR_EXACT"), ramp(480, 520), 12)
    grey_case("window-sigmoid", window(rescaled(mr(), 1, 0), 500, 300, "SIGMOID"), ramp(0, 1000), 12)
    grey_case("window-fractional", window(rescaled(mr(), 0.25, -10), 100, 150), ramp(0, 1000), 12)
    grey_case("window-signed", window(rescaled(dataset(CT, "CT"), 1, -24), -600, 1500), ramp(-1000, 1000), 16, True)
    grey_case("monochrome1", window(mr(), 500, 300), ramp(0, 1000), 10, notes=["monochrome1"])
    d = window(dataset(DX, "DX"), 500, 300)
    d.PhotometricInterpretation = "MONOCHROME1"
    grey_case("monochrome1", d, ramp(0, 1000), 10, notes=["monochrome1"])
    curve = numpy.rint(4095 * (numpy.arange(800) / 799) ** 0.6)
    grey_case("voi-lut", voi_lut(rescaled(mr(), 1, 0), curve, 12, 100), ramp(0, 1000), 12)
    # Not more than 256 entries: pydicom counts those of 8-bit tables in 8 bits.
    grey_case("voi-lut-8bit", voi_lut(rescaled(mr(), 1, 0), numpy.rint(curve[:800:4] / 4095 * 255), 8, 100), ramp(50, 340), 12)
    grey_case("voi-lut-signed", voi_lut(rescaled(dataset(CT, "CT"), 1, -1024), curve, 12, -500), ramp(0, 2000), 12)
    d = voi_lut(window(dataset(DX, "DX"), 500, 300), curve, 12, 100)
    d.PhotometricInterpretation = "MONOCHROME1"
    grey_case("voi-lut-monochrome1", d, ramp(0, 1000), 12, notes=["monochrome1"])
    d = window(mr(), 30000, 20000)
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType, item.LUTData = [256, 0, 16], "US", [int(v) for v in numpy.rint(numpy.linspace(0, 256, 256) ** 2 * 0.9)]
    for tag in ("LUTDescriptor", "LUTData"):
        item[tag].VR = "US"
    d.ModalityLUTSequence = Sequence([item])
    put(d, ramp(0, 255), 8)
    values = apply_modality_lut(ramp(0, 255), d)
    low = 30000 - 0.5 - 19999 / 2
    save("modality-lut", [d], values=probes(numpy.asarray(values, float)[None]),
         grey=numpy.clip(numpy.rint((values - low) / 19999 * 255), 0, 255).astype(int).reshape(-1).tolist(), notes=["modality-lut"])


def value_cases():
    def case(name, d, pixels, bits, signed=False, high=None, slope=1.0, intercept=0.0, **facts):
        put(rescaled(d, slope, intercept), pixels, bits, signed, high)
        save(name, [d], values=probes((pixels * slope + intercept)[None].astype(float)), **facts)

    mr = lambda: dataset(MR, "MR")
    case("bits-high-in-word", mr(), ramp(-2000, 2000), 12, True, high=15)
    case("bits-13-signed", mr(), ramp(-4000, 4000), 13, True)
    case("bits-16-unsigned", mr(), ramp(0, 65535), 16)
    case("bits-32-signed", mr(), ramp(-8000000, 8000000), 32, True)
    case("bits-32-unsigned", mr(), ramp(0, 16000000), 32)
    case("rescale-fraction", mr(), ramp(0, 4000), 12, slope=0.1171875, intercept=-3.5)
    case("rescale-negative-slope", mr(), ramp(0, 4000), 12, slope=-2, intercept=100)
    d = dataset(CT, "CT")
    d.PixelPaddingValue = -2000
    d["PixelPaddingValue"].VR = "SS"
    pixels = ramp(-1000, 1000)
    pixels[:3] = -2000
    case("padding-signed", d, pixels, 16, True, intercept=-24.0, notes=["padding"], unit="HU", black=[[0, 0], [5, 2]])
    d = window(dataset(DX, "DX"), 500, 1000)
    d.PhotometricInterpretation = "MONOCHROME1"
    d.PixelPaddingValue, d.PixelPaddingRangeLimit = 0, 10
    for tag in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        d[tag].VR = "US"
    pixels = ramp(100, 1000)
    pixels[:2] = 5
    case("padding-range-monochrome1", d, pixels, 12, notes=["padding", "monochrome1"], black=[[0, 0], [7, 1]])
    for name, keyword, kind in (("float-pixels", "FloatPixelData", "<f4"), ("double-pixels", "DoubleFloatPixelData", "<f8")):
        d = dataset(PMAP, "MR")
        values = numpy.linspace(-1.5, 2.25, 192).reshape(12, 16).astype(kind)
        setattr(d, keyword, values.tobytes())
        d.BitsAllocated = values.itemsize * 8
        save(name, [d], values=probes(values[None].astype(float)))


# --- colour ----------------------------------------------------------------------------------------------------------------------------

def palette(d, tables, bits, first=0):
    for color, table in zip(("Red", "Green", "Blue"), tables):
        setattr(d, f"{color}PaletteColorLookupTableDescriptor", [len(table), first, bits])
        d[f"{color}PaletteColorLookupTableDescriptor"].VR = "US"
        data = numpy.asarray(table).astype("<u2" if bits > 8 else "u1").tobytes()
        setattr(d, f"{color}PaletteColorLookupTableData", data + b"\0" * (len(data) % 2))
    d.PhotometricInterpretation = "PALETTE COLOR"
    return d


def color_cases():
    index = ramp(0, 255)
    tables = [numpy.arange(256), 255 - numpy.arange(256), (numpy.arange(256) * 7) % 256]
    d = put(palette(dataset(SC, "OT"), tables, 8), index, 8)
    save("palette-8", [d], rgb=apply_color_lut(index.astype(numpy.uint8), d).reshape(-1).tolist())
    d = put(palette(dataset(SC, "OT"), [t * 257 for t in tables], 16), index, 8)
    save("palette-16", [d], rgb=(apply_color_lut(index.astype(numpy.uint8), d) >> 8).reshape(-1).tolist())
    d = put(palette(dataset(SC, "OT"), [t[:100] * 257 for t in tables], 16, first=50), index, 8)
    save("palette-first-50", [d], rgb=(apply_color_lut(index.astype(numpy.uint8), d) >> 8).reshape(-1).tolist())

    # Discrete, linear and indirect segments (PS3.3 C.7.9.2), 16 bits.
    segments = [0, 2, 0, 1000, 1, 60, 50000, 0, 4, 10, 20, 30, 40, 1, 50, 60000, 2, 2, 8, 0, 1, 76, 0]
    line = lambda start, end, n: list(numpy.linspace(start, end, n + 1)[1:])
    table = [0, 1000] + line(1000, 50000, 60) + [10, 20, 30, 40] + line(40, 60000, 50)
    table += line(60000, 50000, 60) + [10, 20, 30, 40] + line(40, 0, 76)    # the two segments from byte 8 on again, then a line
    assert len(table) == 256
    d = dataset(SC, "OT")
    palette(d, tables, 16)
    for color in ("Red", "Green", "Blue"):
        delattr(d, f"{color}PaletteColorLookupTableData")
        setattr(d, f"Segmented{color}PaletteColorLookupTableData", numpy.array(segments, "<u2").tobytes())
    put(d, index, 8)
    save("palette-segmented", [d], rgb=numpy.repeat((numpy.rint(table)[index].astype(int) >> 8)[..., None], 3, -1).reshape(-1).tolist())

    rgb = rng.integers(0, 256, (12, 16, 3))
    for name, planar in (("rgb-by-pixel", 0), ("rgb-by-plane", 1)):
        d = dataset(SC, "OT")
        d.SamplesPerPixel, d.PhotometricInterpretation, d.PlanarConfiguration = 3, "RGB", planar
        put(d, numpy.moveaxis(rgb, 2, 0) if planar else rgb, 8)
        save(name, [d], rgb=rgb.reshape(-1).tolist())
    ybr = rng.integers(60, 200, (12, 16, 3))
    ybr[:, 1::2, 1:] = ybr[:, ::2, 1:]
    y, cb, cr = (ybr[..., n].astype(float) for n in range(3))
    expected = numpy.clip(numpy.rint(numpy.stack([y + 1.402 * (cr - 128), y - 0.114 * 1.772 / 0.587 * (cb - 128) - 0.299 * 1.402 / 0.587 * (cr - 128), y + 1.772 * (cb - 128)], -1)), 0, 255)
    d = dataset(SC, "OT")
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PlanarConfiguration = 3, "YBR_FULL", 0
    save("ybr-full", [put(d, ybr, 8)], rgb=expected.astype(int).reshape(-1).tolist())
    d = dataset(SC, "OT")
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PlanarConfiguration = 3, "YBR_FULL_422", 0
    pairs = numpy.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], -1)
    save("ybr-full-422", [put(d, pairs, 8)], rgb=expected.astype(int).reshape(-1).tolist())


# --- overlay planes --------------------------------------------------------------------------------------------------------------------

def overlay_cases():
    def plane(d, group, bitmap, origin):
        block = [(0x0010, "US", bitmap.shape[0]), (0x0011, "US", bitmap.shape[1]), (0x0040, "CS", "G"), (0x0050, "SS", list(origin)), (0x0100, "US", 1), (0x0102, "US", 0)]
        for element, vr, value in block:
            d.add_new((group, element), vr, value)
        bits = numpy.packbits(bitmap.reshape(-1).astype(numpy.uint8), bitorder="little").tobytes()
        d.add_new((group, 0x3000), "OW", bits + b"\0" * (len(bits) % 2))

    pixels = ramp(0, 1000)
    first, second = numpy.zeros((12, 16), int), numpy.ones((5, 5), int)
    first[3, 2:9] = 1
    drawn = first.copy()
    drawn[10:12, 13:16] = 1     # origin 11\14, cut at the edge
    d = window(dataset(MR, "MR"), 500, 1000)
    plane(d, 0x6000, first, [1, 1])
    plane(d, 0x6002, second, [11, 14])
    put(d, pixels, 12)
    grey = numpy.where(drawn, 255, reference_grey(rescaled(d, 1, 0), pixels))
    save("overlay-planes", [d], grey=grey.reshape(-1).tolist(), values=probes(pixels[None].astype(float)))
    d = window(dataset(MR, "MR"), 500, 1000)
    for element, vr, value in [(0x0010, "US", 12), (0x0011, "US", 16), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]), (0x0100, "US", 16), (0x0102, "US", 14)]:
        d.add_new((0x6000, element), vr, value)
    put(d, pixels, 12)
    d.PixelData = (pixels | first << 14).astype("<u2").tobytes()
    grey = numpy.where(first, 255, reference_grey(rescaled(d, 1, 0), pixels))
    save("overlay-in-pixels", [d], grey=grey.reshape(-1).tolist(), values=probes(pixels[None].astype(float)))


# --- presentation states ---------------------------------------------------------------------------------------------------------------

def presentation_cases():
    def state(image, shape, created, center, width):
        d = dataset(PR, "PR")
        for name in ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
            delattr(d, name)
        d.ContentLabel, d.PresentationCreationDate, d.PresentationCreationTime, d.PresentationLUTShape = "READ", "20200101", created, shape
        reference, series = Dataset(), Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        series.SeriesInstanceUID, series.ReferencedImageSequence = image.SeriesInstanceUID, Sequence([reference])
        d.ReferencedSeriesSequence = Sequence([series])
        d.SoftcopyVOILUTSequence = Sequence([window(Dataset(), center, width)])
        return d

    pixels = ramp(0, 1000)
    for name, photometric, shape in (("presentation-inverse", "MONOCHROME2", "INVERSE"), ("presentation-monochrome1", "MONOCHROME1", "IDENTITY")):
        image = window(dataset(MR, "MR"), 500, 1000)
        image.PhotometricInterpretation = photometric
        put(image, pixels, 12)
        old, new = state(image, "IDENTITY", "080000", 900, 10), state(image, shape, "090000", 300, 200)
        line = Dataset()
        line.GraphicAnnotationUnits, line.GraphicDimensions, line.NumberOfGraphicPoints, line.GraphicType = "PIXEL", 2, 2, "POLYLINE"
        line.GraphicData = [2.5, 3.5, 9.5, 3.5]
        annotation = Dataset()
        annotation.GraphicLayer, annotation.GraphicObjectSequence = "MARKS", Sequence([line])
        new.GraphicAnnotationSequence = Sequence([annotation])
        low = 300 - 0.5 - 199 / 2
        grey = numpy.clip(numpy.rint((pixels - low) / 199 * 255), 0, 255).astype(int)
        grey = 255 - grey if shape == "INVERSE" else grey
        save(name, [new, image, old], values=probes(pixels[None].astype(float)), grey=grey.reshape(-1).tolist(), notes=["presentation"])


# --- uptake values ---------------------------------------------------------------------------------------------------------------------

def pet_cases():
    half_life, dose, weight = 6586.2, 3.7e8, 72.5

    def pet(**attributes):
        d = dataset(PT, "PT")
        d.ImagePositionPatient, d.ImageOrientationPatient, d.PixelSpacing, d.SliceThickness = [0, 0, 0], [1, 0, 0, 0, 1, 0], [4, 4], 3
        d.Units, d.CorrectedImage, d.DecayCorrection, d.PatientWeight = "BQML", ["DECY", "ATTN", "SCAT"], "START", weight
        d.SeriesDate = d.AcquisitionDate = "20200102"
        d.SeriesTime, d.AcquisitionTime = "101500", "101530"
        tracer = Dataset()
        tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife, tracer.RadiopharmaceuticalStartTime = dose, half_life, "091500"
        d.RadiopharmaceuticalInformationSequence = Sequence([tracer])
        for name, value in attributes.items():
            target = d if name in ("Units", "PatientWeight", "DecayCorrection", "SeriesTime", "SeriesDate", "AcquisitionDate", "AcquisitionTime", "CorrectedImage", "TimezoneOffsetFromUTC") else tracer
            if value is None:
                delattr(target, name)
            else:
                setattr(target, name, value)
        return d

    def case(name, d, factor, **facts):
        pixels = ramp(0, 30000)
        put(rescaled(d, 0.75, 0), pixels, 16)
        save(name, [d], values=probes((pixels * 0.75 * factor)[None]), **facts)

    def factor(seconds):
        return weight * 1000 / (dose * 2 ** (-seconds / half_life))

    suv = {"unit": "SUV", "notes": ["suv"]}
    case("suv-start", pet(), factor(3600), **suv)
    case("suv-admin", pet(DecayCorrection="ADMIN"), factor(0), **suv)
    case("suv-midnight", pet(SeriesTime="001500", AcquisitionTime="001530", RadiopharmaceuticalStartTime="233000"), factor(2700), **suv)
    case("suv-datetime", pet(RadiopharmaceuticalStartTime=None, RadiopharmaceuticalStartDateTime="20200102084500.000000"), factor(5400), **suv)
    case("suv-zone", pet(RadiopharmaceuticalStartTime=None, RadiopharmaceuticalStartDateTime="20200102074500+0000", TimezoneOffsetFromUTC="+0100"), factor(5400), **suv)
    case("suv-no-weight", pet(PatientWeight=None), 1, unit="none", notes=["no-suv"])
    case("suv-no-dose", pet(RadionuclideTotalDose=None), 1, unit="none", notes=["no-suv"])
    case("suv-uncorrected", pet(CorrectedImage=["DECY"]), 1, unit="none", notes=["no-suv"])
    case("suv-late-injection", pet(RadiopharmaceuticalStartTime=None, RadiopharmaceuticalStartDateTime="20200102120000"), 1, unit="none", notes=["no-suv"])
    case("suv-gml", pet(Units="GML"), 1, **suv)
    d = pet(Units="CNTS")
    d.add_new((0x7053, 0x0010), "LO", "Philips PET Private Group")
    d.add_new((0x7053, 0x1000), "DS", "0.0005")
    case("suv-philips", d, 0.0005, **suv)


# --- geometry --------------------------------------------------------------------------------------------------------------------------

PLANE = numpy.array([3.0, -2.0, 5.0, 700.0])


def rotation(x, y, z):
    cx, sx, cy, sy, cz, sz = (f(numpy.radians(a)) for a in (x, y, z) for f in (numpy.cos, numpy.sin))
    return numpy.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]]) @ numpy.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ numpy.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])


def stack(row, column, positions, series=None, modality="CT", sop_class=CT, spacing=(1.5, 2.0), frame=None, number=1, rows=12, columns=16, noise=False, **attributes):
    """One image at each position; spacing (rows, columns)."""
    datasets = []
    row, column = numpy.array(row, float), numpy.array(column, float)
    series, frame = series or uid(), frame or uid()
    for n, position in enumerate(positions):
        d = dataset(sop_class, modality, rows, columns)
        d.SeriesInstanceUID, d.FrameOfReferenceUID, d.InstanceNumber, d.PatientPosition = series, frame, number + n, "HFS"
        d.ImagePositionPatient = [round(float(v), 6) for v in position]
        d.ImageOrientationPatient = [round(float(v), 9) for v in (*row, *column)]
        d.PixelSpacing, d.SliceThickness = list(spacing), 3
        for name, value in attributes.items():
            setattr(d, name, value)
        j, i = numpy.mgrid[:rows, :columns]
        points = numpy.array(position)[:, None, None] + row[:, None, None] * i * spacing[1] + column[:, None, None] * j * spacing[0]
        values = numpy.tensordot(PLANE[:3], points, 1) + PLANE[3]
        stored = numpy.rint((values + 1000) * 10).astype(int)
        put(rescaled(d, 0.1, -1000), stored, 16)
        datasets.append(d)
    return datasets


def affine(row, column, origin, spacing, distance):
    row, column = numpy.array(row, float), numpy.array(column, float)
    lps = numpy.eye(4)
    lps[:3, 0], lps[:3, 1], lps[:3, 2], lps[:3, 3] = row * spacing[1], column * spacing[0], numpy.cross(row, column) * distance, origin
    return (numpy.diag([-1, -1, 1, 1]) @ lps).reshape(-1).tolist()


def geometry_cases():
    spacing, count = (1.5, 2.0), 6

    def regular(name, row, column, origin, distance, order=1, start=0, **attributes):
        normal = numpy.cross(row, column)
        positions = [numpy.array(origin) + normal * distance * n for n in range(start, start + count)]
        first = positions[0] if start >= 0 else positions[0]
        save(name, stack(row, column, positions[::order], **attributes), affine_ras=affine(row, column, first, spacing, distance), size=[16, 12, count], plane=PLANE.tolist(), exact=True)

    axial, sagittal, coronal = ([1, 0, 0], [0, 1, 0]), ([0, 1, 0], [0, 0, -1]), ([1, 0, 0], [0, 0, -1])
    regular("axial", *axial, [-15, -8, 40], 3)
    regular("axial-reversed", *axial, [-15, -8, 40], 3, order=-1)
    regular("axial-feet-first", [-1, 0, 0], [0, 1, 0], [15, -8, 40], 3, PatientPosition="FFS")
    regular("axial-prone", [-1, 0, 0], [0, -1, 0], [15, 8, 40], 3, PatientPosition="HFP")
    regular("sagittal", *sagittal, [-7, -8, 20], 4, modality="MR", sop_class=MR)
    regular("coronal", *coronal, [-15, 9, 20], 4, modality="MR", sop_class=MR)
    turned = rotation(20, -15, 30)
    regular("oblique", turned[:, 0], turned[:, 1], [-15, -8, 40], 2.5, modality="MR", sop_class=MR)

    # Tilted gantry: the table moves along z, the images are turned about x.
    for name, angle, gaps in (("tilt-15", 15, [3] * 7), ("tilt-minus-20", -20, [3] * 7), ("tilt-uneven", 12, [2, 2, 2, 5, 5, 5, 5])):
        turn = rotation(angle, 0, 0)
        table = numpy.cumsum([0, *gaps])
        positions = [numpy.array([-15, -8, 40 + z]) for z in table]
        notes = ["tilt"] + (["non-uniform-spacing"] if name == "tilt-uneven" else [])
        save(name, stack(turn[:, 0], turn[:, 1], positions, rows=24), plane=PLANE.tolist(), exact=False, notes=notes)
    place = lambda n: numpy.array([-15, -8, 40 + 3.0 * n])
    save("missing-slice", stack(*axial, [place(n) for n in (0, 1, 3, 4, 5)]), size=[16, 12, 6], plane=PLANE.tolist(), exact=True, notes=["missing-slices"],
         affine_ras=affine(*axial, place(0), spacing, 3))
    save("duplicate-slice", stack(*axial, [place(n) for n in (0, 1, 2, 2, 3, 4)]), size=[16, 12, 5], plane=PLANE.tolist(), exact=True, notes=["duplicate-slices"],
         affine_ras=affine(*axial, place(0), spacing, 3))
    save("uneven-slices", stack(*axial, [place(n) for n in (0, 1, 2, 2.6, 4.2, 5)]), plane=PLANE.tolist(), exact=True, notes=["non-uniform-spacing"])
    shifted = [place(n) + [0.9 if n in (2, 3) else 0, 0, 0] for n in range(6)]
    save("shifted-slices", stack(*axial, shifted), plane=PLANE.tolist(), exact=False, notes=["shifted-slices"])
    jitter = [rotation(0.02 * n, 0, 0) for n in range(6)]
    series, frame = uid(), uid()
    together = [stack(t[:, 0], t[:, 1], [place(n)], series, frame=frame, number=n)[0] for n, t in enumerate(jitter)]
    save("orientation-jitter", together, size=[16, 12, 6], parts=1)

    series, frame = uid(), uid()
    mixed = stack(*axial, [place(n) for n in range(4)], series, frame=frame) + stack(*coronal, [numpy.array([-15, 9 + 4 * n, 20]) for n in range(3)], series, frame=frame, number=11)
    save("mixed-orientation", mixed, parts=2, part_names=["axial", "coronal"], part_images=[4, 3], notes=["split"])
    series, frame = uid(), uid()
    stacks = stack(*axial, [place(n) for n in range(4)], series, frame=frame) + stack(*axial, [numpy.array([-15, -8, 300 + 3.0 * n]) for n in range(3)], series, frame=frame, number=11)
    save("two-stacks", stacks, parts=2, part_images=[4, 3], notes=["split"])
    series, frame = uid(), uid()
    times = []
    for t in range(3):
        times += stack(*axial, [place(n) for n in range(4)], series, frame=frame, number=1 + 10 * t, AcquisitionNumber=t + 1)
    save("time-points", times, parts=3, part_images=[4, 4, 4], notes=["split"])
    del times[6]
    save("time-points-incomplete", times, parts=3, part_images=[4, 4, 3], notes=["split"])


def enhanced_case():
    """Twelve frames in one file: two stacks of six, a rescale of their own each, frames in disorder."""
    d = dataset(ENHANCED_MR, "MR")
    d.NumberOfFrames, d.FrameOfReferenceUID = 12, uid()
    shared, frames, pixels = Dataset(), [], []
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [1.5, 2.0], 3
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    parts = {1: {}, 2: {}}
    for n in (3, 0, 8, 5, 11, 1, 7, 2, 10, 4, 6, 9):
        stack_id, place = 1 + n // 6, n % 6
        item, content, position, transform, voi = Dataset(), Dataset(), Dataset(), Dataset(), Dataset()
        content.StackID, content.InStackPositionNumber = str(stack_id), place + 1
        position.ImagePositionPatient = [-15, -8, 3.0 * place + 100 * stack_id]
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 0.5 + place, -10 * stack_id, "US"
        voi.WindowCenter, voi.WindowWidth = 100, 200
        item.FrameContentSequence, item.PlanePositionSequence = Sequence([content]), Sequence([position])
        item.PixelValueTransformationSequence, item.FrameVOILUTSequence = Sequence([transform]), Sequence([voi])
        frames.append(item)
        stored = rng.integers(0, 4000, (12, 16))
        pixels.append(stored)
        parts[stack_id][place] = stored * (0.5 + place) - 10 * stack_id
    d.SharedFunctionalGroupsSequence, d.PerFrameFunctionalGroupsSequence = Sequence([shared]), Sequence(frames)
    put(d, numpy.array(pixels), 12)
    volume = numpy.array([parts[1][k] for k in range(6)])
    save("enhanced-stacks", [d], parts=2, part_images=[6, 6], values=probes(volume), size=[16, 12, 6], affine_ras=affine([1, 0, 0], [0, 1, 0], [-15, -8, 100], (1.5, 2.0), 3))


def dose_case():
    d = dataset(DOSE, "RTDOSE")
    d.NumberOfFrames, d.DoseGridScaling, d.DoseUnits, d.DoseType = 4, 0.00025, "GY", "PHYSICAL"
    d.ImagePositionPatient, d.ImageOrientationPatient, d.PixelSpacing = [-15, -8, 40], [1, 0, 0, 0, 1, 0], [1.5, 2.0]
    d.GridFrameOffsetVector, d.FrameIncrementPointer = [0, 3, 6, 9], (0x3004, 0x000C)
    pixels = rng.integers(0, 300000, (4, 12, 16))
    put(d, pixels, 32)
    save("dose-grid", [d], values=probes(pixels * 0.00025), size=[16, 12, 4], affine_ras=affine([1, 0, 0], [0, 1, 0], [-15, -8, 40], (1.5, 2.0), 3), notes=["dose"])


grey_cases()
value_cases()
color_cases()
overlay_cases()
presentation_cases()
pet_cases()
geometry_cases()
enhanced_case()
dose_case()
(root / "data/dicom.json").write_text(json.dumps(recorded) + "\n")
print(len(recorded), "cases")

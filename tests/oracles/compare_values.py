#!/usr/bin/env python3
"""Compares what `hounsfield --headless --export-volume` writes with independent readers, voxel by voxel.

    tests/oracles/compare_values.py PROGRAM SHARED_DATA [FOLDER_OR_FILE ...]

DICOM: stored pixels are those of expected.json (raw files, uncompressed twins, checked by SHA-256) or of pydicom with pylibjpeg, pyjpegls
and GDCM; sign, rescale, modality LUT, palette and colour space by NumPy here. Places of voxels come from Image Position and Orientation.
NIfTI and NRRD: nibabel and SimpleITK. Prints one line a series; the exit code is 1 when one differs. Lossy encodings may differ by one
stored level, YBR by two, the others not at all.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy
import pydicom
import SimpleITK
from pydicom.pixels import apply_color_lut, pixel_array

LOSSY = {"50", "51", "53", "55", "81", "91", "203"}
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


class Expected:
    """Facts of one folder of the data."""

    def __init__(self, folder):
        self.folder = folder
        path = folder / "expected.json"
        self.files = json.loads(path.read_text()).get("files", {}) if path.exists() else {}

    def stored(self, name):
        """[frame, row, column(, colour)] and the photometric interpretation after decoding; None when nobody decodes it."""
        facts = self.files.get(name, {})
        if "decoded_raw" in facts:
            raw = numpy.fromfile(self.folder / facts["decoded_raw"], facts["dtype"]).reshape(facts["shape"])
            return raw, facts["decoded_photometric"]
        if "uncompressed_twin" in facts:
            return self.stored(facts["uncompressed_twin"])
        dataset = pydicom.dcmread(self.folder / name, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" if dataset.original_encoding[0] else "1.2.840.10008.1.2.1"
        photometric = dataset.PhotometricInterpretation
        pixels = pixel_array(dataset, raw=True)
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        if pixels.ndim == 2 + (dataset.get("SamplesPerPixel", 1) > 1):
            pixels = pixels[None]
        assert len(pixels) == frames
        if "sha256_pixels" in facts and "decoded_photometric" in facts:
            same = hashlib.sha256(pixels.astype(facts["dtype"]).tobytes()).hexdigest() == facts["sha256_pixels"]
            if not same and facts["decoded_photometric"] == photometric:
                print(f"  note: pydicom and expected.json differ on {name}")
        return pixels, photometric


def ybr_to_rgb(ybr):
    y, cb, cr = (ybr[..., n].astype(float) for n in range(3))
    rgb = numpy.stack([y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)], -1)
    return numpy.clip(numpy.floor(rgb + 0.5), 0, 255).astype(numpy.uint8)


def color_values(dataset, stored, photometric):
    if photometric == "PALETTE COLOR":
        colors = apply_color_lut(stored, dataset)
        # Many writers say 16 bits and store 8.
        return (colors >> 8 if colors.dtype == numpy.uint16 and colors.max() > 255 else colors).astype(numpy.uint8)
    if photometric.startswith("YBR_FULL"):
        return ybr_to_rgb(stored)
    bits = dataset.BitsStored
    return stored if bits <= 8 else (stored >> (bits - 8)).astype(numpy.uint8)


def functional_group(dataset, frame, sequence):
    for groups in (dataset.get("PerFrameFunctionalGroupsSequence"), dataset.get("SharedFunctionalGroupsSequence")):
        if groups and sequence in groups[min(frame, len(groups) - 1)]:
            return groups[min(frame, len(groups) - 1)][sequence].value[0]
    return None


def rescale(dataset, frame):
    item = functional_group(dataset, frame, "PixelValueTransformationSequence") or dataset
    if dataset.get("Modality") == "RTDOSE":
        return float(dataset.DoseGridScaling), 0.0
    return float(item.get("RescaleSlope", 1) or 1), float(item.get("RescaleIntercept", 0) or 0)


def grey_values(dataset, stored):
    if stored.dtype.kind == "f":
        return stored.astype(float)
    bits, high = dataset.BitsStored, dataset.HighBit
    values = (stored.astype(numpy.int64) >> (high + 1 - bits)) & ((1 << bits) - 1)
    if dataset.PixelRepresentation == 1:
        values = numpy.where(values >> (bits - 1), values - (1 << bits), values)
    if "ModalityLUTSequence" in dataset:
        item = dataset.ModalityLUTSequence[0]
        count, first, _ = item.LUTDescriptor
        table = numpy.frombuffer(item.LUTData, "<u2") if isinstance(item.LUTData, bytes) else numpy.array(item.LUTData)
        if dataset.PixelRepresentation == 1 and first > 32767:
            first -= 65536
        return table[numpy.clip(values - first, 0, len(table) - 1)].astype(float)
    out = numpy.empty(values.shape)
    for frame in range(len(values)):
        slope, intercept = rescale(dataset, frame)
        out[frame] = values[frame] * slope + intercept
    return out


def places(dataset, frame):
    """Position, orientation, or None."""
    position = (functional_group(dataset, frame, "PlanePositionSequence") or dataset).get("ImagePositionPatient")
    orientation = (functional_group(dataset, frame, "PlaneOrientationSequence") or dataset).get("ImageOrientationPatient")
    if not position or not orientation or len(orientation) != 6:
        return None
    position, orientation = numpy.array(position, float), numpy.array(orientation, float)
    if dataset.get("Modality") == "RTDOSE" and dataset.get("GridFrameOffsetVector"):
        offsets = dataset.GridFrameOffsetVector
        position = position + numpy.cross(orientation[:3], orientation[3:]) * float(offsets[frame] - offsets[0])
    elif int(dataset.get("NumberOfFrames", 1) or 1) > 1 and "PerFrameFunctionalGroupsSequence" not in dataset:
        return None
    return position, orientation


def reference_frames(folder, paths, expected):
    """All frames of files: values, place, tolerance, whether lossless."""
    frames = []
    for path in paths:
        dataset = pydicom.dcmread(path, force=True)
        stored, photometric = expected.stored(str(path.relative_to(folder)))
        is_color = photometric == "PALETTE COLOR" or stored.ndim == 4
        values = color_values(dataset, stored, photometric) if is_color else grey_values(dataset, stored)
        syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")).rsplit(".", 1)[-1]
        lossy = syntax in LOSSY and "1.2.840.10008.1.2.4." in str(dataset.file_meta.get("TransferSyntaxUID", ""))
        for n, frame in enumerate(values):
            step = 1 if is_color else abs(rescale(dataset, n)[0])
            frames.append({"values": frame, "place": places(dataset, n), "limit": step * 1.001 if lossy else 2 if photometric.startswith("YBR") else 1e-6 * max(1, numpy.abs(frame).max())})
    return frames


def run(program, *arguments):
    return subprocess.run([program, "--headless", *map(str, arguments)], capture_output=True, text=True, timeout=300)


def export(program, path, key):
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "v.nii"
        done = run(program, "--open", path, *(["--series", key] if key else []), "--export-volume", file)
        if done.returncode:
            return None, done.stderr.strip().splitlines()[-1] if done.stderr else f"exit code {done.returncode}"
        image = nibabel.load(file)
        data = numpy.array(image.dataobj)
        if data.dtype.names:
            data = numpy.stack([data[c] for c in "RGB"], -1)
        return (data, image.affine), json.loads(done.stdout)


def slice_values(data, k):
    return numpy.swapaxes(data[:, :, k], 0, 1)


def compare_series(data, affine, frames, told):
    """Worst difference over its limit, voxels compared, the worst distance of places in mm; which frames were used."""
    lps = numpy.diag([-1, -1, 1, 1]) @ affine
    used, worst, count, off = set(), 0.0, 0, 0.0
    for k in range(data.shape[2]):
        values = slice_values(data, k)
        candidates = [n for n in range(len(frames)) if frames[n]["values"].shape == values.shape and n not in used]
        if told["kind"] == "volume":
            here = lps @ [0, 0, k, 1]
            candidates = [n for n in candidates if frames[n]["place"] is not None]
            candidates.sort(key=lambda n: numpy.linalg.norm(frames[n]["place"][0] - here[:3]))
            nearest = [n for n in candidates if numpy.linalg.norm(frames[n]["place"][0] - here[:3]) < 0.02]
            candidates = nearest or candidates[:1]
        if not candidates:
            return None
        # Several at one place (time points, echoes): the one that fits.
        differences = {n: float(numpy.abs(values.astype(float) - frames[n]["values"]).max() / frames[n]["limit"]) for n in (candidates if told["kind"] == "volume" else candidates[:40])}
        best = min(differences, key=differences.get)
        used.add(best)
        worst, count = max(worst, differences[best]), count + values.size
        if told["kind"] == "volume":
            position, orientation = frames[best]["place"]
            rows, columns = frames[best]["values"].shape[:2]
            spacing = told["spacing_mm"]
            corner = position + orientation[:3] * spacing[0] * (columns - 1) + orientation[3:] * spacing[1] * (rows - 1)
            off = max(off, numpy.abs((lps @ [0, 0, k, 1])[:3] - position).max(), numpy.abs((lps @ [columns - 1, rows - 1, k, 1])[:3] - corner).max())
    return worst, count, off, used


RESAMPLED = {"tilt", "non-uniform-spacing", "missing-slices"}


def compare_dicom(program, folder, opened, paths, expected):
    """Prints a line a part; returns the number of failures."""
    done = run(program, "--open", opened, "--info")
    name = opened.relative_to(folder.parent)
    if done.returncode not in (0, 1) or not done.stdout:
        print(f"FAIL {name}: --info exit code {done.returncode} {done.stderr.strip()[:150]}")
        return 1
    info = json.loads(done.stdout)
    # Not read by design: named, and that is all that is asked.
    if any("JPEG XL" in entry["reason"] or "segmentation" in entry["reason"] for entry in info["rejected"]):
        print(f"none {name}: refused: {info['rejected'][0]['reason']}")
        return 0
    parts = [series for study in info["studies"] for series in study["series"]]
    try:
        frames = reference_frames(folder, paths, expected)
    except Exception as error:  # nobody else decodes it
        frames, reason = None, f"{type(error).__name__} {str(error)[:60]}"
    if not parts:
        refused = "; ".join(entry["reason"] for entry in info["rejected"])
        print(f"{'FAIL' if frames else 'none'} {name}: refused: {refused}" + ("" if frames else f"  (reference: {reason})"))
        return int(bool(frames))
    failures = 0
    for part in parts:
        got, told = export(program, opened, part["key"])
        label = f"{name} [{part['part'] + 1}/{part['parts']}]" if part["parts"] > 1 else str(name)
        if got is None:
            failures += bool(frames)
            print(f"{'FAIL' if frames else 'none'} {label}: {told}" + ("" if frames else f"  (reference: {reason})"))
            continue
        notes = [note["code"] for note in told["notes"]]
        if frames is None:
            print(f"only {label}: read as {told['size']} {told['type']}, no reference ({reason}); {notes}")
            continue
        if RESAMPLED & set(notes):
            print(f"skip {label}: resampled {told['size']}; {notes}")
            continue
        result = compare_series(*got, frames, told)
        if result is None:
            failures += 1
            print(f"FAIL {label}: no frames of its size {got[0].shape}; {notes}")
            continue
        worst, count, off, used = result
        good = worst <= 1 and off < 0.01
        failures += not good
        print(f"{'ok  ' if good else 'FAIL'} {label}: {told['kind']} {told['size']} {told['type']} {told['unit']}, {count} values, worst {worst:.3g} x limit, places within {off:.2g} mm; {notes}")
    return failures


def compare_volume_file(program, folder, path):
    got, told = export(program, path, "")
    name = path.relative_to(folder.parent)
    if got is None:
        print(f"FAIL {name}: {told}")
        return 1
    data, affine = got
    if path.suffix == ".nrrd":
        image = SimpleITK.ReadImage(str(path))
        matrix = numpy.eye(4)
        matrix[:3, :3] = numpy.array(image.GetDirection()).reshape(3, 3) @ numpy.diag(image.GetSpacing())
        matrix[:3, 3] = image.GetOrigin()
        reference, wanted = numpy.transpose(SimpleITK.GetArrayFromImage(image), (2, 1, 0)), numpy.diag([-1, -1, 1, 1]) @ matrix
    else:
        image = nibabel.load(path)
        wanted = image.affine
        reference = numpy.array(image.dataobj)
        if reference.dtype.names:
            reference = numpy.stack([reference[c] for c in "RGB"], -1)
        elif reference.ndim > 3:
            reference = reference[..., 0]
    reference = numpy.nan_to_num(reference.astype(float).reshape(data.shape), nan=0)
    worst = float(numpy.abs(data - reference).max())
    corners = numpy.array([[i, j, k, 1] for i in (0, data.shape[0] - 1) for j in (0, data.shape[1] - 1) for k in (0, data.shape[2] - 1)])
    off = float(numpy.abs((corners @ affine.T - corners @ wanted.T)).max())
    good = worst <= 1e-6 * max(1, numpy.abs(reference).max()) and off < 0.01
    print(f"{'ok  ' if good else 'FAIL'} {name}: {told['size']} {told['type']}, worst {worst:.3g}, places within {off:.2g} mm; {[note['code'] for note in told['notes']]}")
    return int(not good)


def is_dicom(path):
    return path.is_file() and path.suffix not in (".json", ".md", ".raw", ".png", ".nii", ".gz", ".nrrd", ".txt", ".jpg")


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    chosen = [pathlib.Path(p).resolve() for p in sys.argv[3:]]
    failures = 0

    def wanted(path):
        return not chosen or any(path == c or c in path.parents for c in chosen)

    for name in ("transfer_syntaxes", "odd", "cxr", "ct_chest_abdomen", "ct_tilt", "ct_vendors", "mr"):
        folder = data / name
        expected = Expected(folder)
        series = [folder / entry["directory"] for entry in json.loads((folder / "expected.json").read_text()).get("series", [])]
        for directory in series:
            if wanted(directory):
                failures += compare_dicom(program, folder, directory, sorted(p for p in directory.iterdir() if is_dicom(p)), expected)
        for path in sorted(p for p in folder.rglob("*") if is_dicom(p) and not any(s in p.parents for s in series)):
            if wanted(path) and path.name != "segmentation.nii.gz" and "decoded" not in path.parts and not path.name.startswith("seg_"):
                failures += compare_dicom(program, folder, path, [path], expected)
    for folder in (data / "nifti", data / "mr_brats", data / "ct_chest_abdomen"):
        for path in sorted(p for p in folder.iterdir() if p.name.endswith((".nii", ".nii.gz", ".nrrd"))):
            if wanted(path):
                failures += compare_volume_file(program, folder, path)
    print(f"{failures} failures")
    return 1 if failures else 0


sys.exit(main())

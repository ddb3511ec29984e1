"""Checks what `hounsfield --headless` wrote against NumPy, nibabel and SimpleITK (independent readers).

usage: headless_job.py PROGRAM DATA_DIR

Runs the job on the real CT of DATA_DIR/ct_chest_abdomen with several wordings, on an MR volume and on a chest radiograph, and
compares masks, volumes, means and affines with what these libraries compute from the same files. Prints one line a check; the
exit code is the number of failed checks (at most 99).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

failures = 0


def check(name, ok, detail=""):
    global failures
    failures += not ok
    print(f"{'ok    ' if ok else 'FAILED'} {name} {detail}", flush=True)


def run(program, opened, question, out, *more):
    command = [program, "--headless", "--open", str(opened), "--ask", question, "--export", str(out), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        print(done.stderr.strip())
        return None
    return json.loads((Path(out) / "answer.json").read_text())


def dicom_affine_ras(folder):
    """The affine (voxel index to RAS mm) of a DICOM folder as SimpleITK (GDCM) reads it."""
    reader = sitk.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    image = sitk.ReadImage(reader.GetGDCMSeriesFileNames(str(folder), series[0]))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return np.diag([-1, -1, 1, 1]) @ matrix


def dice(a, b):
    return 2 * np.logical_and(a, b).sum() / max(1, a.sum() + b.sum())


def check_measured(name, answer, mask, ct):
    voxel_ml = abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    values = np.asarray(mask.dataobj)
    for label in answer["labels"]:
        inside = values == label["value"]
        check(f"{name}: volume of {label['name']}", abs(inside.sum() * voxel_ml - label["volume_ml"]) < 0.1,
              f"{inside.sum() * voxel_ml:.2f} / {label['volume_ml']:.2f} mL")
        if inside.any():
            check(f"{name}: mean of {label['name']}", abs(ct[inside].mean() - label["mean_hu"]) < 0.1,
                  f"{ct[inside].mean():.2f} / {label['mean_hu']:.2f}")


def check_ct(program, data, work):
    folder = data / "ct_chest_abdomen"
    names = {int(k): v for k, v in json.loads((folder / "labels.json").read_text()).items()}
    reference = nibabel.load(folder / "segmentation.nii.gz")
    labels = np.asarray(reference.dataobj).astype(int)
    ct = np.asarray(nibabel.load(folder / "example_ct.nii.gz").dataobj)
    of = lambda *words: np.isin(labels, [v for v, n in names.items() if any(w in n for w in words)])
    left, right = of("lobe_left"), of("lobe_right")
    bones = of("vertebrae", "rib_", "hip_", "sacrum", "sternum", "femur", "humerus", "scapula", "clavicula", "skull", "costal")
    wordings = ["Segment the lungs", "Please outline both lungs", "Where are the lungs?", "show me the lungs",
                "Can you delineate the lungs in this scan?", "mark the lungs"]
    for n, wording in enumerate(wordings):
        out = work / f"lungs{n}"
        answer = run(program, folder / "dicom", wording, out)
        check(f"'{wording}' answered", answer is not None)
        if not answer or not (out / "mask.nii.gz").exists():
            check(f"'{wording}' gave a mask", False, str(answer and answer.get("answer")))
            continue
        mask = nibabel.load(out / "mask.nii.gz")
        check("affine of the mask", np.allclose(mask.affine, dicom_affine_ras(folder / "dicom"), atol=1e-3))
        # The reference NIfTI may run along its axes in another order: bring both to RAS.
        ras = nibabel.as_closest_canonical(mask)
        values = np.asarray(ras.dataobj)
        by_name = {entry["name"]: entry["value"] for entry in answer["labels"]}
        mine = np.isin(values, [v for k, v in by_name.items() if "lung" in k])
        check("lungs Dice >= 0.90", dice(mine, left | right) >= 0.90, f"{dice(mine, left | right):.3f}")
        for side, truth in (("left", left), ("right", right)):
            value = next((v for k, v in by_name.items() if side in k and "lung" in k), None)
            check(f"{side} lung Dice", value is not None and dice(values == value, truth) >= 0.85,
                  f"{dice(values == value, truth):.3f}")
        check_measured(wording, answer, ras, ct)
    out = work / "bones"
    answer = run(program, folder / "dicom", "Segment the bones", out)
    if answer and (out / "mask.nii.gz").exists():
        values = np.asarray(nibabel.as_closest_canonical(nibabel.load(out / "mask.nii.gz")).dataobj)
        mine = np.isin(values, [e["value"] for e in answer["labels"] if "bone" in e["name"]])
        check("bones Dice >= 0.85", dice(mine, bones) >= 0.85, f"{dice(mine, bones):.3f}")
        check_measured("bones", answer, nibabel.as_closest_canonical(nibabel.load(out / "mask.nii.gz")), ct)
    else:
        check("bones gave a mask", False, str(answer and answer.get("answer")))


def check_others(program, data, work):
    cases = [("MR", data / "mr_brats", "MRI"), ("CXR", data / "cxr" / "nih_00000001_000_dx.dcm", "x-ray"),
             ("CXR", data / "cxr" / "siim_cr_jpeg.dcm", "x-ray")]
    for folder in sorted(p for p in (data / "mr").iterdir() if p.is_dir()):
        cases.append(("MR", folder, "MR"))
    for kind, path, word in cases:
        for question in ("What is this?", "Segment the lungs"):
            out = work / f"{kind}-{path.stem}-{question[:4]}"
            answer = run(program, path, question, out)
            name = f"{kind} {path.name} '{question}'"
            check(f"{name} answered", answer is not None)
            if not answer:
                continue
            check(f"{name}: no CT expert", answer["expert"] is None and not (out / "mask.nii.gz").exists(), str(answer["expert"]))
            check(f"{name}: names the modality", word.lower() in answer["answer"].lower(), answer["answer"])


def main():
    program, data = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        check_ct(program, data, Path(work))
        check_others(program, data, Path(work))
    print(f"{failures} checks failed")
    return min(failures, 99)


if __name__ == "__main__":
    sys.exit(main())

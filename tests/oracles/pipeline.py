#!/usr/bin/env python3
"""Compares `hounsfield-engine segment` with MONAI's own chains on real volumes and random weights: reading, transforms, windows, network, labels, way back.
pipeline.py ENGINE DATA [CASE ...], DATA being the folder of real data. Needs torch, monai 1.5.0, nibabel."""
import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy
import torch
from monai.inferers import sliding_window_inference
from monai.transforms import (Compose, CropForegroundd, EnsureChannelFirstd, Invertd, LoadImaged, NormalizeIntensityd, Orientationd, ScaleIntensityRanged, Spacingd)

from networks import randomised, vista

ROOT = pathlib.Path(__file__).parents[2]


def manifest(folder, changes):
    (folder / "expert.json").write_text(json.dumps({
        "format": 1, "name": "ORACLE", "version": "1", "task": "segmentation", "card": {"modality": "CT", "overview": "-", "accuracy": "-"}, "suitability": {"modalities": ["CT"]},
        "labels": [{"value": n, "name": f"label {n}", "color": "#ff0000"} for n in range(1, 8)], "licence": {"weights": "none", "intendedUse": "tests"}, **changes}))


def straight(folder, data):
    """A CT with axes as DICOM has them (to Left, Posterior, Superior). The original's oblique axes are perpendicular but for the last digits of its header:
    the engine makes them so, MONAI takes them for sheared and centres its grid, half a voxel away."""
    image = nibabel.load(data / "nifti/ct_oblique_head_phantom.nii.gz")
    file = folder / "ct.nii.gz"
    nibabel.save(nibabel.Nifti1Image(numpy.asarray(image.dataobj), numpy.array([[-0.8125, 0, 0, 60], [0, -0.8125, 0, 90], [0, 0, 2.375, -20], [0, 0, 0, 1]])), file)
    return file


def unet(folder, data):
    from monai.networks.nets import UNet
    network = randomised(UNet(3, 1, 5, (8, 16, 32), (2, 2), num_res_units=2, norm="batch"))
    torch.save(network.state_dict(), folder / "model.pt")
    manifest(folder, {
        "network": {"name": "unet", "in": 1, "out": 5, "channels": [8, 16, 32], "strides": [2, 2], "residualUnits": 2, "norm": "batch", "activation": "prelu", "file": "model.pt"},
        "preprocessing": [{"do": "orientationRas"}, {"do": "spacing", "mm": [3, 3, 4]}, {"do": "scaleRange", "from": -57, "to": 164}],
        "window": {"roi": [48, 48, 32], "overlap": 0.5, "blend": "gaussian", "padding": "replicate"}, "postprocessing": {"labels": "argmax"}})
    chain = [Orientationd("image", axcodes="RAS"), Spacingd("image", pixdim=(3, 3, 4), mode="bilinear"), ScaleIntensityRanged("image", -57, 164, 0, 1, clip=True)]
    labels = lambda x, _: sliding_window_inference(x, (48, 48, 32), 1, network, overlap=0.5, mode="gaussian", padding_mode="replicate").argmax(1, keepdim=True)
    return ["CT"], [straight(folder, data)], chain, labels, []


def vista3d_at_clicks(folder, data):
    """One class and clicks, inside and outside; two of them share no window."""
    from monai.apps.vista3d.inferer import point_based_window_inferer
    modality, files, chain, _, _ = vista3d(folder, data)
    network = vista()
    places = [((20.0, 40.0, 60.0), 1), ((-40.0, -30.0, 90.0), 1), ((10.0, 30.0, 50.0), 0)]      # LPS, mm

    def labels(x, affine):
        inverse = torch.linalg.inv(affine)
        points = torch.stack([(inverse @ torch.tensor([-p[0], -p[1], p[2], 1.0], dtype=inverse.dtype))[:3] for p, _ in places]).float()[None]
        logits = point_based_window_inferer(x, (48, 48, 48), network, points, torch.tensor([[label for _, label in places]]).float(), class_vector=torch.tensor([[1]]), prompt_class=torch.tensor([[1]]),
                                            transpose=True)
        return (logits > 0).to(torch.int64)
    clicks = ";".join(",".join(map(str, p)) + ("" if label else ",out") for p, label in places)
    return modality, files, chain, labels, ["--args", "liver", "--clicks", clicks]


def vista3d(folder, data):
    network = vista()
    torch.save(network.state_dict(), folder / "model.pt")
    text = json.loads((ROOT / "resources/experts/vista3d/expert.json").read_text())
    text["window"]["roi"] = [48, 48, 48]
    text["preprocessing"][0]["mm"] = [4, 4, 4]
    (folder / "expert.json").write_text(json.dumps(text))
    chain = [Spacingd("image", pixdim=(4, 4, 4), mode="bilinear"), CropForegroundd("image", source_key="image", allow_smaller=True, margin=10),
             ScaleIntensityRanged("image", -963.8247715525971, 1053.678477684517, 0, 1, clip=True), Orientationd("image", axcodes="RAS")]
    ids = torch.tensor([1, 26, 6, 14, 5])

    def labels(x, _):
        predictor = lambda window: network(window, class_vector=ids.reshape(-1, 1)).transpose(0, 1)
        logits = sliding_window_inference(x, (48, 48, 48), 1, predictor, overlap=0.25)
        return torch.where((logits > 0).any(1, keepdim=True), ids[logits.argmax(1, keepdim=True)], 0)
    return ["CT"], [straight(folder, data)], chain, labels, ["--args", "liver, hepatic tumor, aorta, left kidney, right kidney"]


def brats(folder, data):
    from monai.networks.nets import SegResNet
    network = randomised(SegResNet(3, in_channels=4, out_channels=3, init_filters=16, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1), dropout_prob=0.2))
    torch.save(network.state_dict(), folder / "model.pt")
    text = json.loads((ROOT / "resources/experts/brats/expert.json").read_text())
    text["window"].update({"roi": [96, 96, 96], "overlap": 0.25})
    (folder / "expert.json").write_text(json.dumps(text))

    def labels(x, _):
        p = sliding_window_inference(x, (96, 96, 96), 1, network, overlap=0.25).sigmoid() >= 0.5
        return torch.where(p[:, 2:3], 4, torch.where(p[:, 0:1], 1, torch.where(p[:, 1:2], 2, 0)))
    files = [data / "mr_brats" / name for name in ("t1c.nii.gz", "t1.nii.gz", "t2.nii.gz", "fla.nii.gz")]
    return ["MR"], files, [NormalizeIntensityd("image", nonzero=True, channel_wise=True)], labels, []


def chest(engine, folder):
    """Two members on a radiograph-like picture against TorchXRayVision's own crop, resize, network and calibration."""
    import torchxrayvision as xrv
    members = []
    for seed, name in enumerate(("all", "chex")):
        thresholds = torch.tensor(xrv.models.model_urls[f"densenet121-res224-{name}"]["op_threshs"])
        network = randomised(xrv.models.DenseNet(num_classes=18, in_channels=1), seed)
        network.classifier.weight.data *= 0.02     # probabilities that are not all 0 or 1
        torch.save(network, folder / f"{name}.pt", _use_new_zipfile_serialization=False)
        network.op_threshs = thresholds
        network.apply_sigmoid = False
        network.input_resolution = 224
        members.append((name, network))
    (folder / "expert.json").write_text(json.dumps({
        "format": 1, "name": "CXR", "version": "1", "task": "classification", "card": {"modality": "CXR", "overview": "-", "accuracy": "-"}, "suitability": {"modalities": ["DX"]},
        "network": {"name": "chestEnsemble", "members": [{"network": "densenet121", "thresholds": name, "file": f"{name}.pt"} for name, _ in members]},
        "licence": {"weights": "none", "intendedUse": "tests"}}))
    rows = numpy.random.default_rng(1).integers(0, 256, (300, 340)).astype(numpy.uint8)
    nibabel.save(nibabel.Nifti1Image(numpy.ascontiguousarray(rows.T)[:, :, None], numpy.diag([1, 1, 1, 1])), folder / "x.nii.gz")
    subprocess.run([engine, "classify", "--accept-licence", "--expert", folder, "--modality", "DX", "--bits", "8", "--json", folder / "out.json", folder / "x.nii.gz"], check=True, stdout=subprocess.DEVNULL)
    scores = {entry["label"]: entry for entry in json.loads((folder / "out.json").read_text())[str(folder / "x.nii.gz")]["scores"]}
    picture = xrv.datasets.XRayCenterCrop()(xrv.datasets.normalize(rows.astype(numpy.float32), 255)[None])
    with torch.no_grad():
        outputs = {name: network(torch.from_numpy(picture)[None])[0].double().numpy() for name, network in members}
    worst = 0.0
    for n, label in enumerate(xrv.datasets.default_pathologies):
        voters = {"Pneumothorax": []}.get(label, ["all", "chex"])
        if not voters:
            assert label not in scores      # only resnet50 votes on it
            continue
        worst = max(worst, abs(scores[label]["mean"] - numpy.mean([outputs[name][n] for name in voters])))
    spread = float(numpy.std([entry["mean"] for entry in scores.values()]))
    print(f"oracle: chest: scores differ by at most {worst:.1e}, they spread by {spread:.2f}{'' if worst < 1e-4 and spread > 0.02 else ' NOT GOOD'}", flush=True)
    return worst < 1e-4 and spread > 0.02


def unet_by_probabilities(folder, data):
    """Probabilities come back to the grid of the series, and labels are made there, as many bundles do it."""
    modality, files, chain, _, extra = unet(folder, data)
    text = json.loads((folder / "expert.json").read_text())
    text["postprocessing"]["invert"] = "probabilities"
    (folder / "expert.json").write_text(json.dumps(text))
    from monai.networks.nets import UNet
    network = UNet(3, 1, 5, (8, 16, 32), (2, 2), num_res_units=2, norm="batch").eval()
    network.load_state_dict(torch.load(folder / "model.pt"))
    probabilities = lambda x, _: sliding_window_inference(x, (48, 48, 32), 1, network, overlap=0.5, mode="gaussian", padding_mode="replicate").softmax(1)
    return modality, files, chain, probabilities, extra


CASES = {"unet": unet, "unet by probabilities": unet_by_probabilities, "vista3d": vista3d, "vista3d at clicks": vista3d_at_clicks, "brats": brats}


def main(engine, data, names):
    failed = False
    for name in names or [*CASES, "chest"]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            if name == "chest":
                failed |= not chest(engine, folder)
                continue
            (modality,), files, steps, labels, extra = CASES[name](folder, pathlib.Path(data))
            chain = Compose([LoadImaged("image"), EnsureChannelFirstd("image"), *steps])
            item = chain({"image": [str(f) for f in files] if len(files) > 1 else str(files[0])})
            with torch.no_grad():
                found = labels(item["image"].unsqueeze(0).as_tensor(), item["image"].affine)[0]
            item["pred"] = type(item["image"])(found.float(), affine=item["image"].affine)
            are_labels = len(found) == 1
            back = Invertd("pred", transform=chain, orig_keys="image", nearest_interp=are_labels)(item)["pred"]
            expected = (back[0] if are_labels else back.argmax(0)).numpy().astype(numpy.uint8)
            out = folder / "mask.nii.gz"
            subprocess.run([engine, "segment", "--accept-licence", "--expert", folder, "--modality", modality, "--precision", "exact", *extra, *map(str, files), out], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            mask = nibabel.load(out)
            actual = numpy.asarray(mask.dataobj)
            same_place = numpy.allclose(mask.affine, nibabel.load(files[0]).affine, atol=1e-3)
            share = float((actual != expected).mean()) if actual.shape == expected.shape else 1.0
            good = share < 1e-4 and same_place and (expected > 0).mean() > 0.01
            failed |= not good
            print(f"oracle: {name}: {share:.1e} of {expected.size} voxels differ, {len(numpy.unique(expected))} values, grid {'kept' if same_place else 'LOST'}"
                  f"{'' if good else ' NOT GOOD'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))

#!/usr/bin/env python3
"""Compares `hounsfield-engine run-network` with MONAI and TorchXRayVision on the same random weights, read from files that torch.save wrote.
networks.py ENGINE [NAME ...]. Needs torch, monai 1.5.0 and torchxrayvision 1.5.2."""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch

TOLERANCE = 1e-4    # of the standard deviation of the reference


def randomised(network, seed=1):
    """Every parameter and running statistic gets a value that no default has."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(1 + 0.2 * noise.abs())
        elif tensor.dim() < 2:
            tensor.copy_((1 if name.endswith("weight") else 0) + 0.1 * noise)
        else:
            tensor.copy_(noise / (tensor[0].numel() ** 0.5))
    return network.eval()


def vista():
    from monai.networks.nets import vista3d132
    return randomised(vista3d132(encoder_embed_dim=48, in_channels=1))


def vista_classes(folder):
    network = vista()
    torch.save(network.state_dict(), folder / "w.pt")
    x = torch.rand(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = network(x, class_vector=torch.tensor([[1], [26], [132]]))
    return "vista3d", x, expected, ["--classes", "1,26,132"]


def vista_points(folder):
    network = vista()
    torch.save({"model": network.state_dict()}, folder / "w.pt")
    x = torch.rand(1, 1, 32, 48, 32, generator=torch.Generator().manual_seed(4))
    points = torch.tensor([[[10.0, 12.0, 14.0], [20.0, 8.0, 9.0]]])
    with torch.no_grad():
        expected = network(x, point_coords=points, point_labels=torch.tensor([[1, 0]]))
    return "vista3d", x, expected, ["--points", "10,12,14,1;20,8,9,0"]


def brats(folder):
    from monai.networks.nets import SegResNet
    network = randomised(SegResNet(3, in_channels=4, out_channels=3, init_filters=16, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1), dropout_prob=0.2))
    torch.save(network.state_dict(), folder / "w.pt", _use_new_zipfile_serialization=False)
    x = torch.randn(1, 4, 40, 32, 48, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        return "brats", x, network(x), []


def densenet(folder):
    import torchxrayvision as xrv
    network = randomised(xrv.models.DenseNet(num_classes=18, in_channels=1, op_threshs=None))
    torch.save(network, folder / "w.pt", _use_new_zipfile_serialization=False)   # a whole module in the older stream, as the published files
    x = (torch.rand(2, 1, 224, 224, generator=torch.Generator().manual_seed(6)) * 2 - 1) * 1024
    with torch.no_grad():
        return "densenet121", x, network(x), []


def resnet(folder):
    import torchvision
    network = torchvision.models.resnet50(num_classes=18, weights=None)
    network.conv1 = torch.nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    network = randomised(network)
    torch.save(network.state_dict(), folder / "w.pt")
    x = (torch.rand(1, 1, 512, 512, generator=torch.Generator().manual_seed(7)) * 2 - 1) * 1024
    with torch.no_grad():
        return "resnet50", x, network(x), []


def folder_case(folder, network, description, x):
    """An expert's folder of the general families: run-network takes the network from its expert.json."""
    torch.save(network.state_dict(), folder / "w.pt")
    (folder / "expert.json").write_text(json.dumps({
        "format": 1, "name": "ORACLE", "version": "1", "task": "segmentation", "card": {"modality": "CT", "overview": "-", "accuracy": "-"}, "suitability": {"modalities": ["CT"], **({"channels": [f"channel {n}" for n in range(x.shape[1])]} if x.shape[1] > 1 else {})},
        "network": {**description, "file": "w.pt"}, "preprocessing": [], "window": {"roi": [32, 32, 32], "overlap": 0.25, "blend": "constant"}, "postprocessing": {"labels": "argmax"},
        "labels": [{"value": 1, "name": "one", "color": "#ff0000"}], "licence": {"weights": "none", "intendedUse": "tests"}}))
    with torch.no_grad():
        return str(folder), x, network(x), []


def unet_batch(folder):
    from monai.networks.nets import UNet
    network = randomised(UNet(3, 1, 2, (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2, norm="batch"))
    description = {"name": "unet", "in": 1, "out": 2, "channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "residualUnits": 2, "norm": "batch", "activation": "prelu"}
    return folder_case(folder, network, description, torch.randn(1, 1, 48, 32, 32, generator=torch.Generator().manual_seed(8)))


def unet_instance(folder):
    from monai.networks.nets import UNet
    network = randomised(UNet(3, 2, 3, (8, 16, 32), (2, 2), num_res_units=1, norm="instance", act="relu"))
    description = {"name": "unet", "in": 2, "out": 3, "channels": [8, 16, 32], "strides": [2, 2], "residualUnits": 1, "norm": "instance", "activation": "relu"}
    return folder_case(folder, network, description, torch.randn(1, 2, 32, 36, 32, generator=torch.Generator().manual_seed(9)))


def segresnet_deconv(folder):
    from monai.networks.nets import SegResNet
    network = randomised(SegResNet(3, in_channels=3, out_channels=6, init_filters=32, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1), upsample_mode="deconv"))
    description = {"name": "segresnet", "in": 3, "out": 6, "filters": 32, "blocksDown": [1, 2, 2, 4], "blocksUp": [1, 1, 1], "upsampling": "deconvolution"}
    return folder_case(folder, network, description, torch.randn(1, 3, 32, 24, 40, generator=torch.Generator().manual_seed(10)))


CASES = {"unet_batch": unet_batch, "unet_instance": unet_instance, "segresnet_deconv": segresnet_deconv, "vista_classes": vista_classes, "vista_points": vista_points, "brats": brats, "densenet": densenet, "resnet": resnet}


def main(engine, names):
    failed = False
    for case in names or CASES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            name, x, expected, extra = CASES[case](folder)
            numpy.save(folder / "x.npy", x.numpy())
            for precision, tolerance in (("exact", TOLERANCE), ("fp32", TOLERANCE)):
                subprocess.run([engine, "run-network", "--network", name, "--weights", folder / "w.pt", "--input", folder / "x.npy", "--output", folder / "y.npy",
                                "--precision", precision, *extra], check=True, stdout=subprocess.DEVNULL)
                actual = numpy.load(folder / "y.npy")
                expected_array = expected.numpy().reshape(actual.shape)
                worst = float(numpy.abs(actual - expected_array).max() / expected_array.std())
                good = worst < tolerance
                failed |= not good
                print(f"oracle: {case} {precision}: largest difference {worst:.1e} of the standard deviation{'' if good else ' IS TOO LARGE'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

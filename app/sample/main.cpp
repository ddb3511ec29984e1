#include "viewer/dicom/WriteSeries.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/volume/Error.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

/// hounsfield-make-sample FOLDER [SEED [SPACING_MM [SLICE_MM [TILT_DEG]]]]: writes FOLDER/dicom and FOLDER/truth.nii.gz.
int main(int argc, char** argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        std::fputs("usage: hounsfield-make-sample FOLDER [SEED [SPACING_MM [SLICE_MM [TILT_DEG]]]]\n", stderr);
        return 2;
    }
    try {
        hf::phantom::CtPhantomOptions options;
        options.seed = argc > 2 ? std::uint32_t(std::strtoul(argv[2], nullptr, 10)) : 7;
        const double inPlane = argc > 3 ? std::atof(argv[3]) : 1.5;
        options.spacingMm = {inPlane, inPlane, argc > 4 ? std::atof(argv[4]) : 3.0};
        options.tiltXDeg = argc > 5 ? std::atof(argv[5]) : 0;
        const hf::phantom::CtPhantom made = hf::phantom::makeCtPhantom(options);
        const std::filesystem::path folder = argv[1];
        std::filesystem::remove_all(folder / "dicom");
        hf::dicom::writeCtSeries(made.volume, {}, folder / "dicom");
        hf::imaging::writeNifti(made.truth, folder / "truth.nii.gz");
        return 0;
    } catch (const hf::Error& error) {
        std::fprintf(stderr, "hounsfield-make-sample: %s\n", error.what());
        return 1;
    }
}

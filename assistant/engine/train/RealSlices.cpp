#include "assistant/engine/train/RealSlices.h"

#include "assistant/engine/PillowResize.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <numbers>
#include <optional>
#include <sstream>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using phantom::Random;

namespace {

/// A MetaImage file as packaging/train-demo/real_volumes.py writes it.
Volume readMetaImage(const fs::path& path, const std::string& modality)
{
    std::ifstream file(path, std::ios::binary);
    std::string line, elementType;
    std::array<double, 9> matrix{};
    std::array<double, 3> offset{}, spacing{};
    Size3 size;
    bool local = false;
    while (!local && std::getline(file, line)) {
        std::istringstream in(line);
        std::string key, equals;
        in >> key >> equals;
        if (key == "TransformMatrix") {
            for (double& value : matrix) in >> value;
        } else if (key == "Offset") {
            in >> offset[0] >> offset[1] >> offset[2];
        } else if (key == "ElementSpacing") {
            in >> spacing[0] >> spacing[1] >> spacing[2];
        } else if (key == "DimSize") {
            in >> size.i >> size.j >> size.k;
        } else if (key == "ElementType") {
            in >> elementType;
        } else if (key == "ElementDataFile") {
            local = true;
        }
    }
    if (!local || elementType != "MET_SHORT" || size.i < 1 || size.j < 1 || size.k < 1) {
        throw Error(path.string() + " is not an uncompressed MetaImage file of short integers", "unsupported");
    }
    std::vector<std::int16_t> voxels(size.voxels());
    file.read(reinterpret_cast<char*>(voxels.data()), std::streamsize(voxels.size() * 2));
    if (!file) {
        throw Error(path.string() + " is too short", "broken");
    }
    const std::array<Vec3, 3> axes{Vec3{matrix[0], matrix[1], matrix[2]}, Vec3{matrix[3], matrix[4], matrix[5]}, Vec3{matrix[6], matrix[7], matrix[8]}};
    VolumeInfo info;
    info.modality = modality;
    info.unit = modality == "CT" ? Unit::Hu : Unit::None;
    return Volume(Geometry(size, spacing, {offset[0], offset[1], offset[2]}, axes), std::move(voxels), info);
}

/// The frame as if the patient lay a little askew, and less of the patient.
/// @param isSingle  nothing lies in front of the slice or behind it: it is turned in its plane alone.
SliceFrame jittered(SliceFrame frame, bool isSingle, Random& random)
{
    const double fx = random.chance(0.5) ? random.uniform(0.55, 1) : 1, fy = random.chance(0.5) ? random.uniform(0.55, 1) : 1;
    const int width = std::max(16, int(frame.width * fx)), height = std::max(16, int(frame.height * fy));
    const double left = random.uniform() * (frame.width - width), top = random.uniform() * (frame.height - height);
    if (random.chance(0.6)) {
        constexpr double kMost = 10 * std::numbers::pi / 180;
        const double roll = random.uniform(-kMost, kMost), yaw = isSingle ? 0 : random.uniform(-kMost, kMost), pitch = isSingle ? 0 : random.uniform(-kMost, kMost);
        const PointLps middle = frame.toLps(left + (width - 1) / 2.0, top + (height - 1) / 2.0);
        const Vec3 right = frame.right, down = frame.down, normal = frame.normal();
        frame.right = normalized(right + down * std::sin(roll) + normal * std::sin(yaw));
        Vec3 newDown = down - right * std::sin(roll) + normal * std::sin(pitch);
        newDown = newDown - frame.right * dot(newDown, frame.right);
        frame.down = normalized(newDown);
        frame.origin = middle + frame.right * (-(width - 1) / 2.0 * frame.pixelMm[0]) + frame.down * (-(height - 1) / 2.0 * frame.pixelMm[1]);
    } else {
        frame.origin = frame.toLps(left, top);
    }
    frame.width = width;
    frame.height = height;
    return frame;
}

/// CT values as a magnetic resonance image might have them: tissues get levels by chance, air and compact bone stay dark.
std::array<std::uint8_t, 256> mrContrast(Random& random)
{
    // Of the window 50 / 600: -250 to 350 HU.
    const double hu[] = {-250, -170, -120, -80, -30, 0, 25, 45, 60, 80, 130, 200, 350};
    const double fat = random.chance(0.7) ? random.uniform(150, 240) : random.uniform(10, 60), water = random.chance(0.5) ? random.uniform(10, 70) : random.uniform(150, 250);
    const double muscle = random.uniform(30, 110), organ = random.uniform(60, 180), blood = random.chance(0.5) ? random.uniform(5, 50) : random.uniform(150, 250);
    const double marrow = 0.4 * fat + random.uniform(10, 80);
    const double level[] = {random.uniform(0, 12), 0.5 * fat, fat, fat, 0.5 * (fat + water), water, 0.5 * (water + muscle), muscle, 0.5 * (muscle + organ), organ, blood, marrow, random.uniform(0, 25)};
    std::array<std::uint8_t, 256> table{};
    std::size_t knot = 0;
    for (std::size_t n = 0; n < table.size(); ++n) {
        const double value = -250 + 600.0 * double(n) / 255;
        while (knot + 2 < std::size(hu) && value > hu[knot + 1]) {
            ++knot;
        }
        const double t = std::clamp((value - hu[knot]) / (hu[knot + 1] - hu[knot]), 0.0, 1.0);
        table[n] = std::uint8_t(std::clamp((1 - t) * level[knot] + t * level[knot + 1], 0.0, 255.0));
    }
    return table;
}

/// Brightness that falls off from a coil.
void shade(std::vector<std::uint8_t>& grey, int size, Random& random)
{
    const double fx = random.uniform(-0.4, 0.4), fy = random.uniform(-0.4, 0.4), bend = random.uniform(-0.5, 0.2);
    for (std::size_t n = 0; n < grey.size(); ++n) {
        const double x = double(n % std::size_t(size)) / size - 0.5, y = double(n / std::size_t(size)) / size - 0.5;
        grey[n] = std::uint8_t(std::clamp(grey[n] * (1 + fx * x + fy * y + bend * 2 * (x * x + y * y)), 0.0, 255.0));
    }
}

/// What a volume of few slices shows across them: a band of the picture, the rest is black.
struct Band {
    bool isUpright = false;
    double half = 0;            ///< Half of its width as a share of the picture.
    bool holds(std::size_t n, int size) const { return std::abs((double(isUpright ? n % std::size_t(size) : n / std::size_t(size)) + 0.5) / size - 0.5) <= half; }
};

/// Moves the frame so that what the band shows is in the middle. Slices are mostly axial, so that coronal and sagittal views are wide and low.
Band someBand(SliceFrame& frame, Plane plane, Random& random)
{
    const Band band{random.chance(plane == Plane::Axial ? 0.5 : 0.25), random.uniform(0.07, 0.3)};
    const double off = random.uniform(-0.25, 0.25);
    frame.origin = band.isUpright ? frame.toLps(off * frame.width, 0) : frame.toLps(0, off * frame.height);
    return band;
}

/// Noise as of few photons, in what the window does not cut off. @param deviation  in grey levels.
void addGrain(std::vector<std::uint8_t>& grey, int size, double deviation, Random& random)
{
    const bool isCoarse = random.chance(0.4);
    std::vector<float> noise(grey.size());
    for (float& value : noise) {
        value = float(deviation * random.gaussian());
    }
    for (std::size_t n = 0; n < grey.size(); ++n) {
        // Neighbours share it where images were made smooth.
        const double value = isCoarse && n > std::size_t(size) ? 0.6 * (noise[n] + noise[n - 1] + noise[n - std::size_t(size)]) : noise[n];
        if (grey[n] > 2) {
            grey[n] = std::uint8_t(std::clamp(grey[n] + value, 0.0, 255.0));
        }
    }
}

std::vector<std::uint8_t> greyOf(const Volume& volume, const SliceFrame& frame, const WindowLevel& window, int size)
{
    return redOf(preprocess(composeSlice(volume, frame, window, false, Interpolation::Linear), size, "pad", {}));
}

TrainingPicture radiographSlice(const RealVolume& real, Random& random, int size)
{
    TrainingPicture picture;
    picture.kind = ImageKind::Cxr;
    View view;
    view.plane = real.volume.geometry().acquisitionPlane();
    WindowLevel window = real.volume.percentileWindow();
    window.width *= random.uniform(0.8, 1.3);
    window.center *= random.uniform(0.85, 1.15);
    SliceFrame frame = squareFrameOf(real.volume.geometry(), view);
    const double crop = random.uniform(0.75, 1);
    const int width = int(frame.width * crop), height = int(frame.height * random.uniform(0.75, 1));
    frame.origin = frame.toLps(random.uniform() * (frame.width - width), random.uniform() * (frame.height - height));
    frame.width = width;
    frame.height = height;
    picture.grey = greyOf(real.volume, frame, window, size);
    return picture;
}

} // namespace

std::vector<std::uint8_t> redOf(const Picture& picture)
{
    std::vector<std::uint8_t> grey(picture.rgb.size() / 3);
    for (std::size_t n = 0; n < grey.size(); ++n) {
        grey[n] = picture.rgb[3 * n];
    }
    return grey;
}

SliceFrame wholeFrame(SliceFrame frame, int size)
{
    const int side = std::max(frame.width, frame.height);
    const double scale = double(side) / size;
    frame.origin = frame.toLps((scale - 1) / 2 - (side - frame.width) / 2, (scale - 1) / 2 - (side - frame.height) / 2);    // NOLINT(bugprone-integer-division): whole pixels, as preprocess() pads
    frame.pixelMm = {frame.pixelMm[0] * scale, frame.pixelMm[1] * scale};
    frame.width = frame.height = size;
    return frame;
}

std::vector<LabelId> labelsByHu(const Volume& volume, const SliceFrame& frame)
{
    const auto size = std::size_t(frame.width);
    const std::vector<std::uint8_t> hu = redOf(composeSlice(volume, frame, {0, 2048, {}}, false, Interpolation::Linear));
    const auto value = [&](std::size_t n) { return (hu[n] - 127.5) * 2048 / 255; };
    std::vector<LabelId> labels(hu.size(), 255);
    std::vector<std::size_t> stack;
    const auto push = [&](std::size_t n) {
        if (labels[n] == 255 && value(n) < -300) {
            labels[n] = 0;
            stack.push_back(n);
        }
    };
    for (std::size_t n = 0; n < size; ++n) {
        for (const std::size_t edge : {n, (size - 1) * size + n, n * size, n * size + size - 1}) {
            push(edge);
        }
    }
    while (!stack.empty()) {
        const std::size_t n = stack.back();
        stack.pop_back();
        if (n % size > 0) push(n - 1);
        if (n % size + 1 < size) push(n + 1);
        if (n >= size) push(n - size);
        if (n + size < labels.size()) push(n + size);
    }
    for (std::size_t n = 0; n < labels.size(); ++n) {
        if (labels[n] == 255) {
            const double v = value(n);
            labels[n] = v < -400 ? (n % size > size / 2 ? 1 : 2) : v < -30 ? (v < -200 ? 0 : 7) : v > 180 ? 4 : 8;
        }
    }
    return labels;
}

WindowLevel someWindow(const Volume& volume, Random& random)
{
    if (volume.info().modality == "CT") {
        constexpr double kWindows[][2] = {{40, 400}, {40, 350}, {50, 400}, {60, 400}, {-600, 1500}, {-500, 1500}, {400, 1800}, {300, 2000}, {35, 80}, {90, 150}, {-100, 900}, {200, 700}};
        const double* window = kWindows[random.chance(0.55) ? random.below(4) : random.below(12)];
        return {window[0] + random.uniform(-20, 20), window[1] * random.uniform(0.8, 1.25), {}};
    }
    WindowLevel window = volume.percentileWindow();
    window.width *= random.uniform(0.7, 1.25);
    window.center *= random.uniform(0.75, 1.15);
    return window;
}

std::vector<RealVolume> readRealVolumes(const fs::path& folder)
{
    std::vector<RealVolume> volumes;
    if (folder.empty()) {
        return volumes;
    }
    const std::tuple<const char*, ImageKind, const char*> kinds[] = {{"CT", ImageKind::Ct, "CT"}, {"MR", ImageKind::Mri, "MR"}, {"CXR", ImageKind::Cxr, "DX"}};
    for (const auto& [name, kind, modality] : kinds) {
        if (!fs::is_directory(folder / name)) {
            continue;
        }
        std::vector<fs::path> files;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder / name)) {
            files.push_back(entry.path());
        }
        std::sort(files.begin(), files.end());
        for (const fs::path& file : files) {
            volumes.push_back({readMetaImage(file, modality), kind, file.stem().string()});
        }
    }
    return volumes;
}

std::vector<Plane> usefulPlanes(const Geometry& geometry)
{
    std::vector<Plane> planes;
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        const int across = geometry.axisAcross(plane);
        const auto enough = [&](int axis) { return geometry.size().along(axis) >= 20 && geometry.size().along(axis) * geometry.spacingMm()[std::size_t(axis)] > 45; };
        if (enough((across + 1) % 3) && enough((across + 2) % 3)) {
            planes.push_back(plane);
        }
    }
    return planes;
}

TrainingPicture realSlice(const RealVolume& real, std::uint32_t seed, int size)
{
    Random random(seed);
    if (real.kind == ImageKind::Cxr) {
        return radiographSlice(real, random, size);
    }
    const Geometry& geometry = real.volume.geometry();
    const std::vector<Plane> planes = usefulPlanes(geometry);
    TrainingPicture picture;
    if (planes.empty()) {
        return picture;
    }
    View view;
    view.plane = planes[std::size_t(random.below(int(planes.size())))];
    constexpr int kFewSlices = 16;
    const int slices = geometry.size().along(geometry.axisAcross(view.plane));
    view.slice = std::clamp(int(slices * random.uniform(0.06, 0.94)), 0, slices - 1);
    SliceFrame frame = squareFrameOf(geometry, view);
    std::optional<Band> band;
    if (random.chance(0.2)) {
        band = someBand(frame, view.plane, random);
    }
    frame = random.chance(0.75) && !band ? jittered(frame, slices < kFewSlices, random) : frame;
    picture.kind = real.kind;
    picture.plane = view.plane;
    const auto cut = [&](auto& values) {
        for (std::size_t n = 0; band && n < values.size(); ++n) {
            values[n] = band->holds(n, size) ? values[n] : 0;
        }
    };
    if (real.kind == ImageKind::Ct && random.chance(0.15)) {
        picture.kind = ImageKind::Mri;
        picture.grey = greyOf(real.volume, frame, {50, 600, {}}, size);
        const std::array<std::uint8_t, 256> table = mrContrast(random);
        std::transform(picture.grey.begin(), picture.grey.end(), picture.grey.begin(), [&](std::uint8_t value) { return table[value]; });
        shade(picture.grey, size, random);
        cut(picture.grey);
        return picture;
    }
    const WindowLevel window = someWindow(real.volume, random);
    picture.grey = greyOf(real.volume, frame, window, size);
    if (real.kind == ImageKind::Ct) {
        picture.labels = labelsByHu(real.volume, wholeFrame(frame, size));
        if (random.chance(0.3)) {
            addGrain(picture.grey, size, random.uniform(8, 70) * 255 / window.width, random);
        }
        cut(picture.labels);
    }
    cut(picture.grey);
    return picture;
}

TrainingPicture plainSlice(const RealVolume& real, Plane plane, int slice, int size)
{
    TrainingPicture picture;
    picture.kind = real.kind;
    if (real.kind != ImageKind::Cxr) {
        picture.plane = plane;
    }
    View view;
    view.plane = plane;
    view.slice = slice;
    picture.grey = greyOf(real.volume, squareFrameOf(real.volume.geometry(), view), real.volume.defaultWindow(), size);
    return picture;
}

} // namespace hf::assistant::train

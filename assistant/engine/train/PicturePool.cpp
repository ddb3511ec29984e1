#include "assistant/engine/train/PicturePool.h"

#include "assistant/engine/PillowResize.h"
#include "assistant/engine/train/RealSlices.h"
#include "viewer/phantom/Scenes.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

namespace hf::assistant::train {

using phantom::CtLabel;
using phantom::Random;

namespace {

LabelId expertLabel(CtLabel label)
{
    switch (label) {
    case CtLabel::Air: return 0;
    case CtLabel::LeftLung: return 1;
    case CtLabel::RightLung: return 2;
    case CtLabel::LungNodule: return 1;
    case CtLabel::Airways: return 3;
    case CtLabel::Bones: return 4;
    case CtLabel::SubcutaneousFat: return 6;
    case CtLabel::VisceralFat: return 7;
    case CtLabel::BowelGas: return 0;
    default: return 8;
    }
}

TrainingPicture pictureOf(const Volume& volume, const View& view, int size, ImageKind kind)
{
    TrainingPicture result;
    result.kind = kind;
    if (kind == ImageKind::Ct || kind == ImageKind::Mri) {
        result.plane = view.plane;
    }
    result.grey = redOf(preprocess(modelPicture(volume, view), size, "pad", {}));
    return result;
}

/// One slice through the middle of a box, in any plane.
Geometry sliceGeometry(Plane plane, PointLps center, double widthMm, double heightMm, double pixelMm)
{
    const int w = std::max(24, int(widthMm / pixelMm)), h = std::max(24, int(heightMm / pixelMm));
    const auto from = [&](double middle, int n) { return middle - (n - 1) * pixelMm / 2; };
    const std::array<Vec3, 3> axes{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
    switch (plane) {
    case Plane::Axial: return Geometry({w, h, 1}, {pixelMm, pixelMm, pixelMm}, {from(center.x, w), from(center.y, h), center.z}, axes);
    case Plane::Sagittal: return Geometry({1, w, h}, {pixelMm, pixelMm, pixelMm}, {center.x, from(center.y, w), from(center.z, h)}, axes);
    case Plane::Coronal: return Geometry({w, 1, h}, {pixelMm, pixelMm, pixelMm}, {from(center.x, w), center.y, from(center.z, h)}, axes);
    }
    throw Error("no such plane");
}

Plane somePlane(Random& random) { return random.chance(0.5) ? Plane::Axial : random.chance(0.5) ? Plane::Coronal : Plane::Sagittal; }

Geometry trunkSlice(Plane plane, Random& random)
{
    const PointLps center{plane == Plane::Sagittal ? random.uniform(-110, 110) : random.uniform(-15, 15), plane == Plane::Coronal ? random.uniform(-75, 75) : random.uniform(-15, 25),
        plane == Plane::Axial ? random.uniform(-265, 215) : random.uniform(-120, 80)};
    const double wide = plane == Plane::Sagittal ? random.uniform(270, 420) : random.uniform(340, 500);
    const double high = plane == Plane::Axial ? random.uniform(280, 500) : random.uniform(200, 560);
    const double zoom = random.chance(0.25) ? random.uniform(0.6, 0.95) : 1;
    return sliceGeometry(plane, center, wide * zoom, high * zoom, random.uniform(1.6, 2.6));
}

TrainingPicture trunkCt(std::uint32_t seed, std::uint32_t firstPatient, int size)
{
    Random random(seed);
    phantom::CtPhantomOptions options;
    options.seed = firstPatient + 1000 + seed % 150;
    options.noiseSdHu = random.uniform(4, 30);
    options.contrast = random.chance(0.5);
    options.table = random.chance(0.7);
    options.lungNodule = random.chance(0.5);
    options.liverLesion = random.chance(0.5);
    const phantom::CtAnatomy anatomy(options);
    View view;
    view.plane = somePlane(random);
    const phantom::CtPhantom made = phantom::sampleCtPhantom(anatomy, options, trunkSlice(view.plane, random));
    view.window = someWindow(made.volume, random);
    TrainingPicture picture = pictureOf(made.volume, view, size, ImageKind::Ct);
    std::vector<std::uint8_t> values(made.truth.voxels().size());
    std::transform(made.truth.voxels().begin(), made.truth.voxels().end(), values.begin(), [](LabelId id) { return expertLabel(CtLabel(id)); });
    const Volume labels(made.volume.geometry(), std::move(values), {});
    picture.labels = redOf(composeSlice(labels, wholeFrame(squareFrameOf(labels.geometry(), view), size), {128, 256, {}}, false, Interpolation::Nearest));
    return picture;
}

TrainingPicture head(std::uint32_t seed, std::uint32_t firstPatient, int size, bool ct)
{
    Random random(seed);
    View view;
    view.plane = somePlane(random);
    const PointLps center{view.plane == Plane::Sagittal ? random.uniform(-40, 40) : random.uniform(-6, 6), view.plane == Plane::Coronal ? random.uniform(-50, 60) : random.uniform(-6, 6),
        view.plane == Plane::Axial ? random.uniform(-70, 85) : random.uniform(-20, 10)};
    const double wide = view.plane == Plane::Sagittal ? random.uniform(210, 270) : random.uniform(170, 260), high = random.uniform(200, 270);
    const Geometry geometry = sliceGeometry(view.plane, center, wide, high, random.uniform(1.0, 1.8));
    const auto contrast = ct ? phantom::HeadContrast::Ct : std::array{phantom::HeadContrast::T1, phantom::HeadContrast::T2, phantom::HeadContrast::Flair}[std::size_t(random.below(3))];
    const Volume volume = phantom::makeHead(firstPatient + seed % 997, contrast, random.chance(0.4), geometry);
    view.window = someWindow(volume, random);
    TrainingPicture picture = pictureOf(volume, view, size, ct ? ImageKind::Ct : ImageKind::Mri);
    if (ct) {
        picture.labels = labelsByHu(volume, wholeFrame(squareFrameOf(geometry, view), size));
    }
    return picture;
}

TrainingPicture trunkMr(std::uint32_t seed, std::uint32_t firstPatient, int size)
{
    Random random(seed);
    phantom::CtPhantomOptions options;
    options.seed = firstPatient + 1000 + seed % 150;
    const phantom::CtAnatomy anatomy(options);
    View view;
    view.plane = somePlane(random);
    const Volume volume = phantom::makeMrTrunk(anatomy, seed, trunkSlice(view.plane, random));
    view.window = someWindow(volume, random);
    return pictureOf(volume, view, size, ImageKind::Mri);
}

TrainingPicture radiograph(std::uint32_t seed, std::uint32_t firstPatient, int size)
{
    Random random(seed);
    phantom::CtPhantomOptions options;
    options.seed = firstPatient + 1000 + seed % 150;
    const bool lateral = random.chance(0.15);
    const Volume volume = phantom::makeRadiograph(phantom::CtAnatomy(options), seed, lateral, 2.4);
    View view;
    view.plane = volume.geometry().acquisitionPlane();
    // From the thin to the dense parts of the body, not the air beside it.
    const double top = volume.range().maximum, low = top * random.uniform(0.45, 0.75);
    view.window = {(top + low) / 2, (top - low) * random.uniform(0.9, 1.2), {}};
    TrainingPicture picture = pictureOf(volume, view, size, ImageKind::Cxr);
    picture.lateral = lateral;
    return picture;
}

TrainingPicture ultrasound(std::uint32_t seed, int size)
{
    const Volume volume = phantom::makeUltrasound(seed, 200);
    View view;
    view.window = {128, 256, {}};
    TrainingPicture picture = pictureOf(volume, view, size, ImageKind::Ultrasound);
    return picture;
}

TrainingPicture blank(std::uint32_t seed, int size)
{
    Random random(seed);
    TrainingPicture picture;
    const int level = random.chance(0.7) ? 0 : random.below(256);
    const double noise = random.chance(0.5) ? 0 : random.uniform(0, 6);
    picture.grey.resize(std::size_t(size) * std::size_t(size));
    for (std::uint8_t& value : picture.grey) {
        value = std::uint8_t(std::clamp(level + noise * random.gaussian(), 0.0, 255.0));
    }
    return picture;
}

/// Is there enough in the picture to tell what it is?
bool showsSomething(const TrainingPicture& picture)
{
    double sum = 0, squares = 0;
    for (const std::uint8_t value : picture.grey) {
        sum += value;
        squares += double(value) * value;
    }
    const double n = double(picture.grey.size());
    return squares / n - (sum / n) * (sum / n) > 150;
}

/// Kinds first, so that the few body scans among many heads are not rare.
const RealVolume& someReal(const std::vector<RealVolume>& real, Random& random)
{
    for (;;) {
        const double kind = random.uniform();
        const RealVolume& found = real[std::size_t(random.below(int(real.size())))];
        // Single slices are so many pictures fewer.
        const bool isSlice = found.kind != ImageKind::Cxr && found.volume.geometry().size().k == 1;
        if (found.kind == (kind < 0.5 ? ImageKind::Ct : kind < 0.92 ? ImageKind::Mri : ImageKind::Cxr) && (!isSlice || random.chance(0.25))) {
            return found;
        }
    }
}

TrainingPicture makeOne(const std::vector<RealVolume>& real, std::uint32_t seed, std::uint32_t firstPatient, int size)
{
    Random random(seed * 7919 + 3);
    for (std::uint32_t attempt = 0;; ++attempt) {
        const std::uint32_t s = seed * 17 + attempt * 104729;
        const double kind = random.uniform();
        TrainingPicture picture;
        if (!real.empty() && random.chance(0.6)) {
            picture = realSlice(someReal(real, random), s, size);
        } else if (kind < 0.46) {
            picture = trunkCt(s, firstPatient, size);
        } else if (kind < 0.53) {
            picture = head(s, firstPatient, size, true);
        } else if (kind < 0.70) {
            picture = head(s, firstPatient, size, false);
        } else if (kind < 0.83) {
            picture = trunkMr(s, firstPatient, size);
        } else if (kind < 0.92) {
            picture = radiograph(s, firstPatient, size);
        } else if (kind < 0.97) {
            picture = ultrasound(s, size);
        } else {
            return blank(s, size);
        }
        if (showsSomething(picture)) {
            return picture;
        }
    }
}

/// One record a picture: kind, plane (255: none), lateral, whether labels follow; then S x S bytes, and as many of labels.
void writeCache(const std::filesystem::path& file, const std::vector<TrainingPicture>& pool)
{
    std::ofstream out(file, std::ios::binary);
    for (const TrainingPicture& picture : pool) {
        const char head[4] = {char(picture.kind), picture.plane ? char(*picture.plane) : char(255), char(picture.lateral), char(!picture.labels.empty())};
        out.write(head, sizeof head);
        out.write(reinterpret_cast<const char*>(picture.grey.data()), std::streamsize(picture.grey.size()));
        const std::vector<std::uint8_t> labels(picture.labels.begin(), picture.labels.end());
        out.write(reinterpret_cast<const char*>(labels.data()), std::streamsize(labels.size()));
    }
    if (!out.flush()) {
        throw Error("cannot write " + file.string(), "write");
    }
}

std::vector<TrainingPicture> readCache(const std::filesystem::path& file, int size)
{
    const std::size_t pixels = std::size_t(size) * std::size_t(size);
    std::vector<TrainingPicture> pool;
    std::ifstream in(file, std::ios::binary);
    for (unsigned char head[4]; in.read(reinterpret_cast<char*>(head), sizeof head);) {
        TrainingPicture picture;
        picture.kind = ImageKind(head[0]);
        if (head[1] < 3) {
            picture.plane = Plane(head[1]);
        }
        picture.lateral = head[2] != 0;
        picture.grey.resize(pixels);
        in.read(reinterpret_cast<char*>(picture.grey.data()), std::streamsize(pixels));
        if (head[3] != 0) {
            std::vector<std::uint8_t> labels(pixels);
            in.read(reinterpret_cast<char*>(labels.data()), std::streamsize(pixels));
            picture.labels.assign(labels.begin(), labels.end());
        }
        if (!in || head[0] > int(ImageKind::Blank)) {
            throw Error(file.string() + " is no cache of pictures", "broken");
        }
        pool.push_back(std::move(picture));
    }
    if (pool.empty()) {
        throw Error(file.string() + " is no cache of pictures", "broken");
    }
    return pool;
}

} // namespace

std::vector<TrainingPicture> makePool(const PoolOptions& options, const Progress& progress, std::stop_token stop)
{
    if (!options.cache.empty() && std::filesystem::exists(options.cache)) {
        return readCache(options.cache, options.size);
    }
    const std::vector<RealVolume> real = readRealVolumes(options.realVolumes);
    std::vector<TrainingPicture> pool(std::size_t(options.pictures));
    std::atomic<int> next = 0;
    std::mutex mutex;
    const auto work = [&] {
        for (int n = next++; n < options.pictures && !stop.stop_requested(); n = next++) {
            pool[std::size_t(n)] = makeOne(real, options.seed * 100003 + std::uint32_t(n), options.firstPatient, options.size);
            if (n % 50 == 0) {
                const std::lock_guard lock(mutex);
                report(progress, double(n) / options.pictures, "pictures");
            }
        }
    };
    {
        std::vector<std::jthread> others;
        for (unsigned n = 1; n < std::clamp(std::thread::hardware_concurrency(), 1U, 16U); ++n) {
            others.emplace_back(work);
        }
        work();
    }
    throwIfStopped(stop);
    if (!options.cache.empty()) {
        writeCache(options.cache, pool);
    }
    return pool;
}

GrowingPool::GrowingPool(const PoolOptions& options, int first, int threads, int later)
    : m_real(readRealVolumes(options.realVolumes)), m_pictures(std::size_t(options.pictures)), m_isMade(m_pictures.size()), m_first(std::min(m_pictures.size(), std::size_t(first)))
{
    for (int n = 0; n < threads; ++n) {
        m_threads.emplace_back([this, options, stays = n < later](const std::stop_token& stop) { work(stop, options, stays); });
    }
}

GrowingPool::~GrowingPool()
{
    for (std::jthread& thread : m_threads) {
        thread.request_stop();
    }
}

void GrowingPool::work(std::stop_token stop, const PoolOptions& options, bool stays)
{
    while (!stop.stop_requested() && (stays || ready() < m_first)) {
        const int n = m_next++;
        if (n >= options.pictures) {
            return;
        }
        TrainingPicture made = makeOne(m_real, options.seed * 100003 + std::uint32_t(n), options.firstPatient, options.size);
        const std::lock_guard lock(m_mutex);
        m_pictures[std::size_t(n)] = std::move(made);
        m_isMade[std::size_t(n)] = true;
        std::size_t count = m_ready.load(std::memory_order_relaxed);
        while (count < m_isMade.size() && m_isMade[count]) {
            ++count;
        }
        m_ready.store(count, std::memory_order_release);
    }
}

void GrowingPool::waitForFirst(const Progress& progress, const std::stop_token& stop) const
{
    for (std::size_t told = 0; ready() < m_first;) {
        throwIfStopped(stop);
        if (10 * ready() / m_first > told) {
            told = 10 * ready() / m_first;
            report(progress, double(told) / 10, "pictures");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

TrainingPicture varied(const TrainingPicture& picture, int size, Random& random)
{
    TrainingPicture result = picture;
    const double gamma = std::exp(random.uniform(-0.35, 0.35)), gain = random.uniform(0.85, 1.18), bias = random.uniform(-14, 14), noise = random.chance(0.5) ? random.uniform(0, 7) : 0;
    std::array<std::uint8_t, 256> tone{};
    for (int n = 0; n < 256; ++n) {
        tone[std::size_t(n)] = std::uint8_t(std::clamp(255 * std::pow(n / 255.0, gamma) * gain + (n > 4 ? bias : 0), 0.0, 255.0));
    }
    const bool moves = picture.kind != ImageKind::Blank && random.chance(0.8);
    const double zoom = std::exp(random.uniform(-0.3, 0.25)), stretch = std::exp(random.uniform(-0.15, 0.15)), turn = random.uniform(-0.12, 0.12);
    const double dx = random.uniform(-0.08, 0.08) * size, dy = random.uniform(-0.08, 0.08) * size;
    const double c = std::cos(turn) / zoom, s = std::sin(turn) / zoom;
    const auto at = [&](int x, int y) { return picture.grey[std::size_t(y) * std::size_t(size) + std::size_t(x)]; };
    for (int y = 0; y < size; ++y) {
        for (int x = 0; x < size; ++x) {
            const std::size_t n = std::size_t(y) * std::size_t(size) + std::size_t(x);
            double value = picture.grey[n];
            if (moves) {
                const double u = x - size / 2.0, v = (y - size / 2.0) * stretch;
                const double sx = c * u - s * v + size / 2.0 + dx, sy = s * u + c * v + size / 2.0 + dy;
                const int x0 = int(std::floor(sx)), y0 = int(std::floor(sy));
                if (x0 < 0 || y0 < 0 || x0 + 1 >= size || y0 + 1 >= size) {
                    value = 0;
                    if (!result.labels.empty()) result.labels[n] = 0;
                } else {
                    const double fx = sx - x0, fy = sy - y0;
                    value = (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x0 + 1, y0)) + fy * ((1 - fx) * at(x0, y0 + 1) + fx * at(x0 + 1, y0 + 1));
                    if (!result.labels.empty()) {
                        result.labels[n] = picture.labels[std::size_t(y0 + (fy > 0.5)) * std::size_t(size) + std::size_t(x0 + (fx > 0.5))];
                    }
                }
            }
            value = tone[std::size_t(std::clamp(value, 0.0, 255.0))];
            if (noise > 0) {
                // Cheap and near enough to a bell: three uniform numbers.
                const std::uint64_t bits = random.next();
                value += noise * (double(bits & 1023) + double(bits >> 10 & 1023) + double(bits >> 20 & 1023) - 1534.5) / 512;
            }
            result.grey[n] = std::uint8_t(std::clamp(value, 0.0, 255.0));
        }
    }
    return result;
}

TrainingPicture mirrored(const TrainingPicture& picture, int size)
{
    TrainingPicture result = picture;
    for (auto* values : {&result.grey, &result.labels}) {
        for (std::size_t row = 0; row + std::size_t(size) <= values->size(); row += std::size_t(size)) {
            std::reverse(values->begin() + std::ptrdiff_t(row), values->begin() + std::ptrdiff_t(row) + size);
        }
    }
    return result;
}

std::vector<TrainingPicture> plainPictures(const std::filesystem::path& realVolumes, int size)
{
    std::vector<TrainingPicture> pictures;
    for (const RealVolume& real : readRealVolumes(realVolumes)) {
        const Geometry& geometry = real.volume.geometry();
        const std::vector<Plane> planes = real.kind == ImageKind::Cxr ? std::vector{geometry.acquisitionPlane()} : usefulPlanes(geometry);
        for (const Plane plane : planes) {
            const int slices = geometry.size().along(geometry.axisAcross(plane)), shown = std::min(slices, 12);
            for (int n = 0; n < shown; ++n) {
                pictures.push_back(plainSlice(real, plane, int(slices * (0.1 + 0.8 * (n + 0.5) / shown)), size));
            }
        }
    }
    return pictures;
}

int pictureClass(const TrainingPicture& picture)
{
    switch (picture.kind) {
    case ImageKind::Ct: return int(*picture.plane);
    case ImageKind::Mri: return 3 + int(*picture.plane);
    case ImageKind::Cxr: return picture.lateral ? 7 : 6;
    case ImageKind::Ultrasound: return 8;
    case ImageKind::Blank: return 9;
    }
    return 9;
}

Picture toPicture(const TrainingPicture& picture, int size)
{
    Picture result{size, size, std::vector<std::uint8_t>(picture.grey.size() * 3)};
    for (std::size_t n = 0; n < picture.grey.size(); ++n) {
        std::fill_n(result.rgb.begin() + std::ptrdiff_t(3 * n), 3, picture.grey[n]);
    }
    return result;
}

Picture toMaskedPicture(const TrainingPicture& picture, int size, const std::vector<LabelId>& labels)
{
    std::array<bool, 256> present{};
    for (const LabelId label : labels) {
        present[label] = true;
    }
    std::array<int, 256> rank{};
    int count = 0;
    for (std::size_t value = 1; value < 256; ++value) {
        rank[value] = present[value] ? count++ : 0;
    }
    Picture result{size, size, std::vector<std::uint8_t>(picture.grey.size() * 3)};
    for (std::size_t n = 0; n < picture.grey.size(); ++n) {
        const Rgb8 color = labels[n] ? overlayColors()[std::size_t(rank[labels[n]] % 16)].rgb : Rgb8{};
        const double grey = 0.7 * picture.grey[n];
        result.rgb[3 * n] = std::uint8_t(0.3 * color.r + grey);
        result.rgb[3 * n + 1] = std::uint8_t(0.3 * color.g + grey);
        result.rgb[3 * n + 2] = std::uint8_t(0.3 * color.b + grey);
    }
    return result;
}

} // namespace hf::assistant::train

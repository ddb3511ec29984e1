#include "viewer/dicom/ReadSeries.h"

#include "viewer/dicom/Header.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/SliceStore.h"
#include "viewer/dicom/StackGeometry.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Memory.h"

#include <QImage>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

namespace hf::dicom {

namespace {

/// One slice of the even grid: a blend of two kept slices, shifted in its plane.
struct Blend { std::size_t a = 0, b = 0; double weightB = 0; };

Blend blendAt(const StackPlan& plan, int slice)
{
    if (plan.isEven) {
        return {std::size_t(slice), std::size_t(slice), 0};
    }
    const double place = slice * plan.spacingMm;
    const auto after = std::lower_bound(plan.placesMm.begin(), plan.placesMm.end(), place - 1e-6);
    const std::size_t b = std::min(plan.placesMm.size() - 1, std::size_t(after - plan.placesMm.begin()));
    const std::size_t a = b == 0 || plan.placesMm[b] <= place + 1e-6 ? b : b - 1;
    const double gap = plan.placesMm[b] - plan.placesMm[a];
    return {a, b, gap > 0 ? std::clamp((place - plan.placesMm[a]) / gap, 0.0, 1.0) : 0};
}

/// Pixels that each slice is moved by, and how much the plane grows to hold them all.
struct Shear {
    std::vector<std::array<double, 2>> pixels;  ///< of each kept slice, (column, row)
    std::array<int, 2> before{0, 0}, grown{0, 0};
    bool isAny = false;
};

Shear shearOf(const StackPlan& plan, const std::array<double, 2>& spacingMm)
{
    Shear shear;
    shear.pixels.assign(plan.order.size(), {0, 0});
    shear.isAny = !plan.shiftsMm.empty();
    if (!shear.isAny) {
        return shear;
    }
    for (std::size_t axis = 0; axis < 2; ++axis) {
        double low = 0, high = 0;
        for (std::size_t n = 0; n < plan.order.size(); ++n) {
            const double moved = plan.shiftsMm[n][axis] / spacingMm[axis];
            constexpr double kMost = 65535;     // places further apart cannot be those of one volume
            if (!(std::abs(moved) <= kMost)) {
                throw Error("slices are shifted by more pixels than an image can have", "broken");
            }
            shear.pixels[n][axis] = std::abs(moved) < 1e-3 ? 0 : moved;
            low = std::min(low, shear.pixels[n][axis]);
            high = std::max(high, shear.pixels[n][axis]);
        }
        shear.before[axis] = int(std::ceil(-low - 1e-3));
        shear.grown[axis] = shear.before[axis] + int(std::ceil(high - 1e-3));
    }
    return shear;
}

struct Plane2D {
    const double* values;
    int columns, rows;
    double outside;
    bool holds(double x, double y) const { return x >= -1e-3 && y >= -1e-3 && x <= columns - 1 + 1e-3 && y <= rows - 1 + 1e-3; }
    /// Bilinear; `outside` beyond the last voxel centres.
    double at(double x, double y) const
    {
        if (!holds(x, y)) {
            return outside;
        }
        const int x0 = std::clamp(int(x), 0, std::max(0, columns - 2)), y0 = std::clamp(int(y), 0, std::max(0, rows - 2));
        const int x1 = std::min(columns - 1, x0 + 1), y1 = std::min(rows - 1, y0 + 1);
        const double fx = std::clamp(x - x0, 0.0, 1.0), fy = std::clamp(y - y0, 0.0, 1.0);
        const auto v = [&](int i, int j) { return values[std::size_t(j) * std::size_t(columns) + std::size_t(i)]; };
        return (1 - fy) * ((1 - fx) * v(x0, y0) + fx * v(x1, y0)) + fy * ((1 - fx) * v(x0, y1) + fx * v(x1, y1));
    }
};

/// The slice of the even grid from the kept slices around it.
template <typename T> void blendSlice(const Plane2D& a, const Plane2D& b, const Blend& blend, const Shear& shear, int outColumns, int outRows, T* out)
{
    const auto mixed = [&](double va, double vb) { return toVoxel<T>(blend.weightB == 0 ? va : (1 - blend.weightB) * va + blend.weightB * vb); };
    if (!shear.isAny) {
        std::transform(a.values, a.values + std::ptrdiff_t(outColumns) * outRows, b.values, out, mixed);
        return;
    }
    // Between two tilted slices the shift lies between theirs.
    const auto& sa = shear.pixels[blend.a];
    const auto& sb = shear.pixels[blend.b];
    for (int y = 0; y < outRows; ++y) {
        for (int x = 0; x < outColumns; ++x) {
            const double u = x - shear.before[0], v = y - shear.before[1];
            // Nothing is known where only one of the two reaches: no mixture with what lies outside.
            const bool isKnown = blend.weightB == 0 || (a.holds(u - sa[0], v - sa[1]) && b.holds(u - sb[0], v - sb[1]));
            *out++ = isKnown ? mixed(a.at(u - sa[0], v - sa[1]), b.at(u - sb[0], v - sb[1])) : toVoxel<T>(a.outside);
        }
    }
}

/// @param outside  value beyond the slices.  @param kept  for each slice of the plan its place in the store.
template <typename T> std::vector<T> resample(SliceStore& store, const std::vector<std::size_t>& kept, const StackPlan& plan, const Shear& shear, int columns, int rows, double outside, const std::stop_token& stop)
{
    const int outColumns = columns + shear.grown[0], outRows = rows + shear.grown[1];
    const std::size_t slab = std::size_t(outColumns) * std::size_t(outRows);
    std::vector<T> voxels(slab * std::size_t(plan.slices));
    std::map<std::size_t, std::vector<double>> around;   // values of the slices that are blended now
    const auto planeOf = [&](std::size_t n) {
        auto& values = around[n];
        values = values.empty() ? store.values(kept[n]) : std::move(values);
        return Plane2D{values.data(), columns, rows, outside};
    };
    for (int k = 0; k < plan.slices; ++k) {
        throwIfStopped(stop);
        const Blend blend = blendAt(plan, k);
        // Slices that no later one needs go at once.
        for (auto past = around.begin(); past != around.end() && past->first < blend.a; past = around.erase(past)) {
            store.release(kept[past->first]);
        }
        blendSlice(planeOf(blend.a), planeOf(blend.b), blend, shear, outColumns, outRows, voxels.data() + slab * std::size_t(k));
    }
    return voxels;
}

void addNote(std::vector<Note>& notes, const std::string& code, const std::string& text)
{
    if (std::none_of(notes.begin(), notes.end(), [&](const Note& note) { return note.code == code; })) {
        notes.push_back({code, text});
    }
}

/// Images of one file together, so that each file is opened once.
struct FileJob {
    std::filesystem::path path;
    std::vector<std::pair<int, std::size_t>> frames;    ///< frame, place in the list of images
};

/// Files with images that cannot be decoded.
struct Failures {
    std::vector<Rejected> files;
    std::size_t images = 0;
};

/// Large files with many frames become several jobs, so that every thread has work.
std::vector<FileJob> jobsOf(const Series& series, const std::vector<std::size_t>& order, std::size_t threads)
{
    const std::size_t most = std::max<std::size_t>(16, (order.size() + threads - 1) / threads);
    std::map<std::filesystem::path, FileJob> byPath;
    for (std::size_t n = 0; n < order.size(); ++n) {
        const Image& image = series.images[order[n]];
        FileJob& job = byPath[image.path];
        job.path = image.path;
        job.frames.emplace_back(image.frame, n);
    }
    std::vector<FileJob> jobs;
    for (auto& [path, job] : byPath) {
        std::sort(job.frames.begin(), job.frames.end());
        for (std::size_t begin = 0; begin < job.frames.size(); begin += most) {
            const auto from = job.frames.begin() + std::ptrdiff_t(begin);
            jobs.push_back({path, {from, from + std::ptrdiff_t(std::min(most, job.frames.size() - begin))}});
        }
    }
    return jobs;
}

/// Decodes all images into `store`; images that cannot be decoded stay unset.
Failures decodeAll(const Series& series, const std::vector<std::size_t>& order, SliceStore& store, const Progress& progress, const std::stop_token& stop)
{
    const std::size_t threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
    const std::vector<FileJob> jobs = jobsOf(series, order, threads);
    std::atomic<bool> isOutOfMemory = false;
    Failures failures;
    std::mutex mutex;
    std::atomic<std::size_t> next = 0, done = 0;
    const auto fail = [&](const FileJob& job, const std::string& reason, const std::string& code, std::size_t images) {
        const std::lock_guard lock(mutex);
        failures.images += images;
        if (std::none_of(failures.files.begin(), failures.files.end(), [&](const Rejected& one) { return one.path == job.path; })) {
            failures.files.push_back({job.path, reason, code});
        }
    };
    const auto decodeFile = [&](const FileJob& job) {
        std::optional<DicomFile> file;
        try {
            file.emplace(job.path);
        } catch (const Error& error) {
            fail(job, error.what(), error.code(), job.frames.size());
            return;
        }
        // A frame that is broken says nothing about the others.
        for (const auto& [frame, place] : job.frames) {
            if (stop.stop_requested()) {
                return;
            }
            try {
                store.set(place, decodeImage(*file, frame, series.unit));
            } catch (const Error& error) {
                fail(job, error.what() + (job.frames.size() > 1 ? " (frame " + std::to_string(frame + 1) + ")" : std::string()), error.code(), 1);
            } catch (const std::bad_alloc&) {
                isOutOfMemory = true;
                return;
            } catch (const std::exception& error) {    // a library's own
                fail(job, std::string("a frame cannot be decoded: ") + error.what(), "broken", 1);
            }
            const std::lock_guard lock(mutex);
            report(progress, 0.9 * double(++done) / double(order.size()), "reading");
        }
    };
    const auto work = [&] {
        for (std::size_t n = next++; n < jobs.size() && !stop.stop_requested() && !isOutOfMemory; n = next++) {
            decodeFile(jobs[n]);
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t n = 1; n < std::min(threads, jobs.size()); ++n) {
            others.emplace_back(work);
        }
        work();
    }
    throwIfStopped(stop);
    if (isOutOfMemory) {
        throw std::bad_alloc();
    }
    std::sort(failures.files.begin(), failures.files.end(), [](const Rejected& a, const Rejected& b) { return a.path < b.path; });
    return failures;
}

/// One sentence about images that are missing in the volume.
Note partialNote(const Failures& failures, std::size_t images)
{
    return {"partial", std::to_string(failures.images) + " of " + std::to_string(images) + " images could not be decoded: " + failures.files.front().reason + "."};
}

std::array<double, 2> planeSpacing(const Series& series) { return {series.spacingMm[0] > 0 ? series.spacingMm[0] : 1, series.spacingMm[1] > 0 ? series.spacingMm[1] : 1}; }

/// Before anything is allocated.
void checkMemory(const Series& series, const StackPlan& plan)
{
    constexpr double kBytesPerVoxel = 2;
    const Shear shear = shearOf(plan, planeSpacing(series));
    const double grid = double(series.rows + shear.grown[1]) * (series.columns + shear.grown[0]) * plan.slices;
    const double decoded = plan.isStraight() ? 0 : double(series.rows) * series.columns * double(plan.order.size());
    requireMemory((grid + decoded) * kBytesPerVoxel);
}

std::vector<Note> contentNotes(const Series& series, const SliceStore& store)
{
    std::vector<Note> notes = series.notes;
    bool padded = false, inverted = false, lossy = false, lut = false, supplemented = false;
    std::size_t notFinite = 0;
    for (std::size_t n = 0; n < store.size(); ++n) {
        const DecodedImage& image = store.slice(n);
        padded = padded || image.padding;
        inverted = inverted || image.isInverted;
        lossy = lossy || image.wasLossy;
        lut = lut || image.hasLut;
        supplemented = supplemented || image.isSupplemented;
        notFinite += image.notFinite;
    }
    if (padded) addNote(notes, "padding", "The file marks values as padding; they are shown black.");
    if (inverted && series.presentations.empty()) addNote(notes, "monochrome1", "Low values are bright in this image (MONOCHROME1).");
    if (lossy) addNote(notes, "lossy", "The image was compressed with loss.");
    if (lut) addNote(notes, "modality-lut", "Values come from a modality lookup table.");
    if (notFinite > 0) addNote(notes, "not-finite", std::to_string(notFinite) + " voxels hold no number and are shown as 0.");
    if (supplemented) addNote(notes, "supplemental-palette", "Colours are those of the file's supplemental palette; greys are seen in the window of the file.");
    return notes;
}

/// Overlay planes of all slices; null without, and where slices are resampled (then a note says so).
std::shared_ptr<const std::vector<std::uint16_t>> graphicsOf(const SliceStore& store, const std::vector<std::size_t>& kept, bool isResampled, std::size_t pixels, std::vector<Note>& notes)
{
    if (std::none_of(kept.begin(), kept.end(), [&](std::size_t n) { return store.slice(n).hasGraphics; })) {
        return nullptr;
    }
    if (isResampled) {
        addNote(notes, "overlays-hidden", "The overlay planes of the images are not shown on resampled slices.");
        return nullptr;
    }
    auto graphics = std::make_shared<std::vector<std::uint16_t>>(pixels * kept.size());
    for (std::size_t n = 0; n < kept.size(); ++n) {
        const std::vector<std::uint16_t>& drawn = store.slice(kept[n]).graphics;
        std::copy(drawn.begin(), drawn.end(), graphics->begin() + std::ptrdiff_t(n * pixels));
    }
    return graphics;
}

/// Display shutters of the slices; empty where none has one, and where slices are resampled.
std::vector<std::shared_ptr<const Shutter>> shuttersOf(const SliceStore& store, const std::vector<std::size_t>& kept, bool isResampled)
{
    std::vector<std::shared_ptr<const Shutter>> shutters;
    for (const std::size_t n : kept) {
        shutters.push_back(store.slice(n).shutter);
    }
    const bool isAny = !isResampled && std::any_of(shutters.begin(), shutters.end(), [](const auto& one) { return one != nullptr; });
    return isAny ? shutters : std::vector<std::shared_ptr<const Shutter>>();
}

/// Of all slices that have one; empty without.
std::optional<std::array<double, 2>> unitedRange(const SliceStore& store, std::optional<std::array<double, 2>> DecodedImage::* range)
{
    std::optional<std::array<double, 2>> all;
    for (std::size_t n = 0; n < store.size(); ++n) {
        if (const auto& one = store.slice(n).*range) {
            all = all ? std::array{std::min((*all)[0], (*one)[0]), std::max((*all)[1], (*one)[1])} : *one;
        }
    }
    return all;
}

/// Padding of all slices; where it has other values in some of them, what is padding in one may be tissue in another, and none is blacked out.
std::optional<std::array<double, 2>> commonPadding(const SliceStore& store, std::vector<Note>& notes)
{
    const auto all = unitedRange(store, &DecodedImage::padding);
    for (std::size_t n = 0; all && n < store.size(); ++n) {
        const DecodedImage& image = store.slice(n);
        const bool isOther = image.paddingSaid ? *image.paddingSaid != *all : image.minimum <= (*all)[1] && image.maximum >= (*all)[0];
        if (store.isSet(n) && isOther) {
            addNote(notes, "padding-differs", "Values that the file marks as padding differ from image to image; they are shown like others.");
            return std::nullopt;
        }
    }
    return all;
}

/// The first stored window of each image; empty where all have the same, or one has none.
std::vector<WindowLevel> windowsOf(const SliceStore& store, const std::vector<std::size_t>& kept)
{
    std::vector<WindowLevel> windows;
    for (const std::size_t n : kept) {
        if (store.slice(n).windows.empty()) {
            return {};
        }
        windows.push_back(store.slice(n).windows.front());
    }
    const bool isSame = std::all_of(windows.begin(), windows.end(), [&](const WindowLevel& window) { return window == windows.front(); });
    return isSame ? std::vector<WindowLevel>() : windows;
}

Volume readPicture(const Series& series)
{
    const QImage image = QImage(QString::fromStdString(series.images.at(0).path.string())).convertToFormat(QImage::Format_RGB888);
    if (image.isNull()) {
        throw Error("the picture cannot be decoded", "broken");
    }
    const std::size_t pixels = std::size_t(image.width()) * std::size_t(image.height());
    std::vector<std::uint8_t> grey(pixels), rgb(pixels * 3);
    bool isGrey = true;
    for (int y = 0; y < image.height(); ++y) {
        const uchar* line = image.constScanLine(y);
        for (int x = 0; x < image.width(); ++x) {
            const std::size_t n = std::size_t(y) * std::size_t(image.width()) + std::size_t(x);
            const uchar* p = line + 3 * x;
            std::copy_n(p, 3, rgb.begin() + std::ptrdiff_t(3 * n));
            grey[n] = std::uint8_t(std::lround(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]));
            isGrey = isGrey && p[0] == p[1] && p[1] == p[2];
        }
    }
    VolumeInfo info;
    info.seriesUid = series.uid;
    info.notes = series.notes;
    return Volume(Geometry({image.width(), image.height(), 1}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(grey), info, isGrey ? std::vector<std::uint8_t>() : std::move(rgb));
}

/// Axes of a frame without an orientation: a frontal radiograph shows the patient upright, others are drawn as axial.
std::array<Vec3, 2> axesOf(const Series& series)
{
    if (series.orientation) {
        return *series.orientation;
    }
    return isProjection(series.modality) ? std::array{Vec3{1, 0, 0}, Vec3{0, 0, -1}} : std::array{Vec3{1, 0, 0}, Vec3{0, 1, 0}};
}

/// The distance from each image to the next along the normal, where it is the same for all of them in the order in which they are paged through.
std::optional<double> evenStep(const Series& series, const std::vector<std::size_t>& usable)
{
    constexpr double kRoundingMm = 0.05;
    if (!series.orientation || usable.size() < 2 || std::any_of(usable.begin(), usable.end(), [&](std::size_t n) { return !series.images[n].position; })) {
        return std::nullopt;
    }
    const Vec3 normal = cross((*series.orientation)[0], (*series.orientation)[1]);
    const PointLps first = *series.images[usable.front()].position;
    const double step = dot(*series.images[usable.back()].position - first, normal) / double(usable.size() - 1);
    for (std::size_t n = 0; n < usable.size(); ++n) {
        if (length(*series.images[usable[n]].position - first - normal * (step * double(n))) > kRoundingMm) {
            return std::nullopt;
        }
    }
    return std::abs(step) > kRoundingMm ? std::optional(step) : std::nullopt;
}

StackPlan plainPlan(const Series& series, const std::vector<std::size_t>& usable)
{
    const auto step = evenStep(series, usable);
    const std::size_t images = usable.size();
    StackPlan plan;
    plan.slices = int(images);
    plan.spacingMm = step ? std::abs(*step) : series.spacingMm[2] > 0 ? series.spacingMm[2] : 1;
    plan.isDescending = step && *step < 0;
    for (std::size_t n = 0; n < images; ++n) {
        plan.order.push_back(n);
        plan.placesMm.push_back(double(n) * plan.spacingMm);
    }
    return plan;
}

/// Takes images out of the plan that could not be decoded, and plans again.
StackPlan planOf(const Series& series, const std::vector<std::size_t>& usable)
{
    const bool placed = series.kind == SeriesKind::Volume && series.orientation &&
        std::all_of(usable.begin(), usable.end(), [&](std::size_t n) { return series.images[n].position.has_value(); });
    StackPlan plan;
    if (placed) {
        std::vector<PointLps> positions;
        for (const std::size_t n : usable) {
            positions.push_back(*series.images[n].position);
        }
        plan = planStack(positions, *series.orientation, series.spacingMm[2]);
    } else {
        plan = plainPlan(series, usable);
    }
    for (std::size_t& n : plan.order) {
        n = usable[n];
    }
    return plan;
}


/// Decoded slices and how they lie: what a volume is made of.
struct Stack {
    StackPlan plan;
    std::unique_ptr<SliceStore> store;
    std::vector<std::size_t> kept;      ///< For each slice of the plan its place in the store.
    std::optional<Note> partial;        ///< Some images could not be decoded.
    bool isAsStored = false;            ///< The store's slices are the volume's.
};

/// @throws Error when no image can be decoded.
Stack decodeStack(const Series& series, const Progress& progress, const std::stop_token& stop)
{
    std::vector<std::size_t> images(series.images.size());
    std::iota(images.begin(), images.end(), std::size_t(0));
    Stack stack;
    stack.plan = planOf(series, images);
    checkMemory(series, stack.plan);
    const std::vector<std::size_t> order = stack.plan.order;
    const std::size_t pixels = std::size_t(series.rows) * std::size_t(series.columns);
    stack.store = std::make_unique<SliceStore>(order.size(), pixels, stack.plan.isStraight() ? SliceStore::Layout::Together : SliceStore::Layout::Apart);
    const Failures failures = decodeAll(series, order, *stack.store, progress, stop);
    if (failures.images == order.size()) {
        throw Error(failures.files.front().reason, failures.files.front().code);
    }
    if (!stack.store->isOneKind()) {
        throw Error("images of one series are partly grey, partly coloured", "broken");
    }
    std::map<std::size_t, std::size_t> places;      // of the images that were decoded
    for (std::size_t n = 0; n < order.size(); ++n) {
        if (stack.store->isSet(n)) {
            places[order[n]] = n;
        }
    }
    if (failures.images > 0) {
        std::vector<std::size_t> good;
        for (const auto& [image, place] : places) {
            good.push_back(image);
        }
        stack.plan = planOf(series, good);
        stack.partial = partialNote(failures, order.size());
    }
    for (const std::size_t image : stack.plan.order) {
        stack.kept.push_back(places.at(image));
    }
    stack.isAsStored = failures.images == 0 && stack.plan.isStraight();
    return stack;
}

VolumeInfo infoOf(const Series& series, const Stack& stack)
{
    const DecodedImage& middle = stack.store->slice(stack.kept[stack.kept.size() / 2]);
    VolumeInfo info;
    info.modality = series.modality;
    info.seriesUid = series.uid;
    info.description = series.text.seriesDescription;
    info.bodyPart = series.text.bodyPart;
    info.unit = stack.store->isColor() ? Unit::None : series.unit;
    info.windows = middle.windows;
    info.isInverted = middle.isInverted;
    info.padding = commonPadding(*stack.store, info.notes);
    info.storedRange = unitedRange(*stack.store, &DecodedImage::storedRange);
    for (const Note& note : contentNotes(series, *stack.store)) {
        if (note.code != "padding" || info.padding) {
            addNote(info.notes, note.code, note.text);
        }
    }
    const bool isActivity = series.kind == SeriesKind::Volume && (info.unit == Unit::Suv || info.modality == "PT" || info.modality == "NM");
    info.imageWindows = stack.plan.isStraight() && !isActivity ? windowsOf(*stack.store, stack.kept) : std::vector<WindowLevel>();
    info.graphics = graphicsOf(*stack.store, stack.kept, !stack.plan.isStraight(), std::size_t(series.rows) * std::size_t(series.columns), info.notes);
    info.shutters = shuttersOf(*stack.store, stack.kept, !stack.plan.isStraight());
    for (const Note& note : stack.plan.notes) {
        addNote(info.notes, note.code, note.text);
    }
    if (stack.partial) {
        addNote(info.notes, stack.partial->code, stack.partial->text);
    }
    return info;
}

/// Places of the slices as the file tells them; empty where all lie on the grid, are not known, or were resampled.
std::vector<SlicePlace> placesOf(const Series& series, const StackPlan& plan, const Geometry& geometry)
{
    constexpr double kSameMm = 1e-3;
    std::vector<SlicePlace> places;
    bool isBeside = false;
    for (std::size_t n = 0; n < plan.order.size(); ++n) {
        const Image& image = series.images[plan.order[n]];
        if (!image.position || !plan.isStraight()) {
            return {};
        }
        places.push_back({*image.position, image.steps[0], image.steps[1]});
        for (const Index3 corner : {Index3{0, 0, int(n)}, Index3{series.columns - 1, 0, int(n)}, Index3{0, series.rows - 1, int(n)}}) {
            const PointLps place = places.back().first + places.back().alongI * corner.i + places.back().alongJ * corner.j;
            isBeside = isBeside || length(place - geometry.toLps(corner)) > kSameMm;
        }
    }
    return isBeside ? places : std::vector<SlicePlace>();
}

/// Colours by voxel of slices that are not resampled; empty for grey images.
std::vector<std::uint8_t> colorsOf(Stack& stack, std::size_t pixels)
{
    if (!stack.store->isColor() || stack.isAsStored) {
        return stack.store->takeRgb();
    }
    std::vector<std::uint8_t> rgb;
    for (const std::size_t n : stack.kept) {
        rgb.insert(rgb.end(), stack.store->rgb(n), stack.store->rgb(n) + 3 * pixels);
    }
    return rgb;
}

/// The type that holds the values of `type` and what lies outside.
VoxelType typeWith(VoxelType type, double outside)
{
    return outside >= 0 ? type : type == VoxelType::UInt8 ? VoxelType::Int16 : type == VoxelType::UInt16 ? VoxelType::Float32 : type;
}

Volume readDicom(const Series& series, const Progress& progress, std::stop_token stop)
{
    Stack stack = decodeStack(series, progress, stop);
    VolumeInfo info = infoOf(series, stack);
    const StackPlan& plan = stack.plan;
    const std::array<Vec3, 2> axes = axesOf(series);
    const std::array<double, 2> spacing = planeSpacing(series);
    const Shear shear = shearOf(plan, spacing);
    PointLps origin = series.images[plan.order[0]].position.value_or(PointLps{});
    origin = origin + axes[0] * (-shear.before[0] * spacing[0]) + axes[1] * (-shear.before[1] * spacing[1]);
    const Geometry geometry({series.columns + shear.grown[0], series.rows + shear.grown[1], plan.slices}, {spacing[0], spacing[1], plan.spacingMm}, origin,
        {axes[0], axes[1], cross(axes[0], axes[1]) * (plan.isDescending ? -1.0 : 1.0)});
    info.places = placesOf(series, plan, geometry);
    report(progress, 0.92, "assembling");
    std::vector<std::uint8_t> rgb = colorsOf(stack, std::size_t(series.rows) * std::size_t(series.columns));
    Volume::Voxels voxels;
    if (stack.isAsStored) {
        voxels = stack.store->takeVoxels();
    } else {
        const double outside = info.unit == Unit::Hu ? -1024 : 0;
        const auto resampled = [&]<typename T>(T) { voxels = resample<T>(*stack.store, stack.kept, plan, shear, series.columns, series.rows, outside, stop); };
        switch (shear.isAny ? typeWith(stack.store->type(), outside) : stack.store->type()) {
        case VoxelType::UInt8: resampled(std::uint8_t()); break;
        case VoxelType::Int16: resampled(std::int16_t()); break;
        case VoxelType::UInt16: resampled(std::uint16_t()); break;
        case VoxelType::Float32: resampled(float()); break;
        case VoxelType::Float64: resampled(double()); break;
        }
    }
    stack.store.reset();
    Volume volume(geometry, std::move(voxels), info, std::move(rgb));
    report(progress, 1, "ready");
    return volume;
}

} // namespace

Volume readSeries(const Series& series, const Progress& progress, std::stop_token stop)
{
    if (series.images.empty()) {
        throw Error("a series without images", "broken");
    }
    report(progress, 0, "reading");
    switch (series.format) {
    case SeriesFormat::VolumeFile: return imaging::readVolumeFile(series.images[0].path);
    case SeriesFormat::Picture: return readPicture(series);
    case SeriesFormat::Dicom: break;
    }
    return readDicom(series, progress, stop);
}

Inspection inspect(const Series& series, const Progress& progress, std::stop_token stop)
{
    Inspection result;
    if (series.format != SeriesFormat::Dicom) {
        try {
            result.notes = readSeries(series, progress, stop).info().notes;
            result.isReadable = true;
        } catch (const Cancelled&) {
            throw;
        } catch (const Error& error) {
            result.rejected.push_back({shownPathOf(series, series.images.at(0).path), error.what(), error.code()});
        }
        return result;
    }
    std::vector<std::size_t> all(series.images.size());
    std::iota(all.begin(), all.end(), std::size_t(0));
    SliceStore store(all.size(), std::size_t(series.rows) * std::size_t(series.columns), SliceStore::Layout::Nothing);
    Failures failures = decodeAll(series, all, store, progress, stop);
    result.notes = contentNotes(series, store);
    if (failures.images > 0) {
        addNote(result.notes, "partial", partialNote(failures, all.size()).text);
    }
    result.isReadable = failures.images < all.size();
    for (Rejected& one : failures.files) {
        one.path = shownPathOf(series, one.path);
    }
    result.rejected = std::move(failures.files);
    return result;
}

Picture thumbnail(const Series& series, int size, std::stop_token stop)
{
    Series one = series;
    if (series.format == SeriesFormat::Dicom) {
        one.images = {series.images.at(series.images.size() / 2)};
        one.kind = SeriesKind::SingleImage;
        one.notes.clear();
    }
    const Volume volume = readSeries(one, {}, stop);
    View view;
    view.plane = volume.geometry().acquisitionPlane();
    view.slice = volume.geometry().size().along(volume.geometry().axisAcross(view.plane)) / 2;
    SliceFrame frame = squareFrameOf(volume.geometry(), view);
    const double factor = double(std::max(frame.width, frame.height)) / size;
    frame.origin = frame.toLps((factor - 1) / 2, (factor - 1) / 2);
    frame.pixelMm = {frame.pixelMm[0] * factor, frame.pixelMm[1] * factor};
    frame.width = std::max(1, int(std::lround(frame.width / factor)));
    frame.height = std::max(1, int(std::lround(frame.height / factor)));
    const Presentation* first = series.presentations.empty() ? nullptr : series.presentations.front().get();
    const Presentation* state = first && first->isFor(one.images.front()) ? first : nullptr;
    OverlayStyle style;
    style.planes = state ? state->imagePlanes : style.planes;
    Picture picture = composeSlice(volume, frame, presentedWindow(state, volume, one.images.front(), series.valueFactor), state && state->inverts(volume), Interpolation::Linear, nullptr, style);
    const auto& shutters = volume.info().shutters;
    const Shutter* shutter = state ? &state->shutter : shutters.empty() ? nullptr : shutters[std::size_t(view.slice)].get();
    if (shutter && volume.geometry().axisAcross(view.plane) == 2) {
        applyShutter(picture, frame, volume.geometry(), view.slice, *shutter);
    }
    return picture;
}

} // namespace hf::dicom

#include "viewer/dicom/ReadSeries.h"

#include "viewer/dicom/Header.h"
#include "viewer/dicom/StackGeometry.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/volume/Error.h"

#include <QImage>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace hf::dicom {

namespace {

/// Stored values of one image as numbers, before the rescale; or colours.
struct DecodedImage {
    bool isColor = false;
    std::vector<float> values;          ///< After the rescale.
    std::vector<std::uint8_t> rgb;
    double slope = 1, intercept = 0;
    bool isInteger = true;              ///< Every value is a whole number.
    float minimum = 0, maximum = 0;
    std::vector<WindowLevel> windows;
    std::optional<std::array<float, 2>> padding;    ///< Values after the rescale that stand for no picture, where some are there.
    std::vector<std::uint8_t> graphics; ///< Overlay planes: 1 where drawn; empty without.
    bool isDecoded = false, isInverted = false, hasLut = false, wasLossy = false, hasGraphics = false;
    /// Leaves what the notes need.
    void dropPixels()
    {
        values = {};
        rgb = {};
        graphics = {};
    }
};

/// Sign and position of the stored bits (PS3.5 8.1.1).
class SampleReader {
public:
    SampleReader(const StoredFrame& frame, const PixelFormat& format) : m_frame(frame), m_bits(std::min(format.bitsStored, frame.bytesPerSample * 8))
    {
        m_shift = std::clamp(format.highBit + 1 - m_bits, 0, frame.bytesPerSample * 8 - m_bits);
        m_mask = m_bits >= 32 ? 0xFFFFFFFFU : (1U << m_bits) - 1;
    }
    std::int64_t at(std::size_t n) const
    {
        std::uint32_t raw = 0;
        std::memcpy(&raw, m_frame.bytes.data() + n * std::size_t(m_frame.bytesPerSample), std::size_t(m_frame.bytesPerSample));
        raw = (raw >> m_shift) & m_mask;
        if (m_frame.isSigned && (raw >> (m_bits - 1) & 1U)) {
            return std::int64_t(raw) - (std::int64_t(m_mask) + 1);
        }
        return raw;
    }

private:
    const StoredFrame& m_frame;
    int m_bits, m_shift = 0;
    std::uint32_t m_mask = 0;
};

double floatAt(const StoredFrame& frame, std::size_t n)
{
    if (frame.bytesPerSample == 4) {
        float value = 0;
        std::memcpy(&value, frame.bytes.data() + n * 4, 4);
        return value;
    }
    double value = 0;
    std::memcpy(&value, frame.bytes.data() + n * 8, 8);
    return value;
}

void decodeColor(DicomFile& file, const StoredFrame& frame, DecodedImage& image)
{
    const std::size_t pixels = std::size_t(frame.rows) * std::size_t(frame.columns);
    image.isColor = true;
    image.rgb.resize(pixels * 3);
    const PixelFormat& format = file.header().pixels;
    if (frame.photometric == "PALETTE COLOR") {
        const std::array<LookupTable, 3> palette = file.palette();
        const SampleReader samples(frame, format);
        for (std::size_t n = 0; n < pixels; ++n) {
            for (std::size_t c = 0; c < 3; ++c) {
                const std::uint16_t value = palette[c].at(std::int32_t(samples.at(n)));
                image.rgb[3 * n + c] = std::uint8_t(palette[c].bits > 8 ? value >> (palette[c].bits - 8) : value);
            }
        }
    } else if (frame.bytesPerSample == 1) {
        std::copy_n(frame.bytes.begin(), image.rgb.size(), image.rgb.begin());
    } else {
        const SampleReader samples(frame, format);
        const int shift = std::max(0, format.bitsStored - 8);
        for (std::size_t n = 0; n < image.rgb.size(); ++n) {
            image.rgb[n] = std::uint8_t(std::clamp<std::int64_t>(samples.at(n) >> shift, 0, 255));
        }
    }
    image.values.resize(pixels);
    for (std::size_t n = 0; n < pixels; ++n) {
        image.values[n] = std::round(0.299F * image.rgb[3 * n] + 0.587F * image.rgb[3 * n + 1] + 0.114F * image.rgb[3 * n + 2]);
    }
    image.minimum = 0;
    image.maximum = 255;
}

/// @param factor  after the rescale (SUV); 1 without.
void decodeGrey(DicomFile& file, const StoredFrame& frame, const FrameHeader& description, double factor, DecodedImage& image)
{
    const Header& header = file.header();
    const std::size_t pixels = std::size_t(frame.rows) * std::size_t(frame.columns);
    image.values.resize(pixels);
    image.slope = description.slope * factor;
    image.intercept = description.intercept * factor;
    image.isInverted = frame.photometric == "MONOCHROME1";
    const SampleReader samples(frame, header.pixels);
    const std::optional<LookupTable> lut = frame.isFloat ? std::nullopt : file.findModalityLut();
    image.hasLut = lut.has_value();
    const bool whole = image.slope == std::floor(image.slope) && image.intercept == std::floor(image.intercept);
    image.isInteger = !frame.isFloat && (whole || lut);
    const auto valueOf = [&](double stored) { return float(lut ? double(lut->at(std::int32_t(stored))) : stored * image.slope + image.intercept); };
    float lowest = INFINITY, highest = -INFINITY;
    bool isPadded = false;
    for (std::size_t n = 0; n < pixels; ++n) {
        double stored = frame.isFloat ? floatAt(frame, n) : double(samples.at(n));
        stored = std::isfinite(stored) ? stored : 0;
        const float value = image.values[n] = valueOf(stored);
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
        isPadded = isPadded || (header.paddingLow && stored >= *header.paddingLow && stored <= *header.paddingHigh);
    }
    if (isPadded) {
        const float low = valueOf(*header.paddingLow), high = valueOf(*header.paddingHigh);
        image.padding = {std::min(low, high), std::max(low, high)};
    }
    image.minimum = lowest;
    image.maximum = highest;
}

/// Encodings that always lose something; 91 and 203 need not.
bool isLossySyntax(const std::string& uid)
{
    static const std::set<std::string> kLossy{"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55", "1.2.840.10008.1.2.4.81"};
    return kLossy.contains(uid);
}

/// Windows in SUV where the values are.
std::vector<WindowLevel> scaled(std::vector<WindowLevel> windows, double factor)
{
    for (WindowLevel& window : windows) {
        window.center *= factor;
        window.width *= factor;
        window.function = factor != 1 && window.function == VoiFunction::Linear ? VoiFunction::LinearExact : window.function;
    }
    return windows;
}

/// A presentation state decides about window and polarity, and adds its lines (PS3.4 N.2).
void present(const Presentation& presentation, const Header& header, int frame, double factor, DecodedImage& image)
{
    if (!image.isColor) {
        image.isInverted = presentation.isInverted;
        if (auto window = presentation.findWindow(header.sopInstanceUid, frame)) {
            if (window->name.empty()) {
                window->name = presentation.label;
            }
            const std::vector<WindowLevel> first = scaled({*window}, factor);
            image.windows.insert(image.windows.begin(), first.begin(), first.end());
        }
    }
    presentation.draw(header.sopInstanceUid, frame, header.pixels.rows, header.pixels.columns, image.graphics);
}

DecodedImage decodeImage(DicomFile& file, int frame, Unit unit, const Presentation* presentation)
{
    const Header& header = file.header();
    const FrameHeader& description = header.frames.at(std::size_t(frame));
    const double factor = unit == Unit::Suv ? header.suv.factor : 1;
    DecodedImage image;
    image.windows = scaled(description.windows, factor);
    image.wasLossy = header.text.lossy || isLossySyntax(header.transferSyntaxUid);
    const StoredFrame stored = file.decode(frame);
    if (stored.samples == 3 || stored.photometric == "PALETTE COLOR") {
        decodeColor(file, stored, image);
    } else {
        decodeGrey(file, stored, description, factor, image);
    }
    image.graphics = file.overlays(frame, stored);
    if (presentation && presentation->isFor(header.sopInstanceUid, frame)) {
        present(*presentation, header, frame, factor, image);
    }
    image.hasGraphics = !image.graphics.empty();
    image.isDecoded = true;
    return image;
}

/// Slices in the smallest type that holds all values exactly. Filled slice by slice; widened when one does not fit.
class VoxelStore {
public:
    explicit VoxelStore(std::size_t slices) : m_slices(slices) {}
    void set(std::size_t slice, DecodedImage image)
    {
        const std::lock_guard lock(m_mutex);
        m_low = std::min(m_low, image.minimum);
        m_high = std::max(m_high, image.maximum);
        m_isInteger = m_isInteger && image.isInteger;
        m_anyColor = m_anyColor || image.isColor;
        m_slices[slice] = std::move(image);
    }
    const DecodedImage& slice(std::size_t n) const { return m_slices[n]; }
    bool isSet(std::size_t n) const { return m_slices[n].isDecoded; }
    VoxelType type() const
    {
        if (!m_isInteger) {
            return VoxelType::Float32;
        }
        return m_low >= 0 && m_high <= 255 ? VoxelType::UInt8 : m_low >= -32768 && m_high <= 32767 ? VoxelType::Int16 : m_low >= 0 && m_high <= 65535 ? VoxelType::UInt16 : VoxelType::Float32;
    }
    bool isColor() const { return m_anyColor; }
    void release(std::size_t n)
    {
        m_slices[n].dropPixels();
    }

private:
    std::vector<DecodedImage> m_slices;
    std::mutex m_mutex;
    float m_low = INFINITY, m_high = -INFINITY;
    bool m_isInteger = true, m_anyColor = false;
};

template <typename T> T toVoxel(float value)
{
    if constexpr (std::is_same_v<T, float>) {
        return value;
    } else {
        return T(std::lround(std::clamp(value, float(std::numeric_limits<T>::lowest()), float(std::numeric_limits<T>::max()))));
    }
}

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
};

Shear shearOf(const StackPlan& plan, const std::array<double, 2>& spacingMm)
{
    Shear shear;
    shear.pixels.assign(plan.order.size(), {0, 0});
    if (plan.shiftsMm.empty()) {
        return shear;
    }
    for (std::size_t axis = 0; axis < 2; ++axis) {
        double low = 0, high = 0;
        for (std::size_t n = 0; n < plan.order.size(); ++n) {
            const double moved = plan.shiftsMm[n][axis] / spacingMm[axis];
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
    const float* values;
    int columns, rows;
    float outside;
    /// Bilinear; `outside` beyond the last voxel centres.
    float at(double x, double y) const
    {
        if (x < -1e-3 || y < -1e-3 || x > columns - 1 + 1e-3 || y > rows - 1 + 1e-3) {
            return outside;
        }
        const int x0 = std::clamp(int(x), 0, std::max(0, columns - 2)), y0 = std::clamp(int(y), 0, std::max(0, rows - 2));
        const int x1 = std::min(columns - 1, x0 + 1), y1 = std::min(rows - 1, y0 + 1);
        const float fx = float(std::clamp(x - x0, 0.0, 1.0)), fy = float(std::clamp(y - y0, 0.0, 1.0));
        const auto v = [&](int i, int j) { return values[std::size_t(j) * std::size_t(columns) + std::size_t(i)]; };
        return (1 - fy) * ((1 - fx) * v(x0, y0) + fx * v(x1, y0)) + fy * ((1 - fx) * v(x0, y1) + fx * v(x1, y1));
    }
};

template <typename T> std::vector<T> assemble(VoxelStore& store, const StackPlan& plan, const Shear& shear, int columns, int rows, float outside, const std::stop_token& stop)
{
    const int outColumns = columns + shear.grown[0], outRows = rows + shear.grown[1];
    const std::size_t slab = std::size_t(outColumns) * std::size_t(outRows);
    std::vector<T> voxels(slab * std::size_t(plan.slices));
    for (int k = 0; k < plan.slices; ++k) {
        throwIfStopped(stop);
        const Blend blend = blendAt(plan, k);
        T* out = voxels.data() + slab * std::size_t(k);
        const DecodedImage& a = store.slice(blend.a);
        const DecodedImage& b = store.slice(blend.b);
        if (plan.shiftsMm.empty() && (blend.weightB == 0 || blend.weightB == 1)) {
            const std::vector<float>& from = blend.weightB == 0 ? a.values : b.values;
            std::transform(from.begin(), from.end(), out, toVoxel<T>);
        } else {
            const Plane2D pa{a.values.data(), columns, rows, outside}, pb{b.values.data(), columns, rows, outside};
            // Between two tilted slices the shift lies between theirs.
            const auto& sa = shear.pixels[blend.a];
            const auto& sb = shear.pixels[blend.b];
            for (int y = 0; y < outRows; ++y) {
                for (int x = 0; x < outColumns; ++x) {
                    const double u = x - shear.before[0], v = y - shear.before[1];
                    const float va = pa.at(u - sa[0], v - sa[1]);
                    const float value = blend.weightB == 0 ? va : float((1 - blend.weightB) * va + blend.weightB * pb.at(u - sb[0], v - sb[1]));
                    out[std::size_t(y) * std::size_t(outColumns) + std::size_t(x)] = toVoxel<T>(value);
                }
            }
        }
        // Slices that no later one needs go at once.
        const std::size_t needed = k + 1 < plan.slices ? blendAt(plan, k + 1).a : plan.order.size();
        for (std::size_t n = blend.a; n < needed; ++n) {
            store.release(n);
        }
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

std::vector<FileJob> jobsOf(const Series& series, const std::vector<std::size_t>& order)
{
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
        jobs.push_back(std::move(job));
    }
    return jobs;
}

/// Decodes all images into `store`; images that cannot be decoded stay unset.
/// @param keepsPixels  false: only what the notes need.
Failures decodeAll(const Series& series, const std::vector<std::size_t>& order, VoxelStore& store, bool keepsPixels, const Progress& progress, const std::stop_token& stop)
{
    const std::vector<FileJob> jobs = jobsOf(series, order);
    Failures failures;
    std::mutex mutex;
    std::atomic<std::size_t> next = 0, done = 0;
    const std::size_t pixels = std::size_t(series.rows) * std::size_t(series.columns);
    const auto decodeOne = [&](DicomFile& file, int frame, std::size_t place) {
        DecodedImage image = decodeImage(file, frame, series.unit, series.presentation.get());
        if (image.values.size() != pixels) {
            throw Error("images of one series differ in size", "broken");
        }
        if (!keepsPixels) {
            image.dropPixels();
        }
        store.set(place, std::move(image));
    };
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
                decodeOne(*file, frame, place);
            } catch (const Error& error) {
                fail(job, error.what() + (job.frames.size() > 1 ? " (frame " + std::to_string(frame + 1) + ")" : std::string()), error.code(), 1);
            } catch (const std::exception& error) {    // a library's own
                fail(job, std::string("a frame cannot be decoded: ") + error.what(), "broken", 1);
            }
            const std::lock_guard lock(mutex);
            report(progress, 0.9 * double(++done) / double(order.size()), "reading");
        }
    };
    const auto work = [&] {
        for (std::size_t n = next++; n < jobs.size() && !stop.stop_requested(); n = next++) {
            decodeFile(jobs[n]);
        }
    };
    {
        std::vector<std::jthread> others;
        const std::size_t threads = std::min<std::size_t>(jobs.size(), std::clamp(std::thread::hardware_concurrency(), 1U, 8U));
        for (std::size_t n = 1; n < threads; ++n) {
            others.emplace_back(work);
        }
        work();
    }
    throwIfStopped(stop);
    std::sort(failures.files.begin(), failures.files.end(), [](const Rejected& a, const Rejected& b) { return a.path < b.path; });
    return failures;
}

/// One sentence about images that are missing in the volume.
Note partialNote(const Failures& failures, std::size_t images)
{
    return {"partial", std::to_string(failures.images) + " of " + std::to_string(images) + " images could not be decoded: " + failures.files.front().reason + "."};
}

void checkMemory(const Series& series, int slices)
{
    const double bytes = double(series.rows) * series.columns * slices * 4;
    constexpr double kMost = 12e9;
    if (bytes > kMost) {
        throw Error("the volume needs about " + std::to_string(int(bytes / 1e9)) + " GB", "too-large");
    }
}

std::vector<Note> contentNotes(const Series& series, const VoxelStore& store, std::size_t slices)
{
    std::vector<Note> notes = series.notes;
    bool padded = false, inverted = false, lossy = false, lut = false, rounded = false;
    constexpr float kLargestExact = 16777216;   // a float holds all whole numbers up to here
    for (std::size_t n = 0; n < slices; ++n) {
        const DecodedImage& image = store.slice(n);
        padded = padded || image.padding;
        inverted = inverted || image.isInverted;
        lossy = lossy || image.wasLossy;
        lut = lut || image.hasLut;
        rounded = rounded || (image.isInteger && (image.maximum > kLargestExact || image.minimum < -kLargestExact));
    }
    if (padded) addNote(notes, "padding", "The file marks values as padding; they are shown black.");
    if (inverted && !series.presentation) addNote(notes, "monochrome1", "Low values are bright in this image (MONOCHROME1).");
    if (lossy) addNote(notes, "lossy", "The image was compressed with loss.");
    if (lut) addNote(notes, "modality-lut", "Values come from a modality lookup table.");
    if (rounded) addNote(notes, "rounded", "Values beyond 16 million are rounded to 24 bits.");
    return notes;
}

/// Overlay planes of all slices; null without, and where slices are resampled (then a note says so).
std::shared_ptr<const std::vector<std::uint8_t>> graphicsOf(const VoxelStore& store, const StackPlan& plan, std::size_t pixels, std::vector<Note>& notes)
{
    bool any = false;
    for (std::size_t n = 0; n < plan.order.size(); ++n) {
        any = any || store.slice(n).hasGraphics;
    }
    if (!any) {
        return nullptr;
    }
    if (!plan.isEven || !plan.shiftsMm.empty()) {
        addNote(notes, "overlays-hidden", "The overlay planes of the images are not shown on resampled slices.");
        return nullptr;
    }
    auto graphics = std::make_shared<std::vector<std::uint8_t>>(pixels * plan.order.size());
    for (std::size_t n = 0; n < plan.order.size(); ++n) {
        std::copy(store.slice(n).graphics.begin(), store.slice(n).graphics.end(), graphics->begin() + std::ptrdiff_t(n * pixels));
    }
    return graphics;
}

/// Of all slices; empty without.
std::optional<std::array<float, 2>> paddingOf(const VoxelStore& store, std::size_t slices)
{
    std::optional<std::array<float, 2>> all;
    for (std::size_t n = 0; n < slices; ++n) {
        if (const auto& one = store.slice(n).padding) {
            all = all ? std::array{std::min((*all)[0], (*one)[0]), std::max((*all)[1], (*one)[1])} : *one;
        }
    }
    return all;
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
    static const std::set<std::string> kProjection{"CR", "DX", "RG", "RF", "XA", "MG", "IO", "PX"};
    return kProjection.contains(series.modality) ? std::array{Vec3{1, 0, 0}, Vec3{0, 0, -1}} : std::array{Vec3{1, 0, 0}, Vec3{0, 1, 0}};
}

StackPlan plainPlan(std::size_t images, double spacingMm)
{
    StackPlan plan;
    plan.slices = int(images);
    plan.spacingMm = spacingMm > 0 ? spacingMm : 1;
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
        plan = plainPlan(usable.size(), series.spacingMm[2]);
    }
    for (std::size_t& n : plan.order) {
        n = usable[n];
    }
    return plan;
}

Volume readDicom(const Series& series, const Progress& progress, std::stop_token stop)
{
    std::vector<std::size_t> usable(series.images.size());
    for (std::size_t n = 0; n < usable.size(); ++n) {
        usable[n] = n;
    }
    StackPlan plan = planOf(series, usable);
    checkMemory(series, plan.slices);
    auto store = std::make_unique<VoxelStore>(plan.order.size());
    const Failures failures = decodeAll(series, plan.order, *store, true, progress, stop);
    std::vector<Note> extra;
    if (failures.images > 0) {
        std::vector<std::size_t> good;
        for (std::size_t n = 0; n < plan.order.size(); ++n) {
            if (store->isSet(n)) {
                good.push_back(plan.order[n]);
            }
        }
        if (good.empty()) {
            throw Error(failures.files.front().reason, failures.files.front().code);
        }
        std::sort(good.begin(), good.end());
        const std::vector<std::size_t> before = plan.order;
        plan = planOf(series, good);
        auto kept = std::make_unique<VoxelStore>(plan.order.size());
        for (std::size_t n = 0; n < plan.order.size(); ++n) {
            const auto old = std::find(before.begin(), before.end(), plan.order[n]) - before.begin();
            kept->set(n, store->slice(std::size_t(old)));
        }
        store = std::move(kept);
        extra.push_back(partialNote(failures, before.size()));
    }

    VolumeInfo info;
    info.modality = series.modality;
    info.seriesUid = series.uid;
    info.description = series.text.seriesDescription;
    info.bodyPart = series.text.bodyPart;
    info.unit = store->isColor() ? Unit::None : series.unit;
    info.windows = store->slice(plan.order.size() / 2).windows;
    info.isInverted = store->slice(plan.order.size() / 2).isInverted;
    info.padding = paddingOf(*store, plan.order.size());
    info.notes = contentNotes(series, *store, plan.order.size());
    info.graphics = graphicsOf(*store, plan, std::size_t(series.rows) * std::size_t(series.columns), info.notes);
    for (const Note& note : plan.notes) {
        addNote(info.notes, note.code, note.text);
    }
    for (const Note& note : extra) {
        addNote(info.notes, note.code, note.text);
    }

    const std::array<Vec3, 2> axes = axesOf(series);
    const std::array<double, 2> spacing{series.spacingMm[0] > 0 ? series.spacingMm[0] : 1, series.spacingMm[1] > 0 ? series.spacingMm[1] : 1};
    const Shear shear = shearOf(plan, spacing);
    PointLps origin = series.images[plan.order[0]].position.value_or(PointLps{});
    origin = origin + axes[0] * (-shear.before[0] * spacing[0]) + axes[1] * (-shear.before[1] * spacing[1]);
    const Geometry geometry({series.columns + shear.grown[0], series.rows + shear.grown[1], plan.slices}, {spacing[0], spacing[1], plan.spacingMm}, origin,
        {axes[0], axes[1], cross(axes[0], axes[1])});
    report(progress, 0.92, "assembling");

    std::vector<std::uint8_t> rgb;
    if (store->isColor()) {
        for (int k = 0; k < plan.slices; ++k) {
            const std::vector<std::uint8_t>& slice = store->slice(std::size_t(k)).rgb;
            rgb.insert(rgb.end(), slice.begin(), slice.end());
        }
    }
    const float outside = info.unit == Unit::Hu ? -1024.F : 0.F;
    Volume volume;
    switch (store->type()) {
    case VoxelType::UInt8:
        volume = Volume(geometry, assemble<std::uint8_t>(*store, plan, shear, series.columns, series.rows, outside, stop), info, std::move(rgb));
        break;
    case VoxelType::Int16:
        volume = Volume(geometry, assemble<std::int16_t>(*store, plan, shear, series.columns, series.rows, outside, stop), info);
        break;
    case VoxelType::UInt16:
        volume = Volume(geometry, assemble<std::uint16_t>(*store, plan, shear, series.columns, series.rows, outside, stop), info);
        break;
    case VoxelType::Float32:
        volume = Volume(geometry, assemble<float>(*store, plan, shear, series.columns, series.rows, outside, stop), info);
        break;
    }
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
            result.rejected.push_back({series.images.at(0).path, error.what(), error.code()});
        }
        return result;
    }
    std::vector<std::size_t> all(series.images.size());
    for (std::size_t n = 0; n < all.size(); ++n) {
        all[n] = n;
    }
    VoxelStore store(all.size());
    Failures failures = decodeAll(series, all, store, false, progress, stop);
    result.notes = contentNotes(series, store, all.size());
    if (failures.images > 0) {
        addNote(result.notes, "partial", partialNote(failures, all.size()).text);
    }
    result.isReadable = failures.images < all.size();
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
    return composeSlice(volume, frame, volume.defaultWindow(), false, Interpolation::Linear);
}

} // namespace hf::dicom

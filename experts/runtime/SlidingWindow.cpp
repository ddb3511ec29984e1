#include "experts/runtime/SlidingWindow.h"

#include "experts/runtime/Cuda.h"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/Event.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <span>

namespace hf::runtime {

namespace {

using Sizes = std::vector<std::int64_t>;

at::Tensor gaussian(std::int64_t size, double sigmaScale)
{
    const double sigma = sigmaScale * double(size);
    const at::Tensor x = at::arange(size, at::kFloat) - float(double(size - 1) / 2);
    return at::exp(x * x / float(-2 * sigma * sigma));
}

/// Rows of an axis that the same windows cover.
struct Segment {
    std::int64_t begin = 0, end = 0;
    int windows = 0;
    bool isWithin(std::int64_t start, std::int64_t roi) const { return begin >= start && end <= start + roi; }
};

/// A segment of the slab axis by one of the row axis: the sums of what windows gave so far.
struct Cell {
    int rowsLeft = 0;           ///< Rows of windows that still add to it.
    at::Tensor sum, weight;     ///< [1, F, ...] and [1, 1, ...]; undefined until the first window.
};

class Slider {
public:
    Slider(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const PartSink& sink, const Progress& progress, std::stop_token stop)
        : m_options(options), m_predict(predict), m_sink(sink), m_progress(progress), m_stop(std::move(stop)), m_rank(input.dim() - 2), m_batch(std::max(1, options.batch))
    {
        check(input);
        pad(input);
        for (std::int64_t axis = 0; axis < m_rank; ++axis) {
            m_starts.push_back(windowStarts(m_input.size(2 + axis), m_roi[std::size_t(axis)], m_options.overlap[std::size_t(axis)]));
        }
        m_slab = std::size_t(options.slabAxis);
        m_row = m_slab == 0 ? 1 : 0;
        m_weights = importanceMap(m_roi, options.blend, options.sigmaScale);
        m_slabSegments = segmentsOf(m_slab);
        m_rowSegments = segmentsOf(m_row);
        for (const Segment& slab : m_slabSegments) {
            for (const Segment& row : m_rowSegments) {
                m_cells.push_back({slab.windows * row.windows, {}, {}});
            }
        }
    }

    void run()
    {
        m_total = 1;
        for (const auto& starts : m_starts) {
            m_total *= starts.size();
        }
        m_began = std::chrono::steady_clock::now();
        for (const std::int64_t slabStart : groupOrder()) {
            for (const std::int64_t rowStart : m_starts[m_row]) {
                runRow(slabStart, rowStart);
                finishRow(slabStart, rowStart);
            }
        }
    }

private:
    void check(const at::Tensor& input) const
    {
        const bool fits = m_rank >= 2 && m_rank <= 3 && input.size(0) == 1 && m_options.roi.size() == std::size_t(m_rank) && m_options.overlap.size() == std::size_t(m_rank) &&
            m_options.slabAxis >= 0 && m_options.slabAxis < m_rank && input.numel() > 0;
        const bool overlaps = std::all_of(m_options.overlap.begin(), m_options.overlap.end(), [](double overlap) { return overlap >= 0 && overlap < 1; });
        if (!fits || !overlaps) {
            throw Error("the windows do not fit the volume", "arguments");
        }
    }

    /// A reflection has no more voxels to give than there are, but for the edge; going round not more than all.
    void checkPadding(const at::Tensor& input, const Sizes& padding) const
    {
        const bool reflects = m_options.padding == WindowOptions::Padding::Reflect, goesRound = m_options.padding == WindowOptions::Padding::Circular;
        for (std::int64_t axis = 0; axis < m_rank && (reflects || goesRound); ++axis) {
            const std::int64_t after = padding[std::size_t(2 * (m_rank - 1 - axis) + 1)], most = input.size(2 + axis) - (reflects ? 1 : 0);
            if (after > most) {
                throw Error("the series has " + std::to_string(input.size(2 + axis)) + " voxels along an axis, too few to be continued to windows of " +
                        std::to_string(m_options.roi[std::size_t(axis)]) + (reflects ? " by reflection" : " by going round"), "too-small");
            }
        }
    }

    void pad(const at::Tensor& input)
    {
        Sizes padding;      // last axis first
        for (std::int64_t axis = m_rank; axis-- > 0;) {
            const std::int64_t size = input.size(2 + axis), wanted = m_options.roi[std::size_t(axis)], missing = wanted > size ? wanted - size : 0;
            padding.push_back(missing / 2);
            padding.push_back(missing - missing / 2);
        }
        const bool isPadded = std::any_of(padding.begin(), padding.end(), [](std::int64_t n) { return n > 0; });
        checkPadding(input, padding);
        constexpr const char* kModes[] = {"constant", "reflect", "replicate", "circular"};
        const bool isConstant = m_options.padding == WindowOptions::Padding::Constant;
        m_input = isPadded ? at::pad(input, padding, kModes[int(m_options.padding)], isConstant ? std::optional(m_options.paddingValue) : std::nullopt) : input;
        for (std::int64_t axis = 0; axis < m_rank; ++axis) {
            m_before.push_back(padding[std::size_t(2 * (m_rank - 1 - axis))]);
            m_size.push_back(input.size(2 + axis));
            const std::int64_t wanted = m_options.roi[std::size_t(axis)];
            m_roi.push_back(wanted > 0 ? wanted : m_input.size(2 + axis));
        }
    }

    std::vector<Segment> segmentsOf(std::size_t axis) const
    {
        std::vector<std::int64_t> cuts;
        for (const std::int64_t start : m_starts[axis]) {
            cuts.push_back(start);
            cuts.push_back(start + m_roi[axis]);
        }
        std::sort(cuts.begin(), cuts.end());
        cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
        std::vector<Segment> segments;
        for (std::size_t n = 0; n + 1 < cuts.size(); ++n) {
            Segment segment{cuts[n], cuts[n + 1]};
            segment.windows = int(std::count_if(m_starts[axis].begin(), m_starts[axis].end(), [&](std::int64_t start) { return segment.isWithin(start, m_roi[axis]); }));
            segments.push_back(segment);
        }
        return segments;
    }

    /// From the group whose middle is nearest to the focus to the end, then what lies before, backwards: two fronts at most are open.
    std::vector<std::int64_t> groupOrder() const
    {
        std::vector<std::int64_t> order = m_starts[m_slab];
        if (m_options.focus < 0) {
            return order;
        }
        const std::int64_t middle = m_options.focus + m_before[m_slab] - m_roi[m_slab] / 2;
        const auto nearest = std::min_element(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return std::abs(a - middle) < std::abs(b - middle); });
        std::reverse(order.begin(), nearest);
        std::rotate(order.begin(), nearest, order.end());
        return order;
    }

    /// The windows of one row, in order.
    std::vector<Sizes> placesOf(std::int64_t slabStart, std::int64_t rowStart) const
    {
        Sizes place(std::size_t(m_rank), 0);
        place[m_slab] = slabStart;
        place[m_row] = rowStart;
        if (m_rank == 2) {
            return {place};
        }
        const std::size_t last = 3 - m_slab - m_row;
        std::vector<Sizes> places;
        for (const std::int64_t start : m_starts[last]) {
            place[last] = start;
            places.push_back(place);
        }
        return places;
    }

    void runRow(std::int64_t slabStart, std::int64_t rowStart)
    {
        const std::vector<Sizes> places = placesOf(slabStart, rowStart);
        for (std::size_t first = 0; first < places.size();) {
            throwIfStopped(m_stop);
            reportProgress();
            const at::Tensor outputs = predict(std::span(places).subspan(first));
            for (std::int64_t n = 0; n < outputs.size(0); ++n) {
                add(places[first + std::size_t(n)], outputs.narrow(0, n, 1));
            }
            follow(outputs.device());
            first += std::size_t(outputs.size(0));
            m_done += std::size_t(outputs.size(0));
        }
    }

    /// Of as many of the first places as fit.
    at::Tensor predict(std::span<const Sizes> places)
    {
        for (bool isLastTry = false;;) {
            const auto count = std::int64_t(std::min<std::size_t>(places.size(), std::size_t(m_batch)));
            try {
                const at::Tensor outputs = m_predict(windowsAt(places.first(std::size_t(count))));
                if (outputs.dim() != m_rank + 2 || outputs.size(0) != count || outputs.sizes().slice(2) != at::IntArrayRef(m_roi)) {
                    throw Error("the network gives another size than its window has", "network");
                }
                return outputs;
            } catch (const c10::OutOfMemoryError&) {
                if (isLastTry) {
                    throw outOfDeviceMemory(m_device, "one window of this network");
                }
            }
            emptyDeviceCache();
            isLastTry = count == 1;
            m_batch = std::max(1, int(count) / 2);
        }
    }

    at::Tensor windowsAt(std::span<const Sizes> places) const
    {
        std::vector<at::Tensor> windows;
        for (const Sizes& start : places) {
            at::Tensor window = m_input;
            for (std::size_t axis = 0; axis < start.size(); ++axis) {
                window = window.narrow(2 + std::int64_t(axis), start[axis], m_roi[axis]);
            }
            windows.push_back(window);
        }
        return windows.size() == 1 ? windows.front() : at::cat(windows, 0);
    }

    void add(const Sizes& start, const at::Tensor& given)
    {
        m_device = given.device();
        m_weights = m_weights.to(m_device);
        const bool isWeighted = m_options.blend == WindowOptions::Blend::Gaussian;
        const at::Tensor output = isWeighted ? given * m_weights.to(given.scalar_type()) : given;
        forCells(start[m_slab], start[m_row], [&](Cell& cell, const Segment& slab, const Segment& row) {
            if (!cell.sum.defined()) {
                open(cell, slab, row, output);
            }
            const auto ofWindow = [&](const at::Tensor& x) {
                return x.narrow(2 + std::int64_t(m_slab), slab.begin - start[m_slab], slab.end - slab.begin).narrow(2 + std::int64_t(m_row), row.begin - start[m_row], row.end - row.begin);
            };
            at::Tensor sum = cell.sum, weight = cell.weight;
            for (std::size_t axis = 0; axis < start.size(); ++axis) {
                if (axis != m_slab && axis != m_row) {
                    sum = sum.narrow(2 + std::int64_t(axis), start[axis], m_roi[axis]);
                    weight = weight.narrow(2 + std::int64_t(axis), start[axis], m_roi[axis]);
                }
            }
            sum.add_(ofWindow(output).to(sum.device()));
            weight.add_(ofWindow(m_weights).to(weight.device()));
        });
    }

    void open(Cell& cell, const Segment& slab, const Segment& row, const at::Tensor& output) const
    {
        Sizes shape = m_input.sizes().vec();
        shape[1] = output.size(1);
        shape[2 + m_slab] = slab.end - slab.begin;
        shape[2 + m_row] = row.end - row.begin;
        const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat).device(hasRoom(c10::multiply_integers(shape)) ? m_device : at::Device(at::kCPU));
        // The memory format of the network, so that adding runs along memory.
        const bool channelsLast = output.dim() == 5 && output.size(1) > 1 && output.stride(1) == 1;
        cell.sum = at::empty(shape, options, channelsLast ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::Contiguous).zero_();
        shape[1] = 1;
        cell.weight = at::zeros(shape, options);
    }

    /// Sums must leave the device what the next window needs.
    bool hasRoom(std::int64_t values) const
    {
        constexpr std::uint64_t kForWindows = std::uint64_t(2) << 30;
        const auto memory = deviceMemory(m_device);
        return !memory || memory->free > sizeof(float) * std::uint64_t(values) + kForWindows;
    }

    void finishRow(std::int64_t slabStart, std::int64_t rowStart)
    {
        forCells(slabStart, rowStart, [&](Cell& cell, const Segment& slab, const Segment& row) {
            if (--cell.rowsLeft == 0) {
                handOut(cell, slab, row);
                cell.sum = at::Tensor();
                cell.weight = at::Tensor();
            }
        });
    }

    /// The cells that the row of windows there adds to.
    template <typename Work> void forCells(std::int64_t slabStart, std::int64_t rowStart, const Work& work)
    {
        for (std::size_t slab = 0; slab < m_slabSegments.size(); ++slab) {
            for (std::size_t row = 0; row < m_rowSegments.size(); ++row) {
                if (m_slabSegments[slab].isWithin(slabStart, m_roi[m_slab]) && m_rowSegments[row].isWithin(rowStart, m_roi[m_row])) {
                    work(m_cells[slab * m_rowSegments.size() + row], m_slabSegments[slab], m_rowSegments[row]);
                }
            }
        }
    }

    void handOut(const Cell& cell, const Segment& slab, const Segment& row)
    {
        at::Tensor mean = cell.sum.div_(cell.weight);
        Part part{Sizes(std::size_t(m_rank), 0), m_size};
        for (std::size_t axis = 0; axis < m_size.size(); ++axis) {
            const Segment whole{0, m_input.size(2 + std::int64_t(axis))};
            const Segment& segment = axis == m_slab ? slab : axis == m_row ? row : whole;
            const std::int64_t begin = std::max(segment.begin, m_before[axis]), end = std::min(segment.end, m_before[axis] + m_size[axis]);
            if (begin >= end) {
                return;     // padding alone
            }
            mean = mean.narrow(2 + std::int64_t(axis), begin - segment.begin, end - begin);
            part.begin[axis] = begin - m_before[axis];
            part.end[axis] = end - m_before[axis];
        }
        m_sink(mean, part);
    }

    /// The host prepares one pass while a GPU works on another, not more: else progress would run ahead, and a stop would come late.
    void follow(at::Device device)
    {
        if (!device.is_cuda()) {
            return;
        }
        c10::Event event(device.type());
        event.record(at::accelerator::getCurrentStream(device.index()));
        if (m_previous) {
            m_previous->synchronize();
        }
        m_previous.emplace(std::move(event));
    }

    void reportProgress() const
    {
        std::string stage = "window " + std::to_string(m_done + 1) + " of " + std::to_string(m_total);
        if (m_done > 0) {
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - m_began).count();
            stage += ", about " + std::to_string(std::llround(seconds / double(m_done) * double(m_total - m_done))) + " s left";
        }
        report(m_progress, double(m_done) / double(m_total), stage);
    }

    const WindowOptions& m_options;
    const WindowPredictor& m_predict;
    const PartSink& m_sink;
    const Progress& m_progress;
    std::stop_token m_stop;
    std::int64_t m_rank;
    int m_batch;
    at::Tensor m_input, m_weights;
    at::Device m_device = at::kCPU;     ///< Of what the predictor gives.
    Sizes m_roi, m_before, m_size;
    std::size_t m_slab = 0, m_row = 1, m_done = 0, m_total = 0;
    std::vector<std::vector<std::int64_t>> m_starts;
    std::vector<Segment> m_slabSegments, m_rowSegments;
    std::vector<Cell> m_cells;          ///< By segment of the slab axis, then of the row axis.
    std::optional<c10::Event> m_previous;
    std::chrono::steady_clock::time_point m_began;
};

} // namespace

std::vector<std::int64_t> windowStarts(std::int64_t size, std::int64_t roi, double overlap)
{
    const std::int64_t step = roi == size ? roi : std::max<std::int64_t>(1, std::int64_t(double(roi) * (1 - overlap)));
    std::vector<std::int64_t> starts;
    for (std::int64_t n = 0;; ++n) {
        starts.push_back(std::max<std::int64_t>(0, std::min(n * step, size - roi)));
        if (n * step + roi >= size) {
            return starts;
        }
    }
}

at::Tensor importanceMap(at::IntArrayRef roi, WindowOptions::Blend blend, double sigmaScale)
{
    std::vector<std::int64_t> shape{1, 1};
    shape.insert(shape.end(), roi.begin(), roi.end());
    if (blend == WindowOptions::Blend::Constant) {
        return at::ones({}, at::kFloat).expand(shape);
    }
    at::Tensor map = gaussian(roi[0], sigmaScale);
    for (std::size_t axis = 1; axis < roi.size(); ++axis) {
        map = map.unsqueeze(-1) * gaussian(roi[axis], sigmaScale);
    }
    return map.clamp_min(std::max(map.min().item<float>(), 1e-3F)).view(shape);
}

at::Tensor Part::of(at::Tensor whole) const
{
    const std::int64_t first = whole.dim() - std::int64_t(begin.size());
    for (std::size_t axis = 0; axis < begin.size(); ++axis) {
        whole = whole.narrow(first + std::int64_t(axis), begin[axis], end[axis] - begin[axis]);
    }
    return whole;
}

std::int64_t Part::voxels() const
{
    std::int64_t count = 1;
    for (std::size_t axis = 0; axis < begin.size(); ++axis) {
        count *= end[axis] - begin[axis];
    }
    return count;
}

void slideWindows(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const PartSink& sink, const Progress& progress, std::stop_token stop)
{
    Slider(input, options, predict, sink, progress, std::move(stop)).run();
    report(progress, 1, "windows done");
}

at::Tensor slidingWindow(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const Progress& progress, std::stop_token stop)
{
    at::Tensor whole;
    const PartSink sink = [&](const at::Tensor& mean, const Part& part) {
        if (!whole.defined()) {
            std::vector<std::int64_t> shape = input.sizes().vec();
            shape[1] = mean.size(1);
            whole = at::empty(shape, at::kFloat);
        }
        part.of(whole).copy_(mean);
    };
    slideWindows(input, options, predict, sink, progress, std::move(stop));
    return whole;
}

} // namespace hf::runtime

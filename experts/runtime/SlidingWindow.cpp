#include "experts/runtime/SlidingWindow.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace hf::runtime {

namespace {

using Sizes = std::vector<std::int64_t>;

at::Tensor gaussian(std::int64_t size, double sigmaScale)
{
    const double sigma = sigmaScale * double(size);
    const at::Tensor x = at::arange(size, at::kFloat) - float(double(size - 1) / 2);
    return at::exp(x * x / float(-2 * sigma * sigma));
}

/// Rows of the slab axis that the same groups cover, with the sums of what they gave so far.
struct Segment {
    std::int64_t begin = 0, end = 0;
    int groupsLeft = 0;
    at::Tensor sum, weight;     ///< [1, F, ...] and [1, 1, ...]; undefined until the first window.
};

class Slider {
public:
    Slider(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const SlabSink& sink, const Progress& progress, std::stop_token stop)
        : m_options(options), m_predict(predict), m_sink(sink), m_progress(progress), m_stop(std::move(stop)), m_rank(input.dim() - 2)
    {
        check(input);
        pad(input);
        for (std::int64_t axis = 0; axis < m_rank; ++axis) {
            m_starts.push_back(windowStarts(m_input.size(2 + axis), m_roi[std::size_t(axis)], m_options.overlap[std::size_t(axis)]));
        }
        m_slab = std::size_t(options.slabAxis);
        m_weights = importanceMap(m_roi, options.blend, options.sigmaScale);
        makeSegments();
    }

    void run()
    {
        std::size_t windows = 1;
        for (const auto& starts : m_starts) {
            windows *= starts.size();
        }
        m_total = windows;
        m_began = std::chrono::steady_clock::now();
        for (const std::int64_t start : groupOrder()) {
            runGroup(start);
            finishGroup(start);
        }
    }

private:
    void check(const at::Tensor& input) const
    {
        const bool fits = m_rank >= 1 && input.size(0) == 1 && m_options.roi.size() == std::size_t(m_rank) && m_options.overlap.size() == std::size_t(m_rank) &&
            m_options.slabAxis >= 0 && m_options.slabAxis < m_rank && input.numel() > 0;
        const bool overlaps = std::all_of(m_options.overlap.begin(), m_options.overlap.end(), [](double overlap) { return overlap >= 0 && overlap < 1; });
        if (!fits || !overlaps) {
            throw Error("the windows do not fit the volume", "arguments");
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

    void makeSegments()
    {
        std::vector<std::int64_t> cuts;
        for (const std::int64_t start : m_starts[m_slab]) {
            cuts.push_back(start);
            cuts.push_back(start + m_roi[m_slab]);
        }
        std::sort(cuts.begin(), cuts.end());
        cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
        for (std::size_t n = 0; n + 1 < cuts.size(); ++n) {
            Segment& segment = m_segments.emplace_back();
            segment.begin = cuts[n];
            segment.end = cuts[n + 1];
            for (const std::int64_t start : m_starts[m_slab]) {
                segment.groupsLeft += start <= segment.begin && segment.end <= start + m_roi[m_slab];
            }
        }
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

    void runGroup(std::int64_t slabStart)
    {
        Sizes place(std::size_t(m_rank), 0);    // index into the starts of each axis; the slab axis has one
        for (;;) {
            Sizes start(std::size_t(m_rank), slabStart);
            for (std::size_t axis = 0; axis < std::size_t(m_rank); ++axis) {
                start[axis] = axis == m_slab ? slabStart : m_starts[axis][std::size_t(place[axis])];
            }
            runWindow(start);
            std::size_t axis = std::size_t(m_rank);
            while (axis-- > 0) {
                if (axis != m_slab && ++place[axis] < std::int64_t(m_starts[axis].size())) {
                    break;
                }
                place[axis] = 0;
            }
            if (axis == std::size_t(-1)) {
                return;
            }
        }
    }

    void runWindow(const Sizes& start)
    {
        throwIfStopped(m_stop);
        reportProgress();
        at::Tensor window = m_input;
        for (std::size_t axis = 0; axis < start.size(); ++axis) {
            window = window.narrow(2 + std::int64_t(axis), start[axis], m_roi[axis]);
        }
        at::Tensor output = m_predict(window);
        if (output.dim() != m_rank + 2 || output.sizes().slice(2) != at::IntArrayRef(m_roi)) {
            throw Error("the network gives another size than its window has", "network");
        }
        if (m_options.blend == WindowOptions::Blend::Gaussian) {
            output = output * m_weights.to(output.scalar_type());
        }
        const std::int64_t slabDim = 2 + std::int64_t(m_slab), slabStart = start[m_slab];
        for (Segment& segment : m_segments) {
            if (segment.begin >= slabStart && segment.end <= slabStart + m_roi[m_slab]) {
                const std::int64_t rows = segment.end - segment.begin, offset = segment.begin - slabStart;
                add(segment, start, output.narrow(slabDim, offset, rows), m_weights.narrow(slabDim, offset, rows));
            }
        }
        ++m_done;
    }

    void add(Segment& segment, const Sizes& start, const at::Tensor& output, const at::Tensor& weights)
    {
        if (!segment.sum.defined()) {
            Sizes shape = m_input.sizes().vec();
            shape[1] = output.size(1);
            shape[2 + m_slab] = segment.end - segment.begin;
            // The memory format of the network, so that adding runs along memory.
            const bool channelsLast = output.dim() == 5 && output.size(1) > 1 && output.stride(1) == 1;
            segment.sum = at::empty(shape, at::TensorOptions().dtype(at::kFloat), channelsLast ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::Contiguous).zero_();
            shape[1] = 1;
            segment.weight = at::zeros(shape, at::kFloat);
        }
        at::Tensor sum = segment.sum, weight = segment.weight;
        for (std::size_t axis = 0; axis < start.size(); ++axis) {
            if (axis != m_slab) {
                sum = sum.narrow(2 + std::int64_t(axis), start[axis], m_roi[axis]);
                weight = weight.narrow(2 + std::int64_t(axis), start[axis], m_roi[axis]);
            }
        }
        sum.add_(output);
        weight.add_(weights);
    }

    void finishGroup(std::int64_t slabStart)
    {
        for (Segment& segment : m_segments) {
            const bool isCovered = segment.begin >= slabStart && segment.end <= slabStart + m_roi[m_slab];
            if (isCovered && --segment.groupsLeft == 0) {
                handOut(segment);
                segment.sum = at::Tensor();
                segment.weight = at::Tensor();
            }
        }
    }

    void handOut(const Segment& segment)
    {
        at::Tensor mean = segment.sum.div_(segment.weight);
        std::int64_t begin = std::max(segment.begin, m_before[m_slab]), end = std::min(segment.end, m_before[m_slab] + m_size[m_slab]);
        if (begin >= end) {
            return;
        }
        for (std::size_t axis = 0; axis < m_size.size(); ++axis) {
            mean = axis == m_slab ? mean.narrow(2 + std::int64_t(axis), begin - segment.begin, end - begin) : mean.narrow(2 + std::int64_t(axis), m_before[axis], m_size[axis]);
        }
        m_sink(mean, begin - m_before[m_slab], end - m_before[m_slab]);
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
    const SlabSink& m_sink;
    const Progress& m_progress;
    std::stop_token m_stop;
    std::int64_t m_rank;
    at::Tensor m_input, m_weights;
    Sizes m_roi, m_before, m_size;
    std::size_t m_slab = 0, m_done = 0, m_total = 0;
    std::vector<std::vector<std::int64_t>> m_starts;
    std::vector<Segment> m_segments;
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

void slideWindows(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const SlabSink& sink, const Progress& progress, std::stop_token stop)
{
    Slider(input, options, predict, sink, progress, std::move(stop)).run();
    report(progress, 1, "windows done");
}

at::Tensor slidingWindow(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const Progress& progress, std::stop_token stop)
{
    at::Tensor whole;
    const std::int64_t slabDim = 2 + options.slabAxis;
    const SlabSink sink = [&](const at::Tensor& mean, std::int64_t begin, std::int64_t end) {
        if (!whole.defined()) {
            std::vector<std::int64_t> shape = input.sizes().vec();
            shape[1] = mean.size(1);
            whole = at::empty(shape, at::kFloat);
        }
        whole.narrow(slabDim, begin, end - begin).copy_(mean);
    };
    slideWindows(input, options, predict, sink, progress, std::move(stop));
    return whole;
}

} // namespace hf::runtime

// Pre- and post-processing and windows against numbers of MONAI (experts.md sections 4, 5 and 9).
#include "experts/engine/neural/WeightSource.h"
#include "experts/runtime/SlidingWindow.h"
#include "experts/runtime/Transforms.h"
#include "support/Check.h"
#include "viewer/volume/Volume.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <fstream>

using namespace hf;
using namespace hf::runtime;
using hf::experts::hashedInput;

namespace {

at::Tensor affineOf(const std::array<double, 12>& rows)
{
    const at::Tensor affine = at::eye(4, at::kDouble);
    std::copy(rows.begin(), rows.end(), affine.data_ptr<double>());
    return affine;
}

at::Tensor matrixOf(const nlohmann::json& rows)
{
    const at::Tensor matrix = at::empty({4, 4}, at::kDouble);
    for (std::size_t n = 0; n < 16; ++n) {
        matrix.data_ptr<double>()[n] = rows[n / 4][n % 4].get<double>();
    }
    return matrix;
}

/// The content of tests/oracles/record_monai.py: noise inside an ellipsoid, air around it.
at::Tensor ellipsoid(const std::vector<std::int64_t>& shape)
{
    at::Tensor distance = at::zeros(shape, at::kDouble);
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        std::vector<std::int64_t> view(3, 1);
        const std::int64_t n = shape[std::size_t(axis)];
        view[std::size_t(axis)] = n;
        const at::Tensor place = ((at::arange(n, at::kDouble) - 0.55 * double(n)) / (0.25 * double(n))).view(view);
        distance = distance + place * place;
    }
    return hashedInput({1, shape[0], shape[1], shape[2]}, -400, 900).masked_fill(distance.unsqueeze(0) > 1, -1000);
}

std::uint32_t crc32Of(const at::Tensor& bytes)
{
    std::uint32_t crc = ~0U;
    for (std::int64_t n = 0; n < bytes.numel(); ++n) {
        crc ^= bytes.const_data_ptr<std::uint8_t>()[n];
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0U);
        }
    }
    return ~crc;
}

double value(const Image& image, int i, int j, int k) { return image.data[0][i][j][k].item<double>(); }
double entry(const at::Tensor& affine, int row, int column) { return affine[row][column].item<double>(); }

Image goldenImage() { return {hashedInput({1, 40, 42, 12}, -1000, 600), affineOf({-0.7, 0, 0, 100, 0, -0.7, 0, 120, 0, 0, 5, -300})}; }

/// The predictor of section 9: for a window p the channels (p + c, 2p - c), c = flat index / 1000 inside the window.
at::Tensor goldenPredictor(const at::Tensor& window)
{
    const at::Tensor c = at::arange(window.numel(), at::kFloat).view(window.sizes()) / 1000;
    return at::cat({window + c, window * 2 - c}, 1);
}

WindowOptions goldenWindows(WindowOptions::Blend blend) { return {{16, 16, 24}, {0.25, 0.25, 0.25}, blend}; }

} // namespace

HF_TEST(spacing)
{
    const Image out = spaced(goldenImage(), {1.5, 1.5, 1.5});
    HF_CHECK(out.data.sizes() == (std::vector<std::int64_t>{1, 19, 20, 38}));
    HF_CHECK_NEAR(value(out, 0, 0, 0), 59.1739, 1e-3);
    HF_CHECK_NEAR(value(out, 5, 6, 7), -262.005, 1e-3);
    HF_CHECK_NEAR(value(out, 18, 19, 36), -94.2945, 1e-3);
    HF_CHECK_NEAR(out.data.mean().item<double>(), -205.707, 1e-3);
    HF_CHECK_NEAR(out.data.std(true).item<double>(), 255.127, 1e-3);
    const Image ras = reordered(out, orderToRas(out.affine));
    HF_CHECK_NEAR(value(ras, 0, 0, 0), 187.008, 1e-3);
    HF_CHECK_NEAR(value(ras, 5, 6, 7), -43.5703, 1e-3);
    HF_CHECK_NEAR(entry(ras.affine, 0, 3), 73, 1e-9);
    HF_CHECK_NEAR(entry(ras.affine, 1, 3), 91.5, 1e-9);
    HF_CHECK_NEAR(entry(ras.affine, 2, 3), -300, 1e-9);
    const at::Tensor scaledValues = scaledRange(out.data, {-963.8247715525971, 1053.678477684517});
    HF_CHECK_NEAR(scaledValues[0][0][0][0].item<double>(), 0.5070617, 1e-6);
    HF_CHECK_NEAR(scaledValues[0][5][6][7].item<double>(), 0.3478656, 1e-6);
    HF_CHECK_NEAR(scaledValues.mean().item<double>(), 0.3757722, 1e-6);
}

HF_TEST(the_chain_of_vista3d_and_back_is_monais)
{
    const auto recorded = nlohmann::json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/monai.json"));
    for (const auto& item : recorded["cases"]) {
        const std::string name = item["name"];
        const auto shape = item["in_shape"].get<std::vector<std::int64_t>>();
        Prepared prepared({ellipsoid(shape), matrixOf(item["in_affine"])});
        prepared.space({1.5, 1.5, 1.5});
        HF_CHECK(prepared.cropForeground(10));
        prepared.image.data = scaledRange(prepared.image.data, {-963.8247715525971, 1053.678477684517});
        prepared.orientToRas();
        const at::Tensor& data = prepared.image.data;
        if (data.sizes().slice(1) != at::IntArrayRef(item["shape"].get<std::vector<std::int64_t>>())) {
            test::fail(name.c_str(), 0, "another size");
            continue;
        }
        HF_CHECK((prepared.image.affine - matrixOf(item["affine"])).abs().max().item<double>() < 1e-9);
        HF_CHECK_NEAR(data.to(at::kDouble).mean().item<double>(), item["mean"].get<double>(), 1e-7);
        for (const auto& probe : item["probes"]) {
            HF_CHECK_NEAR(value(prepared.image, probe[0][0], probe[0][1], probe[0][2]), probe[1].get<double>(), 1e-6);
        }
        const at::Tensor labels = at::floor(data * 9).to(at::kByte);
        const at::Tensor inverted = prepared.invertedLabels(labels).contiguous();
        HF_CHECK_EQUAL(inverted.sum().item<std::int64_t>(), item["inverted_sum"].get<std::int64_t>());
        // Every voxel the same.
        HF_CHECK_EQUAL(crc32Of(inverted), item["inverted_crc32"].get<std::uint32_t>());
        const at::Tensor values = prepared.invertedValues(data);
        HF_CHECK_NEAR(values.to(at::kDouble).mean().item<double>(), item["inverted_values_mean"].get<double>(), 1e-7);
        for (const auto& probe : item["inverted_probes"]) {
            HF_CHECK_NEAR(values[probe[0][0].get<int>()][probe[0][1].get<int>()][probe[0][2].get<int>()].item<double>(), probe[1].get<double>(), 1e-6);
        }
    }
}

HF_TEST(nearest_voxels_without_rotation_are_those_of_grid_sampler)
{
    struct Case { std::array<double, 3> from, to; std::array<std::int64_t, 3> size; };
    // Halves and doubles are full of places in the middle between two voxels.
    for (const Case& item : {Case{{1.5, 1.5, 1.5}, {0.75, 0.75, 3}, {120, 70, 50}}, {{1.49, 1.49, 1.49}, {1.5, 1.5, 1.5}, {128, 131, 90}}, {{1.5, -1.5, 1.5}, {0.7, 0.7, 5}, {64, 90, 101}}}) {
        const at::Tensor affine = affineOf({item.from[0], 0, 0, -10, 0, item.from[1], 0, 20, 0, 0, item.from[2], 30});
        const Image image{(hashedInput({1, item.size[0], item.size[1], item.size[2]}, 0, 256)).to(at::kByte), affine};
        const Grid grid = spacedGrid(affine, item.size, item.to);
        const at::Tensor found = resampled(image, grid, Interpolation::Nearest).data;
        const auto normaliser = [](const std::array<std::int64_t, 3>& size) {
            return affineOf({2.0 / double(size[0]), 0, 0, 1.0 / double(size[0]) - 1, 0, 2.0 / double(size[1]), 0, 1.0 / double(size[1]) - 1, 0, 0, 2.0 / double(size[2]), 1.0 / double(size[2]) - 1});
        };
        const at::Tensor map = at::matmul(at::matmul(normaliser(item.size), at::linalg_solve(affine, grid.affine)), at::linalg_inv(normaliser(grid.size)));
        const at::Tensor order = at::tensor({2, 1, 0, 3}, at::kLong);
        const at::Tensor theta = map.index_select(0, order).index_select(1, order).narrow(0, 0, 3).unsqueeze(0).contiguous();
        const at::Tensor places = at::affine_grid_generator(theta, {1, 1, grid.size[0], grid.size[1], grid.size[2]}, false);
        constexpr std::int64_t kNearest = 1, kBorder = 1;
        const at::Tensor expected = at::grid_sampler(image.data.to(at::kDouble).unsqueeze(0), places, kNearest, kBorder, false).select(0, 0).to(at::kByte);
        HF_CHECK(at::equal(found, expected));
    }
}

HF_TEST(sizes_and_places_of_spaced_grids)
{
    const Grid straight = spacedGrid(affineOf({-0.7, 0, 0, 10, 0, -0.7, 0, 20, 0, 0, 5, 30}), {51, 52, 20}, {1.5, 1.5, 1.5});
    HF_CHECK(straight.size == (std::array<std::int64_t, 3>{24, 25, 64}));
    HF_CHECK_NEAR(entry(straight.affine, 0, 3), 10, 1e-9);
    const double c = std::cos(10 * M_PI / 180), s = std::sin(10 * M_PI / 180);
    const Grid oblique = spacedGrid(affineOf({0.8 * c, -0.8 * s, 0, 1, 0.8 * s, 0.8 * c, 0, 2, 0, 0, 3, 3}), {60, 60, 30}, {1.5, 1.5, 1.5});
    HF_CHECK(oblique.size == (std::array<std::int64_t, 3>{32, 32, 59}));
    const Grid tilted = spacedGrid(affineOf({0.8, 0, 0, 0, 0, 0.8, 0.5, 0, 0, 0, 2.9, 0}), {40, 40, 20}, {1.5, 1.5, 1.5});
    HF_CHECK(tilted.size == (std::array<std::int64_t, 3>{22, 28, 38}));
    HF_CHECK_NEAR(entry(tilted.affine, 1, 2), 0, 1e-9);
    const Image near{at::rand({1, 5, 6, 7}), affineOf({1.5004, 0, 0, 0, 0, 1.4996, 0, 0, 0, 0, 1.5, 0})};
    const Image same = spaced(near, {1.5, 1.5, 1.5});
    HF_CHECK(same.data.is_same(near.data));
    // As it is: a spacing of zero.
    HF_CHECK(spaced(near, {0, 0, 0}).data.is_same(near.data));
}

HF_TEST(orientation_and_back)
{
    const Image image{at::rand({1, 3, 4, 5}), affineOf({0, 0, -2, 7, -1, 0, 0, 8, 0, 3, 0, 9})};
    const AxisOrder order = orderToRas(image.affine);
    HF_CHECK(order.source == (std::array<int, 3>{2, 0, 1}));
    HF_CHECK(order.flipped == (std::array<bool, 3>{true, true, false}));
    const Image ras = reordered(image, order);
    HF_CHECK(ras.data.sizes() == (std::vector<std::int64_t>{1, 5, 3, 4}));
    for (int axis = 0; axis < 3; ++axis) {
        HF_CHECK(entry(ras.affine, axis, axis) > 0);
    }
    // The same voxel lies at the same place.
    HF_CHECK_EQUAL(value(ras, 4 - 1, 2 - 2, 3), value(image, 2, 3, 1));
    const Image back = reordered(ras, inverseOf(order));
    HF_CHECK(back.data.equal(image.data));
    HF_CHECK(at::allclose(back.affine, image.affine));
}

HF_TEST(foreground)
{
    const at::Tensor data = at::full({1, 20, 20, 20}, -5.F);
    data[0][12][7][3] = 1;
    data[0][14][7][19] = 1;
    const Box box = foregroundBox(data, 4);
    HF_CHECK(box.begin == (std::array<std::int64_t, 3>{8, 3, 0}) && box.end == (std::array<std::int64_t, 3>{19, 12, 20}));
    const Image image{data, at::eye(4, at::kDouble)};
    const Image inside = cropped(image, box);
    HF_CHECK_NEAR(entry(inside.affine, 0, 3), 8, 0);
    const Image back = uncropped(inside, box, {20, 20, 20});
    HF_CHECK_EQUAL(value(back, 12, 7, 3), 1.0);
    HF_CHECK_EQUAL(value(back, 0, 0, 0), 0.0);
    HF_CHECK_NEAR(entry(back.affine, 0, 3), 0, 0);
    const Box none = foregroundBox(at::zeros({1, 4, 4, 4}), 10);
    HF_CHECK(none.end[0] <= none.begin[0]);
}

HF_TEST(intensities)
{
    const at::Tensor data = hashedInput({2, 4, 5, 6}, -50, 300);
    data[0][0].zero_();
    data[1].select(1, 2).zero_();
    const at::Tensor out = normalized(data, true, true);
    HF_CHECK_NEAR(out[0][1][1][1].item<double>(), -1.116044, 1e-5);
    HF_CHECK_NEAR(out[1][3][4][5].item<double>(), 1.491821, 1e-5);
    HF_CHECK_EQUAL(out[0][0].abs().max().item<double>(), 0.0);
    HF_CHECK(normalized(at::zeros({1, 2, 2, 2}), true, true).equal(at::zeros({1, 2, 2, 2})));
    HF_CHECK(scaled(at::full({1, 2, 2, 2}, 4.F), 0.5, 2).equal(at::full({1, 2, 2, 2}, 2.F)));
    const at::Tensor line = scaled(at::tensor({-10.F, 0.F, 30.F}), -1, 1);
    HF_CHECK(at::allclose(line, at::tensor({-1.F, -0.5F, 1.F})));
}

HF_TEST(window_places)
{
    using List = std::vector<std::int64_t>;
    HF_CHECK(windowStarts(333, 128, 0.25) == (List{0, 96, 192, 205}));
    HF_CHECK(windowStarts(603, 128, 0.25) == (List{0, 96, 192, 288, 384, 475}));
    HF_CHECK(windowStarts(130, 128, 0.25) == (List{0, 2}));
    HF_CHECK(windowStarts(128, 128, 0.25) == (List{0}));
    for (const auto& [roi, overlap, step] : {std::tuple{128, 0.3, 89}, {128, 0.625, 48}, {96, 0.25, 72}, {96, 0.5, 48}, {96, 0.7, 28}, {160, 0.1, 144}, {96, 0.6, 38}}) {
        HF_CHECK_EQUAL(windowStarts(1000, roi, overlap)[1], step);
    }
    const at::Tensor map = importanceMap({128, 128, 128}, WindowOptions::Blend::Gaussian)[0][0];
    HF_CHECK_NEAR(map[64][64][64].item<double>(), 0.9985, 1e-4);
    HF_CHECK_NEAR(map[32][64][64].item<double>(), 0.1439, 1e-4);
    HF_CHECK_NEAR(map[10][64][64].item<double>(), 0.0037, 1e-4);
    HF_CHECK_NEAR(map[0][0][0].item<double>(), 0.001, 1e-9);
    const at::Tensor small = importanceMap({8, 8, 8}, WindowOptions::Blend::Gaussian)[0][0];
    HF_CHECK_NEAR(small[3][3][3].item<double>(), 0.6873, 1e-4);
    HF_CHECK_NEAR(small[1][3][3].item<double>(), 0.0342, 1e-4);
    HF_CHECK_NEAR(small[2][3][3].item<double>(), 0.2528, 1e-4);
}

HF_TEST(windows)
{
    const at::Tensor input = hashedInput({1, 1, 20, 23, 17}, -1, 1);
    const at::Tensor constant = slidingWindow(input, goldenWindows(WindowOptions::Blend::Constant), goldenPredictor);
    HF_CHECK_NEAR(constant[0][0][0][0][0].item<double>(), 0.326967, 1e-5);
    HF_CHECK_NEAR(constant[0][0][10][12][8].item<double>(), 2.76146, 1e-5);
    HF_CHECK_NEAR(constant[0][1][19][22][16].item<double>(), -6.12185, 1e-5);
    HF_CHECK_NEAR(constant.mean().item<double>(), 0.00452567, 1e-6);
    HF_CHECK_NEAR(constant.std(true).item<double>(), 3.67261, 1e-5);
    const at::Tensor gaussian = slidingWindow(input, goldenWindows(WindowOptions::Blend::Gaussian), goldenPredictor);
    HF_CHECK_NEAR(gaussian[0][0][0][0][0].item<double>(), 0.326967, 1e-5);
    HF_CHECK_NEAR(gaussian[0][0][10][12][8].item<double>(), 2.51423, 1e-5);
    HF_CHECK_NEAR(gaussian[0][1][19][22][16].item<double>(), -6.12185, 1e-5);
    HF_CHECK_NEAR(gaussian.mean().item<double>(), 0.00452539, 1e-6);
    HF_CHECK_NEAR(gaussian.std(true).item<double>(), 3.60016, 1e-5);
}

HF_TEST(the_order_of_slabs_changes_nothing_but_the_order)
{
    const at::Tensor input = hashedInput({1, 1, 50, 23, 70}, -1, 1);
    const at::Tensor expected = slidingWindow(input, goldenWindows(WindowOptions::Blend::Gaussian), goldenPredictor);
    for (const int axis : {0, 1, 2}) {
        for (const std::int64_t focus : {-1, 0, 20, 1000}) {
            WindowOptions options = goldenWindows(WindowOptions::Blend::Gaussian);
            options.slabAxis = axis;
            options.focus = focus;
            const at::Tensor seen = at::zeros({50, 23, 70}, at::kInt);
            std::int64_t first = -1, voxels = 0;
            slideWindows(input, options, goldenPredictor, [&](const at::Tensor& mean, const Part& part) {
                first = first < 0 ? part.begin[std::size_t(axis)] : first;
                part.of(seen).add_(1);
                voxels += part.voxels();
                HF_CHECK((mean - part.of(expected)).abs().max().item<double>() < 1e-5);
            });
            HF_CHECK(seen.equal(at::ones_like(seen)));      // each voxel once
            HF_CHECK_EQUAL(voxels, seen.numel());
            HF_CHECK(axis != 2 || focus != 1000 || first > 20);     // begins at the end that the reader sees
        }
    }
}

HF_TEST(pictures_have_windows_too)
{
    const at::Tensor input = hashedInput({1, 1, 40, 33}, -1, 1);
    const WindowOptions options{{16, 16}, {0.5, 0.5}, WindowOptions::Blend::Gaussian};
    HF_CHECK((slidingWindow(input, options, [](const at::Tensor& window) { return window * 2; }) - input * 2).abs().max().item<double>() < 1e-6);
    HF_CHECK_THROWS(slidingWindow(at::zeros({1, 1, 40}), {{16}, {0.5}}, [](const at::Tensor& window) { return window; }), Error);
}

HF_TEST(several_windows_at_once_are_fewer_where_memory_is_short)
{
    const at::Tensor input = hashedInput({1, 1, 40, 23, 70}, -1, 1);
    const auto of = [](const at::Tensor& windows) { return at::cat({windows.exp(), windows * 2}, 1); };
    WindowOptions options{{16, 16, 16}, {0.25, 0.25, 0.25}, WindowOptions::Blend::Gaussian};
    const at::Tensor expected = slidingWindow(input, options, of);
    options.batch = 4;
    std::vector<std::int64_t> tried, done;
    std::int64_t room = 4;
    const auto predictor = [&](const at::Tensor& windows) {
        tried.push_back(windows.size(0));
        if (windows.size(0) > room) {
            C10_THROW_ERROR(OutOfMemoryError, "no room");
        }
        done.push_back(windows.size(0));
        return of(windows);
    };
    HF_CHECK(slidingWindow(input, options, predictor).equal(expected));
    HF_CHECK_EQUAL(*std::max_element(done.begin(), done.end()), 4);
    tried.clear();
    room = 1;
    HF_CHECK(slidingWindow(input, options, predictor).equal(expected));
    HF_CHECK(tried.size() > 3 && tried[0] == 4 && tried[1] == 2 && std::all_of(tried.begin() + 2, tried.end(), [](std::int64_t n) { return n == 1; }));
    // Not even one: tried twice, then said.
    tried.clear();
    room = 0;
    std::string code;
    try {
        slidingWindow(input, options, predictor);
    } catch (const Error& error) {
        code = error.code();
    }
    HF_CHECK_EQUAL(code, "memory");
    HF_CHECK(tried == (std::vector<std::int64_t>{4, 2, 1, 1}));
}

HF_TEST(a_stop_is_seen_at_the_next_window)
{
    std::stop_source source;
    int windows = 0;
    const auto predictor = [&](const at::Tensor& window) {
        if (++windows == 2) {
            source.request_stop();
        }
        return window;
    };
    HF_CHECK_THROWS(slidingWindow(at::zeros({1, 1, 64, 64, 64}), {{16, 16, 16}, {0.25, 0.25, 0.25}}, predictor, {}, source.get_token()), Cancelled);
    HF_CHECK_EQUAL(windows, 2);
    std::vector<std::string> stages;
    slidingWindow(at::zeros({1, 1, 16, 16, 28}), {{16, 16, 16}, {0.25, 0.25, 0.25}}, [](const at::Tensor& window) { return window; }, [&](double, const std::string& stage) { stages.push_back(stage); });
    HF_CHECK(stages.size() == 3 && stages[0] == "window 1 of 2" && stages[1].starts_with("window 2 of 2, about"));
    HF_CHECK_THROWS(slidingWindow(at::zeros({1, 1, 4, 4, 4}), {{4, 4, 4}, {1, 0, 0}}, [](const at::Tensor& window) { return window; }), Error);
}

HF_TEST(a_volume_becomes_a_tensor)
{
    const Geometry geometry({3, 4, 5}, {0.5, 0.6, 2}, {10, 20, 30}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels(60);
    for (std::size_t n = 0; n < 60; ++n) {
        voxels[n] = std::int16_t(n);
    }
    const Image image = toImage(Volume(geometry, voxels, {}));
    HF_CHECK(image.data.sizes() == (std::vector<std::int64_t>{1, 3, 4, 5}));
    HF_CHECK_EQUAL(value(image, 2, 1, 4), double(4 * 12 + 1 * 3 + 2));
    HF_CHECK_NEAR(entry(image.affine, 0, 0), -0.5, 1e-12);
    HF_CHECK_NEAR(entry(image.affine, 1, 3), -20, 1e-12);
    HF_CHECK_NEAR(entry(image.affine, 2, 2), 2, 1e-12);
}

HF_TEST(what_is_no_number_becomes_dark)
{
    const Geometry geometry({4, 1, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const Volume volume(geometry, std::vector<float>{std::nanf(""), 7, -3, INFINITY}, {});
    const Image darkest = toImage(volume), zero = toImage(volume, PaddingFill::Zero);
    HF_CHECK_EQUAL(value(darkest, 0, 0, 0), -3.0);
    HF_CHECK_EQUAL(value(darkest, 1, 0, 0), 7.0);
    HF_CHECK_EQUAL(value(darkest, 3, 0, 0), -3.0);
    HF_CHECK_EQUAL(value(zero, 3, 0, 0), 0.0);
}

HF_TEST_MAIN()

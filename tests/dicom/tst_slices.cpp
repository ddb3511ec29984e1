#include "support/QtMain.h"
#include "viewer/dicom/SliceStore.h"
#include "viewer/volume/Error.h"

#include <thread>

// The buffer that decoded slices are written into: the smallest exact type, whatever order slices come in, and nothing kept twice.

using namespace hf;
using namespace hf::dicom;

namespace {

constexpr std::size_t kPixels = 4;

DecodedImage wholeImage(std::vector<std::int32_t> values, int storedBits = 12)
{
    DecodedImage image;
    image.storedBits = storedBits;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    image.minimum = *low;
    image.maximum = *high;
    image.whole = std::move(values);
    image.isDecoded = true;
    return image;
}

DecodedImage realImage(std::vector<double> values, bool needsDouble = false)
{
    DecodedImage image;
    image.isInteger = false;
    image.needsDouble = needsDouble;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    image.minimum = *low;
    image.maximum = *high;
    image.values = std::move(values);
    image.isDecoded = true;
    return image;
}

/// All voxels as numbers, and the type that they came in.
std::pair<VoxelType, std::vector<double>> voxelsOf(std::vector<DecodedImage> images)
{
    SliceStore store(images.size(), kPixels, SliceStore::Layout::Together);
    for (std::size_t n = 0; n < images.size(); ++n) {
        store.set(n, std::move(images[n]));
    }
    const VoxelType type = store.type();
    const Volume::Voxels voxels = store.takeVoxels();
    HF_CHECK_EQUAL(voxels.index(), std::size_t(type));
    return {type, std::visit([](const auto& list) { return std::vector<double>(list.begin(), list.end()); }, voxels)};
}

} // namespace

HF_TEST(slices_come_in_the_smallest_type_that_holds_them_all)
{
    using List = std::vector<double>;
    const auto bytes = voxelsOf({wholeImage({0, 1, 2, 255}, 8), wholeImage({9, 8, 7, 6}, 8)});
    HF_CHECK(bytes.first == VoxelType::UInt8 && bytes.second == (List{0, 1, 2, 255, 9, 8, 7, 6}));
    const auto dark = voxelsOf({wholeImage({0, 0, 0, 0}), wholeImage({-1024, 3071, 5, 0})});
    HF_CHECK(dark.first == VoxelType::Int16 && dark.second == (List{0, 0, 0, 0, -1024, 3071, 5, 0}));
    const auto darkBytes = voxelsOf({wholeImage({3, 2, 1, 0}), wholeImage({4, 4, 4, 255})});
    HF_CHECK(darkBytes.first == VoxelType::UInt8 && darkBytes.second == (List{3, 2, 1, 0, 4, 4, 4, 255}));
    const auto high = voxelsOf({wholeImage({0, 300, 32767, 1}, 16), wholeImage({65535, 0, 32768, 2}, 16)});
    HF_CHECK(high.first == VoxelType::UInt16 && high.second == (List{0, 300, 32767, 1, 65535, 0, 32768, 2}));
    const auto both = voxelsOf({wholeImage({65535, 0, 1, 2}, 16), wholeImage({-5, 0, 40000, 7}, 16)});
    HF_CHECK(both.first == VoxelType::Float32 && both.second == (List{65535, 0, 1, 2, -5, 0, 40000, 7}));
    const auto mixed = voxelsOf({wholeImage({-3, 4, 5, 6}), realImage({0.5, 1.25, 1e6, -2}), wholeImage({1, 2, 3, 4})});
    HF_CHECK(mixed.first == VoxelType::Float32 && mixed.second == (List{-3, 4, 5, 6, 0.5, 1.25, 1e6, -2, 1, 2, 3, 4}));
    const auto fine = voxelsOf({wholeImage({-3, 4, 5, 6}), realImage({0.1, 16777217, 0, 0}, true), realImage({0.5, 1.25, 1e6, -2})});
    HF_CHECK(fine.first == VoxelType::Float64 && fine.second == (List{-3, 4, 5, 6, 0.1, 16777217, 0, 0, 0.5, 1.25, 1e6, -2}));
}

HF_TEST(several_threads_may_write_while_the_type_grows)
{
    constexpr std::size_t kSlices = 400;
    for (const SliceStore::Layout layout : {SliceStore::Layout::Together, SliceStore::Layout::Apart}) {
        SliceStore store(kSlices, kPixels, layout);
        const auto valueOf = [](std::size_t n) { return n < 100 ? std::int32_t(n) : n < 250 ? std::int32_t(n) * 60 : n < 300 ? std::int32_t(n) * 200 : -std::int32_t(n); };
        {
            std::vector<std::jthread> threads;
            for (std::size_t t = 0; t < 4; ++t) {
                threads.emplace_back([&, t] {
                    for (std::size_t n = t; n < kSlices; n += 4) {
                        store.set(n, wholeImage({valueOf(n), valueOf(n), 0, valueOf(n)}, n < 100 ? 8 : 16));
                    }
                });
            }
        }
        HF_CHECK(store.type() == VoxelType::Float32);
        int wrong = 0;
        for (std::size_t n = 0; n < kSlices; ++n) {
            const double value = valueOf(n);
            wrong += store.values(n) != std::vector<double>{value, value, 0, value};
        }
        HF_CHECK_EQUAL(wrong, 0);
    }
}

HF_TEST(nothing_is_kept_beside_the_voxels)
{
    for (const SliceStore::Layout layout : {SliceStore::Layout::Together, SliceStore::Layout::Nothing}) {
        SliceStore store(2, kPixels, layout);
        store.set(0, wholeImage({1, 2, 3, 4}));
        store.set(1, realImage({1, 2, 3, 4}));
        for (std::size_t n = 0; n < 2; ++n) {
            HF_CHECK_EQUAL(store.slice(n).whole.capacity() + store.slice(n).values.capacity() + store.slice(n).rgb.capacity(), std::size_t(0));
            HF_CHECK(store.isSet(n));
        }
    }
}

HF_TEST(an_image_of_another_size_is_refused)
{
    SliceStore store(2, kPixels, SliceStore::Layout::Together);
    store.set(0, wholeImage({1, 2, 3, 4}));
    HF_CHECK_THROWS(store.set(1, wholeImage({1, 2, 3})), Error);
    HF_CHECK(!store.isSet(1));
}

HF_QT_TEST_MAIN()

// Points of VISTA3D: how logits of points and of a class become one, and what is kept around the points. Expected by hand from experts.md 1.6 and 1.7.
#include "experts/engine/neural/PointPrompt.h"
#include "support/Check.h"

#include <ATen/ATen.h>

using namespace hf::experts;

namespace {

at::Tensor cube(std::int64_t side, float value) { return at::full({side, side, side}, value); }
void fill(const at::Tensor& x, std::int64_t begin, std::int64_t end, float value)
{
    x.narrow(0, begin, end - begin).narrow(1, begin, end - begin).narrow(2, begin, end - begin).fill_(value);
}
float at3(const at::Tensor& x, std::int64_t n) { return x[n][n][n].item<float>(); }

} // namespace

HF_TEST(a_point_adds_the_component_that_it_touches)
{
    // The class is [2, 6); the points say [2, 6) and, apart, [10, 13).
    const at::Tensor ofClass = cube(16, -5), ofPoints = cube(16, -3);
    fill(ofClass, 2, 6, 5);
    fill(ofPoints, 2, 6, 3);
    fill(ofPoints, 10, 13, 3);
    const at::Tensor added = mergedLogits(ofClass, ofPoints, {{{11, 11, 11}, 1}});
    HF_CHECK_EQUAL(at3(added, 11), 3.0F);       // changed
    HF_CHECK_EQUAL(at3(added, 3), 5.0F);        // as the class says
    HF_CHECK_EQUAL(at3(added, 8), -5.0F);
    // Two voxels away counts, three do not.
    HF_CHECK_EQUAL(at3(mergedLogits(ofClass, ofPoints, {{{8, 8, 8}, 1}}), 11), 3.0F);
    HF_CHECK_EQUAL(at3(mergedLogits(ofClass, ofPoints, {{{15, 15, 15.6}, 1}}), 11), -5.0F);
    // A negative point does not add.
    HF_CHECK_EQUAL(at3(mergedLogits(ofClass, ofPoints, {{{11, 11, 11}, 0}}), 11), -5.0F);
}

HF_TEST(a_negative_point_removes_the_component_that_it_touches)
{
    const at::Tensor ofClass = cube(16, -5), ofPoints = cube(16, -3);
    fill(ofClass, 2, 5, 5);
    fill(ofClass, 9, 12, 5);
    fill(ofPoints, 2, 5, 3);
    const at::Tensor removed = mergedLogits(ofClass, ofPoints, {{{10, 10, 10}, 0}});
    HF_CHECK_EQUAL(at3(removed, 10), -3.0F);
    HF_CHECK_EQUAL(at3(removed, 3), 5.0F);
    // Labels 2 and 3 are those of special classes, and mean the same.
    HF_CHECK_EQUAL(at3(mergedLogits(ofClass, ofPoints, {{{10, 10, 10}, 2}}), 10), -3.0F);
}

HF_TEST(without_a_class_only_what_holds_a_point_is_kept)
{
    const at::Tensor logits = cube(16, -1);
    fill(logits, 2, 5, 1);
    fill(logits, 9, 12, 1);
    const at::Tensor kept = insideOf(logits, {{{{10, 10, 10}, 1}, {{3, 3, 3}, 0}}, -1});
    HF_CHECK_EQUAL(kept.sum().item<int>(), 27);
    HF_CHECK_EQUAL(kept[10][10][10].item<int>(), 1);
    HF_CHECK_EQUAL(insideOf(logits, {{{{10, 10, 10}, 1}}, 3}).sum().item<int>(), 54);     // a class is not filtered
    const at::Tensor unseen = at::full({4, 4, 4}, std::numeric_limits<float>::quiet_NaN());
    HF_CHECK_EQUAL(insideOf(unseen, {{{{1, 1, 1}, 1}}, 3}).sum().item<int>(), 0);
}

HF_TEST_MAIN()

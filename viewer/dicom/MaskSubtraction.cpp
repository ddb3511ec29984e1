#include "viewer/dicom/MaskSubtraction.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Study.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace hf::dicom {

namespace {

using Operation = MaskSubtraction::Operation;
using Kind = MaskSubtraction::Kind;

std::optional<Operation> readOperation(DcmItem& item)
{
    Operation operation;
    const std::string word = code(item, DCM_MaskOperation);
    if (word != "AVG_SUB" && word != "TID" && word != "REV_TID") {
        return std::nullopt;
    }
    operation.kind = word == "AVG_SUB" ? Kind::Average : word == "TID" ? Kind::TimeInterval : Kind::ReverseTimeInterval;
    const std::vector<double> ends = numbers(item, DCM_ApplicableFrameRange);
    for (std::size_t n = 0; n + 1 < ends.size(); n += 2) {
        operation.ranges.push_back({int(ends[n]), int(ends[n + 1])});
    }
    for (const double frame : numbers(item, DCM_MaskFrameNumbers)) {
        operation.maskFrames.push_back(int(frame));
    }
    operation.contrastFrames = std::max(1, integer(item, DCM_ContrastFrameAveraging, 1));
    operation.offset = integer(item, DCM_TIDOffset, 1);
    if (const auto shift = numbers(item, DCM_MaskSubPixelShift); shift.size() == 2 && std::isfinite(shift[0]) && std::isfinite(shift[1])) {
        operation.shift = {shift[0], shift[1]};
    }
    // Masks are averages of a few frames; a file with thousands would keep every frame busy with them.
    constexpr std::size_t kMostAveraged = 256;
    const bool isWhole = operation.kind == Kind::Average ? !operation.maskFrames.empty() : operation.kind == Kind::TimeInterval || !operation.ranges.empty();
    const bool isShort = operation.maskFrames.size() <= kMostAveraged && std::size_t(operation.contrastFrames) <= kMostAveraged && operation.ranges.size() <= kMostAveraged;
    return isWhole && isShort ? std::optional(operation) : std::nullopt;
}

/// The frames of one file by number, as slices of the volume.
using Frames = std::map<int, int>;

/// Slices of frame numbers; empty when one is not there.
std::vector<int> slicesOf(const Frames& frames, const std::vector<int>& numbers)
{
    std::vector<int> slices;
    for (const int number : numbers) {
        const auto found = frames.find(number);
        if (found == frames.end()) {
            return {};
        }
        slices.push_back(found->second);
    }
    return slices;
}

/// Numbers of the frames that make the mask of one; `first` begins its range.
std::vector<int> maskOf(const Operation& operation, int frame, int first)
{
    switch (operation.kind) {
    case Kind::Average: return operation.maskFrames;
    case Kind::TimeInterval: return {frame - operation.offset};
    case Kind::ReverseTimeInterval: return {first - operation.offset - (frame - first)};
    }
    return {};
}

void apply(const Operation& operation, const Frames& frames, Subtraction& plan)
{
    const auto whole = std::vector<std::array<int, 2>>{{frames.begin()->first, frames.rbegin()->first}};
    for (const auto& [first, last] : operation.ranges.empty() ? whole : operation.ranges) {
        for (auto place = frames.lower_bound(first); place != frames.end() && place->first <= last; ++place) {
            std::vector<int> averaged;
            for (int n = 0; n < operation.contrastFrames; ++n) {
                averaged.push_back(place->first + n);
            }
            Subtraction::Slice slice{slicesOf(frames, averaged), slicesOf(frames, maskOf(operation, place->first, first)), operation.shift};
            if (!slice.contrast.empty() && !slice.mask.empty()) {
                plan.slices[std::size_t(place->second)] = std::move(slice);
            }
        }
    }
}

} // namespace

std::optional<MaskSubtraction> findMaskSubtraction(DcmItem& dataset, bool* isWhole)
{
    MaskSubtraction mask;
    forEachItem(dataset, DCM_MaskSubtractionSequence, [&](DcmItem& item) {
        if (code(item, DCM_MaskOperation) == "NONE") {
            return;
        }
        if (auto operation = readOperation(item)) {
            mask.operations.push_back(std::move(*operation));
        } else if (isWhole) {
            *isWhole = false;
        }
    });
    mask.isRecommended = code(dataset, DCM_RecommendedViewingMode) == "SUB";
    return mask.operations.empty() ? std::nullopt : std::optional(mask);
}

Subtraction planSubtraction(const MaskSubtraction& mask, const std::vector<Image>& images)
{
    Subtraction plan;
    plan.slices.resize(images.size());
    std::map<std::string, Frames> files;
    for (std::size_t n = 0; n < images.size(); ++n) {
        files[images[n].sopInstanceUid][images[n].frame + 1] = int(n);
    }
    for (const auto& [uid, frames] : files) {
        for (const Operation& operation : mask.operations) {
            apply(operation, frames, plan);
        }
    }
    return plan;
}

} // namespace hf::dicom

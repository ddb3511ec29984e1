#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Internal to hf_dicom: plain values out of DCMTK items. Nothing throws: what is absent or unreadable is empty.
namespace hf::dicom {

/// Number of value `position`, whatever the VR: also of a number in a text.
std::optional<double> findNumber(DcmItem& item, const DcmTagKey& tag, unsigned long position = 0);
/// All of them; empty when one is unreadable.
std::vector<double> numbers(DcmItem& item, const DcmTagKey& tag);
/// A decimal string, spaces around it are left out; independent of the locale. Infinite and not-a-number are no numbers.
std::optional<double> parseNumber(std::string_view text);
int integer(DcmItem& item, const DcmTagKey& tag, int absent = 0);
/// An ASCII value (UIDs, codes) without padding.
std::string code(DcmItem& item, const DcmTagKey& tag, unsigned long position = 0);
/// Values of a code string.
std::vector<std::string> codes(DcmItem& item, const DcmTagKey& tag);
/// All values of a text as stored, with '\\' between them; empty where it is longer than a text of this kind can be.
std::string allValues(DcmItem& item, const DcmTagKey& tag);
/// First item of a sequence; null when absent.
DcmItem* findItem(DcmItem& item, const DcmTagKey& sequence);
DcmSequenceOfItems* findSequence(DcmItem& item, const DcmTagKey& sequence);
/// `function(DcmItem&)` for each item of a sequence.
template <typename Function> void forEachItem(DcmItem& item, const DcmTagKey& tag, Function function)
{
    DcmSequenceOfItems* sequence = findSequence(item, tag);
    for (DcmObject* object = sequence ? sequence->nextInContainer(nullptr) : nullptr; object; object = sequence->nextInContainer(object)) {
        function(*static_cast<DcmItem*>(object));
    }
}

} // namespace hf::dicom

#include "viewer/dicom/Tables.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Text.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace hf::dicom {

namespace {

/// What a LUT Descriptor says (PS3.3 C.11.1.1): number of entries (0 means 65536), first stored value, bits of an entry.
struct Description {
    std::size_t entries = 0;
    std::int32_t first = 0;
    int bits = 16;
};

Description describe(DcmItem& item, const DcmTagKey& tag, bool isSigned)
{
    const std::vector<double> values = numbers(item, tag);
    if (values.size() != 3) {
        throw Error("a lookup table without its description", "broken");
    }
    // The VR may be wrong about the sign of each of the three.
    const auto unsigned16 = [](double v) { return std::size_t(std::uint16_t(std::int32_t(v))); };
    Description description;
    description.entries = values[0] == 0 ? 65536 : unsigned16(values[0]);
    const std::int32_t first = std::int32_t(std::clamp(values[1], -65536.0, 65535.0));
    description.first = isSigned && first > 32767 ? first - 65536 : !isSigned && first < 0 ? first + 65536 : first;
    description.bits = std::clamp(int(values[2]), 1, 16);
    return description;
}

std::vector<std::uint16_t> words(DcmItem& item, const DcmTagKey& tag)
{
    // The longest table has 65536 words: a wrong length is not loaded.
    constexpr Uint32 kLongest = 1 << 20;
    DcmElement* element = nullptr;
    if (item.findAndGetElement(tag, element).bad() || !element || element->getLengthField() > kLongest) {
        return {};
    }
    const Uint16* data = nullptr;
    unsigned long count = 0;
    if (item.findAndGetUint16Array(tag, data, &count).good() && data && count > 0) {
        return {data, data + count};
    }
    const Sint16* signedData = nullptr;
    if (item.findAndGetSint16Array(tag, signedData, &count).good() && signedData && count > 0) {
        return {signedData, signedData + count};
    }
    const Uint8* bytes = nullptr;
    std::vector<std::uint16_t> list;
    if (item.findAndGetUint8Array(tag, bytes, &count).good() && bytes) {
        // Of a writer that stored bytes (OB).
        for (unsigned long n = 0; n < count; n += 2) {
            list.push_back(std::uint16_t(bytes[n] | (n + 1 < count ? bytes[n + 1] << 8 : 0)));
        }
    }
    return list;
}

/// The entries of a table that is not segmented.
LookupTable tableOf(const Description& description, std::vector<std::uint16_t> data)
{
    LookupTable table{description.first, description.bits, {}};
    if (data.size() >= description.entries) {
        data.resize(description.entries);
        table.values = std::move(data);
    } else if (data.size() * 2 >= description.entries) {
        // Two 8-bit entries a word.
        for (std::size_t n = 0; n < description.entries; ++n) {
            table.values.push_back(std::uint16_t(n % 2 == 0 ? data[n / 2] & 0xff : data[n / 2] >> 8));
        }
        table.bits = 8;
    } else {
        throw Error("a lookup table that is too short", "broken");
    }
    return table;
}

/// Expands discrete, linear and indirect segments (PS3.3 C.7.9.2).
class Segments {
public:
    Segments(std::vector<std::uint16_t> data, std::size_t entries) : m_data(std::move(data)), m_entries(entries) {}

    std::vector<std::uint16_t> expand()
    {
        for (std::size_t at = 0; at + 1 < m_data.size() && m_values.size() < m_entries;) {
            at += segment(at, true);
        }
        if (m_values.size() < m_entries) {
            throw Error("a segmented palette that is too short", "broken");
        }
        m_values.resize(m_entries);
        return std::move(m_values);
    }

private:
    std::uint16_t word(std::size_t at) const
    {
        if (at >= m_data.size()) {
            throw Error("a segmented palette that ends early", "broken");
        }
        return m_data[at];
    }

    /// @return words taken.
    std::size_t segment(std::size_t at, bool mayRefer)
    {
        constexpr int kDiscrete = 0, kLinear = 1, kIndirect = 2;
        const int kind = word(at);
        const std::size_t count = word(at + 1);
        if (kind == kDiscrete) {
            for (std::size_t n = 0; n < count && m_values.size() < m_entries; ++n) {
                m_values.push_back(word(at + 2 + n));
            }
            return 2 + count;
        }
        if (kind == kLinear) {
            linear(count, word(at + 2));
            return 3;
        }
        if (kind == kIndirect && mayRefer) {
            // Copies of `count` segments that begin at a byte offset into the table.
            std::size_t from = (std::size_t(word(at + 2)) | std::size_t(word(at + 3)) << 16) / 2;
            for (std::size_t n = 0; n < count; ++n) {
                from += segment(from, false);
            }
            return 4;
        }
        throw Error("a segmented palette with an unknown segment", "broken");
    }

    void linear(std::size_t count, std::uint16_t last)
    {
        if (m_values.empty()) {
            throw Error("a segmented palette that begins with a line", "broken");
        }
        const double from = m_values.back();
        for (std::size_t n = 1; n <= count && m_values.size() < m_entries; ++n) {
            m_values.push_back(std::uint16_t(std::lround(from + (last - from) * double(n) / double(count))));
        }
    }

    std::vector<std::uint16_t> m_data, m_values;
    std::size_t m_entries;
};

/// Segmented tables of 8-bit palettes may come as bytes or as words.
std::vector<std::uint16_t> segmentWords(const std::vector<std::uint16_t>& data, const Description& description)
{
    if (description.bits > 8) {
        return data;
    }
    std::vector<std::uint16_t> bytes;
    for (const std::uint16_t word : data) {
        bytes.push_back(word & 0xff);
        bytes.push_back(word >> 8);
    }
    return bytes;
}

std::optional<WindowLevel> findVoiTable(DcmItem& item, bool isSigned)
{
    try {
        const LookupTable lut = tableOf(describe(item, DCM_LUTDescriptor, isSigned), words(item, DCM_LUTData));
        const double top = double((1U << lut.bits) - 1);
        auto levels = std::make_shared<std::vector<float>>();
        for (const std::uint16_t value : lut.values) {
            levels->push_back(float(std::min(255.0, 255 * value / top)));
        }
        const double width = double(levels->size());
        return WindowLevel{lut.first + width / 2, width, TextReader(item).text(DCM_LUTExplanation), VoiFunction::Automatic, std::move(levels)};
    } catch (const Error&) {
        return std::nullopt;    // other windows, or one from the values, are used instead
    }
}

/// Value `position` of texts that are joined by '\\'.
std::string valueAt(const std::string& all, std::size_t position)
{
    std::size_t begin = 0;
    for (std::size_t n = 0; n < position && begin != std::string::npos; ++n) {
        begin = all.find('\\', begin);
        begin = begin == std::string::npos ? begin : begin + 1;
    }
    return begin == std::string::npos ? std::string() : all.substr(begin, all.find('\\', begin) - begin);
}

} // namespace

std::uint16_t LookupTable::at(std::int32_t stored) const
{
    const std::int64_t index = std::clamp<std::int64_t>(std::int64_t(stored) - first, 0, std::int64_t(values.size()) - 1);
    return values[std::size_t(index)];
}

std::array<LookupTable, 3> readPalette(DcmItem& dataset, bool isSigned)
{
    static const DcmTagKey kDescriptors[] = {DCM_RedPaletteColorLookupTableDescriptor, DCM_GreenPaletteColorLookupTableDescriptor, DCM_BluePaletteColorLookupTableDescriptor};
    static const DcmTagKey kTables[] = {DCM_RedPaletteColorLookupTableData, DCM_GreenPaletteColorLookupTableData, DCM_BluePaletteColorLookupTableData};
    static const DcmTagKey kSegmented[] = {DCM_SegmentedRedPaletteColorLookupTableData, DCM_SegmentedGreenPaletteColorLookupTableData, DCM_SegmentedBluePaletteColorLookupTableData};
    std::array<LookupTable, 3> palette;
    for (std::size_t n = 0; n < 3; ++n) {
        const Description description = describe(dataset, kDescriptors[n], isSigned);
        std::vector<std::uint16_t> data = words(dataset, kTables[n]);
        if (data.empty()) {
            data = Segments(segmentWords(words(dataset, kSegmented[n]), description), description.entries).expand();
        }
        palette[n] = tableOf(description, std::move(data));
    }
    // Many writers say 16 bits and store 8, in all three.
    const bool isNarrow = std::all_of(palette.begin(), palette.end(), [](const LookupTable& table) { return *std::max_element(table.values.begin(), table.values.end()) < 256; });
    for (LookupTable& table : palette) {
        table.bits = isNarrow ? 8 : table.bits;
    }
    return palette;
}

std::optional<LookupTable> findModalityLut(DcmItem& dataset, bool isSigned)
{
    DcmItem* item = findItem(dataset, DCM_ModalityLUTSequence);
    // Some writers leave an item whose attributes are empty: no table.
    const bool isThere = item && !(numbers(*item, DCM_LUTDescriptor).empty() && words(*item, DCM_LUTData).empty());
    return isThere ? std::optional(tableOf(describe(*item, DCM_LUTDescriptor, isSigned), words(*item, DCM_LUTData))) : std::nullopt;
}

std::optional<LookupTable> findPresentationLut(DcmItem& dataset)
{
    DcmItem* item = findItem(dataset, DCM_PresentationLUTSequence);
    return item ? std::optional(tableOf(describe(*item, DCM_LUTDescriptor, false), words(*item, DCM_LUTData))) : std::nullopt;
}

std::uint64_t fingerprint(const LookupTable& table)
{
    std::uint64_t hash = 1469598103934665603ULL;    // FNV-1a
    const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 1099511628211ULL; };
    add(std::uint64_t(std::uint32_t(table.first)));
    for (const std::uint16_t value : table.values) {
        add(value);
    }
    return hash == 0 ? 1 : hash;
}

std::vector<WindowLevel> readWindows(DcmItem& item, bool isSigned)
{
    std::vector<WindowLevel> windows;
    DcmSequenceOfItems* tables = findSequence(item, DCM_VOILUTSequence);
    for (DcmObject* object = tables ? tables->nextInContainer(nullptr) : nullptr; object; object = tables->nextInContainer(object)) {
        if (auto window = findVoiTable(*static_cast<DcmItem*>(object), isSigned)) {
            windows.push_back(std::move(*window));
        }
    }
    const std::string name = code(item, DCM_VOILUTFunction);
    const VoiFunction function = name == "SIGMOID" ? VoiFunction::Sigmoid : name == "LINEAR_EXACT" ? VoiFunction::LinearExact : VoiFunction::Linear;
    const std::vector<double> centers = numbers(item, DCM_WindowCenter), widths = numbers(item, DCM_WindowWidth);
    const std::string names = TextReader(item).text(DCM_WindowCenterWidthExplanation);
    for (std::size_t n = 0; n < std::min(centers.size(), widths.size()); ++n) {
        if (widths[n] > 0) {
            windows.push_back({centers[n], widths[n], valueAt(names, n), function});
        }
    }
    return windows;
}

} // namespace hf::dicom

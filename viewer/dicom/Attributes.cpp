#include "viewer/dicom/Attributes.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace hf::dicom {

namespace {

DcmElement* findElement(DcmItem& item, const DcmTagKey& tag)
{
    DcmElement* element = nullptr;
    // DCMTK goes through a whole text for each of its values: one that a broken length made of the rest of the file would take hours.
    // And it is loaded before it tells its length: the one in the file is looked at first.
    constexpr Uint32 kLongestText = 1 << 15, kLongestOther = 1 << 24;
    const bool isThere = item.findAndGetElement(tag, element).good() && element;
    const bool isTooLong = isThere && element->getLengthField() > (element->isaString() ? kLongestText : kLongestOther);
    return isThere && !isTooLong && element->getLength() > 0 ? element : nullptr;
}

std::string trimmedValue(DcmElement& element, unsigned long position)
{
    OFString value;
    if (element.getOFString(value, position).bad()) {
        return {};
    }
    std::string text(value.c_str(), value.size());
    const std::size_t begin = text.find_first_not_of(std::string_view(" \0\t", 3));
    if (begin == std::string::npos) {
        return {};
    }
    const std::size_t end = text.find_last_not_of(std::string_view(" \0\t", 3));
    return text.substr(begin, end - begin + 1);
}

} // namespace

std::optional<double> parseNumber(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(std::string_view(" \0\t", 3)), end = text.find_last_not_of(std::string_view(" \0\t", 3));
    text = begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
    if (!text.empty() && text.front() == '+') {
        text.remove_prefix(1);
    }
    double value = 0;
    const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || last != text.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

std::optional<double> findNumber(DcmItem& item, const DcmTagKey& tag, unsigned long position)
{
    DcmElement* element = findElement(item, tag);
    if (!element || position >= element->getVM()) {
        return std::nullopt;
    }
    Float64 wide = 0;
    Float32 narrow = 0;
    if (element->ident() == EVR_FD && element->getFloat64(wide, position).good()) {
        return std::isfinite(wide) ? std::optional<double>(wide) : std::nullopt;
    }
    if (element->ident() == EVR_FL && element->getFloat32(narrow, position).good()) {
        return std::isfinite(narrow) ? std::optional<double>(narrow) : std::nullopt;
    }
    return parseNumber(trimmedValue(*element, position));
}

std::vector<double> numbers(DcmItem& item, const DcmTagKey& tag)
{
    std::vector<double> list;
    DcmElement* element = findElement(item, tag);
    const unsigned long count = element ? element->getVM() : 0;
    for (unsigned long n = 0; n < count; ++n) {
        const auto value = findNumber(item, tag, n);
        if (!value) {
            return {};
        }
        list.push_back(*value);
    }
    return list;
}

int integer(DcmItem& item, const DcmTagKey& tag, int absent)
{
    const auto value = findNumber(item, tag);
    return value && std::abs(*value) < 2147483647.0 ? int(*value) : absent;
}

std::string code(DcmItem& item, const DcmTagKey& tag, unsigned long position)
{
    DcmElement* element = findElement(item, tag);
    return element ? trimmedValue(*element, position) : std::string();
}

std::vector<std::string> codes(DcmItem& item, const DcmTagKey& tag)
{
    std::vector<std::string> list;
    DcmElement* element = findElement(item, tag);
    const unsigned long count = element ? element->getVM() : 0;
    for (unsigned long n = 0; n < count; ++n) {
        list.push_back(trimmedValue(*element, n));
    }
    return list;
}

std::string allValues(DcmItem& item, const DcmTagKey& tag)
{
    DcmElement* element = findElement(item, tag);
    OFString values;
    return element && element->isaString() && element->getOFStringArray(values).good() ? std::string(values.c_str(), values.size()) : std::string();
}

DcmItem* findItem(DcmItem& item, const DcmTagKey& sequence)
{
    DcmItem* found = nullptr;
    return item.findAndGetSequenceItem(sequence, found, 0).good() ? found : nullptr;
}

DcmSequenceOfItems* findSequence(DcmItem& item, const DcmTagKey& sequence)
{
    DcmSequenceOfItems* found = nullptr;
    return item.findAndGetSequence(sequence, found).good() ? found : nullptr;
}

} // namespace hf::dicom

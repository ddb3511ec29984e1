#include "viewer/dicom/Text.h"

#include "viewer/dicom/Attributes.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <optional>
#include <vector>

namespace hf::dicom {

namespace {

/// One graphic set: how its bytes become UTF-8.
struct GraphicSet {
    const char* encoding = "ASCII"; ///< iconv's name.
    int bytes = 1;                  ///< Of a character.
    const char* prefix = "";        ///< Bytes in front of each character for that encoding.
};

constexpr GraphicSet kAscii{};
constexpr GraphicSet kKatakana{"SHIFT_JIS", 1, ""};     // single bytes A1 to DF are JIS X 0201 katakana
constexpr GraphicSet kJisX0208{"EUC-JP", 2, ""};
constexpr GraphicSet kJisX0212{"EUC-JP", 2, "\x8f"};
constexpr GraphicSet kKorean{"EUC-KR", 2, ""};
constexpr GraphicSet kChinese{"GB18030", 2, ""};

/// Escape sequences of PS3.3 C.12.1.1.2, tables C.12-3 and C.12-4: which half they load with which set.
struct Escape { std::string_view bytes; bool high; GraphicSet set; };
const std::array<Escape, 19> kEscapes{{
    {"(B", false, kAscii}, {"(J", false, kAscii}, {")I", true, kKatakana},
    {"-A", true, {"ISO-8859-1"}}, {"-B", true, {"ISO-8859-2"}}, {"-C", true, {"ISO-8859-3"}}, {"-D", true, {"ISO-8859-4"}},
    {"-L", true, {"ISO-8859-5"}}, {"-G", true, {"ISO-8859-6"}}, {"-F", true, {"ISO-8859-7"}}, {"-H", true, {"ISO-8859-8"}},
    {"-M", true, {"ISO-8859-9"}}, {"-T", true, {"TIS-620"}}, {"-b", true, {"ISO-8859-15"}},
    {"$B", false, kJisX0208}, {"$@", false, kJisX0208}, {"$(D", false, kJisX0212}, {"$)C", true, kKorean}, {"$)A", true, kChinese}}};

/// Defined terms: the set of the high half (bytes from 0x80) at the start of each value.
struct Term { std::string_view number; GraphicSet high; };
const std::array<Term, 16> kTerms{{
    {"100", {"ISO-8859-1"}}, {"101", {"ISO-8859-2"}}, {"109", {"ISO-8859-3"}}, {"110", {"ISO-8859-4"}}, {"144", {"ISO-8859-5"}},
    {"127", {"ISO-8859-6"}}, {"126", {"ISO-8859-7"}}, {"138", {"ISO-8859-8"}}, {"148", {"ISO-8859-9"}}, {"203", {"ISO-8859-15"}},
    {"166", {"TIS-620"}}, {"13", kKatakana}, {"149", kKorean}, {"58", kChinese}, {"87", kJisX0208}, {"159", kJisX0212}}};

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\0')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) {
        text.remove_suffix(1);
    }
    return text;
}

/// Empty when a byte cannot be converted.
std::optional<std::string> convert(std::string_view bytes, const char* encoding)
{
    const iconv_t converter = iconv_open("UTF-8", encoding);
    if (converter == iconv_t(-1)) {
        return std::nullopt;
    }
    std::string in(bytes), out(bytes.size() * 4 + 16, '\0');
    char* from = in.data();
    char* to = out.data();
    std::size_t left = in.size(), room = out.size();
    const bool done = iconv(converter, &from, &left, &to, &room) != std::size_t(-1);
    iconv_close(converter);
    if (!done) {
        return std::nullopt;
    }
    out.resize(out.size() - room);
    return out;
}

/// For bytes that the declared character set does not explain.
std::string guessed(std::string_view bytes)
{
    if (auto utf8 = convert(bytes, "UTF-8")) {
        return *utf8;
    }
    return convert(bytes, "ISO-8859-1").value_or(std::string(bytes.size(), '?'));
}

std::string decodeRun(std::string_view bytes, const GraphicSet& set, bool high)
{
    std::string run;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        if (n % std::size_t(set.bytes) == 0) {
            run += set.prefix;
        }
        // The two-byte sets are spelled with the high bit set in the encodings used for them.
        run += char(std::uint8_t(bytes[n]) | (set.bytes == 2 || high ? 0x80 : 0));
    }
    return convert(run, set.encoding).value_or(guessed(bytes));
}

/// Walks one text with the two halves of ISO 2022.
class Iso2022 {
public:
    explicit Iso2022(GraphicSet initialHigh) : m_initialHigh(initialHigh), m_high(initialHigh) {}

    std::string decode(std::string_view bytes)
    {
        std::size_t at = 0;
        while (at < bytes.size()) {
            const std::uint8_t byte = std::uint8_t(bytes[at]);
            if (byte == 0x1b) {
                at += 1 + escape(bytes.substr(at + 1));
            } else if (m_low.bytes == 1 && isDelimiter(byte)) {
                m_text += char(byte);
                m_low = kAscii;
                m_high = m_initialHigh;
                ++at;
            } else {
                at += run(bytes.substr(at));
            }
        }
        return std::move(m_text);
    }

private:
    static bool isDelimiter(std::uint8_t byte)
    {
        return byte == '\\' || byte == '^' || byte == '=' || byte == '\r' || byte == '\n' || byte == '\f' || byte == '\t';
    }

    std::size_t escape(std::string_view rest)
    {
        for (const Escape& known : kEscapes) {
            if (rest.substr(0, known.bytes.size()) == known.bytes) {
                (known.high ? m_high : m_low) = known.set;
                return known.bytes.size();
            }
        }
        return 0;
    }

    /// Bytes of one half up to an escape, a delimiter or the other half.
    std::size_t run(std::string_view rest)
    {
        const bool high = std::uint8_t(rest[0]) >= 0x80;
        const GraphicSet& set = high ? m_high : m_low;
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != '\x1b' && (std::uint8_t(rest[end]) >= 0x80) == high &&
               (high || set.bytes == 2 || !isDelimiter(std::uint8_t(rest[end])))) {
            end = std::min(rest.size(), end + std::size_t(set.bytes));
        }
        m_text += decodeRun(rest.substr(0, end), set, high);
        return end;
    }

    GraphicSet m_initialHigh, m_low, m_high;
    std::string m_text;
};

/// "ISO_IR 100" and "ISO 2022 IR 100" to "100".
std::string_view termNumber(std::string_view term)
{
    const std::size_t space = term.rfind(' ');
    const std::size_t underscore = term.rfind('_');
    const std::size_t cut = space != std::string_view::npos ? space : underscore;
    return cut == std::string_view::npos ? term : term.substr(cut + 1);
}

} // namespace

std::string toUtf8(std::string_view bytes, std::string_view characterSets)
{
    bytes = trimmed(bytes);
    bool plain = true;
    for (const char byte : bytes) {
        plain = plain && std::uint8_t(byte) < 0x80 && byte != '\x1b';
    }
    if (plain) {
        return std::string(bytes);
    }
    const std::string_view first = trimmed(characterSets.substr(0, characterSets.find('\\')));
    for (const auto& [term, encoding] : {std::pair{"ISO_IR 192", "UTF-8"}, {"GB18030", "GB18030"}, {"GBK", "GBK"}}) {
        if (first == term) {
            return convert(bytes, encoding).value_or(guessed(bytes));
        }
    }
    for (const Term& term : kTerms) {
        if (termNumber(first) == term.number) {
            return Iso2022(term.high).decode(bytes);
        }
    }
    const bool extended = bytes.find('\x1b') != std::string_view::npos;
    return extended ? Iso2022(kAscii).decode(bytes) : guessed(bytes);
}

TextReader::TextReader(DcmItem& dataset) : m_dataset(dataset)
{
    m_characterSets = allValues(dataset, DCM_SpecificCharacterSet);
}

std::string TextReader::text(const DcmTagKey& tag) const
{
    DcmElement* element = nullptr;
    constexpr Uint32 kLong = 4096, kLongest = 1 << 20;
    // Its length in the file: a wrong one must not be loaded.
    if (m_dataset.findAndGetElement(tag, element).bad() || element->getLengthField() > kLongest || element->getLength() == 0) {
        return {};
    }
    OFString value;
    if (element->getLength() > kLong) {
        // Value by value DCMTK goes through the whole text each time.
        char* raw = nullptr;
        if (!element->isaString() || element->getString(raw).bad() || !raw) {
            return {};
        }
        value = raw;
        value.erase(value.find_last_not_of(' ') + 1);
    } else if (element->getOFStringArray(value).bad()) {
        // A wrong VR (UN) still holds the bytes.
        Uint8* raw = nullptr;
        if (element->getUint8Array(raw).bad() || !raw) {
            return {};
        }
        value.assign(reinterpret_cast<const char*>(raw), element->getLength());
    }
    return toUtf8({value.c_str(), value.size()}, m_characterSets);
}

namespace {

bool allDigits(std::string_view text)
{
    for (const char c : text) {
        if (!std::isdigit(std::uint8_t(c))) {
            return false;
        }
    }
    return !text.empty();
}

} // namespace

std::string isoDate(const std::string& date)
{
    if (date.size() == 8 && allDigits(date)) {
        return date.substr(0, 4) + '-' + date.substr(4, 2) + '-' + date.substr(6, 2);
    }
    // ACR-NEMA wrote 1997.04.24.
    if (date.size() == 10 && date[4] == '.' && date[7] == '.') {
        return date.substr(0, 4) + '-' + date.substr(5, 2) + '-' + date.substr(8, 2);
    }
    return date;
}

std::string isoTime(const std::string& time)
{
    const std::string whole = time.substr(0, time.find('.'));
    if (whole.size() == 6 && allDigits(whole)) {
        return whole.substr(0, 2) + ':' + whole.substr(2, 2) + ':' + whole.substr(4, 2);
    }
    if (whole.size() == 4 && allDigits(whole)) {
        return whole.substr(0, 2) + ':' + whole.substr(2, 2);
    }
    return time;
}

std::optional<double> secondsOfDay(std::string time)
{
    std::erase(time, ':');
    const auto digits = [&](std::size_t from, std::size_t count) -> std::optional<int> {
        const bool areThere = time.size() >= from + count && std::all_of(time.begin() + std::ptrdiff_t(from), time.begin() + std::ptrdiff_t(from + count), [](char c) { return c >= '0' && c <= '9'; });
        return areThere && count > 0 ? std::optional(std::stoi(time.substr(from, count))) : std::nullopt;
    };
    const auto hour = digits(0, 2);
    const bool isCut = (time.size() > 2 && !digits(2, 2)) || (time.size() > 4 && !digits(4, 2));
    if (!hour || isCut) {
        return std::nullopt;
    }
    double seconds = *hour * 3600.0 + digits(2, 2).value_or(0) * 60.0 + digits(4, 2).value_or(0);
    if (time.size() > 7 && time[6] == '.') {
        const std::size_t places = std::min<std::size_t>(6, time.size() - 7);
        seconds += digits(7, places).value_or(0) / std::pow(10.0, double(places));
    }
    return seconds;
}

} // namespace hf::dicom

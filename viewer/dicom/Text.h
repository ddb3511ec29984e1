#pragma once

#include <optional>
#include <string>
#include <string_view>

class DcmItem;
class DcmTagKey;

// Internal to hf_dicom.
namespace hf::dicom {

/// Reads texts of a data set as UTF-8, by its Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1). Bytes that the declared character
/// set cannot hold are taken as UTF-8 where they are valid, else as Latin-1.
class TextReader {
public:
    explicit TextReader(DcmItem& dataset);
    /// All values, joined by '\', without padding; empty when absent.
    std::string text(const DcmTagKey& tag) const;

private:
    DcmItem& m_dataset;
    std::string m_characterSets;    ///< As stored.
};

/// Decodes `bytes` from DICOM character sets (as stored, values separated by '\') to UTF-8.
std::string toUtf8(std::string_view bytes, std::string_view characterSets);

/// "19610509" to "1961-05-09", "140359.25" to "14:03:59"; anything else unchanged.
std::string isoDate(const std::string& date);
std::string isoTime(const std::string& time);

/// Seconds of a time "HHMMSS.FFFFFF", of which the end may be missing, also with colons as in the standard's predecessor (PS3.5 6.2);
/// empty when unreadable.
std::optional<double> secondsOfDay(std::string time);

} // namespace hf::dicom

#include "viewer/dicom/DicomFileData.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Text.h"

#include <algorithm>
#include <cmath>
#include <optional>

// Standardised uptake value by body weight: value [Bq/ml] x weight [g] / activity at the start of the scan [Bq]. Follows the vendor-neutral
// scheme of the QIBA FDG-PET profile (SUV calculation, "happy path" and GE, Siemens, Philips variants).

namespace hf::dicom {

namespace {

/// Seconds since 1970 of a DICOM date "YYYYMMDD" and time "HHMMSS.FFF"; empty when unreadable. Leap seconds do not matter here.
/// Dates with points are those of the standard's predecessor (PS3.5 6.2).
std::optional<double> secondsOf(std::string date, const std::string& time)
{
    std::erase(date, '.');
    const auto seconds = secondsOfDay(time);
    const bool isDate = date.size() >= 8 && std::all_of(date.begin(), date.begin() + 8, [](char c) { return c >= '0' && c <= '9'; });
    if (!seconds || !isDate) {
        return std::nullopt;
    }
    const int year = std::stoi(date.substr(0, 4)), month = std::stoi(date.substr(4, 2)), day = std::stoi(date.substr(6, 2));
    // Days of the civil calendar, counted from March so that leap days come last.
    const int y = year - (month <= 2), era = y / 400, yearOfEra = y - era * 400;
    const int dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const double days = era * 146097.0 + yearOfEra * 365.0 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
    return days * 86400 + *seconds;
}

/// "+0130" to 5400; empty when it is none.
std::optional<double> zoneSeconds(const std::string& zone)
{
    if (zone.size() != 5 || (zone[0] != '+' && zone[0] != '-') || !std::all_of(zone.begin() + 1, zone.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    return (zone[0] == '-' ? -1 : 1) * (std::stoi(zone.substr(1, 2)) * 3600.0 + std::stoi(zone.substr(3, 2)) * 60.0);
}

/// A date-time in the local time of the file: an offset of its own is turned into the one of the file where both are known (PS3.5 6.2 DT).
std::optional<double> dateTimeSeconds(const std::string& text, const std::string& fileZone)
{
    const std::size_t sign = text.find_first_of("+-");
    const std::string local = text.substr(0, sign);
    if (local.size() < 10) {
        return std::nullopt;
    }
    auto seconds = secondsOf(local.substr(0, 8), local.substr(8));
    const auto own = sign == std::string::npos ? std::nullopt : zoneSeconds(text.substr(sign)), of = zoneSeconds(fileZone);
    return seconds && own && of ? std::optional(*seconds - *own + *of) : seconds;
}

std::optional<double> seriesStart(DcmItem& dataset)
{
    return secondsOf(code(dataset, DCM_SeriesDate), code(dataset, DCM_SeriesTime));
}

/// The moment that the values are corrected to.
std::optional<double> referenceTime(DcmItem& dataset, double halfLife)
{
    const std::string date = code(dataset, DCM_AcquisitionDate);
    const auto series = seriesStart(dataset);
    auto acquisition = secondsOf(date.empty() ? code(dataset, DCM_SeriesDate) : date, code(dataset, DCM_AcquisitionTime));
    constexpr double kHalfDay = 43200;
    if (date.empty() && series && acquisition && *acquisition + kHalfDay < *series) {
        *acquisition += 2 * kHalfDay;   // a little later, and after midnight
    }
    if (series && acquisition && *series <= *acquisition) {
        return series;
    }
    // A series that was made later than its images were taken. GE tells the start of the scan in a private attribute.
    const std::string ge = code(dataset, DcmTagKey(0x0009, 0x100d));
    if (code(dataset, DcmTagKey(0x0009, 0x0010)) == "GEMS_PETD_01" && !ge.empty()) {
        return dateTimeSeconds(ge, code(dataset, DCM_TimezoneOffsetFromUTC));
    }
    // Others: back from the moment of mean activity within the frame by the Frame Reference Time.
    const auto frameReference = findNumber(dataset, DCM_FrameReferenceTime), duration = findNumber(dataset, DCM_ActualFrameDuration);
    if (!acquisition || !frameReference || !duration || !(*duration > 0)) {
        return std::nullopt;
    }
    const double decay = std::log(2.0) / halfLife, lasting = decay * *duration / 1000;
    const double meanAt = std::log(lasting / (1 - std::exp(-lasting))) / decay;
    return *acquisition - *frameReference / 1000 + meanAt;
}

/// When the tracer was given. An injection by time of day alone that seems to lie after the scan was before midnight.
std::optional<double> injectionTime(DcmItem& dataset, DcmItem& tracer, double reference)
{
    if (const std::string whole = code(tracer, DCM_RadiopharmaceuticalStartDateTime); !whole.empty()) {
        return dateTimeSeconds(whole, code(dataset, DCM_TimezoneOffsetFromUTC));
    }
    auto injected = secondsOf(code(dataset, DCM_SeriesDate), code(tracer, DCM_RadiopharmaceuticalStartTime));
    constexpr double kDay = 86400;
    if (injected && *injected > reference) {
        *injected -= kDay;
    }
    return injected;
}

/// Activity in Bq that the values refer to; says what is missing.
std::optional<double> referenceActivity(DcmItem& dataset, std::string& missing)
{
    DcmItem* tracer = findItem(dataset, DCM_RadiopharmaceuticalInformationSequence);
    const auto dose = tracer ? findNumber(*tracer, DCM_RadionuclideTotalDose) : std::nullopt;
    // In becquerels; less than this was never given to anybody, but is what megabecquerels look like.
    constexpr double kLeast = 1e5;
    if (!dose || !(*dose > kLeast)) {
        missing = dose && *dose > 0 ? "a plausible injected dose" : "the injected dose";
        return std::nullopt;
    }
    const std::string correction = code(dataset, DCM_DecayCorrection);
    if (correction == "ADMIN") {
        return dose;
    }
    const auto halfLife = findNumber(*tracer, DCM_RadionuclideHalfLife);
    if (correction != "START" || !halfLife || !(*halfLife > 0)) {
        missing = correction != "START" ? "a decay correction" : "the half-life";
        return std::nullopt;
    }
    const auto reference = referenceTime(dataset, *halfLife);
    const auto injected = reference ? injectionTime(dataset, *tracer, *reference) : std::nullopt;
    constexpr double kLongest = 7 * 86400.0;
    if (!injected || *injected > *reference || *reference - *injected > kLongest) {
        missing = "a time of injection before the scan";
        return std::nullopt;
    }
    return *dose * std::exp2(-(*reference - *injected) / *halfLife);
}

bool isCorrected(DcmItem& dataset)
{
    const std::vector<std::string> corrected = codes(dataset, DCM_CorrectedImage);
    const auto has = [&](const char* word) { return std::find(corrected.begin(), corrected.end(), word) != corrected.end(); };
    return has("ATTN") && has("DECY");
}

} // namespace

SuvScale suvScale(DcmItem& dataset)
{
    const std::string units = code(dataset, DCM_Units);
    if (units == "GML") {
        const std::string type = code(dataset, DCM_SUVType);
        return type.empty() || type == "BW" ? SuvScale{1, {}} : SuvScale{0, "SUV by body weight"};
    }
    double concentration = 1;       // Bq/ml of a value
    if (units == "CNTS") {
        // Philips stores the factor, or else the one to an activity concentration.
        if (const auto factor = findNumber(dataset, DcmTagKey(0x7053, 0x1000)); factor && *factor > 0) {
            return {*factor, {}};
        }
        concentration = findNumber(dataset, DcmTagKey(0x7053, 0x1009)).value_or(0);
    }
    if ((units != "BQML" && units != "CNTS") || !(concentration > 0)) {
        return {0, "an activity concentration"};
    }
    const auto weight = findNumber(dataset, DCM_PatientWeight);
    if (!weight || !(*weight > 0)) {
        return {0, "the patient's weight"};
    }
    if (!isCorrected(dataset)) {
        return {0, "a correction for attenuation and decay"};
    }
    SuvScale scale;
    if (const auto activity = referenceActivity(dataset, scale.missing)) {
        scale.factor = concentration * *weight * 1000 / *activity;
    }
    return scale;
}

} // namespace hf::dicom

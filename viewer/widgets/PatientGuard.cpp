#include "viewer/widgets/PatientGuard.h"

#include <algorithm>
#include <cctype>

namespace hf {

namespace {

/// Case, blanks and the separators of name parts differ between devices.
std::string plain(const std::string& text)
{
    std::string letters;
    for (const char c : text) {
        if (!std::isspace(static_cast<unsigned char>(c)) && c != '^' && c != ',') {
            letters += char(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    return letters;
}

enum class Verdict { Same, Other, Unknown };

Verdict compare(const std::string& one, const std::string& other)
{
    const std::string a = plain(one), b = plain(other);
    return a.empty() || b.empty() ? Verdict::Unknown : a == b ? Verdict::Same : Verdict::Other;
}

} // namespace

bool mayBeOtherPatients(const dicom::Series& one, const dicom::Series& other)
{
    const Verdict verdicts[] = {compare(one.patient.id, other.patient.id), compare(one.patient.name, other.patient.name), compare(one.patient.birthDate, other.patient.birthDate)};
    if (std::count(std::begin(verdicts), std::end(verdicts), Verdict::Other) > 0) {
        return true;
    }
    const bool isOneStudy = !one.studyUid.empty() && one.studyUid == other.studyUid;
    return !isOneStudy && one.key != other.key && verdicts[0] != Verdict::Same && verdicts[1] != Verdict::Same;
}

} // namespace hf

#include "support/QtMain.h"
#include "viewer/dicom/Tags.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>

using namespace hf;
namespace fs = std::filesystem;

namespace {

const fs::path kFile = HF_SOURCE_DIR "/tests/data/us_regions.dcm";
const fs::path kCharsets = fs::path(HF_TEST_DATA_DIR) / "charsets";

nlohmann::json readJson(const fs::path& path)
{
    std::ifstream file(path);
    return nlohmann::json::parse(file);
}

const dicom::TagRow* find(const std::vector<dicom::TagRow>& rows, const std::string& tag)
{
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const dicom::TagRow& row) { return row.tag == tag; });
    return found == rows.end() ? nullptr : &*found;
}

} // namespace

HF_TEST(allAttributesAreThereAsPydicomReadsThem)
{
    const auto rows = dicom::readTags(kFile);
    const nlohmann::json oracle = readJson(HF_SOURCE_DIR "/tests/data/tags.json");
    HF_CHECK_EQUAL(rows.size(), oracle.size());
    for (std::size_t n = 0; n < std::min(rows.size(), oracle.size()); ++n) {
        HF_CHECK_EQUAL(rows[n].depth, int(oracle[n][0]));
        HF_CHECK_EQUAL(rows[n].tag, std::string(oracle[n][1]));
        HF_CHECK_EQUAL(rows[n].vr, std::string(oracle[n][2]));
    }
}

HF_TEST(valuesAreReadable)
{
    const auto rows = dicom::readTags(kFile);
    HF_CHECK_EQUAL(find(rows, "(0010,0010)")->value, std::string("Phantom^Ultrasound"));
    HF_CHECK_EQUAL(find(rows, "(0028,0011)")->value, std::string("80"));
    HF_CHECK_EQUAL(find(rows, "(0018,6011)")->value, std::string("3 items"));
    HF_CHECK_EQUAL(find(rows, "(0018,602c)")->value.substr(0, 4), std::string("0.02"));
    HF_CHECK_EQUAL(find(rows, "(7fe0,0010)")->value, std::string("(9600 bytes)"));
}

HF_TEST(namesAreDecodedFromTheirCharacterSet)
{
    if (!fs::exists(kCharsets / "expected.json")) {
        HF_SKIP("no test data in " + kCharsets.string());
    }
    const nlohmann::json expected = readJson(kCharsets / "expected.json");
    int checked = 0;
    for (const auto& [file, facts] : expected["files"].items()) {
        if (!facts.contains("patient_name_utf8") || !fs::exists(kCharsets / file)) {
            continue;
        }
        const auto rows = dicom::readTags(kCharsets / file);
        const dicom::TagRow* name = find(rows, "(0010,0010)");
        // The oracle leaves empty groups at the end out, and tells the name of the data set alone, not of nested items.
        std::string value = name && name->depth == 0 ? name->value : "";
        value.erase(value.find_last_not_of('=') + 1);
        HF_CHECK_EQUAL(value, std::string(facts["patient_name_utf8"]));
        ++checked;
    }
    HF_CHECK(checked >= 10);
}

HF_TEST(whatIsNoDicomIsRefused)
{
    HF_CHECK_THROWS(dicom::readTags("/nowhere/at/all"), Error);
    HF_CHECK_THROWS(dicom::readTags(HF_SOURCE_DIR "/LICENSE"), Error);
}

HF_QT_TEST_MAIN()

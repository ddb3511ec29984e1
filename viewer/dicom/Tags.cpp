#include "viewer/dicom/Tags.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Text.h"
#include "viewer/volume/Error.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <array>
#include <cstdio>

namespace hf::dicom {

namespace {

constexpr std::size_t kMostCharacters = 400;
constexpr Uint32 kMostBytes = 4096;     ///< Larger values stay in the file.

std::string tagText(const DcmTag& tag)
{
    std::array<char, 16> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "(%04x,%04x)", unsigned(tag.getGroup()), unsigned(tag.getElement()));
    return buffer.data();
}

/// One line, not too long, cut between characters.
std::string shortened(std::string text)
{
    for (char& c : text) {
        c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    if (text.size() > kMostCharacters) {
        std::size_t end = kMostCharacters;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
            --end;
        }
        text = text.substr(0, end) + " ...";
    }
    return text;
}

bool isBytes(DcmEVR vr) { return vr == EVR_OB || vr == EVR_OW || vr == EVR_OF || vr == EVR_OD || vr == EVR_OL || vr == EVR_OV || vr == EVR_UN || vr == EVR_ox || vr == EVR_PixelData; }

std::string valueText(DcmElement& element, const std::string& characterSets)
{
    // Its length in the file: a wrong one must not be loaded.
    const Uint32 inFile = element.getLengthField(), length = inFile == DCM_UndefinedLength ? element.getLength() : inFile;
    const std::string bytes = "(" + std::to_string(length) + " bytes)";
    if (isBytes(element.getVR()) || length > 16 * kMostBytes) {
        return length == 0 ? std::string() : bytes;
    }
    OFString text;
    if (element.getOFStringArray(text).bad()) {
        return bytes;
    }
    const std::string stored(text.c_str(), text.size());
    return shortened(element.isAffectedBySpecificCharacterSet() ? toUtf8(stored, characterSets) : stored);
}

void addRows(DcmItem& item, int depth, std::string characterSets, std::vector<TagRow>& rows)
{
    if (item.tagExists(DCM_SpecificCharacterSet)) {
        characterSets = allValues(item, DCM_SpecificCharacterSet);
    }
    for (unsigned long n = 0; n < item.card(); ++n) {
        DcmElement& element = *item.getElement(n);
        DcmTag tag = element.getTag();
        const char* name = tag.getTagName();
        const bool isPrivate = tag.isPrivate() && std::string(name).find("Unknown") != std::string::npos;
        TagRow row{depth, tagText(tag), DcmVR(element.getVR()).getValidVRName(), isPrivate ? "Private" : name, {}};
        auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element);
        if (!sequence) {
            row.value = valueText(element, characterSets);
            rows.push_back(std::move(row));
            continue;
        }
        row.value = std::to_string(sequence->card()) + (sequence->card() == 1 ? " item" : " items");
        rows.push_back(std::move(row));
        for (unsigned long i = 0; i < sequence->card(); ++i) {
            rows.push_back({depth + 1, {}, {}, "Item " + std::to_string(i + 1), {}});
            addRows(*sequence->getItem(i), depth + 2, characterSets, rows);
        }
    }
}

} // namespace

std::vector<TagRow> readTags(const std::filesystem::path& path)
{
    DcmFileFormat file;
    const OFCondition status = file.loadFile(OFFilename(path.c_str()), EXS_Unknown, EGL_noChange, kMostBytes);
    if (status.bad() || file.getDataset()->card() == 0) {
        throw Error(status.bad() ? status.text() : "the file holds no attributes", "broken");
    }
    std::vector<TagRow> rows;
    addRows(*file.getMetaInfo(), 0, {}, rows);
    addRows(*file.getDataset(), 0, {}, rows);
    return rows;
}

} // namespace hf::dicom

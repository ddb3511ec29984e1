#pragma once

#include "support/DcmtkItems.h"

#include <array>

namespace hf::test {

/// A run of an X-ray angiogram that DCMTK writes: frame f (from 1), column x, row y holds value(f) + 3 x + 5 y.
class AngiogramFile {
public:
    static constexpr int kColumns = 24, kRows = 16, kFrames = 6;
    static constexpr const char* kUid = "2.25.500.4";
    static int value(int frame) { return 1000 + 10 * frame * frame; }

    AngiogramFile()
    {
        DcmDataset& d = data();
        put(d, DCM_SOPClassUID, UID_XRayAngiographicImageStorage);
        put(d, DCM_SOPInstanceUID, kUid);
        put(d, DCM_StudyInstanceUID, "2.25.500.1");
        put(d, DCM_SeriesInstanceUID, "2.25.500.2");
        put(d, DCM_Modality, "XA");
        put(d, DCM_PatientName, "Phantom^Subtracted");
        put(d, DCM_PixelIntensityRelationship, "LOG");
        put(d, DCM_WindowCenter, "1200");
        put(d, DCM_WindowWidth, "800");
        put(d, DCM_NumberOfFrames, std::to_string(kFrames));
        put(d, DCM_FrameTime, "200");
        std::vector<Uint16> stored;
        for (int frame = 1; frame <= kFrames; ++frame) {
            for (int n = 0; n < kColumns * kRows; ++n) {
                stored.push_back(Uint16(value(frame) + 3 * (n % kColumns) + 5 * (n / kColumns)));
            }
        }
        putPixels(d, kColumns, stored);
        require(d.putAndInsertUint16(DCM_Rows, kRows));
    }

    DcmDataset& data() { return *m_file.getDataset(); }
    void save(const std::filesystem::path& path) { require(m_file.saveFile(path.c_str(), EXS_LittleEndianExplicit)); }

    static DcmItem& addOperation(DcmItem& item, const std::string& operation, const std::vector<Uint16>& maskFrames = {}, const std::vector<Uint16>& ranges = {})
    {
        DcmItem& added = append(item, DCM_MaskSubtractionSequence);
        put(added, DCM_MaskOperation, operation);
        const auto putNumbers = [&](const DcmTagKey& tag, const std::vector<Uint16>& numbers) {
            if (!numbers.empty()) {
                require(added.putAndInsertUint16Array(tag, numbers.data(), static_cast<unsigned long>(numbers.size())));
            }
        };
        putNumbers(DCM_MaskFrameNumbers, maskFrames);
        putNumbers(DCM_ApplicableFrameRange, ranges);
        return added;
    }

private:
    DcmFileFormat m_file;
};

} // namespace hf::test

#include "viewer/dicom/WriteSeries.h"

#include "viewer/volume/Error.h"

#include <QCryptographicHash>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <cstdio>

namespace hf::dicom {

namespace fs = std::filesystem;

namespace {

/// "2.25." and a 100-bit number made from text (PS3.5 B.2 allows any UUID-derived number up to 39 digits).
std::string uidFrom(const std::string& text)
{
    const QByteArray hash = QCryptographicHash::hash(QByteArray::fromStdString(text), QCryptographicHash::Sha256);
    std::string digits = "2.25.1";
    for (int n = 0; n < 30; ++n) {
        digits += char('0' + std::uint8_t(hash[n]) % 10);
    }
    return digits;
}

/// A decimal string of at most 16 characters.
std::string decimal(double value)
{
    char buffer[32];
    for (int precision = 12; precision > 3; --precision) {
        std::snprintf(buffer, sizeof buffer, "%.*g", precision, value);
        if (std::string(buffer).size() <= 16) {
            break;
        }
    }
    return buffer;
}

std::string decimals(std::initializer_list<double> values)
{
    std::string text;
    for (const double value : values) {
        text += (text.empty() ? "" : "\\") + decimal(value);
    }
    return text;
}

void put(DcmDataset& dataset, const DcmTagKey& tag, const std::string& value)
{
    if (dataset.putAndInsertString(tag, value.c_str()).bad()) {
        throw Error("an attribute cannot be written", "write");
    }
}

void putCommon(DcmDataset& d, const Identity& identity, const Volume& volume)
{
    const std::string studyUid = uidFrom(identity.uidSeed + "/study"), seriesUid = uidFrom(identity.uidSeed + "/series/" + std::to_string(identity.seriesNumber));
    put(d, DCM_SpecificCharacterSet, "ISO_IR 192");
    put(d, DCM_ImageType, "DERIVED\\SECONDARY\\AXIAL");
    put(d, DCM_SOPClassUID, UID_CTImageStorage);
    put(d, DCM_StudyDate, identity.studyDate);
    put(d, DCM_SeriesDate, identity.studyDate);
    put(d, DCM_ContentDate, identity.studyDate);
    put(d, DCM_StudyTime, identity.studyTime);
    put(d, DCM_ContentTime, identity.studyTime);
    put(d, DCM_AccessionNumber, "");
    put(d, DCM_Modality, "CT");
    put(d, DCM_Manufacturer, "Hounsfield");
    put(d, DCM_ManufacturerModelName, "Phantom generator");
    put(d, DCM_ReferringPhysicianName, "");
    put(d, DCM_StudyDescription, identity.studyDescription);
    put(d, DCM_SeriesDescription, identity.seriesDescription);
    put(d, DCM_PatientName, identity.patientName);
    put(d, DCM_PatientID, identity.patientId);
    put(d, DCM_PatientBirthDate, identity.birthDate);
    put(d, DCM_PatientSex, identity.sex);
    put(d, DCM_BodyPartExamined, volume.info().bodyPart);
    put(d, DCM_SliceThickness, decimal(volume.geometry().spacingMm()[2]));
    put(d, DCM_SpacingBetweenSlices, decimal(volume.geometry().spacingMm()[2]));
    put(d, DCM_KVP, "");
    put(d, DCM_PatientPosition, "HFS");
    put(d, DCM_StudyInstanceUID, studyUid);
    put(d, DCM_SeriesInstanceUID, seriesUid);
    put(d, DCM_StudyID, "1");
    put(d, DCM_SeriesNumber, std::to_string(identity.seriesNumber));
    put(d, DCM_AcquisitionNumber, "1");
    put(d, DCM_FrameOfReferenceUID, uidFrom(identity.uidSeed + "/frame"));
    put(d, DCM_PositionReferenceIndicator, "");
    put(d, DCM_SamplesPerPixel, "1");
    put(d, DCM_PhotometricInterpretation, "MONOCHROME2");
    put(d, DCM_WindowCenter, "40");
    put(d, DCM_WindowWidth, "400");
    put(d, DCM_RescaleIntercept, "0");
    put(d, DCM_RescaleSlope, "1");
    put(d, DCM_RescaleType, "HU");
    d.putAndInsertUint16(DCM_BitsAllocated, 16);
    d.putAndInsertUint16(DCM_BitsStored, 16);
    d.putAndInsertUint16(DCM_HighBit, 15);
    d.putAndInsertUint16(DCM_PixelRepresentation, 1);
}

void putImage(DcmDataset& d, const Identity& identity, const Volume& volume, int k)
{
    const Geometry& geometry = volume.geometry();
    const PointLps p = geometry.toLps(Index3{0, 0, k});
    const Vec3 row = geometry.direction(0), column = geometry.direction(1);
    put(d, DCM_SOPInstanceUID, uidFrom(identity.uidSeed + "/image/" + std::to_string(identity.seriesNumber) + "/" + std::to_string(k)));
    put(d, DCM_InstanceNumber, std::to_string(k + 1));
    put(d, DCM_ImagePositionPatient, decimals({p.x, p.y, p.z}));
    put(d, DCM_ImageOrientationPatient, decimals({row.x, row.y, row.z, column.x, column.y, column.z}));
    put(d, DCM_PixelSpacing, decimals({geometry.spacingMm()[1], geometry.spacingMm()[0]}));
    const Size3 size = geometry.size();
    d.putAndInsertUint16(DCM_Rows, Uint16(size.j));
    d.putAndInsertUint16(DCM_Columns, Uint16(size.i));
    const std::size_t slab = std::size_t(size.i) * std::size_t(size.j);
    const auto* voxels = static_cast<const Uint16*>(volume.data()) + slab * std::size_t(k);
    if (d.putAndInsertUint16Array(DCM_PixelData, voxels, static_cast<unsigned long>(slab)).bad()) {
        throw Error("pixels cannot be written", "write");
    }
}

} // namespace

void writeCtSeries(const Volume& volume, const Identity& identity, const fs::path& directory, const Progress& progress, std::stop_token stop)
{
    if (volume.type() != VoxelType::Int16 || volume.info().unit != Unit::Hu) {
        throw Error("only a CT volume of 16-bit HU can be written", "arguments");
    }
    std::error_code error;
    fs::create_directories(directory, error);
    const int slices = volume.geometry().size().k;
    std::vector<fs::path> written;
    try {
        for (int k = 0; k < slices; ++k) {
            throwIfStopped(stop);
            DcmFileFormat file;
            putCommon(*file.getDataset(), identity, volume);
            putImage(*file.getDataset(), identity, volume, k);
            char name[32];
            std::snprintf(name, sizeof name, "IM%04d.dcm", k + 1);
            written.push_back(directory / name);
            if (file.saveFile(written.back().c_str(), EXS_LittleEndianExplicit).bad()) {
                throw Error("cannot write into " + directory.string(), "write");
            }
            report(progress, double(k + 1) / slices, "writing");
        }
    } catch (const Error&) {
        for (const fs::path& path : written) {
            fs::remove(path, error);
        }
        throw;
    }
}

} // namespace hf::dicom

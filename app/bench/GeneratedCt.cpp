#include "app/bench/GeneratedCt.h"

#include "viewer/phantom/CtPhantom.h"
#include "viewer/volume/Error.h"

#include <charls/charls.h>
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <openjpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace hf::bench {

namespace fs = std::filesystem;

namespace {

constexpr int kPictures = 24;
using Pixels = std::vector<std::uint16_t>;      // stored values, 12 bits
using Bytes = std::vector<std::uint8_t>;

/// Slices of the trunk, enlarged to the matrix, with noise that no encoder can guess.
std::vector<Pixels> makePictures(int size)
{
    const Volume trunk = phantom::makeCtPhantom({}).volume;
    const Size3 from = trunk.geometry().size();
    std::mt19937 random(7);
    std::normal_distribution<float> noise(0, 8);
    std::vector<Pixels> pictures;
    for (int n = 0; n < kPictures; ++n) {
        Pixels& picture = pictures.emplace_back(std::size_t(size) * std::size_t(size));
        const int k = (from.k - 1) * n / (kPictures - 1);
        for (int y = 0; y < size; ++y) {
            for (int x = 0; x < size; ++x) {
                const Index3 index{x * from.i / size, y * from.j / size, k};
                picture[std::size_t(y) * std::size_t(size) + std::size_t(x)] = std::uint16_t(std::clamp(float(trunk.valueAt(index)) + noise(random) + 1024, 0.F, 4095.F));
            }
        }
    }
    return pictures;
}

Bytes encodeJpegLs(const Pixels& picture, int size)
{
    charls::jpegls_encoder encoder;
    encoder.frame_info({std::uint32_t(size), std::uint32_t(size), 12, 1});
    Bytes bytes(encoder.estimated_destination_size());
    encoder.destination(bytes);
    bytes.resize(encoder.encode(picture));
    return bytes;
}

OPJ_SIZE_T keepBytes(void* data, OPJ_SIZE_T count, void* user)
{
    auto& bytes = *static_cast<Bytes*>(user);
    const auto* from = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), from, from + count);
    return count;
}

Bytes encodeJpeg2000(const Pixels& picture, int size)
{
    opj_image_cmptparm_t component{};
    component.dx = component.dy = 1;
    component.w = component.h = OPJ_UINT32(size);
    component.prec = 12;
    const std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)> image(opj_image_create(1, &component, OPJ_CLRSPC_GRAY), opj_image_destroy);
    image->x1 = image->y1 = OPJ_UINT32(size);
    std::copy(picture.begin(), picture.end(), image->comps[0].data);
    opj_cparameters_t parameters;
    opj_set_default_encoder_parameters(&parameters);
    parameters.tcp_numlayers = 1;
    parameters.cp_disto_alloc = 1;
    const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec(opj_create_compress(OPJ_CODEC_J2K), opj_destroy_codec);
    const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream(opj_stream_default_create(OPJ_FALSE), opj_stream_destroy);
    Bytes bytes;
    opj_stream_set_write_function(stream.get(), keepBytes);
    opj_stream_set_user_data(stream.get(), &bytes, nullptr);
    if (!opj_setup_encoder(codec.get(), &parameters, image.get()) || !opj_start_compress(codec.get(), image.get(), stream.get()) ||
        !opj_encode(codec.get(), stream.get()) || !opj_end_compress(codec.get(), stream.get())) {
        throw Error("a picture cannot be encoded in JPEG 2000", "write");
    }
    return bytes;
}

void putHeader(DcmDataset& d, const GeneratedCt& series, int slice)
{
    const auto put = [&](const DcmTagKey& tag, const std::string& value) { d.putAndInsertString(tag, value.c_str()); };
    const std::string root = "2.25.77" + std::to_string(series.size) + std::to_string(series.slices) + (series.encoding == "raw" ? "1" : series.encoding == "j2k" ? "2" : "3");
    put(DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL");
    put(DCM_SOPClassUID, UID_CTImageStorage);
    put(DCM_SOPInstanceUID, root + ".3." + std::to_string(slice + 1));
    put(DCM_StudyDate, "20240101");
    put(DCM_SeriesDate, "20240101");
    put(DCM_StudyTime, "120000");
    put(DCM_Modality, "CT");
    put(DCM_Manufacturer, "Hounsfield");
    put(DCM_SeriesDescription, "Generated " + series.encoding);
    put(DCM_PatientName, "Phantom^Bench");
    put(DCM_PatientID, "BENCH-1");
    put(DCM_SliceThickness, "1");
    put(DCM_StudyInstanceUID, root + ".1");
    put(DCM_SeriesInstanceUID, root + ".2");
    put(DCM_SeriesNumber, "1");
    put(DCM_InstanceNumber, std::to_string(slice + 1));
    put(DCM_ImagePositionPatient, "-180\\-180\\" + std::to_string(slice));
    put(DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    put(DCM_FrameOfReferenceUID, root + ".4");
    put(DCM_PixelSpacing, "0.7\\0.7");
    put(DCM_SamplesPerPixel, "1");
    put(DCM_PhotometricInterpretation, "MONOCHROME2");
    put(DCM_WindowCenter, "40");
    put(DCM_WindowWidth, "400");
    put(DCM_RescaleIntercept, "-1024");
    put(DCM_RescaleSlope, "1");
    put(DCM_RescaleType, "HU");
    d.putAndInsertUint16(DCM_Rows, Uint16(series.size));
    d.putAndInsertUint16(DCM_Columns, Uint16(series.size));
    d.putAndInsertUint16(DCM_BitsAllocated, 16);
    d.putAndInsertUint16(DCM_BitsStored, 12);
    d.putAndInsertUint16(DCM_HighBit, 11);
    d.putAndInsertUint16(DCM_PixelRepresentation, 0);
}

void putStream(DcmDataset& d, Bytes stream, E_TransferSyntax syntax)
{
    stream.resize(stream.size() + stream.size() % 2);
    auto sequence = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
    sequence->insert(new DcmPixelItem(DCM_PixelItemTag));   // an empty offset table
    auto* item = new DcmPixelItem(DCM_PixelItemTag);        // DCMTK's sequence owns it
    sequence->insert(item);
    item->putUint8Array(stream.data(), static_cast<unsigned long>(stream.size()));
    auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
    pixels->putOriginalRepresentation(syntax, nullptr, sequence.release());
    if (d.insert(pixels.release(), OFTrue).bad()) {
        throw Error("encapsulated pixels cannot be written", "write");
    }
}

} // namespace

void writeGeneratedCt(const GeneratedCt& series, const fs::path& folder)
{
    const bool isRaw = series.encoding == "raw", isJ2k = series.encoding == "j2k";
    if (!isRaw && !isJ2k && series.encoding != "jpegls") {
        throw Error("the encodings are raw, jpegls and j2k", "arguments");
    }
    const E_TransferSyntax syntax = isRaw ? EXS_LittleEndianExplicit : isJ2k ? EXS_JPEG2000LosslessOnly : EXS_JPEGLSLossless;
    const std::vector<Pixels> pictures = makePictures(series.size);
    std::vector<Bytes> streams;
    for (const Pixels& picture : pictures) {
        streams.push_back(isRaw ? Bytes() : isJ2k ? encodeJpeg2000(picture, series.size) : encodeJpegLs(picture, series.size));
    }
    fs::create_directories(folder);
    for (int slice = 0; slice < series.slices; ++slice) {
        const std::size_t n = std::size_t(slice % kPictures);
        DcmFileFormat file;
        DcmDataset& dataset = *file.getDataset();
        putHeader(dataset, series, slice);
        isRaw ? void(dataset.putAndInsertUint16Array(DCM_PixelData, pictures[n].data(), static_cast<unsigned long>(pictures[n].size()))) : putStream(dataset, streams[n], syntax);
        char name[24];
        std::snprintf(name, sizeof name, "IM%05d", slice + 1);
        if (file.saveFile((folder / name).c_str(), syntax).bad()) {
            throw Error("cannot write into " + folder.string(), "write");
        }
    }
}

} // namespace hf::bench

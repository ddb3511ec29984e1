#include "support/DcmtkItems.h"
#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"

#include <QTemporaryDir>

#include <zip.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include <sys/stat.h>
#include <unistd.h>

using namespace hf;
using test::put;
using test::require;
namespace fs = std::filesystem;

// ZIP archives that libzip wrote: files keep what belongs together, and a reader is told where in the archive something lies.

namespace {

constexpr int kSide = 8;

std::string readAll(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Folder {
public:
    fs::path operator/(const std::string& name) const { return fs::path(m_folder.path().toStdString()) / name; }
    dicom::ScanResult scan() const
    {
        const fs::path paths[] = {m_folder.path().toStdString()};
        return dicom::scan(paths);
    }

private:
    QTemporaryDir m_folder;
};

/// Slice `place` of a CT, all values 100 times its number.
std::string slice(int place)
{
    const Folder folder;
    DcmFileFormat file;
    DcmDataset& d = *file.getDataset();
    put(d, DCM_SOPClassUID, UID_CTImageStorage);
    put(d, DCM_SOPInstanceUID, "2.25.700." + std::to_string(place));
    put(d, DCM_StudyInstanceUID, "2.25.701");
    put(d, DCM_SeriesInstanceUID, "2.25.702");
    put(d, DCM_Modality, "CT");
    put(d, DCM_InstanceNumber, std::to_string(place));
    put(d, DCM_ImagePositionPatient, "0\\0\\" + std::to_string(2 * place));
    put(d, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    put(d, DCM_PixelSpacing, "1\\1");
    test::putPixels(d, kSide, std::vector<Uint16>(kSide * kSide, Uint16(100 * place)));
    require(file.saveFile((folder / "a").c_str(), EXS_LittleEndianExplicit));
    return readAll(folder / "a");
}

void writeZip(const fs::path& path, const std::map<std::string, std::string>& files)
{
    int code = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    HF_CHECK(archive != nullptr);
    for (const auto& [name, bytes] : files) {
        zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
        HF_CHECK(zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8) >= 0);
    }
    HF_CHECK_EQUAL(zip_close(archive), 0);
}

std::map<std::string, std::string> refusals(const dicom::ScanResult& found)
{
    std::map<std::string, std::string> codes;
    for (const dicom::Rejected& one : found.rejected) {
        codes[one.path.string()] = one.code;
    }
    return codes;
}

} // namespace

HF_TEST(aSeriesMayLieInSeveralArchives)
{
    const Folder folder;
    writeZip(folder / "a.zip", {{"1", slice(1)}, {"3", slice(3)}});
    writeZip(folder / "b.zip", {{"2", slice(2)}});
    std::ofstream(folder / "loose", std::ios::binary) << slice(4);
    const dicom::ScanResult found = folder.scan();
    const dicom::Series& series = *found.mainSeries();
    const Volume volume = dicom::readSeries(series);
    HF_CHECK_EQUAL(volume.geometry().size().k, 4);
    for (int k = 0; k < 4; ++k) {
        HF_CHECK_EQUAL(volume.valueAt(Index3{1, 1, k}), 100.0F * float(k + 1));
    }
    // What a list of studies must open to have all of it again.
    std::vector<std::string> sources;
    for (const dicom::Image& image : series.images) {
        sources.push_back(dicom::sourceOf(series, image.path).filename().string());
    }
    HF_CHECK(sources == (std::vector<std::string>{"a.zip", "b.zip", "a.zip", "loose"}));
}

HF_TEST(headersFindTheirVoxelsAndKeysStay)
{
    const Folder folder;
    const std::string header = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementSpacing = 1 1 1\nElementType = MET_UCHAR\nElementDataFile = ";
    // One name in two folders, each with its own voxels.
    writeZip(folder / "a.zip", {{"x/v.mhd", header + "v.raw\n"}, {"x/v.raw", std::string("\1\2\3\4\5\6\7\10", 8)}, {"y/v.mhd", header + "v.raw\n"}, {"y/v.raw", std::string(8, '\11')}});
    const dicom::ScanResult found = folder.scan(), again = folder.scan();
    HF_CHECK_EQUAL(found.studies.size(), std::size_t(2));
    std::vector<float> values;
    for (const dicom::Study& study : found.studies) {
        HF_CHECK_EQUAL(study.series.front().text.seriesDescription, "v.mhd");
        values.push_back(dicom::readSeries(study.series.front()).valueAt(Index3{1, 1, 1}));
        HF_CHECK(again.findSeries(study.series.front().key) != nullptr);
    }
    std::sort(values.begin(), values.end());
    HF_CHECK(values == (std::vector<float>{8, 9}));
}

HF_TEST(aPipeIsNotWaitedFor)
{
    const fs::path pipe = fs::temp_directory_path() / ("hf-pipe-" + std::to_string(getpid()));
    HF_CHECK_EQUAL(mkfifo(pipe.c_str(), 0600), 0);
    const std::vector<fs::path> paths{pipe};
    const dicom::ScanResult result = dicom::scan(paths);
    fs::remove(pipe);
    HF_CHECK(result.studies.empty());
    HF_CHECK_EQUAL(result.rejected.size(), std::size_t(1));
}

HF_TEST(aFolderThatMayNotBeReadIsTold)
{
    const Folder folder;
    std::ofstream(folder / "1", std::ios::binary) << slice(1);
    fs::create_directories(folder / "closed/inside");
    std::ofstream(folder / "closed/2", std::ios::binary) << slice(2);
    fs::permissions(folder / "closed", fs::perms::none);
    // Nothing is closed to root.
    const bool isRoot = geteuid() == 0;
    if (isRoot) {
        fs::permissions(folder / "", fs::perms(0755));
        HF_CHECK_EQUAL(seteuid(65534), 0);
    }
    const dicom::ScanResult result = folder.scan();
    if (isRoot) {
        HF_CHECK_EQUAL(seteuid(0), 0);
    }
    fs::permissions(folder / "closed", fs::perms::owner_all);
    HF_CHECK_EQUAL(result.studies.size(), std::size_t(1));
    HF_CHECK_EQUAL(result.rejected.size(), std::size_t(1));
    HF_CHECK_EQUAL(result.rejected[0].path, folder / "closed");
    HF_CHECK_EQUAL(result.rejected[0].reason, "the folder " + (folder / "closed").string() + " cannot be read");
}

HF_TEST(whatIsRefusedIsNamedByItsPlaceInTheArchive)
{
    const Folder folder;
    const std::string cut = slice(2).substr(0, 400);
    writeZip(folder / "inner.zip", {{"notes/read me.txt", "nothing to see"}, {"1", slice(1)}, {"notes/.hidden", "x"}, {"../../out", "leads out of the folder"}});
    const std::string inner = readAll(folder / "inner.zip");
    fs::remove(folder / "inner.zip");
    writeZip(folder / "outer.zip", {{"disk/inner.zip", inner}, {"disk/cut", cut}});
    const dicom::ScanResult found = folder.scan();
    const auto codes = refusals(found);
    HF_CHECK_EQUAL(codes.size(), std::size_t(3));
    HF_CHECK_EQUAL(codes.at((folder / "outer.zip/disk/inner.zip/notes/read me.txt").string()), "not-an-image");
    HF_CHECK_EQUAL(codes.at((folder / "outer.zip/disk/inner.zip").string() + "/../../out"), "not-an-image");
    HF_CHECK(codes.contains((folder / "outer.zip/disk/cut").string()));
    HF_CHECK(!fs::exists(folder / "../out"));
    const dicom::Series& series = *found.mainSeries();
    HF_CHECK_EQUAL(dicom::sourceOf(series, series.images.front().path).filename().string(), "outer.zip");
    HF_CHECK_EQUAL(dicom::shownPathOf(series, series.images.front().path).string(), (folder / "outer.zip/disk/inner.zip/1").string());
}

HF_QT_TEST_MAIN()

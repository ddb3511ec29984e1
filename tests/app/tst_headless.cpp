#include "support/Check.h"
#include "support/RadiographFile.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/phantom/CtPhantom.h"

#include <nlohmann/json.hpp>

#include <QImage>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

// The real programs, without a display: the sample study and real data from folder to answer.json.

using namespace hf;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path kSample = HF_SAMPLE;
const fs::path kData = HF_TEST_DATA_DIR;

bool hasModel() { return fs::exists(HF_SOURCE_DIR "/resources/models/demo/config.json"); }

struct Run {
    int code = -1;
    std::string out, error;
};

std::string quoted(const std::string& text) { return "'" + text + "'"; }

std::string contentOf(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

fs::path scratch()
{
    static const fs::path folder = [] {
        const fs::path made = fs::temp_directory_path() / ("hf-headless-" + std::to_string(getpid()));
        fs::create_directories(made);
        return made;
    }();
    return folder;
}

/// Without a display.
Run runProgram(const std::string& arguments)
{
    const fs::path out = scratch() / "stdout", error = scratch() / "stderr";
    const std::string command = "env -u DISPLAY -u WAYLAND_DISPLAY " + quoted(HF_PROGRAM) + " " + arguments + " >" + quoted(out) + " 2>" + quoted(error) + " </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contentOf(out), contentOf(error)};
}

Run run(const std::string& arguments) { return runProgram("--headless " + arguments); }

struct Answer {
    json answer;
    fs::path folder;
};

Answer ask(const fs::path& opened, const std::string& question, const std::string& more = "")
{
    static int number = 0;
    const fs::path folder = scratch() / ("answer" + std::to_string(++number));
    const Run done = run("--open " + quoted(opened) + " --ask " + quoted(question) + " --export " + quoted(folder) + " " + more);
    if (done.code != 0) {
        std::printf("exit code %d: %s\n", done.code, done.error.c_str());
    }
    HF_CHECK_EQUAL(done.code, 0);
    const json answer = json::parse(contentOf(folder / "answer.json"), nullptr, false);
    std::printf("%s | %s | %s\n", question.c_str(), answer.value("first_answer", "").c_str(), answer.value("answer", "").c_str());
    return {answer, folder};
}

std::string textOf(const json& answer, const char* member) { return answer.contains(member) && answer[member].is_string() ? answer[member].get<std::string>() : ""; }

} // namespace

HF_TEST(what_it_can_do_is_told_without_a_display)
{
    for (const char* word : {"--help", "-h"}) {
        const Run help = runProgram(word);
        HF_CHECK_EQUAL(help.code, 0);
        HF_CHECK(help.out.find("--render") != std::string::npos);
    }
    HF_CHECK_EQUAL(runProgram("--version").code, 0);
    const Run window = runProgram(quoted(kSample / "dicom"));
    HF_CHECK_EQUAL(window.code, 2);
    HF_CHECK(window.error.find("there is no display") != std::string::npos);
}

HF_TEST(info_lists_studies_and_series)
{
    const Run done = run("--open " + quoted(kSample / "dicom") + " --info");
    HF_CHECK_EQUAL(done.code, 0);
    const json info = json::parse(done.out, nullptr, false);
    const json& series = info["studies"][0]["series"][0];
    HF_CHECK_EQUAL(series["modality"].get<std::string>(), std::string("CT"));
    HF_CHECK_EQUAL(series["plane"].get<std::string>(), std::string("axial"));
    HF_CHECK_NEAR(series["spacing_mm"][2].get<double>(), 3.0, 1e-6);
    HF_CHECK_EQUAL(series["kind"].get<std::string>(), std::string("volume"));
}

HF_TEST(one_file_that_declares_too_much_leaves_the_others)
{
    const fs::path folder = scratch() / "poisoned";
    fs::copy(kSample / "dicom", folder, fs::copy_options::recursive);
    std::ofstream(folder / "big.nrrd") << "NRRD0004\ntype: int16\ndimension: 3\nsizes: 2000 2000 1500\nendian: little\nencoding: raw\n\nabc";
    const Run done = run("--open " + quoted(folder) + " --info");
    HF_CHECK_EQUAL(done.code, 0);
    const json info = json::parse(done.out, nullptr, false);
    HF_CHECK_EQUAL(info["studies"].size(), std::size_t(1));
    HF_CHECK_EQUAL(info["rejected"].size(), std::size_t(1));
    HF_CHECK_EQUAL(textOf(info["rejected"][0], "reason"), std::string("the file ends before its voxels do"));
}

HF_TEST(letters_are_drawn_only_where_sides_are_known)
{
    const Volume made(Geometry({40, 30, 8}, {2, 2, 3}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<std::int16_t>(40 * 30 * 8, 100), {});
    const fs::path known = scratch() / "known.nii", unknown = scratch() / "unknown.nii", picture = scratch() / "picture.png";
    imaging::writeNifti(made, known);
    fs::copy_file(known, unknown);
    std::fstream(unknown, std::ios::in | std::ios::out | std::ios::binary).seekp(252).write("\0\0\0\0", 4);    // the codes of qform and sform
    QImage grey(40, 30, QImage::Format_Grayscale8);
    grey.fill(100);
    HF_CHECK(grey.save(QString::fromStdString(picture.string())));
    const auto hasLetters = [](const fs::path& file) {
        const fs::path plain = scratch() / "plain.png", texts = scratch() / "texts.png";
        HF_CHECK_EQUAL(run("--open " + quoted(file) + " --size 500x400 --annotations off --render " + quoted(plain)).code, 0);
        HF_CHECK_EQUAL(run("--open " + quoted(file) + " --size 500x400 --render " + quoted(texts)).code, 0);
        const QRect left(4, 185, 20, 30);    // beside the frame of the view
        return QImage(QString::fromStdString(plain.string())).copy(left) != QImage(QString::fromStdString(texts.string())).copy(left);
    };
    HF_CHECK(hasLetters(known));
    HF_CHECK(!hasLetters(unknown));
    HF_CHECK(!hasLetters(picture));
}

HF_TEST(a_volume_is_written_as_the_viewer_holds_it)
{
    const fs::path file = scratch() / "volume.nii.gz";
    const Run done = run("--open " + quoted(kSample / "dicom") + " --export-volume " + quoted(file));
    HF_CHECK_EQUAL(done.code, 0);
    const json told = json::parse(done.out, nullptr, false);
    const std::vector<fs::path> paths{kSample / "dicom"};
    const Volume held = dicom::readSeries(*dicom::scan(paths).mainSeries()), written = imaging::readVolumeFile(file);
    HF_CHECK(written.geometry().sameGridAs(held.geometry(), 1e-3));
    HF_CHECK_EQUAL(told["unit"].get<std::string>(), std::string("HU"));
    int differ = 0;
    for (int n = 0; n < 1000; ++n) {
        const Size3 size = held.geometry().size();
        const Index3 index{n * 7 % size.i, n * 13 % size.j, n * 29 % size.k};
        differ += written.valueAt(index) != held.valueAt(index);
    }
    HF_CHECK_EQUAL(differ, 0);
}

HF_TEST(colour_is_written_as_colour)
{
    const fs::path cases = fs::path(HF_SOURCE_DIR) / "tests/data/dicom", file = scratch() / "colour.nii";
    const Run done = run("--open " + quoted(cases / "rgb-by-plane.zip") + " --export-volume " + quoted(file));
    HF_CHECK_EQUAL(done.code, 0);
    const Volume written = imaging::readVolumeFile(file);
    const auto expected = json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/dicom.json"))["rgb-by-plane"]["rgb"].get<std::vector<std::uint8_t>>();
    HF_CHECK(written.isColor() && std::equal(expected.begin(), expected.end(), written.rgb().begin(), written.rgb().end()));
}

HF_TEST(a_picture_of_a_view_is_what_its_voxels_say)
{
    const std::vector<fs::path> paths{kSample / "dicom"};
    const Volume volume = dicom::readSeries(*dicom::scan(paths).mainSeries());
    const Size3 size = volume.geometry().size();
    for (const std::string view : {"axial", "coronal", "sagittal", "single"}) {
        const fs::path plain = scratch() / (view + ".png"), texts = scratch() / (view + "-texts.png");
        const std::string job = "--open " + quoted(kSample / "dicom") + " --view " + view + " --preset lung --size 501x401";
        HF_CHECK_EQUAL(run(job + " --annotations off --render " + quoted(plain)).code, 0);
        HF_CHECK_EQUAL(run(job + " --render " + quoted(texts)).code, 0);
        const QImage picture(QString::fromStdString(plain.string())), annotated(QString::fromStdString(texts.string()));
        HF_CHECK(picture.size() == QSize(501, 401) && annotated.size() == QSize(501, 401));
        HF_CHECK(picture != annotated);
        // The middle of the picture is the middle of the slice.
        const Plane plane = view == "single" ? volume.geometry().acquisitionPlane() : planeFromString(view);
        ContinuousIndex middle{(size.i - 1) / 2.0, (size.j - 1) / 2.0, (size.k - 1) / 2.0};
        const int across = volume.geometry().axisAcross(plane);
        (across == 0 ? middle.i : across == 1 ? middle.j : middle.k) = size.along(across) / 2;
        const double grey = WindowLevel{-600, 1500}.map(*volume.valueAt(volume.geometry().toLps(middle)));
        HF_CHECK_NEAR(qRed(picture.pixel(250, 200)), grey, 3);
    }
}

HF_TEST(help_and_version_need_no_display)
{
    for (const char* option : {"--help", "-h", "--version", "-v"}) {
        const fs::path out = scratch() / "told";
        HF_CHECK_EQUAL(std::system(("env -u DISPLAY -u WAYLAND_DISPLAY " + quoted(HF_PROGRAM) + " " + option + " >" + quoted(out) + " 2>/dev/null").c_str()), 0);
        HF_CHECK(contentOf(out).find("ounsfield") != std::string::npos);
    }
}

HF_TEST(a_picture_as_large_as_the_image_has_its_pixels)
{
    for (const auto& [columns, rows] : {std::pair{53, 37}, {64, 48}}) {
        test::Radiograph radiograph{rows, columns, 12, {}, false, {}};
        for (int n = 0; n < rows * columns; ++n) {
            radiograph.stored.push_back(std::uint16_t(n * 7919 % 4096));
        }
        const fs::path file = scratch() / "radiograph.dcm", png = scratch() / "radiograph.png";
        test::writeRadiograph(file, radiograph);
        const std::string size = std::to_string(columns) + "x" + std::to_string(rows);
        HF_CHECK_EQUAL(run("--open " + quoted(file) + " --window 3000,2000 --annotations off --size " + size + " --render " + quoted(png)).code, 0);
        const QImage picture(QString::fromStdString(png.string()));
        int differ = 0;
        for (int n = 0; n < rows * columns; ++n) {
            // PS3.3 C.11.2.1.2.1
            const double grey = std::clamp(((radiograph.stored[std::size_t(n)] - 1999.5) / 2999 + 0.5) * 255, 0.0, 255.0);
            differ += std::abs(qRed(picture.pixel(n % columns, n / columns)) - grey) > 1;
        }
        HF_CHECK_EQUAL(differ, 0);
    }
}

HF_TEST(a_picture_has_its_size_on_any_screen)
{
    const fs::path file = scratch() / "scaled.png";
    setenv("QT_SCALE_FACTOR", "2", 1);
    const Run done = run("--open " + quoted(kSample / "dicom") + " --size 120x90 --render " + quoted(file));
    unsetenv("QT_SCALE_FACTOR");
    HF_CHECK_EQUAL(done.code, 0);
    HF_CHECK(QImage(QString::fromStdString(file.string())).size() == QSize(120, 90));
}

HF_TEST(a_picture_in_3d_needs_no_display)
{
    if (std::system("command -v Xvfb >/dev/null 2>&1") != 0) HF_SKIP("Xvfb is not installed");
    const fs::path file = scratch() / "3d.png";
    const Run done = run("--open " + quoted(kSample / "dicom") + " --view 3d --preset bone --size 300x200 --render " + quoted(file));
    if (done.code != 0) {
        std::printf("%s\n", done.error.c_str());
    }
    HF_CHECK_EQUAL(done.code, 0);
    const QImage picture(QString::fromStdString(file.string()));
    HF_CHECK(picture.size() == QSize(300, 200));
    int bright = 0;
    for (int y = 0; y < picture.height(); ++y) {
        for (int x = 0; x < picture.width(); ++x) bright += qGray(picture.pixel(x, y)) > 100;
    }
    HF_CHECK(bright > 500);
    // Whose images these are is told, but where it is not wanted.
    const fs::path plain = scratch() / "3d-plain.png";
    HF_CHECK_EQUAL(run("--open " + quoted(kSample / "dicom") + " --view 3d --preset bone --size 300x200 --annotations off --render " + quoted(plain)).code, 0);
    const QRect corner(0, 0, 100, 40);
    HF_CHECK(QImage(QString::fromStdString(plain.string())).copy(corner) != picture.copy(corner));
    // A single image has none.
    test::Radiograph radiograph{40, 50, 12, std::vector<std::uint16_t>(2000, 7), false, {}};
    test::writeRadiograph(scratch() / "flat.dcm", radiograph);
    const Run flat = run("--open " + quoted(scratch() / "flat.dcm") + " --view 3d --render " + quoted(file));
    HF_CHECK_EQUAL(flat.code, 1);
    HF_CHECK(flat.error.find("3D") != std::string::npos);
}

HF_TEST(bad_input_gives_one_line_and_a_code)
{
    for (const std::string arguments : {"--open /nowhere --info", "--info", "--open /tmp --ask x", "--open /etc/hostname --info", "--open /tmp --slice many --info", "--nonsense",
             "--open /tmp --window 0,0 --info", "--open /tmp --export-volume x.png", "--open /tmp --render x.jpg", "--open /nowhere --render x.png",
             "--open /tmp --render x.png --view inside", "--open /tmp --render x.png --size 5x5", "--open /tmp --plane diagonal --info", "--open /tmp --render ''", "--open /tmp --export-volume ''",
             "--open /tmp --render x.png --window inf,40", "--open /tmp --render x.png --window 400,nan", "--open /tmp --render x.png --series ''", "--open '' --info",
             "--open /tmp --render x.png --window 400,40 --preset lung", "--open /tmp --render x.png --slice 1 --position 2", "--open /tmp --render x.png --plane axial",
             "--open /tmp --render x.png --view 3d --slice 1", "--open /tmp --render x.png --view 3d --window 400,40", "--open /tmp --info --import /tmp", "--open /tmp --info --export x"}) {
        const Run done = run(arguments);
        HF_CHECK(done.code != 0);
        HF_CHECK(!done.error.empty());
        HF_CHECK_EQUAL(std::count(done.error.begin(), done.error.end(), '\n'), std::ptrdiff_t(1));
    }
    const Run slice = run("--open " + quoted(kSample / "dicom") + " --ask x --slice 100000 --export " + quoted(scratch() / "no"));
    HF_CHECK(slice.code != 0 && slice.error.find("--slice") != std::string::npos);
    const Run model = run("--open " + quoted(kSample / "dicom") + " --ask x --model /nowhere --export " + quoted(scratch() / "no"));
    HF_CHECK(model.code != 0 && !fs::exists(scratch() / "no" / "answer.json"));
}

HF_TEST(a_picture_that_was_not_meant_is_refused)
{
    const fs::path mr = scratch() / "mr.nii", png = scratch() / "refused.png", nowhere = scratch() / "nowhere" / "volume.nii";
    VolumeInfo info;
    const Volume made(Geometry({40, 30, 8}, {2, 2, 3}, {0, 0, 100}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<std::int16_t>(40 * 30 * 8, 100), info);
    imaging::writeNifti(made, mr);
    const std::string job = "--open " + quoted(mr) + " --view axial --render " + quoted(png);
    for (const auto& [position, code] : {std::pair{"100", 0}, {"121.9", 0}, {"123.9", 0}, {"124.1", 2}, {"96.9", 2}, {"-1e9", 2}}) {
        fs::remove(png);
        HF_CHECK_EQUAL(run(job + " --position " + position).code, code);
        HF_CHECK_EQUAL(fs::exists(png), code == 0);
    }
    HF_CHECK(run(job + " --position 5000").error.find("between 100.0 and 121.0 mm") != std::string::npos);
    // A file without a unit may hold Hounsfield units; uptake values it has not.
    HF_CHECK_EQUAL(run(job + " --preset Lung").code, 0);
    HF_CHECK_EQUAL(run(job + " --preset pet-5").code, 2);
    const Run unwritable = run("--open " + quoted(mr) + " --export-volume " + quoted(nowhere));
    HF_CHECK_EQUAL(unwritable.code, 1);
    HF_CHECK(unwritable.error.find("No such file or directory") != std::string::npos);
    HF_CHECK_EQUAL(std::count(unwritable.error.begin(), unwritable.error.end(), '\n'), std::ptrdiff_t(1));
}

HF_TEST(an_answer_that_cannot_be_written_is_no_success)
{
    if (!fs::exists("/dev/full")) HF_SKIP("there is no /dev/full");
    const int status = std::system((quoted(HF_PROGRAM) + " --headless --open " + quoted(kSample / "dicom") + " --info >/dev/full 2>/dev/null").c_str());
    HF_CHECK_EQUAL(WEXITSTATUS(status), 1);
}

HF_TEST(all_that_is_asked_for_is_done)
{
    const fs::path png = scratch() / "also.png", volume = scratch() / "also.nii";
    const Run done = run("--open " + quoted(kSample / "dicom") + " --info --export-volume " + quoted(volume) + " --size 100x100 --render " + quoted(png));
    HF_CHECK_EQUAL(done.code, 0);
    HF_CHECK(fs::exists(png) && fs::exists(volume) && done.out.find("\"studies\"") != std::string::npos);
    // A window would do none of it.
    const Run window = runProgram("-platform offscreen --render x.png " + quoted(kSample / "dicom"));
    HF_CHECK_EQUAL(window.code, 2);
    HF_CHECK(window.error.find("--headless") != std::string::npos);
}

HF_TEST(the_sample_is_segmented)
{
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    const Answer got = ask(kSample / "dicom", "Segment the lungs", "--slice 100");
    HF_CHECK_EQUAL(textOf(got.answer, "expert"), std::string("CTSEG"));
    HF_CHECK_EQUAL(textOf(got.answer, "arguments"), std::string("lungs"));
    HF_CHECK_EQUAL(textOf(got.answer, "plane"), std::string("axial"));
    HF_CHECK_EQUAL(got.answer["slice"].get<int>(), 100);
    HF_CHECK(got.answer["model"]["name"].get<std::string>().find("demo") != std::string::npos);
    HF_CHECK_EQUAL(got.answer["model"]["sha256"].get<std::string>().size(), std::size_t(64));
    for (const char* file : {"view.png", "picture.png", "mask.nii.gz", "transcript.txt"}) {
        HF_CHECK(fs::exists(got.folder / file));
    }
    // The mask file overlays the input, and the volumes told are those of its voxels.
    const std::vector<fs::path> paths{kSample / "dicom"};
    const Volume ct = dicom::readSeries(*dicom::scan(paths).mainSeries());
    const Volume mask = imaging::readVolumeFile(got.folder / "mask.nii.gz");
    HF_CHECK(mask.geometry().sameGridAs(ct.geometry(), 1e-3));
    const Volume truth = imaging::readVolumeFile(kSample / "truth.nii.gz");
    std::array<double, 256> count{};
    double both = 0, sum = 0;
    for (std::size_t n = 0; n < ct.geometry().size().voxels(); ++n) {
        const auto m = static_cast<const std::uint8_t*>(mask.data())[n], t = static_cast<const std::uint8_t*>(truth.data())[n];
        ++count[m];
        const bool isLung = t == 1 || t == 2 || t == 18, found = m == 1 || m == 2;
        both += isLung && found;
        sum += isLung + found;
    }
    HF_CHECK(2 * both / sum >= 0.95);
    HF_CHECK_EQUAL(got.answer["labels"].size(), std::size_t(2));
    for (const json& label : got.answer["labels"]) {
        HF_CHECK_NEAR(label["volume_ml"].get<double>(), count[label["value"].get<std::size_t>()] * ct.geometry().voxelVolumeMm3() / 1000, 0.1);
    }
    // The answer rests on the expert's reply.
    HF_CHECK(textOf(got.answer, "answer").find("left lung") != std::string::npos && textOf(got.answer, "answer").find("right lung") != std::string::npos);
}

HF_TEST(other_wordings_and_structures)
{
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    const std::pair<const char*, const char*> questions[] = {{"Please outline both lungs.", "lungs"}, {"Can you show me the lungs in this scan?", "lungs"}, {"Where are the lungs?", "lungs"},
        {"Show the bones", "bones"}, {"What is the volume of the visceral fat?", "fat"}, {"Segment the trachea", "airways"}, {"Mark the muscles", "muscles"}, {"What can be seen in this scan?", "everything"}};
    // The same trunk in few voxels: what is asked of the expert counts here, its work is checked on the sample.
    phantom::CtPhantomOptions options;
    options.spacingMm = {3, 3, 8};
    const fs::path coarse = scratch() / "coarse";
    dicom::writeCtSeries(phantom::makeCtPhantom(options).volume, {}, coarse);
    for (const auto& [question, argument] : questions) {
        const Answer got = ask(coarse, question);
        HF_CHECK_EQUAL(textOf(got.answer, "arguments"), std::string(argument));
        HF_CHECK(got.answer["expert"] == "CTSEG" && fs::exists(got.folder / "mask.nii.gz"));
    }
}

HF_TEST(what_no_expert_does_is_refused)
{
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    for (const char* question : {"Segment the brain tumor", "Is this cancer?"}) {
        const Answer got = ask(kSample / "dicom", question, "--slice 110");
        HF_CHECK(got.answer["expert"].is_null());
        HF_CHECK(!fs::exists(got.folder / "mask.nii.gz"));
    }
    HF_CHECK(textOf(ask(kSample / "dicom", "Who are you?").answer, "answer").find("demo") != std::string::npos);
}

HF_TEST(real_ct_mr_and_radiograph)
{
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    if (!fs::exists(kData / "ct_chest_abdomen")) HF_SKIP("the real data is not there");
    HF_CHECK_EQUAL(textOf(ask(kData / "ct_chest_abdomen" / "dicom", "Segment the lungs").answer, "arguments"), std::string("lungs"));
    const Answer mr = ask(kData / "mr" / "siemens_t1_sagittal", "Segment the lungs");
    HF_CHECK(mr.answer["expert"].is_null());
    HF_CHECK(textOf(mr.answer, "answer").find("MRI") != std::string::npos);
    const Answer radiograph = ask(kData / "cxr" / "siim_cr_jpeg.dcm", "Segment the lungs");
    HF_CHECK(radiograph.answer["expert"].is_null());
    HF_CHECK(textOf(radiograph.answer, "answer").find("X-ray") != std::string::npos);
    const Answer head = ask(kData / "ct_vendors" / "ge_hispeed_head_tilt_varspacing", "Segment the brain");
    HF_CHECK_EQUAL(textOf(head.answer, "expert"), std::string("CTHEAD"));
    HF_CHECK(textOf(head.answer, "answer").find("brain in ") != std::string::npos);
}

HF_TEST_MAIN()

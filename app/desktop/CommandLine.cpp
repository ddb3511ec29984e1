#include "app/desktop/CommandLine.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::app {

namespace {

/// What names nothing would be taken for an option that was not given: a script's empty variable.
void refuseEmptyValues(const QCommandLineParser& parser)
{
    for (const char* name : {"open", "series", "export", "expert", "slice", "window", "position", "preset", "import"}) {
        if (parser.isSet(name) && parser.values(name).contains(QString())) {
            throw Error(std::string("--") + name + " needs a value", "usage");
        }
    }
}

/// Of two options that say the same thing one would be left out without a word.
void refuseContradictions(const QCommandLineParser& parser)
{
    for (const auto& [one, other] : {std::pair{"slice", "position"}, {"window", "preset"}, {"ask", "expert"}}) {
        if (parser.isSet(one) && parser.isSet(other)) {
            throw Error(std::string("--") + one + " and --" + other + " exclude each other", "usage");
        }
    }
    if (parser.isSet("render") && parser.isSet("plane")) {
        throw Error("--render takes --view in place of --plane", "usage");
    }
    if (parser.isSet("render") && parser.value("view") == "3d") {
        for (const char* name : {"slice", "position", "window", "presentation"}) {
            if (parser.isSet(name)) {
                throw Error(std::string("a 3D view has no --") + name, "usage");
            }
        }
    }
}

/// Jobs that a window does not do.
void refuseWithoutHeadless(const QCommandLineParser& parser)
{
    for (const char* name : {"info", "export-volume", "render", "export", "import", "studies"}) {
        if (parser.isSet(name)) {
            throw Error(std::string("--") + name + " needs --headless", "usage");
        }
    }
}

void parseRender(const QCommandLineParser& parser, HeadlessOptions& job)
{
    job.pictureFile = parser.value("render");
    job.view = parser.value("view");
    job.preset = parser.value("preset").toLower();
    job.annotations = parser.value("annotations") == "on";
    if (parser.isSet("render") && !job.pictureFile.endsWith(".png", Qt::CaseInsensitive)) {
        throw Error("--render needs a file that ends in .png", "usage");
    }
    if (!QStringList{"axial", "sagittal", "coronal", "3d", "single"}.contains(job.view)) {
        throw Error("--view must be axial, sagittal, coronal, 3d or single", "usage");
    }
    if (!QStringList{"on", "off"}.contains(parser.value("annotations"))) {
        throw Error("--annotations must be on or off", "usage");
    }
    if (parser.isSet("position")) {
        bool ok = false;
        job.positionMm = parser.value("position").toDouble(&ok);
        if (!ok || !std::isfinite(*job.positionMm)) {
            throw Error("--position needs millimetres", "usage");
        }
    }
    if (parser.isSet("presentation")) {
        bool isNumber = false;
        const QString word = parser.value("presentation");
        job.presentation = word == "none" ? 0 : word.toInt(&isNumber);
        if (word != "none" && (!isNumber || *job.presentation < 1)) {
            throw Error("--presentation must be none or a number from 1", "usage");
        }
    }
    if (parser.isSet("size")) {
        const QStringList sides = parser.value("size").split('x');
        job.size = QSize(sides.value(0).toInt(), sides.value(1).toInt());
        constexpr int kLeast = 16, kMost = 8192;
        if (sides.size() != 2 || std::min(job.size->width(), job.size->height()) < kLeast || std::max(job.size->width(), job.size->height()) > kMost) {
            throw Error("--size needs WIDTHxHEIGHT, 16 to 8192 each", "usage");
        }
    }
}

} // namespace

CommandLine parseCommandLine(const QStringList& words, QCommandLineParser& parser)
{
    parser.setApplicationDescription("Hounsfield: DICOM viewer with a local radiology assistant");
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument("paths", "Folders, DICOM files, DICOMDIRs, ZIP archives or volume files to open.", "[paths...]");
    parser.addOptions({{"headless", "Work without a window."}, {"sample", "Open the embedded sample study."}, {"open", "Open PATH.", "path"}, {"ask", "Ask TEXT about the view.", "text"},
        {"expert", "Run an expert without the assistant: NAME or NAME:ARGUMENT.", "name"}, {"clicks", "Places for the expert: X,Y,Z or X,Y,Z,out in mm (LPS), apart by semicolons.", "places"},
        {"channels", "Series of an expert that needs several: UIDs apart by commas, or brain (T1c, T1, T2, FLAIR by their attributes).", "uids"},
        {"accept-licence", "Accept the licence of the expert's weights."},
        {"export", "Write the results into FOLDER.", "folder"}, {"export-volume", "Write the volume to FILE, .nii or .nii.gz: values after the rescale.", "file"}, {"series", "Take the series UID.", "uid"}, {"plane", "axial, sagittal or coronal.", "plane"},
        {"slice", "Slice N of the plane, from 0.", "n"}, {"window", "Window WIDTH,CENTRE.", "w,c"}, {"model", "Use the model in FOLDER instead of the embedded demo model.", "folder"},
        {"engine", "Use another engine program.", "file"}, {"device", "Run the assistant on auto, cpu or cuda:N.", "device", "auto"},
        {"precision", "Numbers of the assistant: auto, fp32, bf16 or fp16.", "type", "auto"}, {"quantization", "Round the assistant's weights: none, int8 or int4.", "type", "none"}, {"info", "Print studies and series as JSON."},
        {"render", "Write a picture of one view to FILE, .png.", "file"}, {"view", "View to render: axial, sagittal, coronal, 3d or single (the images as they were taken).", "view", "single"},
        {"position", "Slice nearest to MM along the axis across the plane (LPS), instead of --slice.", "mm"}, {"preset", "Window by its name, or the way a 3D view is rendered; a wrong name lists them.", "name"},
        {"size", "Size of the picture.", "wxh"}, {"annotations", "Texts over the picture: on or off.", "on|off", "on"},
        {"presentation", "Presentation state of the series to render by: none, or its number as --info lists them, from 1 (the default, the newest).", "none|n"},
        {"import", "Take PATH into the list of studies.", "path"}, {"copy", "With --import: copy the images."}, {"studies", "Print the studies of the list that WORDS find; an empty text finds all.", "words"},
        {"library", "Keep the list of studies in FOLDER.", "folder"}, {"screenshot", "Ask, save a picture of the window to FILE and quit.", "file"}});
    if (!parser.parse(words)) {
        throw Error(parser.errorText().toStdString(), "usage");
    }
    refuseEmptyValues(parser);
    refuseContradictions(parser);
    CommandLine line;
    line.headless = parser.isSet("headless");
    if (!line.headless) {
        refuseWithoutHeadless(parser);
    }
    line.sample = parser.isSet("sample");
    HeadlessOptions& job = line.job;
    line.screenshot = parser.value("screenshot");
    job.open = parser.values("open") + parser.positionalArguments();
    if (!line.screenshot.isEmpty() && job.open.isEmpty() && !line.sample) {
        throw Error("--screenshot needs a study: --sample or a path", "usage");
    }
    job.info = parser.isSet("info");
    job.question = parser.value("ask");
    job.exportFolder = parser.value("export");
    job.expert = parser.value("expert");
    job.clicks = parser.value("clicks");
    job.channels = parser.value("channels");
    job.acceptsLicence = parser.isSet("accept-licence");
    job.volumeFile = parser.value("export-volume");
    if (parser.isSet("export-volume") && !job.volumeFile.endsWith(".nii") && !job.volumeFile.endsWith(".nii.gz")) {
        throw Error("--export-volume needs a file that ends in .nii or .nii.gz", "usage");
    }
    job.series = parser.value("series");
    job.plane = parser.value("plane");
    job.engine = {parser.value("engine"), parser.value("model"), parser.value("device"), parser.value("precision"), parser.value("quantization")};
    job.importPaths = parser.values("import");
    job.importCopies = parser.isSet("copy");
    job.libraryFolder = parser.value("library");
    if (parser.isSet("studies")) {
        job.studies = parser.value("studies");
    }
    parseRender(parser, job);
    if (!job.plane.isEmpty() && job.plane != "axial" && job.plane != "sagittal" && job.plane != "coronal") {
        throw Error("--plane must be axial, sagittal or coronal", "usage");
    }
    if (parser.isSet("slice")) {
        bool ok = false;
        job.slice = parser.value("slice").toInt(&ok);
        if (!ok) {
            throw Error("--slice needs a whole number", "usage");
        }
    }
    if (parser.isSet("window")) {
        const QStringList parts = parser.value("window").split(',');
        bool okWidth = false, okCentre = false;
        const double width = parts.value(0).toDouble(&okWidth), centre = parts.value(1).toDouble(&okCentre);
        if (parts.size() != 2 || !okWidth || !okCentre || !(width > 0) || !std::isfinite(width) || !std::isfinite(centre)) {
            throw Error("--window needs WIDTH,CENTRE with a width above 0", "usage");
        }
        job.window = std::pair(width, centre);
    }
    return line;
}

} // namespace hf::app

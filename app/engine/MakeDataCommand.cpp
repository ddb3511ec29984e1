#include "app/ConsoleProgress.h"
#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/StopOnSignal.h"
#include "app/engine/VolumeFile.h"
#include "assistant/engine/DataFile.h"
#include "assistant/engine/Prompt.h"
#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/train/DataSet.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>

namespace hf::app {

namespace fs = std::filesystem;
using namespace assistant::train;
using assistant::CsvFile;

namespace {

/// A volume file of the user and the label map beside it.
struct UserFiles {
    fs::path volume, labels, table;
    std::string name, patient, modality;
    bool isLateral = false;     ///< Of a radiograph.
};

/// NAME.nii, NAME.nii.gz or NAME.json: "NAME" and the ending; an empty ending for anything else.
std::pair<std::string, std::string> nameAndEnding(const fs::path& file)
{
    const std::string name = file.filename().string();
    for (const char* ending : {".nii.gz", ".nii", ".json"}) {
        if (name.ends_with(ending)) {
            return {name.substr(0, name.size() - std::string(ending).size()), ending};
        }
    }
    return {};
}

/// What patients.csv says about a volume.
struct VolumeRow {
    std::string patient, modality;
    bool isLateral = false;
    int line = 0;
};

/// "PA", "AP" or "frontal", "LL" or "lateral", whatever their case; nothing is frontal.
bool isLateral(std::string view, const CsvFile& csv, int line)
{
    std::transform(view.begin(), view.end(), view.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    const bool lateral = view == "ll" || view == "lateral";
    if (!lateral && !view.empty() && view != "pa" && view != "ap" && view != "frontal") {
        csv.fail(line, "the view of a radiograph is PA, AP, frontal, LL or lateral, not '" + view + "'");
    }
    return lateral;
}

/// @throws Error naming the line of a text that conversations and file names cannot hold.
std::string checked(const std::string& text, const char* forbidden, const CsvFile& csv, int line)
{
    if (text.find_first_of(forbidden) != std::string::npos || text.find('\n') != std::string::npos || assistant::repairedUtf8(text) != text) {
        csv.fail(line, "a name is one line of UTF-8 without any of " + std::string(forbidden) + ", unlike '" + assistant::repairedUtf8(text) + "'");
    }
    return text;
}

std::map<std::string, VolumeRow> volumeRows(const fs::path& file)
{
    std::map<std::string, VolumeRow> rows;
    if (!fs::exists(file)) {
        return rows;
    }
    const CsvFile csv(file);
    const auto volume = csv.find({"volume", "name"}), patient = csv.find({"patient"}), modality = csv.find({"modality"}), view = csv.find({"view"});
    if (!volume || (!patient && !modality && !view)) {
        csv.fail(1, "columns volume, and patient, modality or view, were expected");
    }
    for (const CsvFile::Row& row : csv.rows()) {
        const std::string& name = row.fields[*volume];
        const std::string person = patient && !row.fields[*patient].empty() ? checked(row.fields[*patient], "/", csv, row.line) : name;
        if (!rows.emplace(name, VolumeRow{person, modality ? row.fields[*modality] : "", view && isLateral(row.fields[*view], csv, row.line), row.line}).second) {
            csv.fail(row.line, "a second row of the volume " + name);
        }
    }
    return rows;
}

/// A row about nothing is a misspelt name: volumes of one patient would come into several parts.
void checkRowsAreUsed(const std::map<std::string, VolumeRow>& rows, const std::vector<UserFiles>& files, const fs::path& table)
{
    for (const auto& [name, row] : rows) {
        if (std::none_of(files.begin(), files.end(), [&](const UserFiles& one) { return one.name == name; })) {
            throw Error(assistant::placeOf(table, row.line) + "there is no volume " + name + " (its name is without .nii.gz, .nii or .json)", "data");
        }
    }
}

/// Volumes in the order of their names; a patient is the volume's name unless patients.csv says otherwise.
std::vector<UserFiles> userFiles(const fs::path& folder, const std::string& modality)
{
    if (!fs::is_directory(folder)) {
        throw Error(folder.string() + " is no folder", "not-found");
    }
    const std::map<std::string, VolumeRow> rows = volumeRows(folder / "patients.csv");
    std::vector<UserFiles> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto [name, ending] = nameAndEnding(entry.path());
        if (ending.empty() || name.ends_with("_labels")) {
            continue;
        }
        fs::path labels;
        for (const char* other : {".nii.gz", ".nii", ".json"}) {
            if (labels.empty() && fs::exists(folder / (name + "_labels" + other))) {
                labels = folder / (name + "_labels" + other);
            }
        }
        if (labels.empty()) {
            throw Error(entry.path().string() + " has no label map " + name + "_labels.nii.gz, .nii or .json beside it", "not-found");
        }
        const VolumeRow row = rows.contains(name) ? rows.at(name) : VolumeRow{name, "", false, 0};
        if (std::any_of(found.begin(), found.end(), [&, &name = name](const UserFiles& one) { return one.name == name; })) {
            throw Error(folder.string() + " holds two volumes of the name " + name, "data");
        }
        const fs::path own = folder / (name + "_labels.csv"), table = fs::exists(own) ? own : folder / "labels.csv";
        if (!fs::exists(table)) {
            throw Error(labels.string() + " has no table of its values: neither " + name + "_labels.csv nor labels.csv is beside it", "not-found");
        }
        found.push_back({entry.path(), labels, table, name, row.patient, row.modality.empty() ? modality : row.modality, row.isLateral});
    }
    if (found.empty()) {
        throw Error(folder.string() + " holds no volume (.nii, .nii.gz, or .json beside its raw file)", "not-found");
    }
    checkRowsAreUsed(rows, found, folder / "patients.csv");
    std::sort(found.begin(), found.end(), [](const UserFiles& a, const UserFiles& b) { return a.name < b.name; });
    return found;
}

/// "kidney_right" as a person says it: "right kidney".
std::string spoken(std::string name)
{
    std::replace(name.begin(), name.end(), '_', ' ');
    for (const std::string side : {"left", "right"}) {
        if (name.ends_with(" " + side)) {
            name = side + " " + name.substr(0, name.size() - side.size() - 1);
        }
    }
    return name;
}

/// value,name
std::vector<Label> labelTable(const fs::path& file)
{
    const CsvFile csv(file);
    const auto value = csv.find({"value", "label", "id"}), name = csv.find({"name", "structure"});
    if (!value || !name) {
        csv.fail(1, "columns value and name were expected");
    }
    std::vector<Label> labels;
    for (const CsvFile::Row& row : csv.rows()) {
        const std::string& text = row.fields[*value];
        const int number = text.empty() || text.size() > 3 || text.find_first_not_of("0123456789") != std::string::npos ? -1 : std::stoi(text);
        if (number < 0 || number > 255) {
            csv.fail(row.line, "a label's value is a whole number of 0 to 255, not '" + text + "'");
        }
        if (number > 0) {
            Label label;
            label.value = LabelId(number);
            // What a call cannot hold: <NAME(argument)>; cards put arguments into quotation marks.
            label.name = spoken(checked(row.fields[*name], "<>()'", csv, row.line));
            if (label.name.empty() || std::any_of(labels.begin(), labels.end(), [&](const Label& one) { return one.value == label.value; })) {
                csv.fail(row.line, label.name.empty() ? "the label has no name" : "a second name for the label " + text);
            }
            labels.push_back(label);
        }
    }
    return labels;
}

LabelledVolume readUserVolume(const UserFiles& files)
{
    const Volume volume = readVolumeFile(files.volume, files.modality), labels = readVolumeFile(files.labels, "SEG");
    if (assistant::modalityWord(volume.info().modality, volume.info().bodyPart).empty()) {
        throw Error(files.volume.string() + ": " + (volume.info().modality.empty() ? "its modality is not known" : "there are no conversations about images of modality '" + volume.info().modality + "'") +
            "; --modality or patients.csv says CT, MR, DX or US", "unsupported");
    }
    if (!labels.geometry().sameGridAs(volume.geometry())) {
        throw Error(files.labels.string() + " and " + files.volume.string() + " lie on different grids", "grid");
    }
    const std::vector<Label> table = labelTable(files.table);
    std::array<bool, 256> isNamed{};
    for (const Label& label : table) {
        isNamed[label.value] = true;
    }
    std::vector<LabelId> voxels(labels.geometry().size().voxels());
    labels.visit([&](const auto& values) {
        for (std::size_t n = 0; n < voxels.size(); ++n) {
            const double value = double(values[n]);
            if (value < 0 || value > 255 || value != std::floor(value)) {
                throw Error(files.labels.string() + " holds the value " + std::to_string(value) + ", which is no label of 0 to 255", "broken");
            }
            voxels[n] = isNamed[std::size_t(value)] ? LabelId(value) : LabelId(0);
        }
    });
    return {volume, LabelMap(volume.geometry(), std::move(voxels), table), files.patient, files.isLateral};
}

} // namespace

int makeDataCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--output", "--seed", "--patients", "--volumes", "--modality", "--views", "--questions", "--validation", "--test"}, {});
    if (!arguments.has("--output") || !arguments.plain().empty()) {
        throw Error("make-data needs --output FOLDER", "usage");
    }
    const StopOnSignal signal;
    DataSetOptions options;
    options.seed = std::uint32_t(arguments.whole("--seed", options.seed));
    options.views = int(arguments.whole("--views", options.views));
    options.questions = int(arguments.whole("--questions", options.questions));
    options.validation = arguments.number("--validation", options.validation);
    options.test = arguments.number("--test", options.test);
    const fs::path folder = arguments.value("--volumes");
    const std::vector<UserFiles> files = folder.empty() ? std::vector<UserFiles>() : userFiles(folder, arguments.value("--modality"));
    const int phantoms = int(arguments.whole("--patients", folder.empty() ? 100 : 0));
    if (options.views < 1 || options.questions < 1 || phantoms < 0 || options.validation < 0 || options.test < 0 || options.validation + options.test >= 1) {
        throw Error("--views and --questions are at least 1, --validation and --test shares below 1 together", "usage");
    }
    const auto phantomSeed = [&](int n) { return options.seed * 100'000 + std::uint32_t(n); };
    std::vector<std::string> patients;
    for (int n = 0; n < phantoms; ++n) {
        patients.push_back("phantom-" + std::to_string(phantomSeed(n)));
    }
    for (const UserFiles& one : files) {
        patients.push_back(one.patient);
    }
    DataSetWriter writer(arguments.value("--output"), splitByPatient(patients, options));
    ConsoleProgress console;
    const Progress progress = console.progress();
    std::size_t done = 0;
    const auto add = [&](const LabelledVolume& volume) {
        writer.add(volume.patient, conversationsAbout(volume, options));
        report(progress, double(++done) / double(patients.size()), "volumes");
        throwIfStopped(signal.token());
    };
    for (int n = 0; n < phantoms; ++n) {
        add(labelledPhantom(phantomSeed(n)));
    }
    for (const UserFiles& one : files) {
        add(readUserVolume(one));
    }
    for (const auto& [part, count] : writer.finish()) {
        std::printf("%s: %zu conversations\n", part.c_str(), count);
    }
    return 0;
}

} // namespace hf::app

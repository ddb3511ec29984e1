#include "app/desktop/Headless.h"

#include "app/ConsoleProgress.h"
#include "app/desktop/LibraryJob.h"
#include "assistant/client/EngineClient.h"
#include "viewer/database/WholeFile.h"
#include "viewer/dicom/BrainSequences.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/imaging/Registration.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Shutter.h"
#include "viewer/widgets/ShownSeries.h"

#include <QDir>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QFile>
#include <QImage>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <new>

namespace hf::app {

namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

QJsonArray notesJson(const std::vector<Note>& notes)
{
    QJsonArray array;
    for (const Note& note : notes) {
        array.append(QJsonObject{{"code", text(note.code)}, {"text", text(note.text)}});
    }
    return array;
}

QJsonObject seriesJson(const dicom::Series& series)
{
    QJsonArray spacing, windows, states;
    for (const double mm : series.spacingMm) {
        spacing.append(mm);
    }
    for (const WindowLevel& window : series.windows) {
        windows.append(QJsonObject{{"center", window.center}, {"width", window.width}, {"name", text(window.name)}});
    }
    for (const auto& state : series.presentations) {
        QJsonArray without;
        for (const std::string& part : state->notApplied) {
            without.append(text(part));
        }
        states.append(QJsonObject{{"label", text(state->label)}, {"not_applied", without}});
    }
    return {{"key", text(series.key)}, {"uid", text(series.uid)}, {"modality", text(series.modality)}, {"unit", text(toString(series.unit))}, {"description", text(series.text.seriesDescription)}, {"kind", text(toString(series.kind))},
        {"images", series.count()}, {"matrix", QJsonArray{series.columns, series.rows, series.count()}}, {"spacing_mm", spacing},
        {"plane", series.plane ? QJsonValue(text(toString(*series.plane))) : QJsonValue()}, {"windows", windows}, {"notes", notesJson(series.notes)}, {"part", series.part}, {"parts", series.parts},
        {"presentations", states}, {"part_name", text(series.partName)}, {"body_part", text(series.text.bodyPart)}};
}

/// Memory that ends is told of the series that needs it; the others are still listed.
dicom::Inspection inspected(const dicom::Series& series)
{
    try {
        return dicom::inspect(series);
    } catch (const std::bad_alloc&) {
        dicom::Inspection result;
        result.rejected.push_back({series.images.at(0).path, "there is not enough memory", "memory"});
        return result;
    }
}

/// Every image is decoded once, so that the list of what was refused is whole and the notes are those of the volume.
void printInfo(const dicom::ScanResult& found)
{
    QJsonArray studies, rejected;
    std::vector<dicom::Rejected> refused = found.rejected;
    for (const dicom::Study& study : found.studies) {
        QJsonArray series;
        for (dicom::Series one : study.series) {
            dicom::Inspection inspection = inspected(one);
            refused.insert(refused.end(), inspection.rejected.begin(), inspection.rejected.end());
            one.notes = std::move(inspection.notes);
            if (inspection.isReadable) {
                series.append(seriesJson(one));
            }
        }
        if (!series.isEmpty()) {
            studies.append(QJsonObject{{"uid", text(study.uid)}, {"description", text(study.text.studyDescription)}, {"series", series}});
        }
    }
    for (const dicom::Rejected& one : refused) {
        rejected.append(QJsonObject{{"path", text(one.path.string())}, {"code", text(one.code)}, {"reason", text(one.reason)}});
    }
    const QByteArray json = QJsonDocument(QJsonObject{{"studies", studies}, {"rejected", rejected}, {"files", double(found.filesSeen)}}).toJson();
    std::fwrite(json.constData(), 1, std::size_t(json.size()), stdout);
    if (studies.isEmpty()) {
        throw Error("nothing that can be shown was found" + (refused.empty() ? std::string() : ": " + refused.front().reason), "empty");
    }
}

QJsonObject volumeJson(const dicom::Series& series, const Volume& volume)
{
    const Geometry& geometry = volume.geometry();
    QJsonArray spacing, affine;
    for (const double mm : geometry.spacingMm()) {
        spacing.append(mm);
    }
    for (const double value : geometry.affineRas()) {
        affine.append(value);
    }
    return {{"key", text(series.key)}, {"uid", text(series.uid)}, {"kind", text(toString(series.kind))}, {"modality", text(volume.info().modality)}, {"unit", text(toString(volume.info().unit))},
        {"type", volume.isColor() ? QStringLiteral("rgb24") : text(toString(volume.type()))}, {"size", QJsonArray{geometry.size().i, geometry.size().j, geometry.size().k}}, {"spacing_mm", spacing},
        {"affine_ras", affine}, {"inverted", volume.info().isInverted}, {"notes", notesJson(volume.info().notes)}};
}

void exportVolume(const HeadlessOptions& options, const dicom::ScanResult& found)
{
    const dicom::Series& series = chosenSeries(found, options.series);
    const Volume volume = dicom::readSeries(series);
    imaging::writeNifti(volume, options.volumeFile.toStdString());
    const QByteArray json = QJsonDocument(volumeJson(series, volume)).toJson();
    std::fwrite(json.constData(), 1, std::size_t(json.size()), stdout);
}

View chosenView(const HeadlessOptions& options, const dicom::Series& series, const std::shared_ptr<const Volume>& shared)
{
    const Volume& volume = *shared;
    View view;
    view.plane = options.plane.isEmpty() ? volume.geometry().acquisitionPlane() : planeFromString(options.plane.toStdString());
    const int slices = volume.geometry().size().along(volume.geometry().axisAcross(view.plane));
    view.slice = options.slice.value_or(slices / 2);
    if (view.slice < 0 || view.slice >= slices) {
        throw Error("--slice must be between 0 and " + std::to_string(slices - 1) + " in this plane", "usage");
    }
    // As a view shows it.
    ShownSeries shown;
    shown.volume = shared;
    shown.series = series;
    shown.presentation = series.presentations.empty() ? -1 : 0;
    shown.centreCursor();
    shown.setCursor(shown.cursorOn(view.plane, view.slice));
    shown.window = shown.presentedWindow();
    view = shown.view(view.plane);
    if (options.window) {
        view.window = {options.window->second, options.window->first, {}};
    }
    return view;
}

QImage toImage(const Picture& picture)
{
    return QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).copy();
}

/// The view with its overlay, large enough to be looked at.
Picture viewPicture(const Volume& volume, const View& view, const LabelMap* mask)
{
    SliceFrame frame = squareFrameOf(volume.geometry(), view);
    const int side = std::max(frame.width, frame.height);
    const int factor = std::clamp(int(std::ceil(768.0 / side)), 1, 8);
    frame.pixelMm = {frame.pixelMm[0] / factor, frame.pixelMm[1] / factor};
    frame.width *= factor;
    frame.height *= factor;
    frame.origin = frame.toLps(-(factor - 1) / 2.0, -(factor - 1) / 2.0);
    Picture picture = composeSlice(volume, frame, view.window, view.invert, Interpolation::Linear, mask);
    if (view.shutter) {
        applyShutter(picture, frame, volume.geometry(), view.slice, *view.shutter);
    }
    return picture;
}

void writeFile(const QString& path, const QByteArray& bytes)
{
    if (const QString reason = replaceFile(path, bytes); !reason.isEmpty()) {
        throw Error("cannot write " + path.toStdString() + ": " + reason.toStdString(), "write");
    }
}

void writeImage(const QString& path, const Picture& picture)
{
    if (const QString reason = replacePng(path, toImage(picture)); !reason.isEmpty()) {
        throw Error("cannot write " + path.toStdString() + ": " + reason.toStdString(), "write");
    }
}

/// Everything about one question, gathered from the client's signals.
struct Record {
    assistant::ChatOutcome outcome;
    QStringList prompts, answers;
    Picture picture;
    QString errorCode, error;
    double totalMs = 0;
};

/// Runs the loop of events until the job ends, and notes what happens.
Record follow(assistant::EngineClient& client, quint64 job)
{
    Record record;
    QEventLoop loop;
    QElapsedTimer timer;
    timer.start();
    using Client = assistant::EngineClient;
    QObject::connect(&client, &Client::promptSent, &loop, [&](quint64, int, const QString& prompt) {
        record.prompts.append(prompt);
        record.answers.append(QString());
    });
    QObject::connect(&client, &Client::pictureMade, &loop, [&](quint64, int stage, const Picture& picture) {
        if (stage == 0) {
            record.picture = picture;
        }
    });
    QObject::connect(&client, &Client::tokenReceived, &loop, [&](quint64, int, const QString& piece) {
        if (!record.answers.isEmpty()) {
            record.answers.back() += piece;
        }
    });
    ConsoleProgress console;
    QObject::connect(&client, &Client::expertProgress, &loop, [&](quint64, double fraction, const QString& stage) {
        console.show(fraction, ("expert: " + stage).toStdString());
    });
    QObject::connect(&client, &Client::expertFinished, &loop, [&, isChat = client.isChat(job)](quint64 number, const assistant::ExpertOutcome& outcome) {
        if (number == job && !isChat) {
            record.outcome.expert = outcome;
            loop.quit();
        }
    });
    QObject::connect(&client, &Client::chatFinished, &loop, [&](quint64 number, const assistant::ChatOutcome& outcome) {
        if (number == job) {
            record.outcome = outcome;
            loop.quit();
        }
    });
    QObject::connect(&client, &Client::failed, &loop, [&](quint64 number, const QString& code, const QString& message) {
        if (number == job) {
            record.errorCode = code;
            record.error = message;
            loop.quit();
        }
    });
    loop.exec();
    record.totalMs = double(timer.nsecsElapsed()) / 1e6;
    return record;
}

QJsonObject answerJson(const Record& record, const Volume& volume, double readMs)
{
    const assistant::ChatOutcome& outcome = record.outcome;
    QJsonArray labels, scores;
    if (outcome.expert) {
        for (const assistant::ExpertScore& score : outcome.expert->scores) {
            scores.append(QJsonObject{{"finding", score.label}, {"score", score.mean}, {"lowest", score.lowest}, {"highest", score.highest}, {"models", score.models}, {"positive", score.isPositive}});
        }
        for (std::size_t n = 0; n < outcome.expert->facts.size(); ++n) {
            const LabelFacts& facts = outcome.expert->facts[n];
            const Label* label = outcome.expert->mask.findLabel(facts.value);
            labels.append(QJsonObject{{"name", label ? text(label->name) : QString()}, {"value", facts.value}, {"volume_ml", facts.volumeMl},
                {"mean_hu", facts.voxels ? QJsonValue(facts.meanValue) : QJsonValue()}, {"voxels", double(facts.voxels)}});
        }
    }
    QJsonObject timings = outcome.timingsMs;
    timings["read"] = readMs;
    timings["question"] = record.totalMs;
    const QJsonObject model = outcome.report["model"].toObject();
    return {{"answer", outcome.answer}, {"first_answer", outcome.report["firstAnswer"]}, {"modality", text(volume.info().modality)}, {"plane", outcome.plane}, {"slice", outcome.slice},
        {"expert", outcome.expert ? QJsonValue(outcome.expert->expert) : QJsonValue()}, {"expert_version", outcome.expert ? QJsonValue(outcome.expert->version) : QJsonValue()},
        {"arguments", outcome.expert ? QJsonValue(outcome.expert->arguments) : QJsonValue()}, {"expert_error", outcome.expertError.isEmpty() ? QJsonValue() : QJsonValue(outcome.expertError)},
        {"labels", labels}, {"scores", scores}, {"notice", outcome.expert ? QJsonValue(outcome.expert->notice) : QJsonValue()},
        {"licence", outcome.expert ? QJsonValue(outcome.expert->licence) : QJsonValue()}, {"weights_sha256", outcome.expert ? QJsonValue(outcome.expert->weightsSha256) : QJsonValue()}, {"model", QJsonObject{{"name", model["name"]}, {"version", model["version"]}, {"sha256", model["sha256"]}, {"demo", model["demo"]}}}, {"timings_ms", timings},
        {"notes", notesJson(volume.info().notes)}, {"program", QStringLiteral("Hounsfield " HF_VERSION)}};
}

QByteArray transcript(const Record& record, const QString& question)
{
    const QJsonObject model = record.outcome.report["model"].toObject();
    QString all = QStringLiteral("AI output of %1 %2 (weights sha256 %3). Not for diagnosis.\n").arg(model["name"].toString(), model["version"].toString(), model["sha256"].toString());
    all += "\n== Question\n" + question + "\n";
    for (qsizetype n = 0; n < record.prompts.size(); ++n) {
        all += QStringLiteral("\n== Prompt %1\n%2\n\n== Answer %1\n%3\n").arg(n + 1).arg(record.prompts[n], record.answers.value(n));
        if (n == 0 && record.outcome.expert) {
            all += QStringLiteral("\n== Expert %1 %2 (%3), %4 ms\n%5\n").arg(record.outcome.expert->expert, record.outcome.expert->version, record.outcome.expert->arguments)
                       .arg(record.outcome.expert->milliseconds, 0, 'f', 0).arg(record.outcome.expert->sentence);
        }
    }
    if (!record.outcome.expertError.isEmpty()) {
        all += "\n== Expert error\n" + record.outcome.expertError + "\n";
    }
    return all.toUtf8();
}

/// "X,Y,Z" or "X,Y,Z,out" in LPS mm, apart by semicolons.
QList<assistant::ExpertClick> clicksFrom(const QString& text)
{
    QList<assistant::ExpertClick> clicks;
    for (const QString& word : text.split(';', Qt::SkipEmptyParts)) {
        const QStringList parts = word.split(',');
        bool isGood = parts.size() == 3 || (parts.size() == 4 && (parts[3] == "in" || parts[3] == "out"));
        std::array<double, 3> place{};
        for (int n = 0; isGood && n < 3; ++n) {
            place[std::size_t(n)] = parts[n].toDouble(&isGood);
        }
        if (!isGood) {
            throw Error("--clicks needs X,Y,Z or X,Y,Z,out in millimetres", "usage");
        }
        clicks.append({{place[0], place[1], place[2]}, parts.value(3) != "out"});
    }
    return clicks;
}

/// Series of the four sequences of a brain: the best of the first study that has them all. @throws Error "not-found" naming what is missing.
std::vector<const dicom::Series*> brainSeries(const dicom::ScanResult& found)
{
    std::string missing;
    for (const dicom::Study& study : found.studies) {
        missing.clear();
        std::vector<const dicom::Series*> chosen;
        const auto sequences = dicom::findBrainSequences(study);
        for (std::size_t n = 0; n < sequences.size(); ++n) {
            if (sequences[n].empty()) {
                missing += (missing.empty() ? "" : ", ") + dicom::toString(dicom::BrainSequence(n));
                continue;
            }
            chosen.push_back(sequences[n].front());
            std::fprintf(stderr, "%s: series %s\n", dicom::toString(dicom::BrainSequence(n)).c_str(), chosen.back()->text.seriesNumber.c_str());
        }
        if (missing.empty()) {
            return chosen;
        }
    }
    throw Error("not found by its attributes: " + missing + "; name the series with --channels", "not-found");
}

/// The series to work on: one, or the channels of an expert.
std::vector<const dicom::Series*> seriesFor(const HeadlessOptions& options, const dicom::ScanResult& found)
{
    if (options.channels == "brain") {
        return brainSeries(found);
    }
    std::vector<const dicom::Series*> chosen;
    for (const QString& uid : options.channels.split(',', Qt::SkipEmptyParts)) {
        chosen.push_back(&chosenSeries(found, uid));
    }
    return chosen.empty() ? std::vector{&chosenSeries(found, options.series)} : chosen;
}

/// All but the first, on the grid of the first.
QList<std::shared_ptr<const Volume>> otherChannels(const std::vector<const dicom::Series*>& series, const Volume& first)
{
    QList<std::shared_ptr<const Volume>> others;
    for (std::size_t n = 1; n < series.size(); ++n) {
        ConsoleProgress console;
        const Progress progress = [&](double fraction, const std::string& stage) { console.show(fraction, "series " + std::to_string(n + 1) + " of " + std::to_string(series.size()) + ": " + stage); };
        others.append(std::make_shared<const Volume>(imaging::onGridOf(first, dicom::readSeries(*series[n]), progress, {})));
    }
    return others;
}

/// Runs the expert that was named, or asks the assistant.
Record recordOf(const HeadlessOptions& options, assistant::EngineClient& client, const std::shared_ptr<const Volume>& volume, const QList<std::shared_ptr<const Volume>>& others, const View& view)
{
    if (!options.expert.isEmpty()) {
        const QString name = options.expert.section(':', 0, 0);
        if (options.acceptsLicence) {
            client.acceptLicence(name);
        }
        return follow(client, client.runExpert({volume, view, name, options.expert.section(':', 1), clicksFrom(options.clicks), others}));
    }
    assistant::ChatRequest request;
    request.volume = volume;
    request.view = view;
    request.question = options.question;
    return follow(client, client.chat(request));
}

int answerQuestion(const HeadlessOptions& options, const dicom::ScanResult& found)
{
    QElapsedTimer timer;
    timer.start();
    const std::vector<const dicom::Series*> series = seriesFor(options, found);
    const auto volume = std::make_shared<const Volume>(dicom::readSeries(*series.front()));
    const auto others = otherChannels(series, *volume);
    const double readMs = double(timer.nsecsElapsed()) / 1e6;
    const View view = chosenView(options, *series.front(), volume);
    if (!QDir().mkpath(options.exportFolder)) {
        throw Error("cannot make the folder " + options.exportFolder.toStdString(), "write");
    }
    // Results of an earlier run must not be taken for this one's.
    const QDir out(options.exportFolder);
    for (const char* name : {"answer.json", "view.png", "picture.png", "mask.nii.gz", "transcript.txt"}) {
        QFile::remove(out.filePath(name));
    }
    assistant::EngineClient client(options.engine);
    const Record record = recordOf(options, client, volume, others, view);
    if (!record.errorCode.isEmpty()) {
        throw Error(record.error.toStdString(), record.errorCode.toStdString());
    }
    const auto& expert = record.outcome.expert;
    const LabelMap* mask = expert && !expert->mask.isEmpty() ? &expert->mask : nullptr;
    if (mask) {
        imaging::writeNifti(*mask, out.filePath("mask.nii.gz").toStdString());
    }
    writeImage(out.filePath("view.png"), viewPicture(*volume, view, mask));
    writeFile(out.filePath("answer.json"), QJsonDocument(answerJson(record, *volume, readMs)).toJson());
    if (!options.expert.isEmpty()) {
        return 0;
    }
    writeImage(out.filePath("picture.png"), record.picture);
    writeFile(out.filePath("transcript.txt"), transcript(record, options.question));
    std::printf("%s\n", record.outcome.answer.toUtf8().constData());
    if (!record.outcome.expertError.isEmpty()) {
        std::fprintf(stderr, "hounsfield: the expert did not run: %s\n", record.outcome.expertError.toUtf8().constData());
        return 3;
    }
    return 0;
}

/// A full disk behind the standard output is told when it is emptied, which the end of the program does without a look at the result.
void emptyOutput()
{
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
        throw Error("the standard output cannot be written", "write");
    }
}

} // namespace

dicom::ScanResult scanPaths(const QStringList& paths)
{
    std::vector<std::filesystem::path> list;
    for (const QString& path : paths) {
        list.emplace_back(path.toStdString());
    }
    return dicom::scan(list);
}

const dicom::Series& chosenSeries(const dicom::ScanResult& found, const QString& wanted)
{
    const dicom::Series* series = wanted.isEmpty() ? found.mainSeries() : found.findSeries(wanted.toStdString());
    if (!series) {
        const std::string reason = found.rejected.empty() ? "" : ": " + found.rejected.front().reason;
        throw Error(wanted.isEmpty() ? "nothing that can be shown was found" + reason : "there is no series " + wanted.toStdString(), "not-found");
    }
    return *series;
}

int reportingErrors(const std::function<int()>& job)
{
    try {
        return job();
    } catch (const Error& error) {
        std::fprintf(stderr, "hounsfield: %s\n", error.what());
        return error.code() == "usage" ? 2 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hounsfield: %s\n", error.what());
        return 1;
    }
}

int runHeadless(const HeadlessOptions& options)
{
    return reportingErrors([&] {
        const bool asks = !options.question.isEmpty() || !options.expert.isEmpty(), opens = options.info || !options.volumeFile.isEmpty() || asks;
        if (!options.importPaths.isEmpty() || options.studies) {
            if (opens || !options.open.isEmpty()) {
                throw Error("--import and --studies are jobs of their own", "usage");
            }
            const int code = runLibraryJob(options);
            emptyOutput();
            return code;
        }
        if (options.open.isEmpty()) {
            throw Error("--headless needs --open PATH, --import PATH or --studies WORDS", "usage");
        }
        if (!opens || asks == options.exportFolder.isEmpty()) {
            throw Error("--headless needs --info, --export-volume FILE, --render FILE, or --ask TEXT (or --expert NAME) and --export FOLDER", "usage");
        }
        const dicom::ScanResult found = scanPaths(options.open);
        if (options.info) {
            printInfo(found);
        }
        if (!options.volumeFile.isEmpty()) {
            exportVolume(options, found);
        }
        const int code = asks ? answerQuestion(options, found) : 0;
        emptyOutput();
        return code;
    });
}

} // namespace hf::app

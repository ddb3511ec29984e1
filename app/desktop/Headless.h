#pragma once

#include "assistant/client/EngineClient.h"

#include <QSize>
#include <QString>
#include <QStringList>

#include <functional>
#include <optional>

namespace hf::dicom {
struct ScanResult;
struct Series;
}

namespace hf::app {

/// What `hounsfield --headless` is asked to do.
struct HeadlessOptions {
    QStringList open;               ///< Folders, files, archives.
    bool info = false;              ///< Print studies and series as JSON.
    QString question;
    QString expert;                 ///< Instead of a question: run this expert alone, "NAME" or "NAME:ARGUMENT".
    QString clicks;                 ///< For it: "X,Y,Z" or "X,Y,Z,out" in LPS mm, apart by semicolons.
    QString channels;               ///< For an expert of several series: their UIDs or keys in its order, apart by commas; "brain": T1c, T1, T2, FLAIR as found by attributes.
    bool acceptsLicence = false;    ///< Of its weights, once and for all.
    QString exportFolder;
    QString volumeFile;             ///< Write the volume here, .nii or .nii.gz.
    QString series;                 ///< UID or key; empty: the main series.
    QString plane;                  ///< Empty: the plane of acquisition.
    std::optional<int> slice;       ///< Voxel index along the axis across the plane; empty: the middle.
    std::optional<std::pair<double, double>> window;    ///< Width and centre.
    QString pictureFile;            ///< Write a picture of one view here, PNG.
    QString view = "single";        ///< "axial", "sagittal", "coronal", "3d"; "single": the images as they were taken.
    std::optional<double> positionMm;   ///< Instead of `slice`: LPS coordinate along the axis across the plane.
    QString preset;                 ///< Instead of `window`.
    std::optional<QSize> size;      ///< Of the picture, pixels.
    std::optional<int> presentation;    ///< Number of a presentation state of the series, from 1; 0: none; empty: the newest.
    bool annotations = true;        ///< Texts, letters, ruler and marks over the picture.
    assistant::EngineClient::Options engine;
    QStringList importPaths;        ///< Take these into the list of studies.
    bool importCopies = false;      ///< With copies of the images.
    std::optional<QString> studies; ///< Print the studies of the list that these words find, as JSON.
    QString libraryFolder;          ///< Empty: the user's data folder.
};

/// Runs a job; the reason of an error goes to stderr, in one line.
/// @return the job's exit code; 2 for a wrong command line, 1 for other errors.
int reportingErrors(const std::function<int()>& job);

/// Does the jobs without a window, one after the other, on the calling thread, which needs a QCoreApplication. Prints progress on stderr.
/// @return the exit code: 0 done, 1 not done (the reason is one line on stderr), 2 wrong options, 3 answered, but the expert that the
///         model asked for did not run.
int runHeadless(const HeadlessOptions& options);

/// @throws Error as dicom::scan.
dicom::ScanResult scanPaths(const QStringList& paths);
/// The series that was asked for, else the main one. @throws Error "not-found", with the reason why nothing was found.
const dicom::Series& chosenSeries(const dicom::ScanResult& found, const QString& wanted);

} // namespace hf::app

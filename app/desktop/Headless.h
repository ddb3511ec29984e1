#pragma once

#include <QString>
#include <QStringList>

#include <optional>

namespace hf::app {

/// What `hounsfield --headless` is asked to do.
struct HeadlessOptions {
    QStringList open;               ///< Folders, files, archives.
    bool info = false;              ///< Print studies and series as JSON.
    QString question;
    QString exportFolder;
    QString volumeFile;             ///< Write the volume here, .nii or .nii.gz.
    QString series;                 ///< UID or key; empty: the main series.
    QString plane;                  ///< Empty: the plane of acquisition.
    std::optional<int> slice;       ///< Voxel index along the axis across the plane; empty: the middle.
    std::optional<std::pair<double, double>> window;    ///< Width and centre.
    QString modelFolder;
    QString engineProgram;
};

/// Does the main job without a window, on the calling thread, which needs a QCoreApplication. Prints progress on stderr.
/// @return the exit code: 0 done, 1 not done (the reason is one line on stderr), 2 wrong options, 3 answered, but the expert that the
///         model asked for did not run.
int runHeadless(const HeadlessOptions& options);

} // namespace hf::app

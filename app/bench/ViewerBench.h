#pragma once

#include <QStringList>

namespace hf::bench {

/// hounsfield-bench viewer: generated CT series read by this program, dcm2niix and ITK/GDCM in the same run; frame times and event-loop stalls
/// of the window. Needs a display (Xvfb does). @return exit code. @throws Error
int runViewerBench(const QStringList& words);

/// The parts that run in processes of their own, so that each has its own memory.
int runReadChild(const QString& folder);
int runItkChild(const QString& folder);

} // namespace hf::bench

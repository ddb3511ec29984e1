#pragma once

#include "viewer/widgets/Findings.h"

#include <QByteArray>

namespace hf {

/// The findings of a study as JSON, version 1: points and axes in LPS mm, the facts as they were measured last.
QByteArray toJson(const std::vector<Finding>& findings, int lastId);

struct FindingsFile {
    std::vector<Finding> findings;
    int lastId = 0;
};

/// @throws Error  no JSON of this version; a finding that is not complete.
FindingsFile findingsFromJson(const QByteArray& json);

/// File name for a study: tells nothing about the patient.
QString findingsFileName(const std::string& studyUid);

} // namespace hf

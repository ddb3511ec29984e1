#pragma once

#include <QString>

namespace hf {

/// Why a file was not taken (dicom::Rejected::reason) or could not be opened (Error::what()), in the reader's language; what a library or the
/// system says in it, names and numbers stay. What has no translation stays English.
QString reasonText(const QString& reason);

} // namespace hf

#pragma once

#include "viewer/dicom/Study.h"

namespace hf {

/// Whether two series may show different people: another id, name or birth date, or nothing that tells that they are the same. Two series
/// of one study are one patient's. In doubt they are different.
bool mayBeOtherPatients(const dicom::Series& one, const dicom::Series& other);

} // namespace hf

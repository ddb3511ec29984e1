#pragma once

#include "viewer/dicom/Header.h"
#include "viewer/dicom/Study.h"

#include <vector>

// Internal to hf_dicom: from headers to studies and series.
namespace hf::dicom {

/// Sorts headers into studies, splits series whose images cannot be one volume, orders images.
std::vector<Study> groupIntoStudies(std::vector<Header> headers);

/// Puts a finished series (of another format) into its own study.
void addSeries(std::vector<Study>& studies, Series series);

} // namespace hf::dicom

#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/Measurement.h"

#include <vector>

namespace hf::dicom {

/// The calibrated 2D tissue regions of an ultrasound series, of each of its files for the images that it holds; empty where there are none or they
/// are no lengths in centimetres. Thread-safe. Source: DICOM PS3.3 C.8.5.5 (US Region Calibration).
std::vector<UltrasoundRegion> readUltrasoundRegions(const Series& series);

} // namespace hf::dicom

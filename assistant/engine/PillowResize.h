#pragma once

#include "viewer/volume/Picture.h"

namespace hf::assistant {

/// Bicubic resize of 8-bit RGB, bit by bit as Pillow does it (horizontal pass first, 8-bit between, 22-bit fixed point).
/// Source: reference vila-m3.md 2.3. @throws Error for an empty picture or a size below 1.
Picture resizeBicubic(const Picture& picture, int width, int height);

/// The square picture that the vision tower takes: "resize" ignores the aspect, "pad" centres on a square of one colour first.
/// @param around  that colour: PreprocessorConfig::padColor(). Source: reference 2.2.
Picture preprocess(const Picture& picture, int size, const std::string& aspectRatio, Rgb8 around = {127, 127, 127});

} // namespace hf::assistant

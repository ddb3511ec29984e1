#pragma once

#include "viewer/volume/Picture.h"

#include <filesystem>

namespace hf::assistant {

/// A PNG or JPEG file as 8-bit RGB, as Pillow's convert("RGB") gives it: transparency is dropped, grey is tripled, orientation tags are
/// not applied. Of 16-bit samples the upper byte is taken. Interlaced, palette and progressive files too.
/// @throws Error "file" when it cannot be read, "picture" when it is neither format, broken, too large, or CMYK.
Picture readPictureFile(const std::filesystem::path& file);

/// As PNG, 8 bits RGB. @throws Error "write".
void writePngFile(const std::filesystem::path& file, const Picture& picture);

} // namespace hf::assistant

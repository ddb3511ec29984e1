#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hf::runtime {

class MappedFile;

/// The members of a ZIP archive: views on the mapped file, no copy; empty for a compressed one, which torch.save never writes. Sizes come from the central directory, offsets from the local headers; Zip64 is understood. Source: PKWARE APPNOTE 4.3, 4.5.3.
/// @throws Error "weights" naming what is broken, encrypted or stands twice.
std::map<std::string, std::optional<std::string_view>> zipMembers(const MappedFile& file);

} // namespace hf::runtime

#include "viewer/imaging/TextHeader.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace hf::imaging {

namespace fs = std::filesystem;

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

namespace {

using Packing = StoredVoxels::Packing;

std::string trimmed(const std::string& text)
{
    constexpr const char* kSpace = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kSpace);
    return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string nameOf(std::string text)
{
    std::erase_if(text, [](unsigned char c) { return std::isspace(c); });
    return lower(text);
}

/// @param isLast  of the name of a field and its line: does the header end here?
template <typename IsLast> TextHeader readLines(const fs::path& path, const char* separators, IsLast isLast)
{
    constexpr double kLongest = 1 << 20;
    TextHeader header;
    std::ifstream stream(path, std::ios::binary);
    for (std::string line; header.bytes < kLongest && std::getline(stream, line);) {
        header.bytes += double(line.size()) + 1;
        const std::size_t end = line.find_first_of(separators);
        const std::string name = nameOf(line.substr(0, end));
        const bool isFree = line.starts_with('#') || name == "content" || (end != std::string::npos && line.compare(end, 2, ":=") == 0);
        header.longestField = std::max(header.longestField, isFree ? 0 : line.size());
        if (end != std::string::npos && !name.starts_with('#')) {
            header.fields[name] = trimmed(line.substr(end + 1));
        }
        if (isLast(name, trimmed(line))) {
            break;
        }
    }
    return header;
}

bool isManyFiles(const std::string& name) { return name.find('%') != std::string::npos || lower(name).starts_with("list"); }

} // namespace

std::string TextHeader::field(const std::string& name) const
{
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
}

TextHeader readNrrdHeader(const fs::path& path)
{
    return readLines(path, ":", [](const std::string&, const std::string& line) { return line.empty(); });
}

TextHeader readMetaHeader(const fs::path& path)
{
    return readLines(path, "=:", [](const std::string& name, const std::string&) { return name == "elementdatafile"; });
}

std::optional<StoredVoxels> findNrrdVoxels(const TextHeader& header, const fs::path& path)
{
    const std::string name = header.field("datafile"), encoding = lower(header.field("encoding"));
    if (isManyFiles(name)) {
        return std::nullopt;
    }
    StoredVoxels stored;
    stored.file = name.empty() ? path : path.parent_path() / name;
    stored.offset = name.empty() ? header.bytes : 0;
    stored.skipped = std::max(std::atof(header.field("byteskip").c_str()), 0.0);
    const bool skipsLines = std::atof(header.field("lineskip").c_str()) > 0;
    stored.packing = encoding == "raw"                                          ? Packing::None
        : (encoding == "gzip" || encoding == "gz") && !skipsLines               ? Packing::Deflate
        : encoding == "hex" || encoding == "ascii" || encoding.starts_with("t") ? Packing::Text
                                                                                : Packing::Unknown;
    return stored;
}

std::optional<StoredVoxels> findMetaVoxels(const TextHeader& header, const fs::path& path)
{
    const std::string name = header.field("elementdatafile");
    if (name.empty() || isManyFiles(name)) {
        return std::nullopt;
    }
    const auto isTrue = [&](const char* field) { return lower(header.field(field)).starts_with("t") || header.field(field) == "1"; };
    const bool isLocal = lower(name) == "local";
    StoredVoxels stored;
    stored.file = isLocal ? path : path.parent_path() / name;
    stored.offset = isLocal ? header.bytes : 0;
    stored.packing = isTrue("compresseddata") ? Packing::Deflate : isTrue("binarydata") ? Packing::None : Packing::Text;
    stored.offset += stored.packing == Packing::None ? std::max(std::atof(header.field("headersize").c_str()), 0.0) : 0;
    return stored;
}

} // namespace hf::imaging

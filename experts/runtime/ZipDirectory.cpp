#include "experts/runtime/ZipDirectory.h"

#include "experts/runtime/MappedFile.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cstdint>

namespace hf::runtime {

namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::uint64_t kFull32 = 0xffffffff, kFull16 = 0xffff;

[[noreturn]] void refuse(const MappedFile& file, const std::string& reason)
{
    throw Error(file.name() + " is not a readable PyTorch archive: " + reason, "weights");
}

/// Reads little-endian numbers; every access is checked.
class Reader {
public:
    explicit Reader(const MappedFile& file) : m_file(file) {}
    std::uint64_t number(std::uint64_t offset, int bytes) const
    {
        const std::string_view view = range(offset, std::uint64_t(bytes));
        std::uint64_t value = 0;
        for (int n = bytes; n-- > 0;) {
            value = value << 8 | std::uint8_t(view[std::size_t(n)]);
        }
        return value;
    }
    std::string_view range(std::uint64_t offset, std::uint64_t size) const
    {
        if (offset > m_file.size() || size > m_file.size() - offset) {
            refuse(m_file, "it is cut off");
        }
        return m_file.view().substr(offset, size);
    }

private:
    const MappedFile& m_file;
};

struct Directory { std::uint64_t count, offset; };

Directory findDirectory(const MappedFile& file, const Reader& in)
{
    constexpr std::uint64_t kEndSize = 22, kLongestComment = 65535, kLocatorSize = 20;
    const std::uint64_t size = file.size();
    const std::uint64_t first = size > kEndSize + kLongestComment ? size - kEndSize - kLongestComment : 0;
    for (std::uint64_t end = size < kEndSize ? 0 : size - kEndSize + 1; end-- > first;) {
        if (in.number(end, 4) != kEnd || in.number(end + 20, 2) != size - end - kEndSize) {
            continue;
        }
        const Directory directory{in.number(end + 10, 2), in.number(end + 16, 4)};
        const bool large = directory.count == kFull16 || directory.offset == kFull32;
        if (large && end >= kLocatorSize && in.number(end - kLocatorSize, 4) == kLocator64) {
            const std::uint64_t end64 = in.number(end - kLocatorSize + 8, 8);
            if (in.number(end64, 4) != kEnd64) {
                refuse(file, "its Zip64 directory is not there");
            }
            return {in.number(end64 + 32, 8), in.number(end64 + 48, 8)};
        }
        return directory;
    }
    refuse(file, "it has no directory");
}

struct Member { std::uint64_t method, flags, packedSize, size, offset; };

/// Sizes and offset that do not fit 32 bits stand in an extra field, in this order, only those that do not fit.
void widen(const MappedFile& file, const Reader& in, std::uint64_t extra, std::uint64_t extraSize, Member& member)
{
    for (std::uint64_t place = extra; place + 4 <= extra + extraSize;) {
        const std::uint64_t id = in.number(place, 2), size = in.number(place + 2, 2);
        if (id == 1) {
            std::uint64_t field = place + 4;
            for (std::uint64_t* value : {&member.size, &member.packedSize, &member.offset}) {
                if (*value == kFull32) {
                    if (field + 8 > place + 4 + size) {
                        refuse(file, "a Zip64 field is too short");
                    }
                    *value = in.number(field, 8);
                    field += 8;
                }
            }
            return;
        }
        place += 4 + size;
    }
}

std::optional<std::string_view> dataOf(const MappedFile& file, const Reader& in, const Member& member, const std::string& name)
{
    if (member.flags & 1) {
        refuse(file, "member " + name + " is encrypted");
    }
    if (member.method != 0 || member.size != member.packedSize) {
        return {};
    }
    if (member.offset > file.size() || in.number(member.offset, 4) != kLocal) {
        refuse(file, "member " + name + " has no local header");
    }
    const std::uint64_t nameSize = in.number(member.offset + 26, 2), extraSize = in.number(member.offset + 28, 2);
    if (in.range(member.offset + 30, nameSize) != name) {
        refuse(file, "member " + name + " has another name in its local header");
    }
    return in.range(member.offset + 30 + nameSize + extraSize, member.size);
}

} // namespace

std::map<std::string, std::optional<std::string_view>> zipMembers(const MappedFile& file)
{
    const Reader in(file);
    const Directory directory = findDirectory(file, in);
    std::map<std::string, std::optional<std::string_view>> members;
    std::uint64_t place = directory.offset;
    for (std::uint64_t n = 0; n < directory.count; ++n) {
        if (place > file.size() || in.number(place, 4) != kCentral) {
            refuse(file, "its directory is broken");
        }
        Member member{in.number(place + 10, 2), in.number(place + 8, 2), in.number(place + 20, 4), in.number(place + 24, 4), in.number(place + 42, 4)};
        const std::uint64_t nameSize = in.number(place + 28, 2), extraSize = in.number(place + 30, 2), commentSize = in.number(place + 32, 2);
        const std::string name(in.range(place + 46, nameSize));
        widen(file, in, place + 46 + nameSize, extraSize, member);
        place += 46 + nameSize + extraSize + commentSize;
        if (!members.emplace(name, dataOf(file, in, member, name)).second) {
            refuse(file, "member " + name + " stands twice");
        }
    }
    return members;
}

} // namespace hf::runtime

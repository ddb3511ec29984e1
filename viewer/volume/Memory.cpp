#include "viewer/volume/Memory.h"

#include "viewer/volume/Error.h"

#include <cstdio>
#include <fstream>
#include <string>

namespace hf {

std::optional<std::uint64_t> availableMemory()
{
    std::ifstream stream("/proc/meminfo");
    std::string name, unit;
    std::uint64_t kilobytes = 0;
    while (stream >> name >> kilobytes && std::getline(stream, unit)) {
        if (name == "MemAvailable:") {
            return kilobytes * 1024;
        }
    }
    return std::nullopt;
}

void requireMemory(double bytes)
{
    constexpr double kReserve = 200e6;
    const double needed = bytes + kReserve;
    const auto found = availableMemory();
    if (const double available = double(found.value_or(0)); found && needed > available) {
        char text[96];
        std::snprintf(text, sizeof text, "the volume needs about %.1f GB of memory, %.1f GB are free", needed / 1e9, available / 1e9);
        throw Error(text, "too-large");
    }
}

} // namespace hf

#include "viewer/volume/Memory.h"

#include "viewer/volume/Error.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace hf {

namespace {

/// Bytes that can be had without swapping; a large number where the system does not tell.
double availableMemory()
{
    std::ifstream stream("/proc/meminfo");
    for (std::string name, rest; stream >> name && std::getline(stream, rest);) {
        if (name == "MemAvailable:") {
            return std::strtod(rest.c_str(), nullptr) * 1024;
        }
    }
    return 1e15;
}

} // namespace

void requireMemory(double bytes)
{
    constexpr double kReserve = 200e6;
    const double needed = bytes + kReserve, available = availableMemory();
    if (needed > available) {
        char text[96];
        std::snprintf(text, sizeof text, "the volume needs about %.1f GB of memory, %.1f GB are free", needed / 1e9, available / 1e9);
        throw Error(text, "too-large");
    }
}

} // namespace hf

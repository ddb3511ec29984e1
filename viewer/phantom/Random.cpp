#include "viewer/phantom/Random.h"

namespace hf::phantom {

namespace {

double latticeValue(int x, int y, int z, std::uint32_t seed)
{
    std::uint64_t h = std::uint64_t(std::uint32_t(x)) * 0x8DA6B343ULL + std::uint64_t(std::uint32_t(y)) * 0xD8163841ULL +
        std::uint64_t(std::uint32_t(z)) * 0xCB1AB31FULL + seed * 0x165667B1ULL;
    h = (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9ULL;
    h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
    return double(h >> 11) * 0x1.0p-52 - 1;
}

double smoothStep(double t) { return t * t * (3 - 2 * t); }

} // namespace

double smoothNoise(double x, double y, double z, double cellMm, std::uint32_t seed)
{
    const double fx = std::floor(x / cellMm), fy = std::floor(y / cellMm), fz = std::floor(z / cellMm);
    const double tx = smoothStep(x / cellMm - fx), ty = smoothStep(y / cellMm - fy), tz = smoothStep(z / cellMm - fz);
    double sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
        const int dx = corner & 1, dy = corner >> 1 & 1, dz = corner >> 2;
        sum += (dx ? tx : 1 - tx) * (dy ? ty : 1 - ty) * (dz ? tz : 1 - tz) * latticeValue(int(fx) + dx, int(fy) + dy, int(fz) + dz, seed);
    }
    return sum;
}

} // namespace hf::phantom

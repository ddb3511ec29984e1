#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace hf::phantom {

/// SplitMix64: the same numbers on every machine (the standard library's distributions are not).
class Random {
public:
    explicit Random(std::uint64_t seed) : m_state(seed * 0x9E3779B97F4A7C15ULL + 0x632BE59BD9B4E019ULL) { next(); }
    std::uint64_t next()
    {
        std::uint64_t z = (m_state += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    /// [0, 1)
    double uniform() { return double(next() >> 11) * 0x1.0p-53; }
    double uniform(double from, double to) { return from + (to - from) * uniform(); }
    /// [0, count)
    int below(int count) { return int(uniform() * count); }
    bool chance(double probability) { return uniform() < probability; }
    double gaussian()
    {
        const double radius = std::sqrt(-2 * std::log(1 - uniform()));
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }

private:
    std::uint64_t m_state;
};

/// Smooth noise in -1 .. 1 with features of about `cellMm`; a pure function of place and seed.
double smoothNoise(double x, double y, double z, double cellMm, std::uint32_t seed);

} // namespace hf::phantom

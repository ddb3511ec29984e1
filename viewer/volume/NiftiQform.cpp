#include "viewer/volume/NiftiQform.h"

#include <algorithm>
#include <cmath>

namespace hf {

std::array<double, 12> niftiQform(const std::array<double, 6>& quaternion, const std::array<double, 3>& stepsMm, bool isMirrored)
{
    const auto [b, c, d, x, y, z] = quaternion;
    const double a = std::sqrt(std::max(0.0, 1 - b * b - c * c - d * d)), i = stepsMm[0], j = stepsMm[1], k = isMirrored ? -stepsMm[2] : stepsMm[2];
    return {(a * a + b * b - c * c - d * d) * i, 2 * (b * c - a * d) * j, 2 * (b * d + a * c) * k, x,
        2 * (b * c + a * d) * i, (a * a + c * c - b * b - d * d) * j, 2 * (c * d - a * b) * k, y,
        2 * (b * d - a * c) * i, 2 * (c * d + a * b) * j, (a * a + d * d - b * b - c * c) * k, z};
}

double niftiMillimetres(int units)
{
    const int unit = units & 7;
    return unit == 1 ? 1e3 : unit == 3 ? 1e-3 : 1;      // metres, micrometres
}

} // namespace hf

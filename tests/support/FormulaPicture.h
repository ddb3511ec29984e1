#pragma once

#include "viewer/volume/Picture.h"

namespace hf::test {

/// A colourful picture that the Python oracles make by the same formula.
inline Picture formulaPicture(int width, int height)
{
    Picture picture{width, height, {}};
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            for (int c = 0; c < 3; ++c) {
                picture.rgb.push_back(std::uint8_t((x * 7 + y * 13 + (x * y) % 31 * 5 + c * 50 + (x / 9) * (y / 5) * 17) % 256));
            }
        }
    }
    return picture;
}

} // namespace hf::test

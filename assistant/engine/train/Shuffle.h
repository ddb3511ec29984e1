#pragma once

#include "viewer/phantom/Random.h"

#include <cstdint>
#include <string>
#include <utility>

namespace hf::assistant::train {

/// Every order is as likely as any other; the same seed gives the same one on every machine.
template <typename List> void shuffle(List& list, phantom::Random& random)
{
    for (std::size_t n = list.size(); n > 1; --n) {
        std::swap(list[n - 1], list[std::size_t(random.below(int(n)))]);
    }
}

/// The same number for the same name on every machine (FNV-1a).
inline std::uint64_t hashOf(const std::string& text)
{
    std::uint64_t hash = 14695981039346656037ULL;
    for (const unsigned char c : text) {
        hash = (hash ^ c) * 1099511628211ULL;
    }
    return hash;
}

} // namespace hf::assistant::train

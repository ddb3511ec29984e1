#include "experts/runtime/MappedFile.h"
#include "experts/runtime/WeightFile.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <cstdlib>

/// libFuzzer entry of the weight reader: any bytes are either read, every tensor then lying inside its storage, or refused with an Error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    try {
        const char* bytes = reinterpret_cast<const char*>(data);
        for (const auto& [name, tensor] : hf::runtime::readWeights(hf::runtime::MappedFile::fromBytes({bytes, bytes + size}, "fuzz"))) {
            // Touches first and last element of each axis, under the address sanitizer.
            volatile double kept = 0;
            if (tensor.numel() > 0 && tensor.numel() < 1000) {
                kept = tensor.to(at::kDouble).contiguous().sum().item<double>();
            }
            if (name.empty() && kept != kept) {
                continue;
            }
        }
    } catch (const hf::Error&) {
        // A refusal is the normal outcome.
    }
    return 0;
}

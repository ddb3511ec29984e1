#pragma once

#include "experts/engine/neural/Network.h"
#include "experts/engine/neural/Vista3d.h"

#include <string>

namespace hf::app {

/// A built-in network (NetworkSpec::named()), or that of an expert's folder.
experts::NetworkSpec specOf(const std::string& name);

// Networks with the weights of a file, or with "hashed" the deterministic ones of experts.md 9.

experts::Vista3d loadVista(const std::string& file, experts::Compute compute);
experts::Network loadNetwork(const experts::NetworkSpec& spec, const std::string& file, experts::Compute compute);

/// How far a result is from another that it should equal.
struct Difference { double largest = 0, ofDeviation = 0 /* of the expected values */; };
Difference differenceOf(const at::Tensor& found, const at::Tensor& expected);

} // namespace hf::app

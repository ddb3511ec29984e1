#include "app/engine/Networks.h"

#include "experts/engine/neural/ExpertManifest.h"
#include "experts/runtime/WeightFile.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace hf::app {

using namespace hf::experts;

namespace fs = std::filesystem;

NetworkSpec specOf(const std::string& name)
{
    return fs::exists(fs::path(name) / "expert.json") ? readManifest(name).network : NetworkSpec::named(name);
}

Vista3d loadVista(const std::string& file, Compute compute)
{
    const auto hashed = [] {
        WeightList list;
        Vista3d{list};
        return hashedWeights(list);
    };
    LoadedWeights weights(Vista3d::adapted(file == "hashed" ? hashed() : runtime::readWeights(fs::path(file))), compute);
    Vista3d network(weights);
    weights.finish(file);
    return network;
}

Network loadNetwork(const NetworkSpec& spec, const std::string& file, Compute compute)
{
    return {spec, file == "hashed" ? hashedWeights(weightList(spec)) : runtime::readWeights(fs::path(file)), compute, file};
}

Difference differenceOf(const at::Tensor& found, const at::Tensor& expected)
{
    const at::Tensor a = found.to(at::kCPU).to(at::kDouble), b = expected.to(at::kCPU).to(at::kDouble);
    const double largest = (a - b).abs().max().item<double>();
    return {largest, largest / std::max(b.std(false).item<double>(), 1e-30)};
}

} // namespace hf::app

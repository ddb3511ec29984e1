#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hf::experts {

using BundleJson = nlohmann::ordered_json;

/// @throws Error "bundle" with this reason.
[[noreturn]] void refuseBundle(const std::string& reason);
/// A whole file; empty when it cannot be read.
std::string textOf(const std::filesystem::path& file);

/// FOLDER/NAME.json, else NAME.yaml or NAME.yml, of a MONAI bundle. Aliases and merged keys of YAML are followed; its scalars are what YAML 1.1 takes
/// them for. Nothing is evaluated. @throws Error "bundle".
BundleJson readBundleConfig(const std::filesystem::path& folder, const std::string& name);

/// A value that can be told without Python: "$[1.5, 1.5] if @highres else [3, 3]" is one of two literals, and which is said elsewhere.
struct ChosenLiteral {
    std::string condition;          ///< The id that decides.
    BundleJson ifTrue, otherwise;
};
std::optional<ChosenLiteral> findChoice(const std::string& expression);

/// Labels made of overlapping output channels, the first that is above the threshold: "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, 0))"
/// is {2, 4}, {0, 1}. Empty for any other function.
std::vector<std::pair<int, int>> findLabelChain(const std::string& expression);

} // namespace hf::experts

#pragma once

#include <filesystem>
#include <string>

namespace hf::experts {

/// expert.json of a MONAI bundle (configs/metadata and configs/inference), where its network, transforms and inferer are of the closed lists
/// of expert.json. JSON or YAML; literals and "@references" are read, and two forms of Python by their text (BundleConfig.h); none is evaluated. A network that is not built in becomes TorchScript where the bundle has
/// models/model.ts. Source: experts.md 7.1.
struct ImportedBundle {
    std::string name;
    std::string manifest;               ///< Text of expert.json.
    std::filesystem::path weights;      ///< In the bundle.
    std::string weightsName;            ///< In the expert's folder.
    std::filesystem::path licence;      ///< In the bundle; empty without.
};

/// @param modality  DICOM modality, for bundles that do not say it (or say it wrong); empty: as the bundle says.
/// @throws Error "bundle" naming the file, and the step that is not in the list.
ImportedBundle readBundle(const std::filesystem::path& bundle, const std::string& modality = {});

/// Makes the expert's folder FOLDER/<name>, checks that the weights fit the network, and copies them.
/// @return the new folder. @throws Error "bundle"; "exists" when there is one already; "write".
std::filesystem::path importBundle(const std::filesystem::path& bundle, const std::filesystem::path& folder, const std::string& modality = {});

} // namespace hf::experts

#pragma once

#include "assistant/engine/train/Conversations.h"
#include "assistant/engine/train/LabelledVolume.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hf::assistant::train {

struct DataSetOptions {
    std::uint32_t seed = 1;
    int views = 4;                  ///< Pictures of each volume.
    int questions = 6;              ///< About each picture.
    double validation = 0.1, test = 0.1;    ///< Shares of the patients.
};

/// Which part each patient belongs to: "train", "validation" or "test". With three patients or more no part with a share is empty.
std::map<std::string, std::string> splitByPatient(std::vector<std::string> patients, const DataSetOptions& options);

/// Conversations of the expert stage about a volume, each with cards of its own: an expert that fits, one for another modality or for other
/// structures, or none. What is answered is true of the label map. Same volume, options and seed: same conversations.
std::vector<Conversation> conversationsAbout(const LabelledVolume& about, const DataSetOptions& options);

/// Writes images/*.png and train.json, validation.json, test.json in the published form (reference vila-m3.md 7): "id", "image" (a list, in the
/// order of the markers), "conversations", and "patient".
class DataSetWriter {
public:
    /// @throws Error "write" when the folder holds a data set already or cannot be made.
    DataSetWriter(std::filesystem::path folder, std::map<std::string, std::string> split);
    /// @throws Error "write".
    void add(const std::string& patient, const std::vector<Conversation>& conversations);
    /// Writes the lists; before that there is no data set. @return conversations in each part.
    std::map<std::string, std::size_t> finish();

private:
    std::filesystem::path m_folder;
    std::map<std::string, std::string> m_split;
    std::map<std::string, nlohmann::ordered_json> m_parts;
    std::map<std::string, int> m_pictures;  ///< Of each patient so far.
};

} // namespace hf::assistant::train

#pragma once

#include "assistant/engine/M3Loop.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Volume.h"

#include <nlohmann/json.hpp>

#include <list>

namespace hf::app {

// JSON forms of what travels between the desktop and the engine; described in assistant/PROTOCOL.md.

/// @throws Error "arguments" naming the missing or wrong member; "not-found" when the memory cannot be opened.
Volume volumeFromJson(const nlohmann::json& json);
std::vector<experts::Click> clicksFromJson(const nlohmann::json& array);
View viewFromJson(const nlohmann::json& json);
std::vector<assistant::ChatMessage> historyFromJson(const nlohmann::json& json);

nlohmann::json toJson(const Picture& picture);
nlohmann::json toJson(const assistant::ChatMessage& message);
nlohmann::json toJson(const experts::ExpertCard& card);
nlohmann::json toJson(const assistant::ModelInfo& info);
nlohmann::json toJson(const assistant::GenerationReport& report);

/// Label maps handed out as memory files of this process; the oldest go when there are more than a few.
class MaskStore {
public:
    ~MaskStore();
    /// {"path": .., "bytes": ..} and geometry, labels, provenance.
    nlohmann::json add(const LabelMap& mask);

private:
    std::list<int> m_files;
};

nlohmann::json toJson(const std::vector<experts::Score>& scores);

/// Without pictures of the mask: name, arguments, facts, legend, sentence.
nlohmann::json toJson(const assistant::ExpertRun& run);

std::string base64(std::span<const std::uint8_t> bytes);
/// @throws Error "arguments".
std::vector<std::uint8_t> fromBase64(const std::string& text);

} // namespace hf::app

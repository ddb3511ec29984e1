#include "experts/runs/Consents.h"

#include "experts/runs/UserFolders.h"
#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/LabelMap.h"

#include <nlohmann/json.hpp>

#include <fstream>

#include <unistd.h>

namespace hf::experts {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kLicences = "licences";
constexpr const char* kScripts = "torchscript";

json read(const fs::path& file)
{
    std::ifstream stream(file);
    json all = json::parse(stream, nullptr, false);
    return all.is_object() ? all : json::object();
}

bool holds(const fs::path& file, const char* list, const std::string& key)
{
    const json all = read(file);
    return all.contains(list) && all[list].is_object() && all[list].contains(key);
}

void add(const fs::path& file, const char* list, const std::string& key, const json& entry)
{
    json all = read(file);
    if (!all.contains(list) || !all[list].is_object()) {
        all[list] = json::object();
    }
    all[list][key] = entry;
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    const fs::path part = file.string() + ".part" + std::to_string(::getpid());
    std::ofstream stream(part, std::ios::trunc);
    stream << all.dump(1) << "\n";
    stream.close();
    if (stream) {
        fs::rename(part, file, error);
    }
    if (!stream || error) {
        throw Error("the consent cannot be written to " + file.string(), "write");
    }
}

std::string keyOf(const Expert& expert, const std::string& weights) { return runtime::sha256Of(weights + "\n" + expert.card().licence); }

} // namespace

Consents Consents::ofUser() { return Consents(userDataFolder() / "consents.json"); }

bool Consents::hasAccepted(const Expert& expert) const
{
    const std::string weights = expert.weightsHash();
    return weights.empty() || holds(m_file, kLicences, keyOf(expert, weights));
}

void Consents::accept(const Expert& expert) const
{
    const std::string weights = expert.weightsHash();
    if (!weights.empty()) {
        const ExpertCard& card = expert.card();
        add(m_file, kLicences, keyOf(expert, weights), {{"expert", card.name}, {"version", card.version}, {"weightsSha256", weights}, {"licence", card.licence}, {"timeUtc", nowUtc()}});
    }
}

bool Consents::allowsScript(const std::string& sha256) const { return holds(m_file, kScripts, sha256); }

void Consents::allowScript(const std::string& sha256, const fs::path& folder) const
{
    add(m_file, kScripts, sha256, {{"folder", fs::absolute(folder).string()}, {"timeUtc", nowUtc()}});
}

} // namespace hf::experts

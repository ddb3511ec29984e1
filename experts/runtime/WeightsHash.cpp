#include "experts/runtime/WeightsHash.h"

#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace hf::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

fs::path cacheFile()
{
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    const char* const home = std::getenv("HOME");
    if (cache && *cache) {
        return fs::path(cache) / "hounsfield/weights.json";
    }
    return home && *home ? fs::path(home) / ".cache/hounsfield/weights.json" : fs::path();
}

/// What a file is known by; a change of its content changes this.
std::string identityOf(const std::vector<fs::path>& files, std::uint64_t& bytes)
{
    std::string identity;
    for (const fs::path& file : files) {
        struct stat info {};
        if (::stat(file.c_str(), &info) != 0) {
            throw Error("cannot read " + file.string(), "file");
        }
        bytes += std::uint64_t(info.st_size);
        identity += fs::weakly_canonical(file).string() + ":" + std::to_string(info.st_ino) + ":" + std::to_string(info.st_size) + ":" +
            std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + ":" + std::to_string(info.st_ctim.tv_sec) + "." +
            std::to_string(info.st_ctim.tv_nsec) + "\n";
    }
    return sha256Of(identity);
}

json readCache()
{
    std::ifstream stream(cacheFile());
    json content = json::parse(stream, nullptr, false);
    return content.is_object() ? content : json::object();
}

/// Written beside and renamed, so that two engines never see half a file.
void keep(const std::string& identity, const std::string& hash)
{
    constexpr std::size_t kMost = 200;
    json content = readCache();
    if (content.size() >= kMost) {
        content.clear();
    }
    content[identity] = hash;
    const fs::path file = cacheFile();
    const fs::path beside = file.string() + "." + std::to_string(::getpid());
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    std::ofstream stream(beside);
    stream << content.dump(1);
    if (stream.close(); stream) {
        fs::rename(beside, file, error);
    }
}

} // namespace

std::string sha256OfWeights(const std::vector<fs::path>& files)
{
    constexpr std::uint64_t kSmall = 256'000'000;
    std::uint64_t bytes = 0;
    const std::string identity = identityOf(files, bytes);
    if (bytes < kSmall || cacheFile().empty()) {
        return sha256OfFiles(files);
    }
    if (const json content = readCache(); content.contains(identity) && content[identity].is_string()) {
        return content[identity].get<std::string>();
    }
    const std::string hash = sha256OfFiles(files);
    keep(identity, hash);
    return hash;
}

} // namespace hf::runtime

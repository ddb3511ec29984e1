#include "experts/runs/ResultCache.h"

#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include <unistd.h>

namespace hf::experts {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// A file: SHA-256 of the rest (64 digits), a newline, one line of JSON, labels as zlib made them.
constexpr int kVersion = 2;
constexpr std::size_t kDigest = 64;
constexpr const char* kEnding = ".result";

json infoJson(const Volume& volume)
{
    const VolumeInfo& info = volume.info();
    const auto range = [](const auto& values) { return values ? json(*values) : json(); };
    return {{"affine", volume.geometry().affineRas()}, {"size", {volume.geometry().size().i, volume.geometry().size().j, volume.geometry().size().k}}, {"type", toString(volume.type())},
        {"modality", info.modality}, {"unit", toString(info.unit)}, {"inverted", info.isInverted}, {"padding", range(info.padding)}, {"stored", range(info.storedRange)},
        {"voxels", runtime::sha256Of(std::span(static_cast<const std::byte*>(volume.data()), volume.bytes()))}};
}

json scoreJson(const Score& score)
{
    return {{"label", score.label}, {"mean", score.mean}, {"trainedMean", std::isnan(score.trainedMean) ? json() : json(score.trainedMean)}, {"lowest", score.lowest}, {"highest", score.highest},
        {"trainedModels", score.trainedModels}, {"models", score.models}, {"positive", score.isPositive}};
}

Score scoreFrom(const json& object)
{
    const json& mean = object.at("trainedMean");
    return {object.at("label"), object.at("mean"), mean.is_null() ? std::numeric_limits<double>::quiet_NaN() : mean.get<double>(), object.at("lowest"), object.at("highest"),
        object.at("trainedModels"), object.at("models"), object.at("positive")};
}

json maskJson(const LabelMap& mask)
{
    json labels = json::array();
    for (const Label& label : mask.labels()) {
        labels.push_back({label.value, label.name, label.color.r, label.color.g, label.color.b, label.snomedCode, label.snomedMeaning});
    }
    const Provenance& p = mask.provenance();
    return {{"labels", labels}, {"expert", p.expert}, {"version", p.version}, {"weights", p.weightsSha256}, {"arguments", p.arguments}, {"time", p.timeUtc}, {"notice", p.notice}};
}

LabelMap maskFrom(const json& object, std::vector<LabelId> voxels, const Volume& volume)
{
    std::vector<Label> labels;
    for (const json& one : object.at("labels")) {
        labels.push_back({one.at(0).get<LabelId>(), one.at(1), {one.at(2), one.at(3), one.at(4)}, one.at(5), one.at(6)});
    }
    Provenance provenance{object.at("expert"), object.at("version"), object.at("weights"), object.at("arguments"), object.at("time"), volume.info().seriesUid, object.at("notice")};
    return {volume.geometry(), std::move(voxels), std::move(labels), std::move(provenance)};
}

/// Empty when they are not exactly `count` labels.
std::optional<std::vector<LabelId>> inflated(std::string_view packed, std::size_t count)
{
    std::vector<LabelId> voxels(count);
    uLongf size = uLongf(count);
    uLong used = uLong(packed.size());
    const int code = uncompress2(voxels.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), &used);
    return code == Z_OK && size == count && used == packed.size() ? std::optional(std::move(voxels)) : std::nullopt;
}

} // namespace

ResultCache::ResultCache(fs::path folder, std::uintmax_t mostBytes) : m_folder(std::move(folder)), m_mostBytes(mostBytes) {}

std::string ResultCache::keyOf(const ExpertRequest& request, const ExpertCard& card, const std::string& made)
{
    json clicks = json::array(), volumes{infoJson(request.volume)};
    for (const Click& click : request.clicks) {
        clicks.push_back({click.place.x, click.place.y, click.place.z, click.isInside});
    }
    for (const Volume& volume : request.otherChannels) {
        volumes.push_back(infoJson(volume));
    }
    const json all{{"format", kVersion}, {"volumes", volumes}, {"expert", card.name}, {"version", card.version}, {"arguments", request.arguments}, {"clicks", clicks}, {"made", made}};
    return runtime::sha256Of(all.dump());
}

std::optional<ExpertResult> ResultCache::find(const std::string& key, const Volume& volume) const
{
    const fs::path file = m_folder / (key + kEnding);
    std::ifstream stream(file, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(stream), {}};
    const std::size_t line = all.find('\n', kDigest + 1);
    if (all.size() < kDigest + 2 || line == std::string::npos || all[kDigest] != '\n' || runtime::sha256Of(all.substr(kDigest + 1)) != all.substr(0, kDigest)) {
        return {};
    }
    try {
        const json head = json::parse(all.substr(kDigest + 1, line - kDigest - 1));
        ExpertResult result;
        if (head.at("format") != kVersion) {
            return {};
        }
        result.sentence = head.at("sentence");
        for (const json& score : head.at("scores")) {
            result.scores.push_back(scoreFrom(score));
        }
        if (!head.at("mask").is_null()) {
            auto voxels = inflated(std::string_view(all).substr(line + 1), volume.geometry().size().voxels());
            if (!voxels) {
                return {};
            }
            result.mask = maskFrom(head.at("mask"), std::move(*voxels), volume);
        }
        std::error_code error;
        fs::last_write_time(file, fs::file_time_type::clock::now(), error);     // used last
        return result;
    } catch (const json::exception&) {
        return {};
    }
}

void ResultCache::keep(const std::string& key, const ExpertResult& result) const
{
    if (m_mostBytes == 0) {
        return;
    }
    json head{{"format", kVersion}, {"sentence", result.sentence}, {"scores", json::array()}, {"mask", json()}};
    for (const Score& score : result.scores) {
        head["scores"].push_back(scoreJson(score));
    }
    std::string packed;
    if (!result.mask.isEmpty()) {
        head["mask"] = maskJson(result.mask);
        const std::vector<LabelId>& voxels = result.mask.voxels();
        packed.resize(compressBound(uLong(voxels.size())));
        uLongf size = uLongf(packed.size());
        if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, voxels.data(), uLong(voxels.size()), Z_BEST_SPEED) != Z_OK) {
            return;
        }
        packed.resize(size);
    }
    const std::string rest = head.dump(-1, ' ', false, json::error_handler_t::replace) + "\n" + packed;
    std::error_code error;
    fs::create_directories(m_folder, error);
    const fs::path file = m_folder / (key + kEnding), part = file.string() + ".part" + std::to_string(::getpid());
    std::ofstream stream(part, std::ios::binary | std::ios::trunc);
    stream << runtime::sha256Of(rest) << '\n' << rest;
    stream.close();
    if (stream) {
        fs::rename(part, file, error);
    } else {
        fs::remove(part, error);
    }
    makeRoom();
}

void ResultCache::makeRoom() const
{
    struct Entry { fs::file_time_type time; std::uintmax_t bytes; fs::path file; };
    std::vector<Entry> entries;
    std::uintmax_t total = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(m_folder, error)) {
        if (entry.path().extension() == kEnding) {
            entries.push_back({entry.last_write_time(error), entry.file_size(error), entry.path()});
            total += entries.back().bytes;
        }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.time < b.time; });
    for (std::size_t n = 0; n < entries.size() && total > m_mostBytes; ++n) {
        fs::remove(entries[n].file, error);
        total -= entries[n].bytes;
    }
}

} // namespace hf::experts

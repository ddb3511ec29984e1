#include "experts/runs/ExpertRunner.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace hf::experts {

namespace {

using Identity = std::weak_ptr<const void>;

bool areSame(const Identity& a, const Identity& b) { return !a.owner_before(b) && !b.owner_before(a); }

std::vector<Identity> voxelsOf(const ExpertRequest& request)
{
    std::vector<Identity> all{request.volume.identity()};
    std::transform(request.otherChannels.begin(), request.otherChannels.end(), std::back_inserter(all), [](const Volume& volume) { return volume.identity(); });
    return all;
}

std::string textOf(const ExpertRequest& request, const std::string& name)
{
    std::string key = name + "\n" + request.arguments;
    for (const Click& click : request.clicks) {
        key += "\n" + std::to_string(click.place.x) + " " + std::to_string(click.place.y) + " " + std::to_string(click.place.z) + (click.isInside ? " in" : " out");
    }
    return key;
}

/// "it knows 'lungs', 'bones'", of many the first ones.
std::string argumentsOf(const ExpertCard& card)
{
    constexpr std::size_t kMost = 12;
    if (card.arguments.empty()) {
        return "it takes no argument";
    }
    std::string text = "it knows ";
    for (std::size_t n = 0; n < std::min(card.arguments.size(), kMost); ++n) {
        text += std::string(n ? ", " : "") + "'" + card.arguments[n] + "'";
    }
    return card.arguments.size() > kMost ? text + " and " + std::to_string(card.arguments.size() - kMost) + " more" : text;
}

void checkLicence(const Consents& consents, const Expert& expert)
{
    if (!consents.hasAccepted(expert)) {
        const ExpertCard& card = expert.card();
        throw Error("the weights of " + card.name + " have a licence that you must accept first: " + card.licence + (card.isResearchOnly ? " (research only)" : "") +
                ". Accept it where the experts are listed, or with: hounsfield-engine models accept " + card.name + " (or the folder of its expert.json)", "licence");
    }
}

} // namespace

ExpertRunner::ExpertRunner(ExpertRegistry& registry, Consents consents, std::optional<ResultCache> cache) : m_registry(registry), m_consents(std::move(consents)), m_cache(std::move(cache)) {}

ExpertRun ExpertRunner::run(const std::string& name, ExpertRequest request, const Progress& progress, std::stop_token stop)
{
    Expert* expert = m_registry.find(name);
    if (!expert) {
        throw Error("there is no expert " + name, "no-expert");
    }
    if (request.arguments.empty()) {
        request.arguments = expert->card().defaultArgument;
    }
    if (!expert->card().knows(request.arguments)) {
        throw Error(name + " does not know '" + request.arguments + "'; " + argumentsOf(expert->card()), "arguments");
    }
    if (!request.clicks.empty() && !expert->card().takesClicks) {
        throw Error(name + " takes no clicks", "clicks");
    }
    if (const auto refusal = expert->check(request)) {
        throw Error(refusal->text, refusal->code);
    }
    checkLicence(m_consents, *expert);
    const std::string weights = expert->weightsHash(), inMemory = textOf(request, name) + "\n" + weights;
    const std::vector<Identity> voxels = voxelsOf(request);
    for (const Cached& cached : m_cached) {
        if (std::equal(cached.voxels.begin(), cached.voxels.end(), voxels.begin(), voxels.end(), areSame) && cached.key == inMemory) {
            ExpertRun run = cached.run;
            run.wasCached = true;
            run.milliseconds = 0;
            return run;
        }
    }
    const auto start = std::chrono::steady_clock::now();
    const bool usesDisk = m_cache && !weights.empty();
    const std::string onDisk = usesDisk ? ResultCache::keyOf(request, expert->card(), weights + expert->settings()) : std::string();
    ExpertRun run;
    run.arguments = request.arguments;
    if (auto found = usesDisk ? m_cache->find(onDisk, request.volume) : std::nullopt) {
        run.result = std::move(*found);
        run.wasCached = true;
    } else {
        run.result = expert->run(request, progress, stop);
        if (usesDisk) {
            m_cache->keep(onDisk, run.result);
        }
    }
    run.card = expert->card();
    run.card.weightsSha256 = weights;       // of a result on disk too, for which nothing was loaded
    run.sentence = run.result.sentence;
    if (!run.result.mask.isEmpty()) {
        run.facts = measureLabels(run.result.mask, request.volume);
    }
    run.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    constexpr std::size_t kKept = 4;
    if (m_cached.size() == kKept) {
        m_cached.erase(m_cached.begin());
    }
    m_cached.push_back({voxels, inMemory, run});
    return run;
}

void ExpertRunner::forget(const Volume& volume)
{
    std::erase_if(m_cached, [&](const Cached& cached) {
        return std::any_of(cached.voxels.begin(), cached.voxels.end(), [&](const Identity& voxels) { return voxels.expired() || areSame(voxels, volume.identity()); });
    });
}

} // namespace hf::experts

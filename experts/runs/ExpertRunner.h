#pragma once

#include "experts/runs/Consents.h"
#include "experts/runs/ResultCache.h"
#include "viewer/volume/Picture.h"

namespace hf::experts {

/// A finished run of an expert.
struct ExpertRun {
    ExpertCard card;
    std::string arguments;
    ExpertResult result;
    std::vector<LabelFacts> facts;      ///< Of result.mask.labels(), in order.
    std::vector<LegendEntry> legend;    ///< Colours of the picture that the language model saw, where it saw one.
    std::string sentence;               ///< What the language model was told, or would be.
    double milliseconds = 0;
    bool wasCached = false;             ///< The same request had run before on this volume.
};

/// Runs experts by name: checks the request and that the licence of the weights was accepted, and keeps results: the last few in memory, those of
/// experts with weights on disk too. Not thread-safe.
class ExpertRunner {
public:
    /// @param registry  must live longer.
    ExpertRunner(ExpertRegistry& registry, Consents consents = Consents::ofUser(), std::optional<ResultCache> cache = {});

    ExpertRegistry& registry() const { return m_registry; }
    const Consents& consents() const { return m_consents; }

    /// An empty argument is the default one. @throws Error "no-expert", "licence" (the text says what to accept, and how), with the code of the
    /// refusal or of the failure; Cancelled.
    ExpertRun run(const std::string& name, ExpertRequest request, const Progress& progress, std::stop_token stop);
    /// Drops what is kept about a volume in memory.
    void forget(const Volume& volume);

private:
    struct Cached {
        std::vector<std::weak_ptr<const void>> voxels;      ///< Volume::identity() of all channels.
        std::string key;
        ExpertRun run;
    };

    ExpertRegistry& m_registry;
    Consents m_consents;
    std::optional<ResultCache> m_cache;
    std::vector<Cached> m_cached;
};

} // namespace hf::experts

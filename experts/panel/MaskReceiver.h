#pragma once

#include "assistant/client/EngineClient.h"

#include <optional>

namespace hf {

class Scene;

/// Brings experts' masks onto the images: parts while a run goes on, which leave no trace when it is stopped, then the whole mask as one step that can
/// be undone.
class MaskReceiver : public QObject {
    Q_OBJECT
public:
    MaskReceiver(Scene* scene, assistant::EngineClient* client, QObject* parent = nullptr);

private:
    using SharedVolume = std::shared_ptr<const Volume>;
    /// What was there before the first part of a run.
    struct Before {
        quint64 job = 0;
        std::string seriesKey;
        LabelMap mask;
        std::vector<LabelFacts> facts;
    };
    /// Of the volume, or of its series on the same grid where the volume itself is not shown (series of a study that were read for the run); empty when
    /// there is none.
    std::string keyFor(const SharedVolume& volume) const;
    void showPart(quint64 job, const SharedVolume& volume, const LabelMap& mask);
    void restore(quint64 job);

    Scene* m_scene;
    std::optional<Before> m_before;
};

} // namespace hf

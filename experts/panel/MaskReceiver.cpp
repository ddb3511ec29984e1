#include "experts/panel/MaskReceiver.h"

#include "viewer/widgets/Scene.h"

namespace hf {

MaskReceiver::MaskReceiver(Scene* scene, assistant::EngineClient* client, QObject* parent) : QObject(parent), m_scene(scene)
{
    using Client = assistant::EngineClient;
    connect(client, &Client::expertPartial, this, [this](quint64 job, const SharedVolume& volume, const LabelMap& mask, double) { showPart(job, volume, mask); });
    connect(client, &Client::expertFinished, this, [this](quint64 job, const assistant::ExpertOutcome& outcome) {
        restore(job);
        const std::string key = outcome.mask.isEmpty() ? std::string() : keyFor(outcome.volume);
        if (!key.empty()) {
            m_scene->changeMaskOf(key, outcome.mask, outcome.facts, tr("Mask by %1").arg(outcome.expert));
        }
    });
    connect(client, &Client::failed, this, [this](quint64 job, const QString&, const QString&) { restore(job); });
}

std::string MaskReceiver::keyFor(const SharedVolume& volume) const
{
    if (const ShownSeries* shown = m_scene->findVolume(volume)) {
        return shown->series.key;
    }
    for (const ShownSeries* shown : m_scene->all()) {
        if (volume && shown->series.uid == volume->info().seriesUid && shown->volume->geometry().sameGridAs(volume->geometry())) {
            return shown->series.key;
        }
    }
    return {};
}

void MaskReceiver::showPart(quint64 job, const SharedVolume& volume, const LabelMap& mask)
{
    const std::string key = keyFor(volume);
    if (key.empty() || (m_before && m_before->job != job)) {
        return;
    }
    if (!m_before) {
        const ShownSeries* shown = m_scene->find(key);
        m_before = Before{job, key, shown->mask, shown->facts};
    }
    m_scene->setMaskOf(m_before->seriesKey, mask, {});
}

void MaskReceiver::restore(quint64 job)
{
    if (m_before && m_before->job == job) {
        const Before before = *std::exchange(m_before, std::nullopt);
        m_scene->setMaskOf(before.seriesKey, before.mask, before.facts);
    }
}

} // namespace hf

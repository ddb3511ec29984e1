#pragma once

#include "viewer/dicom/Study.h"

#include <QList>
#include <QObject>

#include <memory>
#include <stop_token>

namespace hf {

/// Reads the series of an expert's channels and brings them onto the grid of the first, on another thread. One job at a time. Signals come on the GUI thread.
class ChannelLoader : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    ~ChannelLoader() override { m_stop.request_stop(); }

    void start(const std::vector<dicom::Series>& series);
    void cancel() { m_stop.request_stop(); }
    bool isBusy() const { return m_busy; }

Q_SIGNALS:
    void progressed(double fraction);
    void loaded(const QList<std::shared_ptr<const hf::Volume>>& volumes);
    /// `code` is the Error's; "cancelled" when stopped.
    void failed(const QString& code, const QString& message);

private:
    std::stop_source m_stop;
    bool m_busy = false;
};

} // namespace hf

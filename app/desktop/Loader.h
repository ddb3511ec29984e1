#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/Measurement.h"

#include <QImage>
#include <QObject>
#include <QStringList>

#include <memory>
#include <stop_token>

namespace hf::app {

/// Scans and reads on another thread; one job at a time, a new one stops the old one. Signals come on the GUI thread.
class Loader : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    ~Loader() override;

    void scan(const QStringList& paths);
    void read(const dicom::Series& series);
    void cancel();
    bool isBusy() const { return m_busy; }

Q_SIGNALS:
    void started(const QString& what);
    void progressed(double fraction);
    void scanned(const hf::dicom::ScanResult& result);
    /// The middle image of the series that is being read, in its own window: something to look at until the volume is there.
    void previewed(const QImage& picture);
    void loaded(const std::shared_ptr<const hf::Volume>& volume, const hf::dicom::Series& series, const std::vector<hf::UltrasoundRegion>& regions);
    /// `code` is the Error's; "cancelled" when stopped.
    void failed(const QString& code, const QString& message);

private:
    template <typename Work> void start(const QString& what, Work work);
    std::stop_source m_stop;
    quint64 m_generation = 0;
    bool m_busy = false;
};

} // namespace hf::app

#include "experts/panel/ChannelLoader.h"

#include "viewer/dicom/ReadSeries.h"
#include "viewer/imaging/Registration.h"
#include "viewer/volume/Error.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>

#include <functional>

namespace hf {

namespace {

QList<std::shared_ptr<const Volume>> readAll(const std::vector<dicom::Series>& series, const Progress& progress, const std::stop_token& stop)
{
    QList<std::shared_ptr<const Volume>> volumes;
    const double share = 1.0 / double(series.size());
    for (std::size_t n = 0; n < series.size(); ++n) {
        const double begin = double(n) * share;
        const Volume read = dicom::readSeries(series[n], subProgress(progress, begin, begin + 0.3 * share), stop);
        volumes.append(std::make_shared<const Volume>(n == 0 ? read : imaging::onGridOf(*volumes.front(), read, subProgress(progress, begin + 0.3 * share, begin + share), stop)));
    }
    return volumes;
}

} // namespace

void ChannelLoader::start(const std::vector<dicom::Series>& series)
{
    m_stop.request_stop();
    m_stop = {};
    m_busy = true;
    const QPointer<ChannelLoader> self(this);
    const auto deliver = [self, stop = m_stop.get_token()](std::function<void(ChannelLoader&)> action) {
        QMetaObject::invokeMethod(qApp, [self, stop, action = std::move(action)] {
            // A newer job has another stop.
            if (self && self->m_stop.get_token() == stop) {
                action(*self);
            }
        });
    };
    QThreadPool::globalInstance()->start([deliver, series, stop = m_stop.get_token()] {
        const Progress progress = [&](double fraction, const std::string&) { deliver([fraction](ChannelLoader& loader) { Q_EMIT loader.progressed(fraction); }); };
        const auto end = [&](std::function<void(ChannelLoader&)> action) {
            deliver([action = std::move(action)](ChannelLoader& loader) {
                loader.m_busy = false;
                action(loader);
            });
        };
        try {
            const auto volumes = readAll(series, progress, stop);
            end([volumes](ChannelLoader& loader) { Q_EMIT loader.loaded(volumes); });
        } catch (const Error& error) {
            end([code = QString::fromStdString(error.code()), text = QString::fromUtf8(error.what())](ChannelLoader& loader) { Q_EMIT loader.failed(code, text); });
        } catch (const std::exception& error) {
            end([text = QString::fromUtf8(error.what())](ChannelLoader& loader) { Q_EMIT loader.failed("internal", text); });
        }
    });
}

} // namespace hf

#include "app/desktop/Loader.h"

#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/UltrasoundRegions.h"
#include "viewer/volume/Error.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QPointer>
#include <QThreadPool>

#include <functional>

namespace hf::app {

namespace {

constexpr int kProgressMs = 100;    // each step paints the window at once

/// Null when the middle image cannot be shown; reading the series tells why.
QImage preview(const dicom::Series& series, const std::stop_token& stop)
{
    constexpr int kSize = 512;
    try {
        const Picture picture = dicom::thumbnail(series, kSize, stop);
        return QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).copy();
    } catch (const Cancelled&) {
        throw;
    } catch (const Error&) {
        return {};
    }
}

} // namespace

Loader::~Loader() { m_stop.request_stop(); }

void Loader::cancel() { m_stop.request_stop(); }

/// `work(progress, stop, deliver)` runs on a pool thread and returns what to do on the GUI thread; `deliver` does something there before.
template <typename Work> void Loader::start(const QString& what, Work work)
{
    m_stop.request_stop();
    m_stop = {};
    m_busy = true;
    const quint64 generation = ++m_generation;
    Q_EMIT started(what);
    const QPointer<Loader> self(this);
    const auto deliver = [self, generation](std::function<void(Loader&)> action) {
        QMetaObject::invokeMethod(qApp, [self, generation, action = std::move(action)] {
            if (self && self->m_generation == generation) {
                action(*self);
            }
        });
    };
    QThreadPool::globalInstance()->start([deliver, work = std::move(work), stop = m_stop.get_token()] {
        auto timer = std::make_shared<QElapsedTimer>();
        timer->start();
        const Progress progress = [deliver, timer](double fraction, const std::string&) {
            if (timer->elapsed() > kProgressMs) {
                timer->restart();
                deliver([fraction](Loader& loader) { Q_EMIT loader.progressed(fraction); });
            }
        };
        const auto fail = [&](const QString& code, const QString& message) {
            deliver([code, message](Loader& loader) {
                loader.m_busy = false;
                Q_EMIT loader.failed(code, message);
            });
        };
        try {
            auto action = work(progress, stop, deliver);
            deliver([action](Loader& loader) {
                loader.m_busy = false;
                action(loader);
            });
        } catch (const Error& error) {
            fail(QString::fromStdString(error.code()), QString::fromUtf8(error.what()));
        } catch (const std::bad_alloc&) {
            fail("memory", QStringLiteral("there is not enough memory"));
        } catch (const std::exception& error) {
            fail("internal", QString::fromUtf8(error.what()));
        }
    });
}

void Loader::scan(const QStringList& paths)
{
    std::vector<std::filesystem::path> list;
    for (const QString& path : paths) {
        list.emplace_back(path.toStdString());
    }
    start(tr("Looking for images"), [list](const Progress& progress, std::stop_token stop, const auto&) {
        const dicom::ScanResult result = dicom::scan(list, progress, stop);
        return std::function<void(Loader&)>([result](Loader& loader) { Q_EMIT loader.scanned(result); });
    });
}

void Loader::read(const dicom::Series& series)
{
    start(tr("Loading the series"), [series](const Progress& progress, std::stop_token stop, const auto& deliver) {
        if (series.images.size() > 1) {
            deliver([picture = preview(series, stop)](Loader& loader) { Q_EMIT loader.previewed(picture); });
        }
        const auto volume = std::make_shared<const Volume>(dicom::readSeries(series, progress, stop));
        const std::vector<UltrasoundRegion> regions = dicom::readUltrasoundRegions(series);
        return std::function<void(Loader&)>([volume, series, regions](Loader& loader) { Q_EMIT loader.loaded(volume, series, regions); });
    });
}

} // namespace hf::app

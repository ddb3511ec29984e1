#pragma once

#include <QMimeData>
#include <QString>

namespace hf {

/// How a series travels from the study list to a view.
inline const QString kSeriesMime = QStringLiteral("application/x-hounsfield-series");

inline QMimeData* seriesMime(const QString& key)
{
    auto* data = new QMimeData;
    data->setData(kSeriesMime, key.toUtf8());
    return data;
}

inline bool hasSeriesKey(const QMimeData* data) { return data->hasFormat(kSeriesMime); }
inline QString seriesKeyOf(const QMimeData* data) { return QString::fromUtf8(data->data(kSeriesMime)); }

} // namespace hf

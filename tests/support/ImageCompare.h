#pragma once

#include <QDir>
#include <QFile>
#include <QImage>
#include <QString>

#include <cmath>
#include <cstdio>

namespace hf::test {

/// Mean absolute difference of the colours of two pictures, 0 to 255; 255 when their sizes differ.
inline double meanDifference(const QImage& a, const QImage& b)
{
    if (a.size() != b.size() || a.isNull()) {
        return 255;
    }
    const QImage x = a.convertToFormat(QImage::Format_RGB888), y = b.convertToFormat(QImage::Format_RGB888);
    double sum = 0;
    for (int row = 0; row < x.height(); ++row) {
        for (int n = 0; n < 3 * x.width(); ++n) {
            sum += std::abs(int(x.constScanLine(row)[n]) - int(y.constScanLine(row)[n]));
        }
    }
    return sum / (3.0 * x.width() * x.height());
}

/// Compares with tests/baselines/NAME.png; what was seen is kept in the build folder. HF_RENEW_BASELINES=1 writes the baseline instead
/// (look at it before it is committed).
inline bool matchesBaseline(const QImage& image, const QString& name, double mostDifference)
{
    const QString file = QStringLiteral(HF_SOURCE_DIR "/tests/baselines/") + name + ".png";
    if (qEnvironmentVariableIsSet("HF_RENEW_BASELINES")) {
        return image.save(file);
    }
    const double difference = meanDifference(image, QImage(file));
    std::printf("%s differs from its baseline by %.3f (most %.3f)\n", qPrintable(name), difference, mostDifference);
    if (difference > mostDifference) {
        QDir().mkpath(HF_BINARY_DIR "/baseline-failures");
        image.save(QStringLiteral(HF_BINARY_DIR "/baseline-failures/") + name + ".png");
        return false;
    }
    return true;
}

} // namespace hf::test

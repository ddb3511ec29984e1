#pragma once

#include <QBuffer>
#include <QImage>
#include <QSaveFile>
#include <QString>

namespace hf {

/// Writes a file that takes the place of an older one only when it is whole on the disk.
/// @return why it could not be written, in the system's words; empty when it was. The older file is then as it was.
inline QString replaceFile(const QString& path, const QByteArray& bytes)
{
    QSaveFile file(path);
    // A full disk is told when the buffer is emptied, which commit() does without a look at the result.
    const bool isWhole = file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.flush();
    if (!isWhole) {
        const QString reason = file.errorString();
        file.cancelWriting();
        return reason;
    }
    return file.commit() ? QString() : file.errorString();
}

/// The same for a picture, as PNG.
inline QString replacePng(const QString& path, const QImage& image)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    return image.save(&buffer, "PNG") ? replaceFile(path, bytes) : QString("the picture is empty");
}

} // namespace hf

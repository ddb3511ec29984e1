#pragma once

#include <QDialog>
#include <QList>

#include <vector>

namespace hf::dicom {
struct Rejected;
}

namespace hf::app {

/// A file that could not be used and why, in the reader's language.
struct RefusedFile {
    QString path, reason;
};

QList<RefusedFile> refusedFiles(const std::vector<dicom::Rejected>& rejected);

/// The list of them, to read and to copy.
class RefusedFilesDialog : public QDialog {
    Q_OBJECT
public:
    explicit RefusedFilesDialog(const QList<RefusedFile>& files, QWidget* parent = nullptr);
};

} // namespace hf::app

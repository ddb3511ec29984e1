#pragma once

#include "viewer/dicom/Study.h"

#include <QDialog>
#include <QList>

class QComboBox;
class QLabel;
class QPushButton;

namespace hf {

/// Which series are the channels of an expert: proposed by their attributes where they are the sequences of a brain, confirmed by the reader.
class ChannelDialog : public QDialog {
    Q_OBJECT
public:
    /// @param study  must live as long as the dialog.
    ChannelDialog(const QString& expert, const QStringList& channels, const dicom::Study& study, QWidget* parent = nullptr);
    /// In the order of the channels; all different.
    std::vector<dicom::Series> chosen() const;

private:
    void propose(const QStringList& channels);
    void check();

    const dicom::Study& m_study;
    QList<QComboBox*> m_boxes;
    QLabel* m_problem;
    QPushButton* m_run;
};

} // namespace hf

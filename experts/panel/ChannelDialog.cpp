#include "experts/panel/ChannelDialog.h"

#include "viewer/dicom/BrainSequences.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QSet>

namespace hf {

ChannelDialog::ChannelDialog(const QString& expert, const QStringList& channels, const dicom::Study& study, QWidget* parent) : QDialog(parent), m_study(study)
{
    setObjectName("channelDialog");
    setWindowTitle(tr("Series for %1").arg(expert));
    auto* layout = new QFormLayout(this);
    auto* explanation = new QLabel(tr("The choice was made by the attributes of the files. Check it. Series of another grid are registered to the first one."), this);
    explanation->setWordWrap(true);
    layout->addRow(explanation);
    for (const QString& channel : channels) {
        auto* box = new QComboBox(this);
        box->setObjectName("channel" + channel);
        box->addItem(tr("choose"), -1);
        for (std::size_t n = 0; n < study.series.size(); ++n) {
            const dicom::Series& series = study.series[n];
            if (series.kind == dicom::SeriesKind::Volume) {
                box->addItem(tr("%1: %2, %3 images").arg(QString::fromStdString(series.text.seriesNumber), QString::fromStdString(series.text.seriesDescription)).arg(series.images.size()), int(n));
            }
        }
        layout->addRow(channel, box);
        m_boxes.append(box);
        connect(box, &QComboBox::currentIndexChanged, this, [this] { check(); });
    }
    m_problem = new QLabel(this);
    m_problem->setObjectName("channelProblem");
    m_problem->setWordWrap(true);
    layout->addRow(m_problem);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_run = buttons->addButton(tr("Run"), QDialogButtonBox::AcceptRole);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    layout->addRow(buttons);
    propose(channels);
    check();
}

/// Channels whose names mean one of the four sequences ("T1c", "T1 with contrast") get the best series of each.
void ChannelDialog::propose(const QStringList& channels)
{
    const auto sequences = dicom::findBrainSequences(m_study);
    for (qsizetype n = 0; n < channels.size(); ++n) {
        dicom::SequenceFacts named;
        named.description = channels[n].toLower().toStdString();
        if (const auto wanted = dicom::sequenceOf(named); wanted && !sequences[std::size_t(*wanted)].empty()) {
            m_boxes[n]->setCurrentIndex(std::max(0, m_boxes[n]->findData(int(sequences[std::size_t(*wanted)].front() - m_study.series.data()))));
        }
    }
}

void ChannelDialog::check()
{
    QSet<int> used;
    bool isMissing = false;
    for (const QComboBox* box : m_boxes) {
        isMissing = isMissing || box->currentData().toInt() < 0;
        used.insert(box->currentData().toInt());
    }
    const bool isDouble = !isMissing && used.size() < m_boxes.size();
    m_problem->setText(isMissing ? tr("Choose a series for each.") : isDouble ? tr("One series is chosen twice.") : QString());
    m_run->setEnabled(!isMissing && !isDouble);
}

std::vector<dicom::Series> ChannelDialog::chosen() const
{
    std::vector<dicom::Series> series;
    for (const QComboBox* box : m_boxes) {
        series.push_back(m_study.series.at(std::size_t(box->currentData().toInt())));
    }
    return series;
}

} // namespace hf

#include "app/desktop/EngineDialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

namespace hf::app {

namespace {

QComboBox* choice(const QString& name, const QList<std::pair<QString, QString>>& entries, const QString& chosen, QWidget* parent)
{
    auto* box = new QComboBox(parent);
    box->setObjectName(name);
    for (const auto& [text, value] : entries) {
        box->addItem(text, value);
    }
    // A value that somebody wrote into the file stays choosable.
    if (box->findData(chosen) < 0) {
        box->addItem(chosen, chosen);
    }
    box->setCurrentIndex(box->findData(chosen));
    return box;
}

} // namespace

EngineDialog::EngineDialog(const assistant::EngineClient::Options& options, QWidget* parent) : QDialog(parent), m_options(options)
{
    setWindowTitle(tr("Assistant"));
    m_model = new QLineEdit(options.modelDirectory, this);
    m_model->setObjectName("modelFolder");
    m_model->setPlaceholderText(tr("the built-in demo model"));
    m_model->setMinimumWidth(320);
    auto* browse = new QPushButton(tr("Choose ..."), this);
    connect(browse, &QPushButton::clicked, this, [this] {
        if (const QString folder = QFileDialog::getExistingDirectory(this, tr("Folder of a model"), m_model->text()); !folder.isEmpty()) {
            m_model->setText(folder);
        }
    });
    QList<std::pair<QString, QString>> devices{{tr("Automatic: the first graphics card, else the processor"), "auto"}, {tr("Processor"), "cpu"}};
    constexpr int kCards = 4;
    for (int card = 0; card < kCards; ++card) {
        devices.append({tr("Graphics card %1 (CUDA)").arg(card), QString("cuda:%1").arg(card)});
    }
    m_device = choice("device", devices, options.device, this);
    m_precision = choice("precision", {{tr("Automatic: as stored"), "auto"}, {tr("bf16"), "bf16"}, {tr("fp16"), "fp16"}, {tr("fp32, exact and slow"), "fp32"}}, options.precision, this);
    m_quantisation = choice("quantisation", {{tr("None"), "none"}, {tr("int8: half the memory"), "int8"}, {tr("int4: a quarter of the memory, less exact"), "int4"}}, options.quantisation, this);
    auto* folder = new QHBoxLayout;
    folder->addWidget(m_model, 1);
    folder->addWidget(browse);
    auto* form = new QFormLayout;
    form->addRow(tr("&Model:"), folder);
    form->addRow(tr("Runs &on:"), m_device);
    form->addRow(tr("&Numbers:"), m_precision);
    form->addRow(tr("&Rounded weights:"), m_quantisation);
    auto* hint = new QLabel(tr("The assistant starts anew with these settings; the conversation stays. A question that is being answered is given up."), this);
    hint->setWordWrap(true);
    form->addRow(hint);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    form->addRow(buttons);
    setLayout(form);
}

assistant::EngineClient::Options EngineDialog::options() const
{
    return {m_options.program, m_model->text().trimmed(), m_device->currentData().toString(), m_precision->currentData().toString(), m_quantisation->currentData().toString()};
}

} // namespace hf::app

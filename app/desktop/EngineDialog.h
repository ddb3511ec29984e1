#pragma once

#include "assistant/client/EngineClient.h"

#include <QDialog>

class QComboBox;
class QLineEdit;

namespace hf::app {

/// Which model the assistant uses, where it runs, and with which numbers.
class EngineDialog : public QDialog {
    Q_OBJECT
public:
    explicit EngineDialog(const assistant::EngineClient::Options& options, QWidget* parent = nullptr);
    /// `program` is that of the constructor.
    assistant::EngineClient::Options options() const;

private:
    assistant::EngineClient::Options m_options;
    QLineEdit* m_model;
    QComboBox* m_device;
    QComboBox* m_precision;
    QComboBox* m_quantisation;
};

} // namespace hf::app

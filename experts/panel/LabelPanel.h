#pragma once

#include "assistant/client/EngineClient.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSlider;
class QTableWidget;
class QTableWidgetItem;

namespace hf {

class Scene;

/// The mask's labels (colour, visibility, volume, mean, jump) and the experts' buttons: an expert runs without the language model here.
class LabelPanel : public QWidget {
    Q_OBJECT
public:
    LabelPanel(Scene* scene, assistant::EngineClient* client, QWidget* parent = nullptr);

    QTableWidget* table() const { return m_table; }
    /// The run that was started here; 0 when none.
    quint64 runningJob() const { return m_job; }

private:
    void fillTable();
    void updateCells();
    void fillExperts();
    void run();
    void itemChanged(QTableWidgetItem* item);
    void cellActivated(int row, int column);
    void endRun(const QString& text);

    Scene* m_scene;
    assistant::EngineClient* m_client;
    QTableWidget* m_table;
    QLabel* m_source;
    QLabel* m_message;
    QComboBox* m_experts;
    QPushButton* m_run;
    QProgressBar* m_progress;
    QSlider* m_opacity;
    QCheckBox* m_outline;
    QPushButton* m_clear;
    quint64 m_job = 0;
    bool m_filling = false;
};

} // namespace hf

#pragma once

#include "assistant/client/EngineClient.h"
#include "viewer/dicom/Study.h"

#include <QWidget>

#include <functional>

class QCheckBox;
class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSlider;
class QTableWidget;
class QTableWidgetItem;

namespace hf {

class ChannelLoader;
class ClickRow;
class ScoreTable;
class Scene;

/// The mask's labels (colour, visibility, volume, mean, jump) and the experts' buttons: an expert runs without the language model here.
class LabelPanel : public QWidget {
    Q_OBJECT
public:
    LabelPanel(Scene* scene, assistant::EngineClient* client, QWidget* parent = nullptr);

    QTableWidget* table() const { return m_table; }
    /// The run that was started here; 0 when none.
    quint64 runningJob() const { return m_job; }
    /// Stops the run, or the reading of its series; nothing when there is none.
    void stop();
    /// Starts the chosen expert, or stops the one that runs: what the button does.
    void run();
    /// Gives the keyboard to the list of experts.
    void focusExperts();
    ScoreTable* scores() const { return m_scores; }
    /// Shows the licence of an expert's weights and records that the reader accepts it. False when they do not, or it is not known.
    bool acceptsLicence(const QString& expert);
    /// Where the studies are that an expert of several series may choose from.
    void setStudySource(std::function<std::vector<dicom::Study>()> source) { m_studySource = std::move(source); }

Q_SIGNALS:
    /// The series on whose grid a mask will come.
    void seriesWanted(const QString& key);
    /// The mouse did what was to be done here: the keyboard is for the images again.
    void imagesWanted();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void fillTable();
    void updateCells();
    void fillExperts();
    void start(const QString& expert, const QString& argument, const QList<assistant::ExpertClick>& clicks);
    const assistant::ExpertInfo* findExpert(const QString& name) const;
    void showClickRow();
    void chooseChannels(const assistant::ExpertInfo& expert);
    void startLoaded(const QList<std::shared_ptr<const Volume>>& volumes);
    void beginRun();
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
    ClickRow* m_clicks;
    ScoreTable* m_scores;
    assistant::ExpertRequest m_last;    ///< The run that was started last.
    ChannelLoader* m_channels;
    std::function<std::vector<dicom::Study>()> m_studySource;
    quint64 m_job = 0;
    bool m_filling = false;
    bool m_isByMouse = false;           ///< The last press of the button.
};

} // namespace hf

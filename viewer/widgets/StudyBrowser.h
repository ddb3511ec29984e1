#pragma once

#include "viewer/dicom/Study.h"

#include <QTreeWidget>

#include <stop_token>

namespace hf {

/// Studies with their series and thumbnails. Thumbnails are made on another thread.
class StudyBrowser : public QTreeWidget {
    Q_OBJECT
public:
    explicit StudyBrowser(QWidget* parent = nullptr);
    ~StudyBrowser() override;

    /// Adds what is not listed yet.
    void addStudies(const std::vector<dicom::Study>& studies);
    void clearStudies();
    void setCurrentSeries(const std::string& key);
    /// As if it was clicked; nothing when it is not listed.
    void chooseSeries(const std::string& key);
    /// The series after (1) or before (-1) the current one.
    void chooseNext(int step);
    /// The study after (1) or before (-1) that of the current row.
    void chooseNextStudy(int step);
    const std::vector<dicom::Study>& studies() const { return m_studies; }
    /// Null when it is not listed.
    const dicom::Series* findSeries(const std::string& key) const;
    /// Key of the row that has the focus; empty for a study.
    std::string currentSeries() const;

Q_SIGNALS:
    void seriesChosen(const hf::dicom::Series& series);
    /// The mouse chose a series, after seriesChosen().
    void seriesClicked();
    /// By the series that shows most of it.
    void studyChosen(const hf::dicom::Series& main);
    /// A right click or the menu key on a series.
    void menuAsked(const QString& seriesKey, QPoint globalPos);

protected:
    QMimeData* mimeData(const QList<QTreeWidgetItem*>& items) const override;
    QStringList mimeTypes() const override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QTreeWidgetItem* itemOf(const std::string& key) const;
    void makeThumbnails(const std::vector<dicom::Series>& list);
    std::vector<dicom::Study> m_studies;
    std::stop_source m_stop;
};

} // namespace hf

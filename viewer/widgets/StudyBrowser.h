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
    const std::vector<dicom::Study>& studies() const { return m_studies; }

Q_SIGNALS:
    void seriesChosen(const hf::dicom::Series& series);

private:
    void makeThumbnails(const std::vector<dicom::Series>& list);
    std::vector<dicom::Study> m_studies;
    std::stop_source m_stop;
};

} // namespace hf

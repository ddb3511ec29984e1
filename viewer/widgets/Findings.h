#pragma once

#include "viewer/volume/Measurement.h"

#include <QObject>
#include <QString>

#include <map>
#include <vector>

namespace hf {

class Scene;
struct ShownSeries;

/// A measurement with what it measured last.
struct Finding {
    Measurement measurement;
    MeasurementFacts facts;
    QString seriesName;     ///< Of the series that it was drawn on, for the list.
};

/// The measurements of the study that the scene shows. Every change is one step of the scene's undo stack and is saved at once, in a file
/// of the study in `folder`; they are there again when the study is opened the next time. GUI thread only.
class Findings : public QObject {
    Q_OBJECT
public:
    /// @param folder  empty: the user's data folder.
    explicit Findings(Scene* scene, const QString& folder = {}, QObject* parent = nullptr);

    const std::vector<Finding>& all() const { return m_findings; }
    /// Null when there is none.
    const Finding* find(int id) const;
    /// Those that were drawn on the active series.
    std::vector<const Finding*> ofShownSeries() const;
    /// Those that were drawn on a series beside it, which may belong to another study (a prior).
    std::vector<const Finding*> ofSeries(const std::string& key) const;

    /// @return the new id.
    int add(Measurement measurement);
    /// Puts another shape or text in place of the one with its id.
    void replace(const Measurement& measurement);
    void remove(int id);
    void removeAll();

    int selected() const { return m_selected; }
    /// 0 selects nothing.
    void setSelected(int id);
    /// Selects it and goes there; asks for its series when another one is shown.
    void jumpTo(int id);
    /// The one after (step 1) or before (-1) the selected one, round and round.
    void jumpToNext(int step);

    /// Calibration of the shown image, ultrasound regions included.
    const ImageScale& scale() const { return m_scale; }
    void setUltrasoundRegions(std::vector<UltrasoundRegion> regions);
    /// Regions of a series that need not be active yet; kept for when it is.
    void setUltrasoundRegionsOf(const std::string& seriesKey, std::vector<UltrasoundRegion> regions);
    /// Facts of a measurement that is being drawn.
    MeasurementFacts measureShown(const Measurement& measurement) const;

    /// One step without undo; used by the commands.
    void setAll(std::vector<Finding> findings);
    /// Where the present study's findings are kept; empty without a study.
    QString filePath() const;

Q_SIGNALS:
    void changed();
    void selectedChanged();
    void seriesWanted(const QString& seriesKey);
    /// Saving or reading failed; translated.
    void problem(const QString& text);

private:
    void sceneChanged();
    void push(std::vector<Finding> after, const QString& what);
    void remeasure();
    /// Findings of the other studies that views show, for looking at.
    void loadOthers();
    void load();
    QString filePathOf(const std::string& studyUid) const;
    void save();

    Scene* m_scene;
    QString m_folder;
    std::string m_studyUid;
    std::vector<Finding> m_findings;
    std::map<std::string, std::vector<Finding>> m_others;   ///< By study, with facts.
    ImageScale m_scale;
    std::map<std::string, std::vector<UltrasoundRegion>> m_regions;     ///< By series.
    int m_selected = 0;
    int m_wanted = 0;       ///< To be jumped to when its series is there.
    int m_lastId = 0;
    QByteArray m_saved;         ///< The study's file as it was read or written last.
    bool m_isReadable = true;   ///< The study's file could be read, so it may be written.
};

} // namespace hf

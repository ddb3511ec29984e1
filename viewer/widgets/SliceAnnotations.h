#pragma once

#include "viewer/volume/Picture.h"

#include <QCoreApplication>
#include <QRect>
#include <QString>
#include <QStringList>

class QPainter;

namespace hf {

struct ShownSeries;

/// The texts, letters and lines that lie over one 2D view. Lines are elided, never drawn over each other; small views show less.
class SliceAnnotations {
    Q_DECLARE_TR_FUNCTIONS(hf::SliceAnnotations)
public:
    struct State {
        Plane plane = Plane::Axial;
        QString value, place;       ///< Under the pointer; may be empty.
        double zoomPercent = 100;
        QStringList marks;          ///< Of the view itself ("flipped"); never hidden.
        bool isMaskShown = true;
        bool areTwoPatients = false;    ///< The window shows images of more than one patient.
    };
    SliceAnnotations(QPainter& painter, QRect rect, const ShownSeries& shown, const SliceFrame& frame, State state);

    void paintCrosshair();
    /// A cross where the place lies in the slice, within half its thickness; dashed where it lies in front of it or behind it. Nothing beside
    /// the image.
    void paintLinkedPlace(PointLps place);
    void paintLetters();
    void paintRuler();
    /// Whose images these are, and of when: the upper corners of paintTexts().
    void paintIdentity();
    void paintTexts();
    /// What must be seen even when the texts are hidden: AI, lossy, geometry that was repaired, two patients in one window.
    void paintMarks();

private:
    void paintPatientBar();
    int paintCorner(const QStringList& lines, Qt::Alignment corner, const QString& alarming = {});
    int cornerWidth() const;
    int patientBarHeight() const;
    QString windowText() const;
    bool isWindowOutside() const;
    QStringList topLeft() const;
    QStringList topRight() const;
    QStringList bottomLeft() const;
    QStringList bottomRight() const;

    QPainter& m_painter;
    QRect m_rect;
    const ShownSeries& m_shown;
    const SliceFrame& m_frame;
    State m_state;
    bool m_isSmall;
    int m_topTexts = 0;     ///< Height that the upper texts take.
};

/// A patient plane, translated: "Axial".
QString planeName(Plane plane);
/// The colour that stands for a plane in all views.
QColor planeColor(Plane plane);

} // namespace hf

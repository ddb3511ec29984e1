#pragma once

#include "viewer/volume/Picture.h"

#include <QCoreApplication>
#include <QRect>
#include <QString>
#include <QStringList>

class QPainter;

namespace hf {

class Scene;

/// The texts, letters and lines that lie over one 2D view. Lines are elided, never drawn over each other; small views show less.
class SliceAnnotations {
    Q_DECLARE_TR_FUNCTIONS(hf::SliceAnnotations)
public:
    struct State {
        Plane plane = Plane::Axial;
        QString value;              ///< Under the pointer; may be empty.
        double zoomPercent = 100;
        QStringList marks;          ///< Of the view itself ("flipped"); never hidden.
    };
    SliceAnnotations(QPainter& painter, QRect rect, const Scene& scene, const SliceFrame& frame, State state);

    void paintCrosshair();
    void paintLetters();
    void paintRuler();
    void paintTexts();
    /// What must be seen even when the texts are hidden: AI, lossy, geometry that was repaired.
    void paintMarks();

private:
    int paintCorner(const QStringList& lines, Qt::Alignment corner);
    QStringList topLeft() const;
    QStringList topRight() const;
    QStringList bottomLeft() const;
    QStringList bottomRight() const;

    QPainter& m_painter;
    QRect m_rect;
    const Scene& m_scene;
    const SliceFrame& m_frame;
    State m_state;
    bool m_isSmall;
    int m_topTexts = 0;     ///< Height that the upper texts take.
};

/// A patient plane, translated: "Axial".
QString planeName(Plane plane);

} // namespace hf

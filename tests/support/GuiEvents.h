#pragma once

#include <QApplication>
#include <QMouseEvent>
#include <QTest>
#include <QWidget>

namespace hf::test {

/// Drags from one place of a view to another, in four moves.
inline void drag(QWidget* view, QPoint from, QPoint to, Qt::MouseButton button = Qt::LeftButton, Qt::KeyboardModifiers modifiers = {})
{
    QTest::mousePress(view, button, modifiers, from);
    for (int n = 1; n <= 4; ++n) {
        const QPoint at = from + (to - from) * n / 4;
        QMouseEvent move(QEvent::MouseMove, at, view->mapToGlobal(at), Qt::NoButton, button, modifiers);
        QApplication::sendEvent(view, &move);
    }
    QTest::mouseRelease(view, button, modifiers, to);
}

} // namespace hf::test

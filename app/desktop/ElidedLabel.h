#pragma once

#include <QLabel>
#include <QPainter>

namespace hf::app {

/// One line of text that never widens its window: what does not fit ends in three dots. Tool tips are the owner's.
class ElidedLabel : public QLabel {
public:
    using QLabel::QLabel;

    QSize minimumSizeHint() const override { return {0, QLabel::minimumSizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent*) override
    {
        QPainter painter(this);
        painter.setPen(palette().color(foregroundRole()));
        painter.drawText(contentsRect(), Qt::AlignVCenter | Qt::AlignLeft, fontMetrics().elidedText(text().simplified(), Qt::ElideRight, contentsRect().width()));
    }
};

} // namespace hf::app

#pragma once

#include <QEvent>
#include <QScrollArea>
#include <QScrollBar>

namespace hf::app {

/// Lets a panel of a dock be lower than its content on small screens; it is never narrower.
class PanelScroll : public QScrollArea {
public:
    explicit PanelScroll(QWidget* panel, QWidget* parent) : QScrollArea(parent)
    {
        setFrameShape(QFrame::NoFrame);
        setFocusPolicy(Qt::NoFocus);
        setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        setWidgetResizable(true);
        setWidget(panel);
    }

    QSize minimumSizeHint() const override
    {
        constexpr int kLeastHeight = 90;
        const QSize least = widget()->minimumSizeHint();
        return {least.width() + verticalScrollBar()->sizeHint().width(), std::min(least.height(), kLeastHeight)};
    }
    QSize sizeHint() const override { return widget()->sizeHint(); }

protected:
    bool eventFilter(QObject* object, QEvent* event) override
    {
        if (object == widget() && event->type() == QEvent::LayoutRequest) {
            updateGeometry();
        }
        return QScrollArea::eventFilter(object, event);
    }
};

} // namespace hf::app

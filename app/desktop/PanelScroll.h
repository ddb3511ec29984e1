#pragma once

#include <QApplication>
#include <QEvent>
#include <QLayout>
#include <QScrollArea>
#include <QScrollBar>

#include <algorithm>

namespace hf::app {

/// Lets a panel of a dock be lower than its content on small screens; it is never narrower.
class PanelScroll : public QScrollArea {
public:
    explicit PanelScroll(QWidget* panel, QWidget* parent) : QScrollArea(parent)
    {
        setFrameShape(QFrame::NoFrame);
        setFocusPolicy(Qt::NoFocus);
        setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        setWidget(panel);
        // Qt scrolls to what the Tab key reaches, not to what a command gives the keyboard.
        connect(qApp, &QApplication::focusChanged, this, [this](QWidget*, QWidget* now) {
            if (now && widget()->isAncestorOf(now)) {
                ensureWidgetVisible(now);
            }
        });
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
            fit();
        }
        return QScrollArea::eventFilter(object, event);
    }
    void resizeEvent(QResizeEvent* event) override
    {
        QScrollArea::resizeEvent(event);
        fit();
    }

private:
    /// As high as there is room, but with what it needs at least. A resizable scroll area takes what a panel with wrapped texts would like
    /// to have, and scrolls where nothing is too small.
    void fit()
    {
        const int width = viewport()->width();
        QLayout* layout = widget()->layout();
        const int least = layout->hasHeightForWidth() ? layout->minimumHeightForWidth(width) : layout->minimumSize().height();
        widget()->resize(width, std::max(viewport()->height(), least));
    }
};

} // namespace hf::app

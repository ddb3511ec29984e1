#include "viewer/widgets/VolumeAnnotations.h"

#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/ShownSeries.h"
#include "viewer/widgets/SliceAnnotations.h"

#include <QEvent>
#include <QPainter>

#include <utility>

namespace hf {

VolumeAnnotations::VolumeAnnotations(VolumeView3D* view, std::function<const ShownSeries*()> shown) : QWidget(view), m_view(view), m_shown(std::move(shown))
{
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setGeometry(view->rect());
    view->installEventFilter(this);
    connect(view, &VolumeView3D::cameraMoved, this, [this] {
        if (m_view->right() != m_right || m_view->down() != m_down || m_view->hasImage() != m_hasLetters) {
            update();
        }
    });
}

void VolumeAnnotations::setTextShown(bool shown)
{
    m_texts = shown;
    update();
}

void VolumeAnnotations::setTwoPatients(bool two)
{
    m_twoPatients = two;
    update();
}

bool VolumeAnnotations::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::Resize) {
        setGeometry(m_view->rect());
    }
    return QWidget::eventFilter(object, event);
}

void VolumeAnnotations::paintEvent(QPaintEvent*) { paintOver(this); }

void VolumeAnnotations::paintOver(QPaintDevice* picture)
{
    const ShownSeries* shown = m_shown();
    if (!shown || shown->isEmpty() || shown->volume != m_view->volume()) {
        return;
    }
    QPainter painter(picture);
    painter.setFont(font());
    painter.setRenderHint(QPainter::TextAntialiasing);
    SliceFrame frame;
    frame.right = m_right = m_view->right();
    frame.down = m_down = m_view->down();
    SliceAnnotations::State state;
    state.isMaskShown = false;      // the view names its mask itself
    state.areTwoPatients = m_twoPatients;
    SliceAnnotations annotations(painter, rect(), *shown, frame, state);
    if (m_texts) {
        annotations.paintIdentity();
    }
    m_hasLetters = m_view->hasImage();
    if (m_texts && m_hasLetters) {
        SliceAnnotations(painter, rect().adjusted(0, 0, 0, -m_view->footer()), *shown, frame, state).paintLetters();
    }
    annotations.paintMarks();
}

QImage VolumeAnnotations::picture()
{
    QImage image = m_view->image();
    if (!image.isNull() && width() > 0) {
        image.setDevicePixelRatio(double(image.width()) / width());
        paintOver(&image);
        image.setDevicePixelRatio(1);
    }
    return image;
}

} // namespace hf

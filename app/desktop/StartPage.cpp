#include "app/desktop/StartPage.h"

#include "viewer/widgets/Theme.h"

#include <QGridLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

namespace hf::app {

StartPage::StartPage(QWidget* parent) : QWidget(parent), m_mark(new QLabel(this)), m_title(new QLabel(this)), m_hint(new QLabel(this)), m_progress(new QProgressBar(this)), m_open(new QWidget(this)), m_cancel(new QPushButton(tr("Cancel"), this))
{
    m_mark->setObjectName("startMark");
    m_title->setStyleSheet("font-size: 22px; font-weight: 600;");
    m_hint->setProperty("tone", "dim");
    m_hint->setWordWrap(true);
    for (QLabel* label : {m_mark, m_title, m_hint}) {
        label->setAlignment(Qt::AlignCenter);
    }
    m_progress->setFixedWidth(280);
    m_progress->setTextVisible(false);

    // The picture of a series that is read is cut where there is no room for it.
    m_mark->setMinimumSize(1, 1);
    auto* grid = new QGridLayout(m_open);
    grid->setContentsMargins(0, 0, 0, 0);
    int count = 0;
    const auto button = [&](const char* icon, const QString& text, const char* name, auto signal) {
        auto* made = new QPushButton(theme::icon(icon), text, m_open);
        made->setObjectName(name);
        connect(made, &QPushButton::clicked, this, signal);
        grid->addWidget(made, count / 2, count % 2);
        ++count;
    };
    button("open", tr("Open folder ..."), "primary", &StartPage::folderAsked);
    button("file", tr("Open files ..."), "openFilesButton", &StartPage::filesAsked);
    button("layout", tr("Studies on this computer ..."), "openLibrary", &StartPage::libraryAsked);
    button("sample", tr("Open the sample study"), "openSample", &StartPage::sampleAsked);
    m_cancel->setObjectName("cancelStart");
    connect(m_cancel, &QPushButton::clicked, this, &StartPage::cancelAsked);

    auto* layout = new QVBoxLayout(this);
    layout->addStretch();
    for (QWidget* widget : {static_cast<QWidget*>(m_mark), static_cast<QWidget*>(m_title), static_cast<QWidget*>(m_hint)}) {
        layout->addWidget(widget);
    }
    layout->addSpacing(12);
    for (QWidget* widget : {static_cast<QWidget*>(m_progress), m_open, static_cast<QWidget*>(m_cancel)}) {
        layout->addWidget(widget, 0, Qt::AlignCenter);
    }
    layout->addStretch();
    setWork({});
}

void StartPage::setWork(const QString& what)
{
    const bool isBusy = !what.isEmpty();
    m_title->setText(isBusy ? what : tr("Open a study"));
    m_hint->setText(isBusy ? tr("The window stays usable meanwhile.") : tr("Drop a folder, DICOM files, a DICOMDIR or a ZIP archive here.\nNothing leaves this computer."));
    m_progress->setVisible(isBusy);
    m_cancel->setVisible(isBusy);
    m_open->setVisible(!isBusy);
    m_progress->setValue(0);
    if (!isBusy) {
        m_mark->setPixmap(theme::icon("hounsfield").pixmap(QSize(96, 96), devicePixelRatioF()));
    }
}

void StartPage::setProgress(int percent) { m_progress->setValue(percent); }

void StartPage::setPreview(const QImage& picture)
{
    if (!picture.isNull()) {
        m_mark->setPixmap(QPixmap::fromImage(picture));
    }
}

} // namespace hf::app

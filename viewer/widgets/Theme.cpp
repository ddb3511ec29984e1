#include "viewer/widgets/Theme.h"

#include <QApplication>
#include <QFile>
#include <QPainter>
#include <QPalette>
#include <QStyleFactory>
#include <QSvgRenderer>

namespace hf::theme {

void apply(QApplication& application)
{
    application.setStyle(QStyleFactory::create("Fusion"));
    QPalette palette;
    palette.setColor(QPalette::Window, kPanel);
    palette.setColor(QPalette::WindowText, kText);
    palette.setColor(QPalette::Base, kBackground);
    palette.setColor(QPalette::AlternateBase, kRaised);
    palette.setColor(QPalette::Text, kText);
    palette.setColor(QPalette::Button, kRaised);
    palette.setColor(QPalette::ButtonText, kText);
    palette.setColor(QPalette::BrightText, Qt::white);
    palette.setColor(QPalette::ToolTipBase, kRaised);
    palette.setColor(QPalette::ToolTipText, kText);
    palette.setColor(QPalette::PlaceholderText, kDim);
    palette.setColor(QPalette::Highlight, kAccent);
    palette.setColor(QPalette::HighlightedText, Qt::black);
    palette.setColor(QPalette::Link, kAccent);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        palette.setColor(QPalette::Disabled, role, QColor(0x5a, 0x62, 0x6c));
    }
    application.setPalette(palette);
    application.setStyleSheet(QString(R"qss(
        QMainWindow::separator { background: #121417; width: 3px; height: 3px; }
        QDockWidget { titlebar-close-icon: none; }
        QDockWidget::title { background: #20242a; padding: 6px 8px; }
        QToolBar { background: #20242a; border: none; spacing: 4px; padding: 4px; }
        QToolButton { border: none; border-radius: 5px; padding: 5px; }
        QToolButton:hover { background: #333a43; }
        QToolButton:checked { background: #2b4a66; }
        QPushButton { background: #2d343c; border: 1px solid #3b444e; border-radius: 6px; padding: 6px 12px; }
        QPushButton:hover { background: #39424c; }
        QPushButton:disabled { background: #22272d; border-color: #2a3037; }
        QPushButton#primary { background: #1f6fb0; border-color: #2a83cc; color: white; }
        QPushButton#primary:disabled { background: #25323d; border-color: #2a3037; color: #6b7580; }
        QPushButton#chip { border-radius: 12px; padding: 4px 10px; text-align: left; }
        QLineEdit, QPlainTextEdit, QTextEdit, QTextBrowser, QTreeWidget, QTableWidget, QListWidget { background: #15181c; border: 1px solid #2b3138; border-radius: 6px; }
        QTreeWidget::item:selected, QTableWidget::item:selected { background: #24405a; color: #dde2e8; }
        QTreeWidget:focus, QTableWidget:focus, QPlainTextEdit:focus, QTextBrowser:focus, QLineEdit:focus { border-color: #3d78a8; }
        QPushButton:focus, QComboBox:focus, QToolButton:focus { border: 1px solid #3da9fc; }
        QPushButton#primary:focus { border: 1px solid #a8d8ff; }
        QComboBox { background: #2d343c; border: 1px solid #3b444e; border-radius: 6px; padding: 5px 10px; }
        QComboBox:hover { background: #39424c; }
        QComboBox:disabled { background: #22272d; border-color: #2a3037; color: #5a626c; }
        QComboBox::drop-down { border: none; width: 22px; }
        QComboBox::down-arrow { image: url("@icons/down.svg"); width: 12px; height: 12px; }
        QComboBox QAbstractItemView { background: #20242a; border: 1px solid #3b444e; selection-background-color: #2b4a66; selection-color: #dde2e8; }
        QTabWidget::pane { border: none; }
        QTabBar::tab { padding: 7px 12px; color: #8d97a3; border-bottom: 2px solid transparent; }
        QTabBar::tab:selected { color: #dde2e8; border-bottom: 2px solid #3da9fc; }
        QTabBar::tab:hover { color: #dde2e8; }
        QTabBar::tab:focus { color: #a8d8ff; }
        QSpinBox { background: #15181c; border: 1px solid #2b3138; border-radius: 5px; padding: 3px 4px; }
        QHeaderView::section { background: #20242a; border: none; padding: 4px; color: #8d97a3; }
        QMenuBar { background: #20242a; } QMenuBar::item:selected, QMenu::item:selected { background: #2b4a66; }
        QMenu { background: #20242a; border: 1px solid #333a43; }
        QStatusBar { background: #20242a; color: #8d97a3; }
        QProgressBar { background: #15181c; border: none; border-radius: 4px; height: 8px; text-align: center; }
        QProgressBar::chunk { background: #3da9fc; border-radius: 4px; }
        QToolTip { background: #262b32; color: #dde2e8; border: 1px solid #3b444e; padding: 4px; }
        QScrollBar:vertical { background: transparent; width: 10px; } QScrollBar::handle:vertical { background: #3b444e; border-radius: 5px; min-height: 24px; }
        QScrollBar:horizontal { background: transparent; height: 10px; } QScrollBar::handle:horizontal { background: #3b444e; border-radius: 5px; min-width: 24px; }
        QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
    )qss").replace("@icons", HF_ICON_DIR));
}

QIcon icon(const QString& name)
{
    for (const QString& path : {":/icons/" + name + ".svg", QStringLiteral(HF_ICON_DIR "/") + name + ".svg"}) {
        QFile file(path);
        if (!file.open(QIODevice::ReadOnly)) {
            continue;
        }
        QSvgRenderer renderer(QString::fromUtf8(file.readAll()).replace("currentColor", kText.name()).toUtf8());
        QIcon icon;
        for (const int size : {20, 24, 40, 48, 96, 192}) {
            QPixmap pixmap(size, size);
            pixmap.fill(Qt::transparent);
            QPainter painter(&pixmap);
            renderer.render(&painter);
            painter.end();
            icon.addPixmap(pixmap);
            icon.addPixmap(pixmap, QIcon::Selected);
        }
        return icon;
    }
    return {};
}

} // namespace hf::theme

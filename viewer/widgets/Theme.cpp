#include "viewer/widgets/Theme.h"

#include <QApplication>
#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QStyleFactory>
#include <QSvgRenderer>

#include <utility>

namespace hf::theme {

namespace {

Kind& present()
{
    static Kind kind = Kind::Dark;
    return kind;
}

/// Each colour of the dark style sheet with its counterpart in the light one.
constexpr std::pair<const char*, const char*> kLightColors[] = {{"#121417", "#c9cfd6"}, {"#20242a", "#e9ecf0"}, {"#333a43", "#d3dae2"}, {"#2b4a66", "#bcdcf7"}, {"#2d343c", "#ffffff"},
    {"#3b444e", "#b4bec9"}, {"#39424c", "#eef3f8"}, {"#22272d", "#eceff2"}, {"#2a3037", "#d6dce3"}, {"#25323d", "#c5d6e6"}, {"#6b7580", "#7a8794"}, {"#15181c", "#ffffff"},
    {"#2b3138", "#c2cad3"}, {"#24405a", "#cfe5f8"}, {"#dde2e8", "#1c232b"}, {"#3d78a8", "#3d78a8"}, {"#3da9fc", "#0b6cbf"}, {"#a8d8ff", "#0b4f8a"}, {"#5a626c", "#98a3af"},
    {"#8d97a3", "#55606d"}, {"#262b32", "#f4f6f8"}};

/// Draws an SVG in the text colour that the theme has when it is painted.
class ThemeIcon : public QIconEngine {
public:
    explicit ThemeIcon(QByteArray svg) : m_svg(std::move(svg)) {}

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override
    {
        const QColor color = mode == QIcon::Disabled ? QApplication::palette().color(QPalette::Disabled, QPalette::ButtonText) : panel().text;
        QSvgRenderer renderer(QByteArray(m_svg).replace("currentColor", color.name().toUtf8()));
        renderer.render(painter, rect);
    }

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override
    {
        QPixmap pixmap(size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        paint(&painter, pixmap.rect(), mode, state);
        return pixmap;
    }

    QIconEngine* clone() const override { return new ThemeIcon(m_svg); }

private:
    QByteArray m_svg;
};

QPalette lightPalette()
{
    QPalette palette;
    palette.setColor(QPalette::Window, QColor(0xf4, 0xf6, 0xf8));
    palette.setColor(QPalette::WindowText, panel().text);
    palette.setColor(QPalette::Base, Qt::white);
    palette.setColor(QPalette::AlternateBase, QColor(0xee, 0xf1, 0xf4));
    palette.setColor(QPalette::Text, panel().text);
    palette.setColor(QPalette::Button, QColor(0xe9, 0xec, 0xf0));
    palette.setColor(QPalette::ButtonText, panel().text);
    palette.setColor(QPalette::BrightText, Qt::black);
    palette.setColor(QPalette::ToolTipBase, Qt::white);
    palette.setColor(QPalette::ToolTipText, panel().text);
    palette.setColor(QPalette::PlaceholderText, panel().dim);
    palette.setColor(QPalette::Highlight, panel().accent);
    palette.setColor(QPalette::HighlightedText, Qt::white);
    palette.setColor(QPalette::Link, panel().accent);
    return palette;
}

QPalette darkPalette()
{
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
    return palette;
}

const char* const kStyleSheet = R"qss(
        QMainWindow::separator { background: #121417; width: 3px; height: 3px; }
        QDockWidget { titlebar-close-icon: none; }
        QDockWidget::title { background: #20242a; padding: 6px 8px; }
        QToolBar { background: #20242a; border: none; spacing: 4px; padding: 4px; }
        QToolButton { border: none; border-radius: 5px; padding: 5px; }
        QToolButton#qt_toolbar_ext_button { padding: 0; background: #2d343c; }
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
        QCheckBox::indicator, QTableWidget::indicator { width: 14px; height: 14px; border: 1px solid #8d97a3; border-radius: 3px; background: #15181c; }
        QCheckBox::indicator:checked, QTableWidget::indicator:checked { background: #1f6fb0; border-color: #2a83cc; image: url("@icons/check.svg"); }
        QCheckBox::indicator:disabled { border-color: #5a626c; background: #22272d; }
        QCheckBox:focus { color: #a8d8ff; } QCheckBox::indicator:focus { border-color: #3da9fc; }
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
        QLabel[tone="dim"] { color: #8d97a3; } QLabel[tone="warning"] { color: #f2b134; }
    )qss";

} // namespace

Kind kind() { return present(); }

const PanelColors& panel()
{
    static const PanelColors dark{kRaised, kText, kDim, kAccent, kWarning};
    static const PanelColors light{QColor(0xe2, 0xe8, 0xee), QColor(0x1c, 0x23, 0x2b), QColor(0x55, 0x60, 0x6d), QColor(0x0b, 0x6c, 0xbf), QColor(0x9a, 0x5b, 0x00)};
    return present() == Kind::Dark ? dark : light;
}

void apply(QApplication& application, Kind kind)
{
    present() = kind;
    const bool isDark = kind == Kind::Dark;
    application.setStyle(QStyleFactory::create("Fusion"));
    QPalette palette = isDark ? darkPalette() : lightPalette();
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        palette.setColor(QPalette::Disabled, role, isDark ? QColor(0x5a, 0x62, 0x6c) : QColor(0x98, 0xa3, 0xaf));
    }
    application.setPalette(palette);
    QString sheet = QString(kStyleSheet).replace("@icons", HF_ICON_DIR);
    if (!isDark) {
        for (const auto& [darkColor, lightColor] : kLightColors) {
            // Marked, so that a colour that was put in is not replaced again.
            sheet.replace(darkColor, QString("\x01%1").arg(lightColor + 1));
        }
        sheet.replace('\x01', '#').replace("#f2b134", panel().warning.name());
    }
    application.setStyleSheet(sheet);
}

QIcon icon(const QString& name)
{
    for (const QString& path : {":/icons/" + name + ".svg", QStringLiteral(HF_ICON_DIR "/") + name + ".svg"}) {
        QFile file(path);
        if (!file.open(QIODevice::ReadOnly)) {
            continue;
        }
        return QIcon(new ThemeIcon(file.readAll()));
    }
    return {};
}

} // namespace hf::theme

#include "app/desktop/ActionTable.h"

#include "viewer/widgets/Theme.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QKeyEvent>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>
#include <QToolBar>
#include <QToolButton>

namespace hf::app {

ActionTable::ActionTable(QMainWindow* window, Change change) : QObject(window), m_window(window), m_change(std::move(change)), m_bar(window->addToolBar(tr("Tools")))
{
    m_bar->setObjectName("tools");
    m_bar->setMovable(false);
    m_bar->setIconSize({20, 20});
    // The style's own sign for what has no room is black on any background.
    if (auto* more = m_bar->findChild<QToolButton*>("qt_toolbar_ext_button")) {
        more->setIcon(theme::icon("more"));
        more->setAccessibleName(tr("More tools"));
    }
    qApp->installEventFilter(this);
}

QMenu* ActionTable::beginMenu(const QString& title)
{
    m_title = QString(title).remove('&');
    m_menus = {m_window->menuBar()->addMenu(title)};
    return m_menus.back();
}

QMenu* ActionTable::beginSubmenu(const QString& icon, const QString& title)
{
    m_menus.append(m_menus.back()->addMenu(theme::icon(icon), title));
    return m_menus.back();
}

void ActionTable::endSubmenu() { m_menus.removeLast(); }

void ActionTable::separator(bool inBarToo)
{
    m_menus.back()->addSeparator();
    if (inBarToo) {
        m_bar->addSeparator();
    }
}

QAction* ActionTable::add(const Spec& spec, std::function<void()> slot)
{
    auto* action = new QAction(theme::icon(spec.icon), spec.text, m_window);
    action->setObjectName(spec.id);
    const QString plain = QString(spec.text).remove('&');
    action->setCheckable(spec.flags & Checkable);
    action->setChecked(spec.flags & Checked);
    connect(action, &QAction::triggered, this, [this, step = spec.step, slot = std::move(slot)] { step.isEmpty() ? slot() : m_change(step, slot); });
    m_menus.back()->addAction(action);
    if (spec.flags & InBar) {
        m_bar->addAction(action);
    }
    m_entries.append({m_title, action, bool(spec.flags & NeedsImage), plain, spec.keys});
    setKeys(spec.id, spec.keys);
    return action;
}

void ActionTable::setKeys(const QString& id, const QList<QKeySequence>& keys)
{
    for (const Entry& entry : std::as_const(m_entries)) {
        if (entry.action->objectName() == id) {
            entry.action->setShortcuts(keys);
            entry.action->setToolTip(keys.isEmpty() ? entry.text : QStringLiteral("%1 (%2)").arg(entry.text, keys.front().toString(QKeySequence::NativeText)));
        }
    }
}

QList<ActionTable::Command> ActionTable::commands() const
{
    QList<Command> list;
    for (const Entry& entry : m_entries) {
        list.append({entry.action->objectName(), entry.menu, entry.text, entry.action->shortcuts(), entry.usual});
    }
    return list;
}

QAction* ActionTable::find(const QString& id) const
{
    for (const Entry& entry : m_entries) {
        if (entry.action->objectName() == id) {
            return entry.action;
        }
    }
    return nullptr;
}

void ActionTable::setImageShown(bool shown)
{
    for (const Entry& entry : m_entries) {
        if (entry.needsImage) {
            entry.action->setEnabled(shown);
        }
    }
}

QString ActionTable::keysAsHtml() const
{
    QString html = "<table cellpadding='3'>";
    QString menu;
    for (const Entry& entry : m_entries) {
        if (entry.action->shortcuts().isEmpty()) {
            continue;
        }
        if (entry.menu != menu) {
            menu = entry.menu;
            html += QStringLiteral("<tr><td colspan='2'><b>%1</b></td></tr>").arg(menu.toHtmlEscaped());
        }
        QStringList keys;
        for (const QKeySequence& key : entry.action->shortcuts()) {
            keys << key.toString(QKeySequence::NativeText).toHtmlEscaped();
        }
        html += QStringLiteral("<tr><td>%1&nbsp;&nbsp;</td><td>%2</td></tr>").arg(keys.join(", "), entry.action->text().remove('&').toHtmlEscaped());
    }
    return html + "</table>";
}

bool ActionTable::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Space &&
        (qobject_cast<QAbstractButton*>(object) || qobject_cast<QAbstractItemView*>(object) || qobject_cast<QComboBox*>(object))) {
        event->accept();
        return true;
    }
    return QObject::eventFilter(object, event);
}

} // namespace hf::app

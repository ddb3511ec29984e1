#include "app/desktop/InputDialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QGroupBox>
#include <QHeaderView>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>

namespace hf::app {

namespace {

constexpr int kIdRole = Qt::UserRole;

struct Scheme {
    const char* word;
    MouseMap map;
};
const Scheme kSchemes[] = {{"standard", MouseMap::standard()}, {"reporting", MouseMap::reporting()}, {"slicer", MouseMap::slicer()}};
const char* const kDrags[] = {"window", "pan", "zoom", "scroll", "crosshair"};      // as MouseDrag

/// Keys that move in the images and through the window, whatever else is chosen.
bool isFixed(const QKeySequence& key)
{
    static const QList<QKeySequence> kFixed{Qt::Key_Up, Qt::Key_Down, Qt::Key_Left, Qt::Key_Right, Qt::Key_Home, Qt::Key_End, Qt::Key_PageUp, Qt::Key_PageDown, Qt::Key_Tab, Qt::Key_Backtab, Qt::Key_Return, Qt::Key_Enter, Qt::Key_Backspace};
    const QKeyCombination first = key[0];
    return kFixed.contains(key) || kFixed.contains(QKeySequence(QKeyCombination(first.keyboardModifiers() & ~Qt::ShiftModifier, first.key())));
}

} // namespace

QString toString(const MouseMap& map)
{
    for (const Scheme& scheme : kSchemes) {
        if (scheme.map == map) {
            return scheme.word;
        }
    }
    return QStringList{kDrags[int(map.left)], kDrags[int(map.middle)], kDrags[int(map.right)]}.join(' ');
}

MouseMap mouseMapFromString(const QString& text)
{
    for (const Scheme& scheme : kSchemes) {
        if (text == scheme.word) {
            return scheme.map;
        }
    }
    const QStringList words = text.split(' ');
    if (words.size() != 3) {
        return {};
    }
    MouseMap map;
    MouseDrag* const drags[] = {&map.left, &map.middle, &map.right};
    for (int n = 0; n < 3; ++n) {
        const auto found = std::find_if(std::begin(kDrags), std::end(kDrags), [&](const char* word) { return words[n] == word; });
        if (found == std::end(kDrags)) {
            return {};
        }
        *drags[n] = MouseDrag(found - std::begin(kDrags));
    }
    return map;
}

InputDialog::InputDialog(const ActionTable& table, const MouseMap& mouse, QWidget* parent) : QDialog(parent), m_commands(table.commands())
{
    setWindowTitle(tr("Keys and mouse"));
    setObjectName("inputDialog");
    for (const ActionTable::Command& command : m_commands) {
        m_keys[command.id] = command.keys;
    }
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::RestoreDefaults, this);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(buttons->button(QDialogButtonBox::RestoreDefaults), &QPushButton::clicked, this, &InputDialog::restoreAll);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(makeMouse(mouse));
    layout->addWidget(makeKeys(), 1);
    layout->addWidget(buttons);
    fill();
    resize(620, 680);
}

QWidget* InputDialog::makeMouse(const MouseMap& mouse)
{
    auto* box = new QGroupBox(tr("Mouse in the images"), this);
    auto* form = new QFormLayout(box);
    m_scheme = new QComboBox(box);
    m_scheme->setObjectName("mouseScheme");
    m_scheme->addItems({tr("Standard"), tr("Reading stacks"), tr("As in 3D Slicer"), tr("Own")});
    form->addRow(tr("Scheme"), m_scheme);
    const auto add = [&](const char* name, const QString& label, MouseDrag drag) {
        auto* choice = new QComboBox(box);
        choice->setObjectName(name);
        choice->addItems({tr("Window and level"), tr("Pan"), tr("Zoom"), tr("Scroll"), tr("Move the crosshair")});
        choice->setCurrentIndex(int(drag));
        form->addRow(label, choice);
        connect(choice, &QComboBox::currentIndexChanged, this, &InputDialog::showScheme);
        return choice;
    };
    m_left = add("mouseLeft", tr("Left drag without another tool"), mouse.left);
    m_middle = add("mouseMiddle", tr("Middle drag"), mouse.middle);
    m_right = add("mouseRight", tr("Right drag"), mouse.right);
    showScheme();
    connect(m_scheme, &QComboBox::activated, this, [this](int index) {
        if (index < int(std::size(kSchemes))) {
            const MouseMap map = kSchemes[index].map;
            m_left->setCurrentIndex(int(map.left));
            m_middle->setCurrentIndex(int(map.middle));
            m_right->setCurrentIndex(int(map.right));
        }
    });
    return box;
}

void InputDialog::showScheme()
{
    const auto found = std::find_if(std::begin(kSchemes), std::end(kSchemes), [this](const Scheme& scheme) { return scheme.map == mouse(); });
    m_scheme->setCurrentIndex(int(found - std::begin(kSchemes)));
}

MouseMap InputDialog::mouse() const { return {MouseDrag(m_left->currentIndex()), MouseDrag(m_middle->currentIndex()), MouseDrag(m_right->currentIndex())}; }

QWidget* InputDialog::makeKeys()
{
    auto* box = new QGroupBox(tr("Keys"), this);
    m_list = new QTreeWidget(box);
    m_list->setObjectName("commandList");
    m_list->setAccessibleName(tr("Commands"));
    m_list->setHeaderLabels({tr("Command"), tr("Keys")});
    m_list->setUniformRowHeights(true);
    m_list->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_edit = new QKeySequenceEdit(box);
    m_edit->setObjectName("keyEdit");
    m_edit->setAccessibleName(tr("New key of the chosen command"));
    m_none = new QPushButton(tr("No key"), box);
    m_usual = new QPushButton(tr("As delivered"), box);
    m_remark = new QLabel(box);
    m_remark->setObjectName("keyRemark");
    m_remark->setWordWrap(true);
    auto* row = new QHBoxLayout;
    row->addWidget(new QLabel(tr("New key:"), box));
    row->addWidget(m_edit, 1);
    row->addWidget(m_none);
    row->addWidget(m_usual);
    auto* layout = new QVBoxLayout(box);
    layout->addWidget(m_list, 1);
    layout->addLayout(row);
    layout->addWidget(m_remark);
    connect(m_list, &QTreeWidget::currentItemChanged, this, &InputDialog::showCommand);
    connect(m_edit, &QKeySequenceEdit::editingFinished, this, [this] {
        // One key: of several one after the other the first alone would be another command's.
        if (!m_edit->keySequence().isEmpty()) {
            setKey(QKeySequence(m_edit->keySequence()[0]));
        }
    });
    connect(m_none, &QPushButton::clicked, this, [this] { setKeys(current()->id, {}); });
    connect(m_usual, &QPushButton::clicked, this, [this] {
        const ActionTable::Command command = *current();
        setKeys(command.id, {});
        for (const QKeySequence& key : command.usual) {
            setKey(key);
        }
    });
    return box;
}

void InputDialog::fill()
{
    m_list->clear();
    QTreeWidgetItem* menu = nullptr;
    for (const ActionTable::Command& command : m_commands) {
        if (!menu || menu->text(0) != command.menu) {
            menu = new QTreeWidgetItem(m_list, {command.menu});
            menu->setFlags(Qt::ItemIsEnabled);
            menu->setExpanded(true);
        }
        auto* item = new QTreeWidgetItem(menu, {command.text, QKeySequence::listToString(m_keys[command.id], QKeySequence::NativeText)});
        item->setData(0, kIdRole, command.id);
    }
    showCommand();
}

QTreeWidgetItem* InputDialog::itemOf(const QString& id) const
{
    for (QTreeWidgetItemIterator at(m_list); *at; ++at) {
        if ((*at)->data(0, kIdRole).toString() == id) {
            return *at;
        }
    }
    return nullptr;
}

const ActionTable::Command* InputDialog::current() const
{
    const QString id = m_list->currentItem() ? m_list->currentItem()->data(0, kIdRole).toString() : QString();
    const auto found = std::find_if(m_commands.begin(), m_commands.end(), [&](const ActionTable::Command& command) { return command.id == id; });
    return id.isEmpty() || found == m_commands.end() ? nullptr : &*found;
}

void InputDialog::showCommand()
{
    const bool any = current() != nullptr;
    for (QWidget* widget : {static_cast<QWidget*>(m_edit), static_cast<QWidget*>(m_none), static_cast<QWidget*>(m_usual)}) {
        widget->setEnabled(any);
    }
    m_edit->clear();
    m_remark->clear();
}

void InputDialog::setKeys(const QString& id, const QList<QKeySequence>& keys)
{
    m_keys[id] = keys;
    if (QTreeWidgetItem* item = itemOf(id)) {
        item->setText(1, QKeySequence::listToString(keys, QKeySequence::NativeText));
    }
}

/// The command's keys are the new one and those of its own that it was delivered with; another command that had it loses it, and that is said.
void InputDialog::setKey(const QKeySequence& key)
{
    const ActionTable::Command* command = current();
    if (!command) {
        return;
    }
    const QString shown = key.toString(QKeySequence::NativeText);
    if (isFixed(key)) {
        m_remark->setText(tr("%1 moves in the images and through the window; choose another key.").arg(shown));
        m_edit->clear();
        return;
    }
    m_remark->clear();
    for (const ActionTable::Command& other : std::as_const(m_commands)) {
        if (other.id != command->id && m_keys[other.id].contains(key)) {
            QList<QKeySequence> left = m_keys[other.id];
            left.removeAll(key);
            setKeys(other.id, left);
            m_remark->setText(tr("%1 was the key of \"%2\", which has lost it.").arg(shown, other.text));
        }
    }
    QList<QKeySequence> keys = command->usual.contains(key) ? m_keys[command->id] : QList<QKeySequence>();
    keys.removeAll(key);
    keys.append(key);
    setKeys(command->id, keys);
    m_edit->clear();
}

void InputDialog::restoreAll()
{
    for (const ActionTable::Command& command : m_commands) {
        m_keys[command.id] = command.usual;
    }
    const MouseMap map;
    m_left->setCurrentIndex(int(map.left));
    m_middle->setCurrentIndex(int(map.middle));
    m_right->setCurrentIndex(int(map.right));
    fill();
}

} // namespace hf::app

#include "experts/panel/ScoreTable.h"

#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QTableWidget>
#include <QVBoxLayout>

namespace hf {

namespace {

enum Column { Finding, Probability, Spread, Models, Columns };

} // namespace

ScoreTable::ScoreTable(QWidget* parent) : QWidget(parent)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    m_source = new QLabel(this);
    m_source->setObjectName("scoreSource");
    m_source->setWordWrap(true);
    layout->addWidget(m_source);
    m_table = new QTableWidget(0, Columns, this);
    m_table->setObjectName("scoreTable");
    m_table->setHorizontalHeaderLabels({tr("Finding"), tr("Score"), tr("Spread"), tr("Models")});
    m_table->horizontalHeader()->setSectionResizeMode(Finding, QHeaderView::Stretch);
    for (const int column : {int(Probability), int(Spread), int(Models)}) {
        m_table->horizontalHeader()->setSectionResizeMode(column, QHeaderView::ResizeToContents);
    }
    m_table->verticalHeader()->hide();
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setShowGrid(false);
    m_table->setTabKeyNavigation(false);
    m_table->setAccessibleName(tr("Findings and their scores"));
    m_table->setToolTip(tr("0.5 is the operating point of the models. Double-click a finding for a map of where it comes from."));
    layout->addWidget(m_table, 1);
    connect(m_table, &QTableWidget::cellActivated, this, [this](int row, int) { Q_EMIT mapWanted(m_expert, m_table->item(row, Finding)->text()); });
    clear();
}

void ScoreTable::show(const assistant::ExpertOutcome& outcome)
{
    m_expert = outcome.expert;
    m_source->setText(tr("AI result of %1 %2. Check it against the image.").arg(outcome.expert, outcome.version) + (outcome.notice.isEmpty() ? QString() : "\n" + outcome.notice));
    m_table->setRowCount(int(outcome.scores.size()));
    const QLocale locale;
    for (int row = 0; row < m_table->rowCount(); ++row) {
        const assistant::ExpertScore& score = outcome.scores[row];
        const QString texts[Columns] = {score.label, locale.toString(score.mean, 'f', 2), tr("%1 to %2").arg(locale.toString(score.lowest, 'f', 2), locale.toString(score.highest, 'f', 2)),
            locale.toString(score.models)};
        for (int column = 0; column < Columns; ++column) {
            auto* item = new QTableWidgetItem(texts[column]);
            item->setTextAlignment((column == Finding ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
            QFont font = m_table->font();
            font.setBold(score.isPositive);
            item->setFont(font);
            m_table->setItem(row, column, item);
        }
    }
    setVisible(!outcome.scores.isEmpty());
}

void ScoreTable::clear()
{
    m_table->setRowCount(0);
    hide();
}

} // namespace hf

#pragma once

#include "assistant/client/EngineClient.h"

#include <QWidget>

class QLabel;
class QTableWidget;

namespace hf {

/// Findings of a classifier with probability and spread over its models. A finding that is activated asks for the map of where it comes from.
class ScoreTable : public QWidget {
    Q_OBJECT
public:
    explicit ScoreTable(QWidget* parent = nullptr);

    /// Hidden without scores.
    void show(const assistant::ExpertOutcome& outcome);
    void clear();
    QTableWidget* table() const { return m_table; }

Q_SIGNALS:
    void mapWanted(const QString& expert, const QString& finding);

private:
    QLabel* m_source;
    QTableWidget* m_table;
    QString m_expert;
};

} // namespace hf

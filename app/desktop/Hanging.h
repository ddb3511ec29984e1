#pragma once

#include "viewer/widgets/HangingRules.h"

#include <QObject>
#include <QStringList>

class QMenu;

namespace hf::app {

class MainWindow;

/// The hanging rules of the program and of the user's folder, applied when a study is opened and by hand; saves the present layout as one.
class Hanging : public QObject {
    Q_OBJECT
public:
    /// @param userFolder  empty: "hanging" in the user's data folder.
    Hanging(MainWindow* window, const QString& userFolder);

    /// Those of the user first.
    const std::vector<HangingRule>& rules() const { return m_rules; }
    /// Files that were refused: "name.json, line 3: reason".
    const QStringList& problems() const { return m_problems; }
    QString userFolder() const { return m_userFolder; }
    void reload();
    /// Arranges what was opened by the first rule that fits, else the main series in its planes.
    void open(const dicom::Series& main);
    void apply(const HangingRule& rule);
    /// Asks for a name.
    void saveLayout();
    /// The present layout as a rule that is applied by hand. @return the file; empty when it could not be written, which is told.
    QString saveLayoutAs(const QString& name);
    void fillMenu(QMenu& menu);
    void openFolder();

private:
    void read(const QString& path);
    HangingCase presentCase() const;

    MainWindow* m_window;
    QString m_userFolder;
    std::vector<HangingRule> m_rules;
    QStringList m_problems;
};

} // namespace hf::app

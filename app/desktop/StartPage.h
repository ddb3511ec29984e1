#pragma once

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;

namespace hf::app {

/// What the middle of the window shows without an image: how to open one, or how far opening one is.
class StartPage : public QWidget {
    Q_OBJECT
public:
    explicit StartPage(QWidget* parent = nullptr);

    /// `what` is being done; empty: nothing is.
    void setWork(const QString& what);
    void setProgress(int percent);
    /// The first image of what is being read, until setWork({}).
    void setPreview(const QImage& picture);

Q_SIGNALS:
    void folderAsked();
    void filesAsked();
    void sampleAsked();
    void libraryAsked();
    void cancelAsked();

private:
    QLabel* m_mark;
    QLabel* m_title;
    QLabel* m_hint;
    QProgressBar* m_progress;
    QWidget* m_open;
    QPushButton* m_cancel;
};

} // namespace hf::app

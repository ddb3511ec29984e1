#include "app/desktop/RefusedFiles.h"

#include "viewer/dicom/Study.h"
#include "viewer/widgets/ReasonText.h"

#include <QApplication>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace hf::app {

QList<RefusedFile> refusedFiles(const std::vector<dicom::Rejected>& rejected)
{
    QList<RefusedFile> files;
    for (const dicom::Rejected& one : rejected) {
        files.append({QString::fromStdString(one.path.string()), reasonText(QString::fromStdString(one.reason))});
    }
    return files;
}

RefusedFilesDialog::RefusedFilesDialog(const QList<RefusedFile>& files, QWidget* parent) : QDialog(parent)
{
    setObjectName("refusedFiles");
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Files that could not be used"));
    auto* list = new QTreeWidget(this);
    list->setObjectName("refusedList");
    list->setAccessibleName(windowTitle());
    list->setRootIsDecorated(false);
    list->setUniformRowHeights(true);
    list->setHeaderLabels({tr("File"), tr("Reason")});
    list->header()->setSectionResizeMode(0, QHeaderView::Interactive);
    QList<QTreeWidgetItem*> items;
    QString all;
    for (const RefusedFile& file : files) {
        auto* item = new QTreeWidgetItem({file.path, file.reason});
        item->setToolTip(0, file.path);
        item->setToolTip(1, file.reason);
        items << item;
        all += file.path + '\t' + file.reason + '\n';
    }
    list->addTopLevelItems(items);
    list->setCurrentItem(items.value(0));
    list->setColumnWidth(0, 420);
    list->setTextElideMode(Qt::ElideMiddle);
    auto* buttons = new QDialogButtonBox(this);
    QPushButton* copy = buttons->addButton(tr("Copy the list"), QDialogButtonBox::ActionRole);
    copy->setObjectName("copyRefused");
    buttons->addButton(tr("Close"), QDialogButtonBox::RejectRole);
    connect(copy, &QPushButton::clicked, this, [all] { QApplication::clipboard()->setText(all); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(list);
    layout->addWidget(buttons);
    list->setFocus();
    resize(860, 420);
}

} // namespace hf::app

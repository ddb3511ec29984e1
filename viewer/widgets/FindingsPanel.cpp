#include "viewer/widgets/FindingsPanel.h"

#include "viewer/widgets/Findings.h"
#include "viewer/widgets/MeasurementText.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceAnnotations.h"
#include "viewer/widgets/Theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

enum Column { Name, Value, Where, Columns };
constexpr int kIdRole = Qt::UserRole;

QString nameOf(const Measurement& m) { return m.text.empty() ? kindName(m.kind) : QString::fromStdString(m.text); }

/// The plane that a drawing lies in and its slice, counted from 1; empty when it is oblique.
QString placeText(const Measurement& m, const Geometry& geometry, bool hasPlanes)
{
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        const int axis = geometry.axisAcross(plane);
        if (std::abs(dot(geometry.direction(axis), m.normal())) > 0.9999) {
            const ContinuousIndex c = geometry.toIndex(m.points.front());
            const auto slice = std::lround(axis == 0 ? c.i : axis == 1 ? c.j : c.k) + 1;
            return hasPlanes ? QStringLiteral("%1 %2").arg(planeName(plane)).arg(slice) : QString::number(slice);
        }
    }
    return {};
}

} // namespace

FindingsPanel::FindingsPanel(Scene* scene, Findings* findings, QWidget* parent) : QWidget(parent), m_scene(scene), m_findings(findings)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    m_hint = new QLabel(tr("No measurements yet. Choose a tool above the images or press D for a distance."), this);
    m_hint->setWordWrap(true);
    m_hint->setProperty("tone", "dim");
    layout->addWidget(m_hint);
    m_list = new QTreeWidget(this);
    m_list->setObjectName("findingsList");
    m_list->setAccessibleName(tr("Measurements"));
    m_list->setRootIsDecorated(false);
    m_list->setUniformRowHeights(true);
    m_list->setHeaderLabels({tr("Finding"), tr("Value"), tr("Image")});
    m_list->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_list->header()->setStretchLastSection(true);
    m_list->setEditTriggers(QAbstractItemView::EditKeyPressed);
    layout->addWidget(m_list, 1);
    auto* row = new QHBoxLayout;
    m_copy = new QPushButton(tr("Copy"), this);
    m_copy->setToolTip(tr("Copies all measurements as text"));
    m_remove = new QPushButton(tr("Remove"), this);
    m_remove->setToolTip(tr("Removes the chosen measurement; can be undone"));
    row->addStretch();
    row->addWidget(m_copy);
    row->addWidget(m_remove);
    layout->addLayout(row);

    connect(m_list, &QTreeWidget::itemClicked, this, [this](QTreeWidgetItem* item) { m_findings->jumpTo(item->data(0, kIdRole).toInt()); });
    connect(m_list, &QTreeWidget::currentItemChanged, this, [this](QTreeWidgetItem* item) {
        if (item && !m_isFilling) {
            m_findings->jumpTo(item->data(0, kIdRole).toInt());
        }
    });
    connect(m_list, &QTreeWidget::itemDoubleClicked, this, [this](QTreeWidgetItem* item) { m_list->editItem(item, Name); });
    connect(m_list, &QTreeWidget::itemChanged, this, [this](QTreeWidgetItem* item, int column) {
        const Finding* finding = m_isFilling || column != Name ? nullptr : m_findings->find(item->data(0, kIdRole).toInt());
        if (finding) {
            Measurement named = finding->measurement;
            const QString words = item->text(Name).trimmed();
            named.text = words == kindName(named.kind) ? std::string() : words.toStdString();
            // The list must not be refilled while its own editor closes.
            QMetaObject::invokeMethod(this, [this, named] { m_findings->replace(named); }, Qt::QueuedConnection);
        }
    });
    connect(m_copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(asText()); });
    connect(m_remove, &QPushButton::clicked, this, [this] { m_findings->remove(m_findings->selected()); });
    connect(findings, &Findings::changed, this, [this] { fill(); });
    connect(findings, &Findings::selectedChanged, this, [this] { updateSelection(); });
    fill();
}

QTreeWidgetItem* FindingsPanel::itemOf(int id) const
{
    for (int n = 0; n < m_list->topLevelItemCount(); ++n) {
        if (m_list->topLevelItem(n)->data(0, kIdRole).toInt() == id) {
            return m_list->topLevelItem(n);
        }
    }
    return nullptr;
}

QString FindingsPanel::whereText(int row) const
{
    const Finding& finding = m_findings->all()[std::size_t(row)];
    if (m_scene->isEmpty() || finding.measurement.seriesKey != m_scene->series().key) {
        return finding.seriesName.isEmpty() ? tr("other series") : finding.seriesName;
    }
    return placeText(finding.measurement, m_scene->volume()->geometry(), m_scene->series().kind == dicom::SeriesKind::Volume);
}

void FindingsPanel::fill()
{
    m_isFilling = true;
    m_list->clear();
    for (std::size_t n = 0; n < m_findings->all().size(); ++n) {
        const Finding& finding = m_findings->all()[n];
        auto* item = new QTreeWidgetItem(m_list, {nameOf(finding.measurement), measurementSummary(finding.measurement, finding.facts), whereText(int(n))});
        item->setData(0, kIdRole, finding.measurement.id);
        item->setIcon(Name, theme::icon(QString::fromStdString(toString(finding.measurement.kind))));
        item->setFlags(item->flags() | Qt::ItemIsEditable);
        QStringList about{kindName(finding.measurement.kind)};
        about << measurementLines(finding.measurement, finding.facts);
        if (finding.measurement.kind != MeasurementKind::KeyImage) {
            about << scaleText(finding.facts.scale);
        }
        const QString details = about.join('\n');
        for (int column = 0; column < Columns; ++column) {
            item->setToolTip(column, details);
        }
    }
    m_isFilling = false;
    const bool any = !m_findings->all().empty();
    m_hint->setVisible(!any);
    m_copy->setEnabled(any);
    updateSelection();
}

void FindingsPanel::updateSelection()
{
    m_isFilling = true;
    m_list->setCurrentItem(itemOf(m_findings->selected()));
    m_isFilling = false;
    m_remove->setEnabled(m_findings->selected() != 0);
}

QString FindingsPanel::asText() const
{
    QStringList lines;
    for (std::size_t n = 0; n < m_findings->all().size(); ++n) {
        const Finding& finding = m_findings->all()[n];
        lines << QStringList{nameOf(finding.measurement), measurementSummary(finding.measurement, finding.facts), whereText(int(n)), scaleText(finding.facts.scale)}.join('\t');
    }
    return lines.join('\n');
}

} // namespace hf

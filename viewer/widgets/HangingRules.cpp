#include "viewer/widgets/HangingRules.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/WindowLevel.h"
#include "viewer/widgets/PatientGuard.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>

#include <algorithm>

namespace hf {

namespace {

const std::pair<CellShow, const char*> kShows[] = {{CellShow::Images, "images"}, {CellShow::Axial, "axial"}, {CellShow::Sagittal, "sagittal"}, {CellShow::Coronal, "coronal"}, {CellShow::Volume, "volume"}};

/// Reads one file; knows where in its text a mistake is.
class Reader {
public:
    explicit Reader(const QByteArray& text) : m_text(text) {}

    std::vector<HangingRule> read()
    {
        QJsonParseError error{};
        const QJsonDocument document = QJsonDocument::fromJson(m_text, &error);
        if (error.error != QJsonParseError::NoError) {
            failAt(error.offset, error.errorString());
        }
        const QJsonObject all = document.object();
        allow(all, {"hounsfield-hanging", "rules"});
        if (all["hounsfield-hanging"].toInt() != 1) {
            fail("hounsfield-hanging", "this version of hanging rules is not known");
        }
        std::vector<HangingRule> rules;
        for (const QJsonValue& value : list(all, "rules")) {
            rules.push_back(rule(value));
            for (std::size_t n = 0; n + 1 < rules.size(); ++n) {
                if (rules[n].id == rules.back().id) {
                    fail(rules.back().id, "the id '" + rules.back().id + "' is used twice");
                }
            }
        }
        return rules;
    }

private:
    [[noreturn]] void failAt(qsizetype offset, const QString& reason) const
    {
        const auto line = 1 + m_text.left(offset).count('\n');
        throw Error(QStringLiteral("line %1: %2").arg(line).arg(reason).toStdString(), "hanging");
    }

    /// At the next place of the word, from where the reading is.
    [[noreturn]] void fail(const QString& word, const QString& reason) const
    {
        const qsizetype found = m_text.indexOf("\"" + word.toUtf8() + "\"", m_from);
        failAt(found < 0 ? m_from : found, reason);
    }

    void allow(const QJsonObject& object, const QStringList& keys) const
    {
        for (const QString& key : object.keys()) {
            if (!keys.contains(key)) {
                fail(key, "unknown key '" + key + "'");
            }
        }
    }

    QJsonArray list(const QJsonObject& object, const QString& key) const
    {
        if (!object[key].isArray()) {
            fail(key, "'" + key + "' must be a list");
        }
        return object[key].toArray();
    }

    QJsonObject part(const QJsonObject& object, const QString& key) const
    {
        if (object.contains(key) && !object[key].isObject()) {
            fail(key, "'" + key + "' must be an object");
        }
        return object[key].toObject();
    }

    bool flag(const QJsonObject& object, const QString& key, bool otherwise) const
    {
        if (object.contains(key) && !object[key].isBool()) {
            fail(key, "'" + key + "' must be true or false");
        }
        return object[key].toBool(otherwise);
    }

    int number(const QJsonObject& object, const QString& key, int most, int otherwise) const
    {
        const QJsonValue value = object[key];
        if (!value.isUndefined() && (!value.isDouble() || value.toInt() != value.toDouble() || value.toInt() < 1 || value.toInt() > most)) {
            fail(key, QStringLiteral("'%1' must be a whole number from 1 to %2").arg(key).arg(most));
        }
        return value.toInt(otherwise);
    }

    QString text(const QJsonObject& object, const QString& key, const QStringList& known = {}) const
    {
        if (object.contains(key) && !object[key].isString()) {
            fail(key, "'" + key + "' must be a text");
        }
        const QString value = object[key].toString();
        if (!known.isEmpty() && object.contains(key) && !known.contains(value)) {
            fail(value, "'" + key + "' must be one of " + known.join(", "));
        }
        return value;
    }

    QStringList texts(const QJsonObject& object, const QString& key) const
    {
        QStringList words;
        if (object.contains(key)) {
            for (const QJsonValue& value : list(object, key)) {
                if (!value.isString() || value.toString().isEmpty()) {
                    fail(key, "'" + key + "' must be a list of words");
                }
                words << value.toString().toUpper();
            }
        }
        return words;
    }

    QRegularExpression expression(const QJsonObject& object, const QString& key) const
    {
        const QRegularExpression found(text(object, key), QRegularExpression::CaseInsensitiveOption);
        if (!found.isValid()) {
            fail(key, "'" + key + "' is no regular expression: " + found.errorString());
        }
        return found;
    }

    HangingRule rule(const QJsonValue& value)
    {
        const QJsonObject object = value.toObject();
        HangingRule rule;
        rule.id = text(object, "id");
        if (rule.id.isEmpty()) {
            fail("rules", "a rule without an 'id'");
        }
        // Where the rule begins: mistakes are looked for from here.
        if (const qsizetype at = m_text.indexOf("\"" + rule.id.toUtf8() + "\"", m_from); at >= 0) {
            m_from = std::max(m_from, m_text.lastIndexOf('{', at));
        }
        allow(object, {"id", "name", "automatic", "when", "linked", "rows", "columns", "views"});
        const QJsonObject names = part(object, "name");
        for (const QString& language : names.keys()) {
            rule.names[language] = text(names, language);
        }
        if (rule.names.value("en").isEmpty()) {
            fail("name", "'name' needs an English text, 'en'");
        }
        rule.isAutomatic = flag(object, "automatic", true);
        readWhen(rule, part(object, "when"));
        rule.layout.isLinked = flag(object, "linked", false);
        rule.layout.rows = number(object, "rows", GridLayout::kMostRows, 1);
        rule.layout.columns = number(object, "columns", GridLayout::kMostColumns, 1);
        readViews(rule, list(object, "views"));
        return rule;
    }

    void readWhen(HangingRule& rule, const QJsonObject& when) const
    {
        allow(when, {"modalities", "prior", "series", "description"});
        rule.modalities = texts(when, "modalities");
        if (when.contains("prior")) {
            rule.withPrior = flag(when, "prior", false);
        }
        rule.seriesAtLeast = number(when, "series", 1000, 1);
        rule.description = expression(when, "description");
    }

    void readViews(HangingRule& rule, const QJsonArray& views) const
    {
        if (int(views.size()) > rule.layout.count() || views.isEmpty()) {
            fail("views", QStringLiteral("%1 views do not fit into %2 x %3").arg(views.size()).arg(rule.layout.rows).arg(rule.layout.columns));
        }
        for (const QJsonValue& value : views) {
            rule.views.push_back(view(value.toObject()));
            rule.layout.cells.push_back(rule.views.back().show);
        }
        if (std::count(rule.layout.cells.begin(), rule.layout.cells.end(), CellShow::Volume) > 1) {
            fail("volume", "only one view of a layout can show the volume");
        }
        if (rule.layout.isLinked && rule.views.front().series.isAny) {
            fail("views", "the first view of a linked layout must say which series");
        }
    }

    HangingView view(const QJsonObject& object) const
    {
        allow(object, {"show", "series", "optional", "window", "preset"});
        HangingView view;
        QStringList known;
        for (const auto& [show, word] : kShows) {
            known << word;
        }
        const QString word = text(object, "show", known);
        for (const auto& [show, name] : kShows) {
            view.show = word == name ? show : view.show;
        }
        view.isOptional = flag(object, "optional", false);
        QStringList windows;
        for (const WindowPreset& preset : windowPresets()) {
            windows << QString::fromStdString(preset.id);
        }
        view.window = text(object, "window", windows);
        view.preset = text(object, "preset", {"bone", "soft", "lung", "vessels", "mip"});
        if (object.contains("series")) {
            view.series = wanted(part(object, "series"));
        }
        return view;
    }

    SeriesWanted wanted(const QJsonObject& object) const
    {
        allow(object, {"study", "modality", "kind", "plane", "description", "bodyPart", "laterality", "view"});
        SeriesWanted wanted;
        wanted.isAny = false;
        wanted.ofPrior = text(object, "study", {"current", "prior"}) == "prior";
        wanted.modalities = texts(object, "modality");
        wanted.views = texts(object, "view");
        wanted.kind = text(object, "kind", {"volume", "single-image", "multi-image"});
        wanted.plane = text(object, "plane", {"axial", "sagittal", "coronal"});
        wanted.laterality = text(object, "laterality", {"L", "R"});
        wanted.description = expression(object, "description");
        wanted.bodyPart = expression(object, "bodyPart");
        return wanted;
    }

    const QByteArray& m_text;
    qsizetype m_from = 0;
};

QString words(const std::string& s) { return QString::fromStdString(s); }

bool isPlain(const QRegularExpression& expression) { return expression.pattern().isEmpty(); }

bool matches(const SeriesWanted& wanted, const dicom::Series& series)
{
    const auto isOneOf = [](const QStringList& list, const std::string& word) { return list.isEmpty() || list.contains(words(word).toUpper()); };
    return isOneOf(wanted.modalities, series.modality) && isOneOf(wanted.views, series.text.viewPosition) &&
        (wanted.kind.isEmpty() || wanted.kind == words(dicom::toString(series.kind))) && (wanted.plane.isEmpty() || (series.plane && wanted.plane == words(toString(*series.plane)))) &&
        (wanted.laterality.isEmpty() || wanted.laterality == words(series.text.laterality)) &&
        (isPlain(wanted.description) || wanted.description.match(words(series.text.seriesDescription)).hasMatch()) &&
        (isPlain(wanted.bodyPart) || wanted.bodyPart.match(words(series.text.bodyPart)).hasMatch());
}

/// For images one that no view shows yet, for a plane one that is shown; of several the one with most images.
const dicom::Series* best(const HangingView& view, const dicom::Study& study, const std::vector<const dicom::Series*>& used)
{
    const dicom::Series* found = nullptr;
    bool isUsed = false;
    for (const dicom::Series& series : study.series) {
        if (!matches(view.series, series)) {
            continue;
        }
        const bool shown = std::find(used.begin(), used.end(), &series) != used.end();
        if (shown && view.show == CellShow::Images) {
            continue;
        }
        // Another plane of a series that is shown is wanted rather than one plane of the next series.
        const bool isBetter = !found || shown > isUsed || (shown == isUsed && series.images.size() > found->images.size());
        if (isBetter) {
            found = &series;
            isUsed = shown;
        }
    }
    return found;
}

int countOf(const dicom::Study& study, const QString& modalities)
{
    const QStringList list = modalities.split('|');
    return int(std::count_if(study.series.begin(), study.series.end(), [&](const dicom::Series& s) { return list.contains(words(s.modality).toUpper()); }));
}

bool isFor(const HangingRule& rule, const HangingCase& hanging)
{
    const dicom::Study& study = *hanging.current;
    for (const QString& modalities : rule.modalities) {
        if (countOf(study, modalities) == 0) {
            return false;
        }
    }
    const int series = rule.modalities.isEmpty() ? int(study.series.size()) : countOf(study, rule.modalities.front());
    return series >= rule.seriesAtLeast && (!rule.withPrior || *rule.withPrior == (hanging.prior != nullptr)) &&
        (isPlain(rule.description) || rule.description.match(words(study.text.studyDescription)).hasMatch());
}

} // namespace

QString HangingRule::name() const { return names.value(QLocale().name().section('_', 0, 0), names.value("en", id)); }

std::vector<HangingRule> hangingRulesFromJson(const QByteArray& json) { return Reader(json).read(); }

QByteArray toJson(const HangingRule& rule)
{
    QJsonArray views;
    for (const HangingView& view : rule.views) {
        QJsonObject series;
        const auto put = [&](const char* key, const QString& value) {
            if (!value.isEmpty()) {
                series[key] = value;
            }
        };
        if (view.series.ofPrior) {
            series["study"] = "prior";
        }
        if (!view.series.modalities.isEmpty()) {
            series["modality"] = QJsonArray::fromStringList(view.series.modalities);
        }
        if (!view.series.views.isEmpty()) {
            series["view"] = QJsonArray::fromStringList(view.series.views);
        }
        put("kind", view.series.kind);
        put("plane", view.series.plane);
        put("laterality", view.series.laterality);
        put("description", view.series.description.pattern());
        put("bodyPart", view.series.bodyPart.pattern());
        QJsonObject object;
        for (const auto& [show, word] : kShows) {
            if (show == view.show) {
                object["show"] = word;
            }
        }
        if (!view.series.isAny) {
            object["series"] = series;
        }
        if (view.isOptional) {
            object["optional"] = true;
        }
        if (!view.window.isEmpty()) {
            object["window"] = view.window;
        }
        if (!view.preset.isEmpty()) {
            object["preset"] = view.preset;
        }
        views.append(object);
    }
    QJsonObject names, when;
    for (auto name = rule.names.begin(); name != rule.names.end(); ++name) {
        names[name.key()] = name.value();
    }
    if (!rule.modalities.isEmpty()) {
        when["modalities"] = QJsonArray::fromStringList(rule.modalities);
    }
    if (rule.withPrior) {
        when["prior"] = *rule.withPrior;
    }
    if (rule.seriesAtLeast > 1) {
        when["series"] = rule.seriesAtLeast;
    }
    if (!isPlain(rule.description)) {
        when["description"] = rule.description.pattern();
    }
    const QJsonObject object{{"id", rule.id}, {"name", names}, {"automatic", rule.isAutomatic}, {"when", when}, {"linked", rule.layout.isLinked}, {"rows", rule.layout.rows},
        {"columns", rule.layout.columns}, {"views", views}};
    return QJsonDocument(QJsonObject{{"hounsfield-hanging", 1}, {"rules", QJsonArray{object}}}).toJson();
}

HangingCase hangingCase(const std::vector<dicom::Study>& studies, const dicom::Series& main)
{
    // Newest first; studies without a date are the oldest.
    std::vector<const dicom::Study*> own;
    for (const dicom::Study& study : studies) {
        const bool has = std::any_of(study.series.begin(), study.series.end(), [&](const dicom::Series& s) { return s.modality == main.modality; });
        if (has && !mayBeOtherPatients(study.series.front(), main)) {
            own.push_back(&study);
        }
    }
    std::stable_sort(own.begin(), own.end(), [](const dicom::Study* a, const dicom::Study* b) {
        return std::pair(a->text.studyDate, a->text.studyTime) > std::pair(b->text.studyDate, b->text.studyTime);
    });
    if (own.empty()) {
        return {};
    }
    // Without dates nobody can say which is the earlier one.
    const bool hasPrior = own.size() > 1 && !own[1]->text.studyDate.empty() && own[1]->text.studyDate < own[0]->text.studyDate;
    return {own[0], hasPrior ? own[1] : nullptr};
}

std::optional<std::vector<const dicom::Series*>> hang(const HangingRule& rule, const HangingCase& hanging)
{
    if (!hanging.current || !isFor(rule, hanging)) {
        return std::nullopt;
    }
    std::vector<const dicom::Series*> chosen;
    for (const HangingView& view : rule.views) {
        const dicom::Study* study = view.series.ofPrior ? hanging.prior : hanging.current;
        const dicom::Series* series = view.series.isAny || !study ? nullptr : best(view, *study, chosen);
        if (!series && !view.series.isAny && !view.isOptional) {
            return std::nullopt;
        }
        chosen.push_back(series);
    }
    // A layout without a single image fits nothing.
    return std::all_of(chosen.begin(), chosen.end(), [](const dicom::Series* s) { return !s; }) ? std::nullopt : std::optional(chosen);
}

} // namespace hf

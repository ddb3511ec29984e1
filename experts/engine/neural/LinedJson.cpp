#include "experts/engine/neural/LinedJson.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::experts {

using json = nlohmann::ordered_json;

namespace {

/// Counts the lines that a parser has taken.
class CountingIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* place, int* line) : m_place(place), m_line(line) {}
    reference operator*() const { return *m_place; }
    CountingIterator& operator++()
    {
        *m_line += *m_place == '\n';
        ++m_place;
        return *this;
    }
    CountingIterator operator++(int)
    {
        const CountingIterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.m_place == b.m_place; }
    friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return !(a == b); }

private:
    const char* m_place;
    int* m_line;
};

std::string join(const std::string& pointer, const std::string& name) { return pointer + "/" + name; }

} // namespace

LinedJson::LinedJson(const std::string& text, std::string file) : m_file(std::move(file))
{
    struct Level { std::string pointer; bool isArray; int next; };
    std::vector<Level> levels;
    std::string key;
    int line = 1;
    std::string twice;
    constexpr int kDeepest = 16;
    const auto placeOfValue = [&] {
        if (levels.empty()) {
            return std::string();
        }
        Level& level = levels.back();
        return join(level.pointer, level.isArray ? std::to_string(level.next++) : key);
    };
    const auto callback = [&](int depth, json::parse_event_t event, json& parsed) {
        if (depth > kDeepest) {
            throw Error(m_file + " line " + std::to_string(line) + ": it is nested too deeply", "manifest");
        }
        switch (event) {
        case json::parse_event_t::key:
            key = parsed.get<std::string>();
            if (!m_lines.emplace(join(levels.back().pointer, key), line).second && twice.empty()) {
                twice = join(levels.back().pointer, key);
            }
            break;
        case json::parse_event_t::object_start: case json::parse_event_t::array_start: {
            const std::string place = placeOfValue();
            m_lines.emplace(place, line);
            levels.push_back({place, event == json::parse_event_t::array_start, 0});
            break;
        }
        case json::parse_event_t::object_end: case json::parse_event_t::array_end: levels.pop_back(); break;
        case json::parse_event_t::value: m_lines.emplace(placeOfValue(), line); break;
        }
        return true;
    };
    try {
        m_root = json::parse(CountingIterator(text.data(), &line), CountingIterator(text.data() + text.size(), &line), callback);
    } catch (const json::exception&) {
        throw Error(m_file + " line " + std::to_string(line) + ": this is no valid JSON", "manifest");
    }
    if (!twice.empty()) {
        refuse(twice, "the member stands twice");
    }
    if (!m_root.is_object()) {
        refuse("", "an object { } is expected");
    }
}

void LinedJson::refuse(const std::string& pointer, const std::string& reason) const
{
    const auto found = m_lines.find(pointer);
    const std::string name = pointer.substr(std::min(pointer.size(), pointer.rfind('/') + 1));
    throw Error(m_file + " line " + std::to_string(found == m_lines.end() ? 1 : found->second) + ": " + (name.empty() ? "" : "'" + pointer.substr(1) + "': ") + reason, "manifest");
}

LinedObject::LinedObject(const LinedJson& document, std::string pointer) : m_document(&document), m_pointer(std::move(pointer))
{
    m_object = &document.root().at(json::json_pointer(m_pointer));
    if (!m_object->is_object()) {
        document.refuse(m_pointer, "an object { } is expected");
    }
}

void LinedObject::refuse(const std::string& name, const std::string& reason) const { m_document->refuse(has(name) ? join(m_pointer, name) : m_pointer, has(name) ? reason : "'" + name + "': " + reason); }

const json& LinedObject::member(const std::string& name)
{
    m_read.insert(name);
    if (!has(name)) {
        refuse(name, "is missing");
    }
    return m_object->at(name);
}

std::string LinedObject::text(const std::string& name)
{
    const json& value = member(name);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
        refuse(name, "a text is expected");
    }
    return value.get<std::string>();
}

double LinedObject::number(const std::string& name)
{
    const json& value = member(name);
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
        refuse(name, "a number is expected");
    }
    return value.get<double>();
}

std::int64_t LinedObject::integer(const std::string& name, std::int64_t low, std::int64_t high)
{
    const json& value = member(name);
    if (!value.is_number_integer() || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
        refuse(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " is expected");
    }
    return value.get<std::int64_t>();
}

bool LinedObject::flag(const std::string& name, bool otherwise)
{
    if (!has(name)) {
        return otherwise;
    }
    const json& value = member(name);
    if (!value.is_boolean()) {
        refuse(name, "true or false is expected");
    }
    return value.get<bool>();
}

std::vector<std::string> LinedObject::texts(const std::string& name)
{
    std::vector<std::string> texts;
    const json& value = member(name);
    for (const json& item : value.is_array() ? value : json::array({nullptr})) {
        if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
            refuse(name, "a list of texts is expected");
        }
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

std::vector<double> LinedObject::numbers(const std::string& name)
{
    std::vector<double> numbers;
    const json& value = member(name);
    for (const json& item : value.is_array() ? value : json::array({nullptr})) {
        if (!item.is_number() || !std::isfinite(item.get<double>())) {
            refuse(name, "a list of numbers is expected");
        }
        numbers.push_back(item.get<double>());
    }
    return numbers;
}

std::vector<std::int64_t> LinedObject::integers(const std::string& name, std::int64_t low, std::int64_t high)
{
    std::vector<std::int64_t> numbers;
    for (const double number : this->numbers(name)) {
        if (number != std::floor(number) || number < double(low) || number > double(high)) {
            refuse(name, "whole numbers from " + std::to_string(low) + " to " + std::to_string(high) + " are expected");
        }
        numbers.push_back(std::int64_t(number));
    }
    return numbers;
}

LinedObject LinedObject::object(const std::string& name)
{
    member(name);
    return {*m_document, join(m_pointer, name)};
}

std::vector<LinedObject> LinedObject::objects(const std::string& name)
{
    const json& value = member(name);
    if (!value.is_array()) {
        refuse(name, "a list is expected");
    }
    std::vector<LinedObject> objects;
    for (std::size_t n = 0; n < value.size(); ++n) {
        objects.emplace_back(*m_document, join(join(m_pointer, name), std::to_string(n)));
    }
    return objects;
}

std::size_t LinedObject::choice(const std::string& name, const std::vector<std::string>& choices)
{
    const std::string value = text(name);
    const auto found = std::find(choices.begin(), choices.end(), value);
    if (found == choices.end()) {
        std::string list;
        for (const std::string& known : choices) {
            list += (list.empty() ? "" : ", ") + known;
        }
        refuse(name, "'" + value + "' is not known; known are " + list);
    }
    return std::size_t(found - choices.begin());
}

std::vector<std::string> LinedObject::names() const
{
    std::vector<std::string> names;
    for (const auto& [name, value] : m_object->items()) {
        names.push_back(name);
    }
    return names;
}

void LinedObject::finish() const
{
    for (const auto& [name, value] : m_object->items()) {
        if (!m_read.contains(name)) {
            refuse(name, "is not known here");
        }
    }
}

} // namespace hf::experts

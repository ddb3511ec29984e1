#include "assistant/engine/DataFile.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

namespace hf::assistant {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string stripped(const std::string& text)
{
    const auto first = std::find_if_not(text.begin(), text.end(), isSpace);
    const auto last = std::find_if_not(text.rbegin(), text.rend(), isSpace).base();
    return first < last ? std::string(first, last) : std::string();
}

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return text;
}

std::string readAll(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in || fs::is_directory(file)) {
        throw Error("cannot read " + file.string(), "not-found");
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

int lineAt(const std::string& text, std::size_t offset) { return 1 + int(std::count(text.begin(), text.begin() + std::ptrdiff_t(std::min(offset, text.size())), '\n')); }

json parsed(const std::string& text, const fs::path& file, int firstLine)
{
    try {
        return json::parse(text);
    } catch (const json::parse_error& error) {
        throw Error(placeOf(file, firstLine - 1 + lineAt(text, error.byte ? error.byte - 1 : 0)) + "this is no JSON", "data");
    }
}

/// Lines on which the entries of a valid list begin.
std::vector<int> linesOfEntries(const std::string& text)
{
    std::vector<int> lines;
    int line = 1, depth = 0;
    bool inText = false, waits = false;
    for (std::size_t n = 0; n < text.size(); ++n) {
        const char c = text[n];
        line += c == '\n';
        if (inText) {
            n += c == '\\';
            inText = c != '"';
            continue;
        }
        if (waits && !std::strchr(" \t\r\n]", c)) {
            lines.push_back(line);
            waits = false;
        }
        inText = c == '"';
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        waits = waits || (depth == 1 && (c == '[' || c == ','));
    }
    return lines;
}

} // namespace

std::string placeOf(const fs::path& file, int line) { return file.string() + ":" + std::to_string(line) + ": "; }

std::string JsonEntry::text(const std::string& key) const
{
    if (!has(key)) {
        fail("\"" + key + "\" is missing");
    }
    const json& found = m_value[key];
    if (found.is_string()) {
        return found.get<std::string>();
    }
    if (found.is_structured()) {
        fail("\"" + key + "\" should be a text");
    }
    return found.dump();
}

std::string JsonEntry::textOfAny(std::initializer_list<const char*> keys) const
{
    for (const char* key : keys) {
        if (has(key)) {
            return text(key);
        }
    }
    return {};
}

void JsonEntry::fail(const std::string& what) const { throw Error(placeOf(m_file, m_line) + what, "data"); }

std::vector<JsonEntry> readJsonEntries(const fs::path& file)
{
    const std::string text = readAll(file);
    std::vector<JsonEntry> entries;
    const auto add = [&](int line, json value) {
        entries.emplace_back(file, line, std::move(value));
        if (!entries.back().value().is_object()) {
            entries.back().fail("an object was expected");
        }
    };
    if (file.extension() == ".jsonl") {
        int line = 0;
        for (std::size_t at = 0; at < text.size(); ++line) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            if (const std::string one = stripped(text.substr(at, end - at)); !one.empty()) {
                add(line + 1, parsed(one, file, line + 1));
            }
            at = end + 1;
        }
        return entries;
    }
    json list = parsed(text, file, 1);
    if (!list.is_array()) {
        throw Error(placeOf(file, 1) + "a list of entries was expected", "data");
    }
    const std::vector<int> lines = linesOfEntries(text);
    for (std::size_t n = 0; n < list.size(); ++n) {
        add(n < lines.size() ? lines[n] : 1, std::move(list[n]));
    }
    return entries;
}

std::optional<fs::path> findPicture(const fs::path& folder, const fs::path& name)
{
    std::error_code error;
    if (name.is_absolute() && fs::exists(name, error)) {
        return name;
    }
    // The path as it stands, then without its first folders: tables name the folder in which they lie, or that of another computer.
    for (auto begin = name.begin(); begin != name.end(); ++begin) {
        fs::path part;
        std::for_each(begin, name.end(), [&](const fs::path& one) { part /= one; });
        for (const char* inside : {"", "images", "imgs", "image", "VQA_RAD Image Folder", "test"}) {
            if (part.is_relative() && fs::is_regular_file(folder / inside / part, error)) {
                return folder / inside / part;
            }
        }
    }
    return std::nullopt;
}

CsvFile::CsvFile(fs::path file) : m_file(std::move(file))
{
    const std::string text = readAll(m_file);
    Row row{1, {}};
    std::string field;
    bool quoted = false;
    int line = 1;
    const auto endField = [&] {
        row.fields.push_back(stripped(field));
        field.clear();
    };
    const auto endRow = [&] {
        endField();
        const bool isBlank = row.fields.size() == 1 && row.fields[0].empty();
        if (m_heading.empty() && !isBlank) {
            m_heading = row.fields;
        } else if (!isBlank) {
            if (row.fields.size() != m_heading.size()) {
                fail(row.line, std::to_string(row.fields.size()) + " fields under a heading of " + std::to_string(m_heading.size()));
            }
            m_rows.push_back(row);
        }
        row = {line, {}};
    };
    for (std::size_t n = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; n < text.size(); ++n) {
        const char c = text[n];
        line += c == '\n';
        if (quoted && c == '"' && n + 1 < text.size() && text[n + 1] == '"') {
            field += text[++n];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ',') {
            endField();
        } else if (!quoted && c == '\n') {
            endRow();
        } else {
            field += c;
        }
    }
    if (quoted) {
        fail(row.line, "a quotation mark is never closed");
    }
    endRow();
    if (m_heading.empty()) {
        fail(1, "the table is empty");
    }
}

std::optional<std::size_t> CsvFile::find(std::initializer_list<const char*> names) const
{
    for (const char* name : names) {
        const auto found = std::find_if(m_heading.begin(), m_heading.end(), [&](const std::string& column) { return lower(column) == name; });
        if (found != m_heading.end()) {
            return std::size_t(found - m_heading.begin());
        }
    }
    return std::nullopt;
}

void CsvFile::fail(int line, const std::string& what) const { throw Error(placeOf(m_file, line) + what, "data"); }

} // namespace hf::assistant

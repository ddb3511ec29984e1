#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant {

/// "FILE:LINE: " for messages.
std::string placeOf(const std::filesystem::path& file, int line);

/// One entry of a file of questions or answers, with the line where it begins.
class JsonEntry {
public:
    JsonEntry(std::filesystem::path file, int line, nlohmann::json value) : m_file(std::move(file)), m_line(line), m_value(std::move(value)) {}
    int line() const { return m_line; }
    const nlohmann::json& value() const { return m_value; }
    bool has(const std::string& key) const { return m_value.contains(key) && !m_value[key].is_null(); }
    /// A text, or a number or truth value as text. @throws Error "data" naming file and line when there is none.
    std::string text(const std::string& key) const;
    /// The same of the first of the keys that is there; empty without one.
    std::string textOfAny(std::initializer_list<const char*> keys) const;
    /// @throws Error "data": `what` with file and line before it.
    [[noreturn]] void fail(const std::string& what) const;

private:
    std::filesystem::path m_file;
    int m_line;
    nlohmann::json m_value;
};

/// The objects of a JSON list, or of a file with one object a line (ending in .jsonl).
/// @throws Error "data" with file and line when it is broken or holds something else; "not-found".
std::vector<JsonEntry> readJsonEntries(const std::filesystem::path& file);

/// A picture that an entry names: as it stands there, or beside the file with entries, or in its folders images, imgs.
std::optional<std::filesystem::path> findPicture(const std::filesystem::path& folder, const std::filesystem::path& name);

/// A table with a heading, comma-separated; quoted fields may hold commas, line breaks and doubled quotes.
class CsvFile {
public:
    struct Row {
        int line = 0;
        std::vector<std::string> fields;
    };
    /// @throws Error "data" with file and line for a row with another number of fields; "not-found".
    explicit CsvFile(std::filesystem::path file);
    const std::vector<Row>& rows() const { return m_rows; }
    /// Number of the first column with one of these names, whatever their case.
    std::optional<std::size_t> find(std::initializer_list<const char*> names) const;
    std::size_t columns() const { return m_heading.size(); }
    [[noreturn]] void fail(int line, const std::string& what) const;

private:
    std::filesystem::path m_file;
    std::vector<std::string> m_heading;
    std::vector<Row> m_rows;
};

} // namespace hf::assistant

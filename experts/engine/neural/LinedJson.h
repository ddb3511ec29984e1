#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>

namespace hf::experts {

/// A JSON text with the line of every member, for messages about files that people write.
class LinedJson {
public:
    /// @throws Error "manifest" with the line of a syntax error, or of a member that stands twice.
    LinedJson(const std::string& text, std::string file);

    const nlohmann::ordered_json& root() const { return m_root; }
    /// @throws Error "manifest": "FILE line N: REASON". @param pointer  as "/network/name".
    [[noreturn]] void refuse(const std::string& pointer, const std::string& reason) const;

private:
    nlohmann::ordered_json m_root;
    std::string m_file;
    std::map<std::string, int> m_lines;
};

/// One object of it, read member by member; finish() refuses what was not asked for.
class LinedObject {
public:
    LinedObject(const LinedJson& document, std::string pointer);

    bool has(const std::string& name) const { return m_object->contains(name); }
    std::string text(const std::string& name);
    std::string text(const std::string& name, const std::string& otherwise) { return has(name) ? text(name) : otherwise; }
    double number(const std::string& name);
    double number(const std::string& name, double otherwise) { return has(name) ? number(name) : otherwise; }
    std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high);
    std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high, std::int64_t otherwise) { return has(name) ? integer(name, low, high) : otherwise; }
    bool flag(const std::string& name, bool otherwise);
    std::vector<std::string> texts(const std::string& name);
    std::vector<double> numbers(const std::string& name);
    std::vector<std::int64_t> integers(const std::string& name, std::int64_t low, std::int64_t high);
    LinedObject object(const std::string& name);
    std::vector<LinedObject> objects(const std::string& name);
    /// Index of the text in the list. @throws when it is not one of them, listing all.
    std::size_t choice(const std::string& name, const std::vector<std::string>& choices);
    std::vector<std::string> names() const;

    /// @throws for a member that nothing read.
    void finish() const;
    [[noreturn]] void refuse(const std::string& name, const std::string& reason) const;

private:
    const nlohmann::ordered_json& member(const std::string& name);

    const LinedJson* m_document;
    std::string m_pointer;
    const nlohmann::ordered_json* m_object;
    std::set<std::string> m_read;
};

} // namespace hf::experts

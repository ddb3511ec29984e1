#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

// Internal to hf_database: SQLite's C interface with owners and exceptions.
namespace hf::database {

/// One prepared statement. Places are filled from 1 in order by add().
///
///     Statement find(connection, "SELECT path FROM file WHERE study = ?");
///     find.add(id);
///     while (find.step()) use(find.text(0));
class Statement {
public:
    /// @throws Error "database-damaged" when the file is no intact database, else "database".
    Statement(sqlite3* connection, const std::string& sql);

    Statement& add(std::int64_t value);
    Statement& add(const std::string& value);
    Statement& add(std::span<const std::uint8_t> bytes);
    /// @return true for a row, false at the end. @throws Error as the constructor.
    bool step();
    void run() { while (step()) {} }
    /// Empties the places for another run.
    void reset();

    std::int64_t number(int column) const;
    std::string text(int column) const;
    std::vector<std::uint8_t> bytes(int column) const;

private:
    void check(int code);
    sqlite3* m_connection;
    std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> m_statement;
    int m_place = 0;
};

/// An open file. One thread at a time; other threads and processes open their own.
class Connection {
public:
    /// Makes the file when missing. @throws Error as Statement.
    explicit Connection(const std::filesystem::path& file);
    sqlite3* get() const { return m_handle.get(); }
    void run(const std::string& sql);
    std::int64_t number(const std::string& sql);
    std::int64_t lastRow() const;

private:
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> m_handle;
};

/// All or nothing: what was not committed is undone.
class Transaction {
public:
    explicit Transaction(Connection& connection);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    void commit();

private:
    Connection& m_connection;
    bool m_isOpen = true;
};

} // namespace hf::database

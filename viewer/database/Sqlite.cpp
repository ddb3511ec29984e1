#include "viewer/database/Sqlite.h"

#include "viewer/volume/Error.h"

#include <sqlite3.h>

namespace hf::database {

namespace {

/// SQLite's own words name tables and codes, never values.
[[noreturn]] void fail(int code, sqlite3* connection)
{
    const bool isDamaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
    throw Error(std::string("the list of studies: ") + (connection ? sqlite3_errmsg(connection) : sqlite3_errstr(code)), isDamaged ? "database-damaged" : "database");
}

} // namespace

Statement::Statement(sqlite3* connection, const std::string& sql) : m_connection(connection), m_statement(nullptr, sqlite3_finalize)
{
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(connection, sql.c_str(), int(sql.size()), &statement, nullptr));
    m_statement.reset(statement);
}

void Statement::check(int code)
{
    if (code != SQLITE_OK) {
        fail(code, m_connection);
    }
}

Statement& Statement::add(std::int64_t value)
{
    check(sqlite3_bind_int64(m_statement.get(), ++m_place, value));
    return *this;
}

Statement& Statement::add(const std::string& value)
{
    check(sqlite3_bind_text(m_statement.get(), ++m_place, value.data(), int(value.size()), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::add(std::span<const std::uint8_t> bytes)
{
    check(sqlite3_bind_blob(m_statement.get(), ++m_place, bytes.data(), int(bytes.size()), SQLITE_TRANSIENT));
    return *this;
}

bool Statement::step()
{
    const int code = sqlite3_step(m_statement.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        fail(code, m_connection);
    }
    return code == SQLITE_ROW;
}

void Statement::reset()
{
    sqlite3_reset(m_statement.get());
    m_place = 0;
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(m_statement.get(), column); }

std::string Statement::text(int column) const
{
    const unsigned char* text = sqlite3_column_text(m_statement.get(), column);
    return text ? std::string(reinterpret_cast<const char*>(text), std::size_t(sqlite3_column_bytes(m_statement.get(), column))) : std::string();
}

std::vector<std::uint8_t> Statement::bytes(int column) const
{
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(m_statement.get(), column));
    return data ? std::vector<std::uint8_t>(data, data + sqlite3_column_bytes(m_statement.get(), column)) : std::vector<std::uint8_t>();
}

Connection::Connection(const std::filesystem::path& file) : m_handle(nullptr, sqlite3_close)
{
    constexpr int kBusyMs = 10'000;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    m_handle.reset(handle);
    if (code != SQLITE_OK) {
        fail(code, handle);
    }
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMs);
}

void Connection::run(const std::string& sql)
{
    const int code = sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        fail(code, get());
    }
}

std::int64_t Connection::number(const std::string& sql)
{
    Statement statement(get(), sql);
    return statement.step() ? statement.number(0) : 0;
}

std::int64_t Connection::lastRow() const { return sqlite3_last_insert_rowid(get()); }

Transaction::Transaction(Connection& connection) : m_connection(connection) { connection.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction()
{
    if (m_isOpen) {
        sqlite3_exec(m_connection.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

void Transaction::commit()
{
    m_connection.run("COMMIT");
    m_isOpen = false;
}

} // namespace hf::database

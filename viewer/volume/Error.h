#pragma once

#include <stdexcept>
#include <string>

namespace hf {

/// Base of all errors that a caller, a file or a user can cause. what() is one English line for logs and shells and never
/// holds a patient's name, id or date. `code` is a stable word that Qt code turns into a translated sentence.
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& message, std::string code = "error")
        : std::runtime_error(message), m_code(std::move(code)) {}
    const std::string& code() const { return m_code; }

private:
    std::string m_code;
};

/// A stop was requested; nothing of the job is kept.
class Cancelled : public Error {
public:
    Cancelled() : Error("cancelled", "cancelled") {}
};

[[noreturn]] void assertionFailed(const char* expression, const char* file, int line);

} // namespace hf

/// An invariant of ours; checked in all builds, throws std::logic_error.
#define HF_ASSERT(expression) \
    ((expression) ? void(0) : ::hf::assertionFailed(#expression, __FILE__, __LINE__))

#pragma once

#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

/// A few lines in place of a test framework, for tests that must build without Qt.
/// HF_TEST(name) { HF_CHECK(..); HF_CHECK_EQUAL(a, b); HF_CHECK_NEAR(a, b, tolerance); }   and HF_TEST_MAIN() at the end.
/// A test that cannot run says why with HF_SKIP("..."); when all are skipped the program's exit code is 77.
namespace hf::test {

struct Skip { std::string reason; };
struct Case { const char* name; std::function<void()> body; };

inline std::vector<Case>& cases() { static std::vector<Case> list; return list; }
inline int& failures() { static int count = 0; return count; }

struct Register {
    Register(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

inline void fail(const char* file, int line, const std::string& text)
{
    ++failures();
    std::printf("FAIL   %s:%d: %s\n", file, line, text.c_str());
}

template <typename T> std::string show(const T& value)
{
    std::ostringstream stream;
    stream.precision(12);
    if constexpr (requires { stream << value; }) {
        stream << value;
    } else {
        stream << "(value)";
    }
    return stream.str();
}

inline int run()
{
    int ran = 0, skipped = 0;
    for (const Case& test : cases()) {
        const int before = failures();
        try {
            test.body();
            ++ran;
        } catch (const Skip& skip) {
            ++skipped;
            std::printf("SKIP   %s: skipped, %s\n", test.name, skip.reason.c_str());
            continue;
        } catch (const std::exception& error) {
            fail(test.name, 0, std::string("unexpected exception: ") + error.what());
            ++ran;
        }
        std::printf("%s %s\n", failures() == before ? "PASS  " : "FAILED", test.name);
    }
    std::printf("Totals: %d run, %d skipped, %d failed checks\n", ran, skipped, failures());
    return failures() ? 1 : ran == 0 && skipped > 0 ? 77 : 0;
}

} // namespace hf::test

#define HF_TEST(name) \
    static void name(); \
    static const ::hf::test::Register register_##name(#name, &name); \
    static void name()
#define HF_CHECK(condition) \
    do { if (!(condition)) ::hf::test::fail(__FILE__, __LINE__, #condition); } while (false)
#define HF_CHECK_EQUAL(actual, expected) \
    do { const auto a_ = (actual); const auto e_ = (expected); \
        if (!(a_ == e_)) ::hf::test::fail(__FILE__, __LINE__, std::string(#actual " is ") + ::hf::test::show(a_) + ", expected " + ::hf::test::show(e_)); } while (false)
#define HF_CHECK_NEAR(actual, expected, tolerance) \
    do { const double a_ = (actual), e_ = (expected); \
        if (!(std::abs(a_ - e_) <= (tolerance))) ::hf::test::fail(__FILE__, __LINE__, std::string(#actual " is ") + ::hf::test::show(a_) + ", expected " + ::hf::test::show(e_)); } while (false)
#define HF_CHECK_THROWS(expression, type) \
    do { bool thrown_ = false; try { (void)(expression); } catch (const type&) { thrown_ = true; } \
        if (!thrown_) ::hf::test::fail(__FILE__, __LINE__, #expression " did not throw " #type); } while (false)
#define HF_SKIP(reason) throw ::hf::test::Skip{reason}
#define HF_TEST_MAIN() int main() { return ::hf::test::run(); }

#pragma once

#include "viewer/volume/Error.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace hf::app {

/// `--name value` options, `--name` flags and plain arguments of one command.
class Arguments {
public:
    /// @throws Error "usage" for an option that is in neither set, or one without its value.
    Arguments(std::span<const std::string> words, const std::set<std::string>& options, const std::set<std::string>& flags)
    {
        for (std::size_t n = 0; n < words.size(); ++n) {
            const std::string& word = words[n];
            if (!word.starts_with("--")) {
                m_plain.push_back(word);
            } else if (flags.contains(word)) {
                m_flags.insert(word);
            } else if (!options.contains(word)) {
                throw Error("unknown option " + word, "usage");
            } else if (n + 1 == words.size()) {
                throw Error(word + " needs a value", "usage");
            } else {
                m_values[word] = words[++n];
                m_all[word].push_back(words[n]);
            }
        }
    }
    bool has(const std::string& flag) const { return m_flags.contains(flag) || m_values.contains(flag); }
    std::string value(const std::string& option, const std::string& otherwise = {}) const
    {
        const auto found = m_values.find(option);
        return found == m_values.end() ? otherwise : found->second;
    }
    /// Of an option that may be given several times: each value, in order.
    std::vector<std::string> values(const std::string& option) const
    {
        const auto found = m_all.find(option);
        return found == m_all.end() ? std::vector<std::string>() : found->second;
    }
    /// @throws Error "usage" when it is no finite number.
    double number(const std::string& option, double otherwise) const
    {
        if (!m_values.contains(option)) {
            return otherwise;
        }
        try {
            std::size_t used = 0;
            const double number = std::stod(value(option), &used);
            if (used == value(option).size() && std::isfinite(number)) {
                return number;
            }
        } catch (const std::logic_error&) {
        }
        throw Error(option + " needs a number, not '" + value(option) + "'", "usage");
    }
    /// For an int, or a seed of 32 bits. @throws Error "usage" when it is no whole number of such a size.
    std::int64_t whole(const std::string& option, std::int64_t otherwise) const
    {
        const double found = number(option, double(otherwise));
        if (found != std::floor(found) || found < -0x1p31 || found >= 0x1p32) {
            throw Error(option + " needs a whole number, not '" + value(option) + "'", "usage");
        }
        return std::int64_t(found);
    }
    /// @throws Error "usage" when it lies outside.
    double number(const std::string& option, double otherwise, double least, double most) const
    {
        const double found = number(option, otherwise);
        if (found < least || found > most) {
            throw Error(option + " needs a number from " + std::to_string(std::int64_t(least)) + " to " + std::to_string(std::int64_t(most)) + ", not '" + value(option) + "'", "usage");
        }
        return found;
    }
    const std::vector<std::string>& plain() const { return m_plain; }

private:
    std::map<std::string, std::string> m_values;
    std::map<std::string, std::vector<std::string>> m_all;
    std::set<std::string> m_flags;
    std::vector<std::string> m_plain;
};

} // namespace hf::app

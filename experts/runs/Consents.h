#pragma once

#include "experts/engine/Expert.h"

#include <filesystem>

namespace hf::experts {

/// What the user agreed to, in a JSON file: licences of weights (by the hash of the weights and the licence's words) and TorchScript files that may
/// be run (by the hash of the file). Other weights, another licence or a changed file ask again. A damaged file counts as empty. Thread-safe between
/// processes as far as a file that is replaced whole is.
class Consents {
public:
    explicit Consents(std::filesystem::path file) : m_file(std::move(file)) {}
    /// That of this user: userDataFolder()/consents.json.
    static Consents ofUser();

    /// True too for an expert without weights.
    bool hasAccepted(const Expert& expert) const;
    /// @throws Error "write".
    void accept(const Expert& expert) const;

    bool allowsScript(const std::string& sha256) const;
    /// @param folder  for the reader of the record only.
    void allowScript(const std::string& sha256, const std::filesystem::path& folder) const;

private:
    std::filesystem::path m_file;
};

} // namespace hf::experts

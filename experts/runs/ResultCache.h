#pragma once

#include "experts/engine/Expert.h"

#include <filesystem>

namespace hf::experts {

/// Results of experts on disk, one file each, named by the hash of what the result depends on. The oldest go when the folder outgrows its limit; a
/// file that is damaged, or is of another version or grid, counts as not there. Holds labels and numbers, no name, id or date of a patient.
class ResultCache {
public:
    /// @param mostBytes  of all files; 0: nothing is kept.
    explicit ResultCache(std::filesystem::path folder, std::uintmax_t mostBytes = 512U << 20);

    /// Volume (values, grid, what it is), other channels, expert, arguments, clicks, and what the expert is made of as one name.
    static std::string keyOf(const ExpertRequest& request, const ExpertCard& card, const std::string& made);

    /// @param volume  gives the grid and the series of the mask.
    std::optional<ExpertResult> find(const std::string& key, const Volume& volume) const;
    /// What cannot be written is not kept; that is no error.
    void keep(const std::string& key, const ExpertResult& result) const;

private:
    void makeRoom() const;

    std::filesystem::path m_folder;
    std::uintmax_t m_mostBytes;
};

} // namespace hf::experts

#pragma once

#include "assistant/engine/Prompt.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace hf::assistant::train {

/// A conversation of a file in the published form, ready to be put into a template.
struct Dialogue {
    std::string id;
    std::string group;      ///< Patient, else the first picture, else the id: what is held back together.
    std::vector<std::filesystem::path> pictures;    ///< Of the markers, in order; they are there.
    std::vector<PromptMessage> messages;            ///< Questions and answers in turn, an answer last; markers as trained (reference 7.3).
    std::string place;      ///< "FILE:LINE: "
};

/// The conversations of a JSON list or .jsonl file (reference 8.1, `image` also as a list). Pictures are looked for as by findPicture().
/// @throws Error "data" with file and line; "not-found" naming the file or the picture.
std::vector<Dialogue> readDialogues(const std::filesystem::path& file);

/// "FILE" or "FILE:WEIGHT". @throws Error "usage" for a weight that is not above 0.
std::pair<std::filesystem::path, double> fileAndWeight(const std::string& word);

/// Conversations that are learned from and such that are only tried; no group is on both sides.
struct HeldBack {
    std::vector<Dialogue> learned, tried;
};
/// @param share  of the groups that are held back; depends on their names alone.
HeldBack holdBack(std::vector<Dialogue> dialogues, double share);

/// Files mixed by weights: in one pass the conversations of a file come `weight` times, those of a broken part drawn anew in each pass, everything in an order
/// that depends on the seed and the number of the pass alone (the published mixture repeats files by whole numbers, reference 7.2).
class Mixture {
public:
    Mixture(std::vector<std::pair<std::vector<Dialogue>, double>> files, std::uint32_t seed);
    /// Conversations of one pass.
    std::int64_t passLength() const { return m_passLength; }
    /// The n-th conversation of a run.
    const Dialogue& at(std::int64_t n);

private:
    void order(std::int64_t pass);
    std::vector<std::pair<std::vector<Dialogue>, double>> m_files;
    std::uint32_t m_seed;
    std::int64_t m_passLength = 0, m_pass = -1;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> m_order;   ///< Of m_pass: file, conversation.
};

} // namespace hf::assistant::train

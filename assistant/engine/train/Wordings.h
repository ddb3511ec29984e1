#pragma once

#include "viewer/phantom/Random.h"

#include <initializer_list>
#include <string>
#include <vector>

namespace hf::assistant::train {

using Words = std::vector<std::string>;

template <typename T> const T& pick(const std::vector<T>& list, phantom::Random& random) { return list[std::size_t(random.below(int(list.size())))]; }
std::string pickWord(std::initializer_list<const char*> list, phantom::Random& random);
std::string replaced(std::string text, const std::string& from, const std::string& to);

enum class Asked { Segment, Measure, Presence, Side, Count };

/// A question about a structure, composed: courtesy, verb, noun, place, punctuation; now and then in small letters or with a slip of the pen.
/// @param noun  as it is asked for, with or without an article. @param modality  "CT", or "image" when nothing else is known.
std::string structureQuestion(Asked asked, const std::string& noun, const std::string& modality, phantom::Random& random);

/// What is in the picture? Which modality and plane is it? Who are you? And what no expert answers.
std::string whatQuestion(phantom::Random& random);
std::string kindQuestion(phantom::Random& random);
std::string identityQuestion(phantom::Random& random);
std::string hardQuestion(phantom::Random& random);

/// Whether a noun phrase is spoken of with "are".
bool isPlural(const std::string& noun);
/// "the lungs", "both lungs" -> "lungs"
std::string withoutArticle(const std::string& noun);

/// A name that no language has: a card and a question must be compared letter by letter.
std::string someInventedName(phantom::Random& random);

/// For cards of experts that do not exist.
std::string someCardName(phantom::Random& random);
/// Another name with the same beginning.
std::string someNameLike(const std::string& name, phantom::Random& random);
std::string someCardOverview(phantom::Random& random);
std::string someCardAccuracy(phantom::Random& random);

} // namespace hf::assistant::train

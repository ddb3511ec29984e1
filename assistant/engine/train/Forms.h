#pragma once

#include "assistant/engine/train/Wordings.h"

namespace hf::assistant::train {

/// Questions that were written one by one, beside those that Wordings.cpp composes: composed ones have few openings and few verbs.
/// {N}: the noun, {B}: the noun without its article. None of them is one of the held-out phrases or of try_model.py's wordings.
const Words& structureForms(Asked asked);
const Words& whatForms();
const Words& kindForms();
const Words& identityForms();
const Words& hardForms();

} // namespace hf::assistant::train

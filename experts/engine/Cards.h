#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// The card of the classical CT expert (experts/classical). It stands here because the demo model is trained on it, in builds without ITK too.
ExpertCard classicalCtCard();

/// Values and names of that expert's labels.
enum class ClassicalLabel : LabelId { LeftLung = 1, RightLung, Airways, Bones, Body, SubcutaneousFat, VisceralFat, Muscle };

} // namespace hf::experts

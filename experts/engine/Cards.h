#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// Cards of the classical experts (experts/classical) that the model is told. They stand here because the demo model is trained on them, in builds
/// without ITK too.
ExpertCard classicalCtCard();
ExpertCard greatVesselsCard();
ExpertCard headCtCard();
ExpertCard radiographLungsCard();

/// All of them in the order in which the engine has them.
std::vector<ExpertCard> classicalCards();

/// Values and names of that expert's labels.
enum class ClassicalLabel : LabelId { LeftLung = 1, RightLung, Airways, Bones, Body, SubcutaneousFat, VisceralFat, Muscle };

} // namespace hf::experts

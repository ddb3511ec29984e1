#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// Cards of the classical experts (experts/classical). They stand here because the demo model is trained on some, in builds without ITK too.
ExpertCard classicalCtCard();
ExpertCard greatVesselsCard();
ExpertCard headCtCard();
ExpertCard radiographLungsCard();

/// Those that the model is told, in the order in which the engine has them. The others' labels have names that the demo model does not copy well: it
/// made sides of the patient of "on the left of the picture".
std::vector<ExpertCard> classicalCards();

/// Values and names of that expert's labels.
enum class ClassicalLabel : LabelId { LeftLung = 1, RightLung, Airways, Bones, Body, SubcutaneousFat, VisceralFat, Muscle };

} // namespace hf::experts

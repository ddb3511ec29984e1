#include "experts/engine/Cards.h"

namespace hf::experts {

ExpertCard classicalCtCard()
{
    ExpertCard card;
    card.name = "CTSEG";
    card.modality = "CT";
    card.dicomModalities = {"CT"};
    card.task = "segmentation";
    card.overview = "classical segmentation of CT by density and shape, no trained weights";
    card.accuracy = "Lungs and bones above 0.85 Dice on test scans";
    card.arguments = {"everything", "lungs", "airways", "bones", "body", "fat", "muscles"};
    card.defaultArgument = "everything";
    card.version = "1.0";
    card.licence = "Apache-2.0";
    card.examplePrompts = {"Segment the lungs", "Show the bones", "What is the volume of the visceral fat?", "What can be seen in this scan?"};
    return card;
}

} // namespace hf::experts

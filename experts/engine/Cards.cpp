#include "experts/engine/Cards.h"

namespace hf::experts {

namespace {

ExpertCard segmentationCard(const char* name, const char* modality, std::vector<std::string> dicomModalities)
{
    ExpertCard card;
    card.name = name;
    card.modality = modality;
    card.dicomModalities = std::move(dicomModalities);
    card.task = "segmentation";
    card.version = "1.0";
    card.licence = "Apache-2.0";
    return card;
}

} // namespace

ExpertCard classicalCtCard()
{
    ExpertCard card = segmentationCard("CTSEG", "CT", {"CT"});
    card.version = "1.1";       // fat within the abdomen
    card.overview = "classical segmentation of CT by density and shape, no trained weights";
    card.accuracy = "Lungs and bones above 0.85 Dice on test scans";
    card.arguments = {"everything", "lungs", "airways", "bones", "body", "fat", "muscles"};
    card.defaultArgument = "everything";
    card.examplePrompts = {"Segment the lungs", "Show the bones", "What is the volume of the visceral fat?", "What can be seen in this scan?"};
    return card;
}

ExpertCard greatVesselsCard()
{
    ExpertCard card = segmentationCard("CTVESSELS", "CT", {"CT"});
    card.overview = "aorta and other great vessels with contrast medium";
    card.accuracy = "0.92 of what it marks on a phantom is vessel";
    card.limits = "Only scans in which the vessels are brighter than 140 HU, only vessels thicker than about 9 mm and narrower than 40 mm; wider spaces, as of the heart, are a label of "
                  "their own. On an enhanced phantom 0.92 and more of what it marks is vessel, but it marks only half of the vessels: branches and less bright "
                  "veins are left out, as are thrombus and plaque. Not measured on patients";
    card.arguments = {"vessels"};
    card.defaultArgument = "vessels";
    card.isToldToModel = false;
    return card;
}

ExpertCard headCtCard()
{
    ExpertCard card = segmentationCard("CTHEAD", "CT", {"CT"});
    card.bodyParts = {"HEAD", "BRAIN", "SKULL", "HEADNECK"};
    card.overview = "brain and ventricles of a head CT";
    card.accuracy = "0.93 Dice on a synthetic head";
    card.limits = "On a synthetic head Dice 0.93 for brain and 0.92 for ventricles; on patients only looked at. Needs a whole skull. Deep sulci, old infarcts and other fluid deep in "
                  "the brain count as ventricle; blood in a ventricle and the fluid of other sulci count as brain";
    card.arguments = {"brain"};
    card.defaultArgument = "brain";
    card.examplePrompts = {"Segment the brain"};
    return card;
}

ExpertCard radiographLungsCard()
{
    ExpertCard card = segmentationCard("CXRLUNGS", "chest x-ray (CXR)", {"CR", "DX", "RG"});
    card.bodyParts = {"CHEST", "THORAX"};
    card.overview = "lung fields of a frontal chest radiograph by brightness and shape, no trained weights";
    card.accuracy = "0.93 Dice on projected phantoms";
    card.limits = "On projected phantoms Dice 0.93 and more against aerated lung; on patients only looked at. Finds nothing where a lung is white or the picture is cut, leaves out "
                  "what lies behind the heart, and takes gas of the stomach that touches the field for lung. For frontal views only";
    card.arguments = {"lungs"};
    card.defaultArgument = "lungs";
    card.isToldToModel = false;
    return card;
}

std::vector<ExpertCard> classicalCards() { return {classicalCtCard(), headCtCard()}; }

} // namespace hf::experts

#include "assistant/engine/Prompt.h"
#include "experts/engine/Cards.h"
#include "experts/runtime/Sha256.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

using namespace hf::assistant;
using hf::experts::ExpertCard;

namespace {

/// The cards of the published demo (reference vila-m3.md 6.1).
std::vector<ExpertCard> publishedCards()
{
    const auto card = [](const char* name, const char* modality, const char* task, const char* overview, const char* accuracy, std::vector<std::string> arguments) {
        ExpertCard c;
        c.name = name, c.modality = modality, c.task = task, c.overview = overview, c.accuracy = accuracy;
        c.arguments = std::move(arguments);
        return c;
    };
    return {card("BRATS", "MRI", "segmentation", "A pre-trained model for volumetric (3D) segmentation of brain tumor subregions from multimodal MRIs based on BraTS 2018 data",
                "Tumor core (TC): 0.8559 - Whole tumor (WT): 0.9026 - Enhancing tumor (ET): 0.7905 - Average: 0.8518", {}),
        card("VISTA3D", "CT", "segmentation", "domain-specialized interactive foundation model developed for segmenting and annotating human anatomies with precision", "127 organs: 0.792 Dice on average",
            {"everything", "hepatic tumor", "pancreatic tumor", "lung tumor", "bone lesion", "organs", "cardiovascular", "gastrointestinal", "skeleton", "muscles"}),
        card("VISTA2D", "cell imaging", "segmentation",
            "model for cell segmentation, which was trained on a variety of cell imaging outputs, including brightfield, phase-contrast, fluorescence, confocal, or electron microscopy",
            "Good accuracy across several cell imaging datasets", {}),
        card("CXR", "chest x-ray (CXR)", "classification", "pre-trained model which are trained on large cohorts of data", "Good accuracy across several diverse chest x-rays datasets", {})};
}

const std::vector<std::string> kNames{"CXR", "VISTA3D", "BRATS"};

std::vector<PromptMessage> goldenTranscript(bool followUp)
{
    const std::string question = "Is there a hepatic tumor in the image";
    std::vector<PromptMessage> messages{{Role::User, userText(PromptForm::Demo, hf::experts::promptCards(publishedCards()), "CT", question)}};
    if (followUp) {
        messages.push_back({Role::Assistant, "This looks like a CT image. Let me trigger <VISTA3D(hepatic tumor)>."});
        messages.push_back({Role::Expert, expertText(PromptForm::Demo, "red: liver, blue: hepatic tumor")});
        messages.push_back({Role::Expert, expertInstruction(PromptForm::Demo, question)});
    }
    return messages;
}

std::string hashOf(const std::string& conversation, bool followUp)
{
    return hf::runtime::sha256Of(buildPrompt(conversation, PromptForm::Demo, goldenTranscript(followUp)));
}

} // namespace

HF_TEST(cards_are_byte_exact)
{
    const std::string cards = hf::experts::promptCards(publishedCards());
    HF_CHECK_EQUAL(cards.size(), std::size_t(1373));
    HF_CHECK_EQUAL(hf::runtime::sha256Of(cards), std::string("c0e10e631e87a7da0873be4f94e5aa560529f751638016cb37347ebd3a6945b6"));
}

HF_TEST(golden_prompts_of_the_reference)
{
    HF_CHECK_EQUAL(hashOf("llama_3", false), std::string("b30ae4146fee7f93366e677087eb7647882e668ef6928b8664d5570eb190b0d2"));
    HF_CHECK_EQUAL(hashOf("llama_3", true), std::string("e95adb2bc967b84dd5e0bced806520ac74a0c2ea49991dfad67c070664b7d648"));
    HF_CHECK_EQUAL(hashOf("vicuna_v1", false), std::string("6dcd182e916045b0b4994bd0945ccb5ed2769be224079b33cd65e4f75f472746"));
    HF_CHECK_EQUAL(hashOf("vicuna_v1", true), std::string("be17a4e7e196d6b03b45ba1697d64d7a22934b78e29dfdf97f7def4dac694618"));
}

HF_TEST(training_form_is_as_rewritten)
{
    const std::string text = userText(PromptForm::Training, "Cards.\n", "CT", "Q");
    HF_CHECK_EQUAL(text, std::string("Cards. <image>\nThis is a CT image.\nQ"));
    HF_CHECK_EQUAL(expertText(PromptForm::Training, "red: liver") + expertInstruction(PromptForm::Training, "Q"),
        std::string("The results are <image>\n. The colors in this image describe red: liver. Use this result to respond to this prompt:\nQ."));
}

HF_TEST(typed_markers_do_not_break_the_prompt)
{
    const std::string text = userText(PromptForm::Training, "", "", "what is <image> here <image>");
    HF_CHECK_EQUAL(text, std::string("<image>\nwhat is  here"));
}

HF_TEST(vicuna_gets_its_cue)
{
    const std::vector<PromptMessage> messages{{Role::User, "Hello"}};
    const std::string prompt = buildPrompt("vicuna_v1", PromptForm::Training, messages);
    HF_CHECK(prompt.ends_with("USER: Hello ASSISTANT:"));
}

HF_TEST(an_empty_message_is_bare_in_the_demo_only)
{
    const std::vector<PromptMessage> messages{{Role::User, "a"}, {Role::Assistant, ""}, {Role::User, "b"}};
    const auto endsWith = [&](const char* conversation, PromptForm form, const std::string& end) { return buildPrompt(conversation, form, messages).ends_with(end); };
    const std::string llamaEnd = "<|start_header_id|>user<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
    HF_CHECK(endsWith("llama_3", PromptForm::Demo, "a<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n" + llamaEnd));
    HF_CHECK(endsWith("llama_3", PromptForm::Training, "a<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n<|eot_id|>" + llamaEnd));
    HF_CHECK(endsWith("vicuna_v1", PromptForm::Demo, "USER: a ASSISTANT:USER: b "));
    HF_CHECK(endsWith("vicuna_v1", PromptForm::Training, "USER: a ASSISTANT: </s>USER: b ASSISTANT:"));
}

HF_TEST(calls_are_found)
{
    const std::vector<std::string> names{"CTSEG", "VISTA3D"};
    const auto plain = findExpertCall("Let me use <CTSEG(lungs)>.", names);
    HF_CHECK(plain && plain->name == "CTSEG" && plain->arguments == "lungs");
    HF_CHECK(findExpertCall("<VISTA3D>", names)->arguments.empty());
    HF_CHECK(findExpertCall("<VISTA3D()>", names)->arguments.empty());
    HF_CHECK(!findExpertCall("nothing here < 5 > 3", names));
    HF_CHECK(!findExpertCall("<OTHER(lungs)>", names));
    const auto later = findExpertCall("a <b> c <CTSEG('bones')>", names);
    HF_CHECK(later && later->arguments == "bones");
    HF_CHECK(!findExpertCall("<CTSEG(lun", names));
    const auto smaller = findExpertCall("It is < 5 mm. Let me trigger <VISTA3D(lung tumor)>.", names);
    HF_CHECK(smaller && smaller->name == "VISTA3D" && smaller->arguments == "lung tumor");
    HF_CHECK(findExpertCall("<<CTSEG(lungs)>>", names).has_value());
}

HF_TEST(calls_as_the_published_demo_finds_them)
{
    HF_CHECK_EQUAL(findExpertCallAsDemo("Let me trigger <VISTA3D(everything)>.", kNames)->arguments, std::string("everything"));
    HF_CHECK(findExpertCallAsDemo("<CXR>", kNames).has_value());
    HF_CHECK(!findExpertCallAsDemo("<VISTA3D(organs)> and <CXR>", kNames));
    HF_CHECK_EQUAL(findExpertCallAsDemo("<VISTA3D(organs)(muscles)>", kNames)->arguments, std::string("organs)(muscles"));
}

HF_TEST(modality_words)
{
    HF_CHECK_EQUAL(modalityWord("CT"), std::string("CT"));
    HF_CHECK_EQUAL(modalityWord("MR"), std::string("MRI"));
    HF_CHECK_EQUAL(modalityWord("DX", "CHEST"), std::string("CXR"));
    HF_CHECK_EQUAL(modalityWord("CR"), std::string("CXR"));
    HF_CHECK_EQUAL(modalityWord("DX", "HAND"), std::string());
    HF_CHECK_EQUAL(modalityWord(""), std::string());
}

HF_TEST(learned_ranges_are_the_answers)
{
    const std::vector<PromptMessage> messages{{Role::User, "Q"}, {Role::Assistant, "A1"}, {Role::User, "Q2"}, {Role::Assistant, "A2"}};
    const TrainingText text = trainingText("llama_3", messages);
    HF_CHECK_EQUAL(text.learned.size(), std::size_t(2));
    const auto part = [&](std::size_t n) { return text.text.substr(text.learned[n].first, text.learned[n].second - text.learned[n].first); };
    HF_CHECK_EQUAL(part(0), std::string("A1<|eot_id|>"));
    HF_CHECK_EQUAL(part(1), std::string("A2<|end_of_text|>"));
}

HF_TEST(the_plain_template_is_picture_and_caption)
{
    const std::vector<PromptMessage> messages{{Role::User, "Describe it.\n<image>\n <image>"}, {Role::Assistant, "Two chest radiographs."}};
    const TrainingText text = trainingText("plain", messages);
    HF_CHECK_EQUAL(text.text, std::string("<image><image>Two chest radiographs.\n"));
    HF_CHECK_EQUAL(text.learned.size(), std::size_t(1));
    HF_CHECK_EQUAL(text.text.substr(text.learned[0].first, text.learned[0].second - text.learned[0].first), std::string("Two chest radiographs.\n"));
    const std::vector<PromptMessage> more{{Role::User, "Q"}, {Role::Assistant, "A"}, {Role::User, "Q"}, {Role::Assistant, "A"}};
    HF_CHECK_THROWS(trainingText("plain", more), hf::Error);
}

HF_TEST_MAIN()

#include "assistant/engine/CallGuide.h"
#include "assistant/engine/Prompt.h"
#include "assistant/engine/VilaModel.h"
#include "experts/engine/Cards.h"
#include "support/Check.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

using namespace hf;
using namespace hf::assistant;

namespace {

const std::filesystem::path kDemo = HF_SOURCE_DIR "/resources/models/demo";

Tokenizer demoTokenizer()
{
    if (!std::filesystem::exists(kDemo / "config.json")) {
        throw test::Skip{"the embedded demo model is not there"};
    }
    return Tokenizer::load(kDemo / "llm");
}

const std::vector<std::string> kCalls{"CTSEG(lungs)", "CTSEG(left lung)", "MASKNET(bones)", "CXR", "CXR()"};

/// What the guide says after an answer whose tokens all have this probability.
CallGuide guideAfter(const Tokenizer& tokenizer, const std::string& answer, double chance)
{
    CallGuide guide(kCalls, tokenizer);
    for (const TokenId token : tokenizer.encode(answer)) {
        guide.push(token, std::log(chance));
    }
    return guide;
}

std::string textOf(const Tokenizer& tokenizer, std::span<const TokenId> tokens) { return tokenizer.decode(tokens); }

} // namespace

HF_TEST(an_offered_call_is_left_alone)
{
    const Tokenizer tokenizer = demoTokenizer();
    for (const char* answer : {"Let me use <CTSEG(lungs)>", "Let me use <CTSEG(left lung)>", "<CXR>", "<CXR()>", "It is an axial CT image."}) {
        HF_CHECK(!guideAfter(tokenizer, answer, 0.1).isDoubtful());
        HF_CHECK(!guideAfter(tokenizer, answer, 0.1).isOpen());
    }
}

HF_TEST(a_call_that_nobody_offers_is_doubtful)
{
    const Tokenizer tokenizer = demoTokenizer();
    for (const char* answer : {"Let me use <MKK(bones)>", "Let me use <CTSEG(left lungs)>", "<CXR(lungs)>", "<MASKNET(lungs)>"}) {
        HF_CHECK(guideAfter(tokenizer, answer, 0.5).isDoubtful());
        HF_CHECK(guideAfter(tokenizer, answer, 0.999).isDoubtful());
    }
    // Without arguments to go by, only where it was written in doubt.
    for (const char* answer : {"<CTSEG>", "<MKK>", "<MKK()>"}) {
        HF_CHECK(guideAfter(tokenizer, answer, 0.5).isDoubtful());
        HF_CHECK(!guideAfter(tokenizer, answer, 0.99).isDoubtful());
    }
    CallGuide cut = guideAfter(tokenizer, "Let me use <MKK(bo", 0.5);
    HF_CHECK(cut.isOpen() && !cut.isDoubtful());
    cut.end();
    HF_CHECK(cut.isDoubtful());
    HF_CHECK_EQUAL(textOf(tokenizer, cut.tokens()), std::string(" <MKK(bo"));
}

HF_TEST(a_comparison_is_no_call)
{
    const Tokenizer tokenizer = demoTokenizer();
    for (const char* answer : {"The nodule is < 5 mm", "a <5 mm nodule", "between <<3 and 4", "smaller < than"}) {
        const CallGuide guide = guideAfter(tokenizer, answer, 0.3);
        HF_CHECK(!guide.isDoubtful());
        HF_CHECK(!guide.isOpen());
    }
    HF_CHECK(!guideAfter(tokenizer, std::string("a <") + std::string(400, 'x'), 0.999).isOpen());
}

HF_TEST(after_a_chosen_call_only_its_end_fits)
{
    const Tokenizer tokenizer = demoTokenizer();
    CallGuide guide = guideAfter(tokenizer, "Let me use <MKK(bones)>", 0.5);
    const std::vector<TokenId> written = tokenizer.encode("Let me use");
    const std::vector<TokenId> call = guide.tokensOf(written, "MASKNET(bones");
    std::vector<TokenId> whole = written;
    whole.insert(whole.end(), call.begin(), call.end());
    HF_CHECK_EQUAL(textOf(tokenizer, whole), std::string("Let me use <MASKNET(bones"));
    HF_CHECK(whole == tokenizer.encode("Let me use <MASKNET(bones"));
    guide.choose(call);
    HF_CHECK(guide.isOpen());
    std::vector<float> logits(tokenizer.size(), 0.5f);
    guide.restrict(logits);
    std::size_t left = 0;
    for (std::size_t id = 0; id < logits.size(); ++id) {
        if (std::isfinite(logits[id])) {
            ++left;
            HF_CHECK(tokenizer.bytesOf(TokenId(id)).starts_with(")"));
        }
    }
    HF_CHECK(left > 0);
    for (const TokenId token : tokenizer.encode(")>")) {
        if (!tokenizer.isSpecial(token)) {
            HF_CHECK(guide.fits(token));
            guide.push(token, std::log(0.1));
        }
    }
    HF_CHECK(!guide.isOpen() && !guide.isDoubtful());
}

HF_TEST(only_the_name_is_changed)
{
    const Tokenizer tokenizer = demoTokenizer();
    const auto alternatives = [&](const char* answer) { return guideAfter(tokenizer, answer, 0.5).alternatives(); };
    HF_CHECK(alternatives("Let me use <MKK(bones)>") == std::vector<std::string>{"MASKNET(bones)"});
    HF_CHECK(alternatives("Let me use <MKK(lungs)>") == std::vector<std::string>{"CTSEG(lungs)"});
    HF_CHECK(alternatives("<XR>") == std::vector<std::string>{"CXR()"});
    HF_CHECK(alternatives("<XR()>") == std::vector<std::string>{"CXR()"});
    HF_CHECK(alternatives("<MKK(liver)>").empty());         // nobody offers that
    HF_CHECK(alternatives("<CTSEG(bones)>") == std::vector<std::string>{"MASKNET(bones)"});     // another one does
    HF_CHECK(alternatives("<CTSEG>").empty());              // who it is is known
    HF_CHECK(alternatives("<MKK(bo").empty());
}

/// Names that no model has seen: whatever it makes of them, what is called is offered, and the conversation goes on as if it had been written so.
HF_TEST(unknown_names_of_experts_are_called_rightly)
{
    demoTokenizer();
    const auto model = VilaModel::load(kDemo, {});
    const auto fresh = VilaModel::load(kDemo, {});
    Picture picture{model->info().imageSize, model->info().imageSize, {}};
    for (int n = 0; n < picture.width * picture.height; ++n) {
        const int x = n % picture.width - picture.width / 2, y = n / picture.width - picture.height / 2;
        const auto grey = std::uint8_t(x * x + y * y < 3600 ? (std::abs(std::abs(x) - 30) < 16 ? 30 : 140) : 0);
        picture.rgb.insert(picture.rgb.end(), {grey, grey, grey});
    }
    int called = 0, guided = 0;
    for (const char* name : {"QZKTRW", "VUTRALON", "XENOMARK", "PLOTIQ7", "DORBHAN", "YLMETZ", "GROVINEX", "HUXTAB"}) {
        experts::ExpertCard card = experts::classicalCtCard();
        card.name = name;
        card.overview = "deep network trained on many scans";
        card.accuracy = "0.9 Dice";
        const std::vector<experts::ExpertCard> cards{card};
        const std::vector<PromptMessage> messages{{Role::User, userText(PromptForm::Training, experts::promptCards(cards), "CT", "Segment the lungs")}};
        const std::string prompt = buildPrompt(model->info().conversation, PromptForm::Training, messages);
        GenerationOptions options;
        options.maxNewTokens = 64;
        for (const std::string& argument : card.arguments) {
            options.calls.push_back(card.name + "(" + argument + ")");
        }
        std::string shown;
        GenerationReport report;
        const std::string answer = model->generate(prompt, {&picture, 1}, options, [&](const std::string& piece) { shown += piece; }, {}, &report);
        HF_CHECK_EQUAL(shown, answer);
        const std::vector<std::string> names{card.name};
        const auto call = findExpertCall(answer, names);
        HF_CHECK(call || answer.find('<') == std::string::npos);
        called += call.has_value();
        guided += report.guidedCalls;
        // Keys and values of what was taken back are gone: a follow-up is answered as by a model that never saw it.
        std::vector<PromptMessage> more = messages;
        more.push_back({Role::Assistant, answer});
        more.push_back({Role::User, "Which plane is this?"});
        const std::string next = buildPrompt(model->info().conversation, PromptForm::Training, more);
        HF_CHECK_EQUAL(model->generate(next, {&picture, 1}, options, {}, {}, nullptr), fresh->generate(next, {&picture, 1}, options, {}, {}, nullptr));
    }
    HF_CHECK(called >= 6);
    if (guided == 0) {
        throw test::Skip{"the embedded model copies all of these names itself"};
    }
}

HF_TEST_MAIN()

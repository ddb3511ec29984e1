#include "assistant/engine/M3Loop.h"
#include "experts/engine/Cards.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <filesystem>

using namespace hf;
using namespace hf::assistant;

namespace {

/// An expert that gives a square, or fails.
class SquareExpert : public experts::Expert {
public:
    explicit SquareExpert(bool fails) : m_card(experts::classicalCtCard()), m_fails(fails) {}
    const experts::ExpertCard& card() const override { return m_card; }
    std::optional<experts::Refusal> check(const experts::ExpertRequest&) const override { return std::nullopt; }
    experts::ExpertResult run(const experts::ExpertRequest& request, const Progress&, std::stop_token) override
    {
        if (m_fails) {
            throw Error("the square is lost", "internal");
        }
        const Geometry& geometry = request.volume.geometry();
        std::vector<LabelId> voxels(geometry.size().voxels(), 0);
        std::fill(voxels.begin(), voxels.begin() + std::ptrdiff_t(voxels.size() / 2), LabelId(1));
        Label label;
        label.value = 1;
        label.name = "left lung";
        return {LabelMap(geometry, std::move(voxels), {label}), {}};
    }

private:
    experts::ExpertCard m_card;
    bool m_fails;
};

Volume ctVolume()
{
    const Geometry geometry({32, 32, 4}, {2, 2, 5}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels(geometry.size().voxels());
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        voxels[n] = std::int16_t(n % 32 < 16 ? -800 : 40);
    }
    VolumeInfo info;
    info.modality = "CT";
    return Volume(geometry, std::move(voxels), info);
}

struct Bench {
    std::unique_ptr<VilaModel> model;
    experts::ExpertRegistry registry;
    Volume volume = ctVolume();

    explicit Bench(bool expertFails)
    {
        const std::filesystem::path folder = HF_SOURCE_DIR "/resources/models/demo";
        if (!std::filesystem::exists(folder / "config.json")) {
            throw test::Skip{"the embedded demo model is not there"};
        }
        model = VilaModel::load(folder, {});
        registry.add(std::make_unique<SquareExpert>(expertFails));
    }
    ChatAnswer ask(PromptForm form, std::vector<ChatMessage> history = {})
    {
        ChatTurn turn;
        turn.volume = &volume;
        turn.view.slice = 1;
        turn.question = "Segment the lungs";
        turn.history = std::move(history);
        turn.generation.maxNewTokens = 64;
        turn.form = form;
        experts::ExpertRunner runner(registry);
        return M3Loop(*model, runner).answer(turn, {}, {});
    }
};

} // namespace

HF_TEST(calls_are_offered_for_the_images_modality)
{
    experts::ExpertRegistry registry;
    registry.add(std::make_unique<SquareExpert>(false));
    const std::size_t all = experts::classicalCtCard().arguments.size();
    HF_CHECK(registry.offeredCalls("MR").empty());
    HF_CHECK(registry.offeredCalls("CT").size() >= all && registry.offeredCalls("").size() >= all);
    HF_CHECK_EQUAL(registry.offeredCalls("CT").front(), "CTSEG(" + experts::classicalCtCard().arguments.front() + ")");
}

HF_TEST(an_expert_is_asked_and_the_answer_rests_on_it)
{
    Bench bench(false);
    const ChatAnswer answer = bench.ask(PromptForm::Training);
    HF_CHECK(answer.firstAnswer.find("<CTSEG(") != std::string::npos);
    HF_CHECK(answer.expert.has_value() && answer.expertError.empty());
    HF_CHECK_EQUAL(answer.newMessages.size(), std::size_t(4));
    HF_CHECK_EQUAL(answer.prompts.size(), std::size_t(2));
    HF_CHECK(answer.prompts[1].find("The results are <image>\n. The colors in this image describe red: left lung. ") != std::string::npos);
}

HF_TEST(the_published_programs_rule_of_the_last_answer)
{
    Bench bench(false);
    const ChatAnswer answer = bench.ask(PromptForm::Demo);
    HF_CHECK(answer.expert.has_value());
    const bool says = answer.firstAnswer.find("segmented") != std::string::npos;
    HF_CHECK_EQUAL(answer.prompts.size(), std::size_t(says ? 1 : 2));
    HF_CHECK_EQUAL(answer.newMessages.size(), std::size_t(says ? 3 : 4));
    HF_CHECK_EQUAL(answer.newMessages[2].text.find("Use this result") == std::string::npos, says);
}

HF_TEST(errors_of_experts_stay_out_of_the_conversation)
{
    Bench bench(true);
    const ChatAnswer corrected = bench.ask(PromptForm::Training);
    HF_CHECK_EQUAL(corrected.expertError, std::string("the square is lost"));
    HF_CHECK_EQUAL(corrected.newMessages.size(), std::size_t(2));
    // The published program puts them in.
    const ChatAnswer faithful = bench.ask(PromptForm::Demo);
    HF_CHECK_EQUAL(faithful.newMessages.size(), std::size_t(3));
    HF_CHECK_EQUAL(faithful.newMessages.back().text, std::string("Sorry I met an error: the square is lost"));
    HF_CHECK_EQUAL(faithful.prompts.size(), std::size_t(1));
}

HF_TEST(a_long_conversation_loses_its_oldest_turns)
{
    Bench bench(false);
    const Picture picture = bench.model->preprocessed({32, 32, std::vector<std::uint8_t>(32 * 32 * 3, 9)});
    std::vector<ChatMessage> history;
    std::string words;
    for (int n = 0; n < 60; ++n) {
        words += "the lungs and the bones in this image ";
    }
    for (int turn = 0; turn < 30; ++turn) {
        history.push_back({Role::User, "turn " + std::to_string(turn) + " " + words, turn == 0 ? std::vector<Picture>{picture} : std::vector<Picture>{}, "CT"});
        history.push_back({Role::Assistant, "I see.", {}, {}});
    }
    const ChatAnswer answer = bench.ask(PromptForm::Training, history);
    HF_CHECK(answer.droppedTurns > 0 && answer.droppedTurns < 30);
    const std::string& prompt = answer.prompts[0];
    HF_CHECK(prompt.find("turn 0 ") == std::string::npos && prompt.find("turn 29 ") != std::string::npos);
    HF_CHECK(prompt.ends_with("Segment the lungs<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"));
    HF_CHECK(answer.reports[0].promptTokens + 64 <= bench.model->longestSequence());
}

HF_TEST_MAIN()

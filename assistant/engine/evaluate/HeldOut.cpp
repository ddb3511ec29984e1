#include "assistant/engine/evaluate/HeldOut.h"

#include "assistant/engine/evaluate/HeldOutPhrases.h"
#include "assistant/engine/evaluate/TextMetrics.h"
#include "experts/engine/Cards.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <map>

namespace hf::assistant::evaluate {

using namespace train;
using phantom::Random;

namespace {

constexpr std::uint32_t kFirstUnseenPatient = 1'000'000, kUnseenSeed = 9000;

/// An expert of a scene: paints the scene's mask when it is called as it should be, else nothing.
class SceneExpert : public experts::Expert {
public:
    SceneExpert(experts::ExpertCard card, const Scene& scene) : m_card(std::move(card)), m_scene(scene) {}
    const experts::ExpertCard& card() const override { return m_card; }
    std::optional<experts::Refusal> check(const experts::ExpertRequest&) const override { return std::nullopt; }
    experts::ExpertResult run(const experts::ExpertRequest& request, const Progress&, std::stop_token) override
    {
        const Geometry& geometry = request.volume.geometry();
        const PaintedMask& mask = m_scene.turn.mask;
        std::vector<LabelId> voxels = isRightCall({m_card.name, request.arguments}, m_scene) ? mask.labels : std::vector<LabelId>(geometry.size().voxels(), 0);
        std::vector<Label> labels;
        for (const auto& [value, name] : mask.names) {
            Label label;
            label.value = value;
            label.name = name;
            labels.push_back(label);
        }
        return {LabelMap(geometry, std::move(voxels), std::move(labels)), {}};
    }

private:
    experts::ExpertCard m_card;
    const Scene& m_scene;
};

/// A volume of one slice whose picture is the scene's, and whose header says what the scene's prompt says.
Volume volumeOf(const Scene& scene, int size)
{
    static const std::map<std::string, std::string> modalities{{"CT", "CT"}, {"MRI", "MR"}, {"CXR", "DX"}, {"US", "US"}, {"", ""}};
    VolumeInfo info;
    info.modality = modalities.at(scene.word);
    return Volume(Geometry({size, size, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<std::uint8_t>(scene.picture.grey), info);
}

struct Outcome {
    Scene scene;
    ChatAnswer answer;
    Case about;         ///< Its cluster is the picture.
};

/// Everything is tried in this order; a stop ends it where it is.
class HeldOutTrial {
public:
    HeldOutTrial(VilaModel& model, const HeldOutOptions& options, const Progress& progress, const std::stop_token& stop)
        : m_model(model), m_options(options), m_progress(progress), m_stop(stop), m_size(model.info().imageSize), m_random(options.seed + kUnseenSeed)
    {
        PoolOptions pool;
        pool.pictures = options.cases;
        pool.size = m_size;
        pool.seed = options.seed + kUnseenSeed;
        pool.firstPatient = kFirstUnseenPatient;
        m_pool = makePool(pool, subProgress(progress, 0, 0.1), stop);
    }

    Result run()
    {
        try {
            const ConversationWriter writer(m_pool, m_size, heldOutPhrases());
            for (std::size_t n = 0; n < m_pool.size(); ++n) {
                ask(m_plain, writer.scene(m_pool[n], m_random), n);
            }
            askWhatExpertsKnow();
            swapPictures();
            blankPictures();
        } catch (const Cancelled&) {
        }
        return result();
    }

private:
    std::size_t all() const { return std::size_t(m_options.cases + m_options.asked + 2 * m_options.swapped + m_options.blanked); }
    std::size_t done() const { return m_plain.size() + m_asked.size() + m_silent.size() + m_misnamed.size() + m_blank.size(); }

    /// @param picture  number in the pool: questions about the same one are drawn together.
    void ask(std::vector<Outcome>& outcomes, Scene scene, std::size_t picture)
    {
        throwIfStopped(m_stop);
        report(m_progress, 0.1 + 0.9 * double(done()) / double(all()), "questions");
        ChatAnswer answer = askScene(m_model, scene, m_size, m_options.guidesCalls, {}, m_stop);
        if (m_options.onAnswer) {
            m_options.onAnswer(scene, answer);
        }
        Case about;
        about.cluster = std::to_string(picture);
        outcomes.push_back({std::move(scene), std::move(answer), std::move(about)});
    }

    /// Few of the plain questions are of this kind. Their own random numbers leave the others as they are.
    void askWhatExpertsKnow()
    {
        Mix mix;
        mix.measure = 0;
        mix.presence = 0.5;
        mix.side = mix.count = 0.25;
        const ConversationWriter writer(m_pool, m_size, heldOutPhrases(), mix);
        Random random(m_options.seed + 2 * kUnseenSeed);
        const bool anyCt = std::any_of(m_pool.begin(), m_pool.end(), [](const TrainingPicture& one) { return one.kind == ImageKind::Ct; });
        for (std::size_t n = 0; anyCt && int(m_asked.size()) < m_options.asked; n = (n + 1) % m_pool.size()) {
            Scene scene = writer.scene(m_pool[n], random);
            if (scene.turn.call && scene.turn.subject == Turn::Subject::Structure) {
                ask(m_asked, std::move(scene), n);
            }
        }
    }

    /// A question about what it is, with the picture of another kind than the prompt's word, and without any word.
    void swapPictures()
    {
        const Phrases phrases = heldOutPhrases();
        for (std::size_t n = 0; n < m_pool.size() && int(m_misnamed.size()) < m_options.swapped; ++n) {
            const TrainingPicture& named = m_pool[n];
            const auto other = std::find_if(m_pool.begin() + std::ptrdiff_t(n), m_pool.end(), [&](const TrainingPicture& one) { return one.kind != named.kind && one.kind != ImageKind::Blank; });
            if (named.kind == ImageKind::Blank || other == m_pool.end()) {
                continue;
            }
            Scene scene{experts::classicalCards(), *other, {}, {}};
            scene.turn.question = phrases.kind(m_random);
            scene.turn.answer = imageSentence(*other);
            const std::size_t number = std::size_t(other - m_pool.begin());
            ask(m_silent, scene, number);
            scene.word = sentenceWord(named.kind, m_random);
            ask(m_misnamed, scene, number);
        }
    }

    void blankPictures()
    {
        for (std::size_t n = 0; n < m_plain.size() && int(m_blank.size()) < m_options.blanked; ++n) {
            Scene scene = m_plain[n].scene;
            if (scene.turn.subject != Turn::Subject::Identity) {
                scene.picture.kind = ImageKind::Blank;
                std::fill(scene.picture.grey.begin(), scene.picture.grey.end(), std::uint8_t(0));
                scene.turn.call.reset();
                scene.turn.mask = {};
                ask(m_blank, std::move(scene), n);
            }
        }
    }

    using Row = std::vector<double>;
    static Row share(bool right) { return {right ? 1.0 : 0.0, 1.0}; }

    void add(Result& result, const std::string& name, const std::vector<Outcome>& outcomes, const std::function<Row(const Outcome&)>& row) const
    {
        Figure figure = shareFigure(name);
        std::vector<Case> cases;
        for (const Outcome& one : outcomes) {
            figure.rows.push_back(row(one));
            cases.push_back(one.about);
        }
        addRows(result.rows, figure, cases, false);
    }

    Result result() const
    {
        Result result;
        result.benchmark = "held-out";
        result.title = "held-out split of the demo model";
        result.cases = all();
        result.answered = done();
        result.isPartial = result.answered < result.cases;
        const auto saysIt = [](const Outcome& one, const auto& part) {
            const std::string wanted = part(saidIn(one.scene.turn.answer));
            return wanted.empty() ? Row() : share(part(saidIn(one.answer.firstAnswer)) == wanted);
        };
        const auto kind = [&](const Outcome& one) { return saysIt(one, [](const Said& said) { return said.kind; }); };
        add(result, "modality", m_plain, kind);
        add(result, "plane or projection", m_plain, [&](const Outcome& one) { return saysIt(one, [](const Said& said) { return said.view; }); });
        addCalls(result);
        addFinalAnswers(result);
        add(result, "modality, another picture, prompt silent", m_silent, kind);
        add(result, "modality, another picture than the prompt says", m_misnamed, kind);
        add(result, "blank picture: says that it cannot see", m_blank, [](const Outcome& one) { return share(saidIn(one.answer.firstAnswer).kind == "blank"); });
        add(result, "blank picture: calls no expert", m_blank, [](const Outcome& one) { return share(!callIn(one)); });
        return result;
    }

    static std::optional<ExpertCall> callIn(const Outcome& one)
    {
        std::vector<std::string> names;
        for (const experts::ExpertCard& card : one.scene.cards) {
            names.push_back(card.name);
        }
        return findExpertCall(one.answer.firstAnswer, names);
    }

    static bool callsRightly(const Outcome& one)
    {
        const auto call = callIn(one);
        return call && isRightCall(*call, one.scene);
    }

    void addCalls(Result& result) const
    {
        const auto fits = [](const Outcome& one, bool right) { return one.scene.turn.call ? share(right) : Row(); };
        const auto isFirst = [](const Outcome& one) {
            const auto call = callIn(one);
            return call && one.scene.turn.call && call->name == one.scene.turn.call->name;
        };
        add(result, "expert chosen where one fits", m_plain, [&](const Outcome& one) { return fits(one, isFirst(one) || callsRightly(one)); });
        add(result, "expert and argument where one fits", m_plain, [&](const Outcome& one) { return fits(one, callsRightly(one)); });
        add(result, "the same, of several that offer it the first", m_plain, [&](const Outcome& one) { return fits(one, isFirst(one) && callsRightly(one)); });
        add(result, "refusal where none fits", m_plain, [](const Outcome& one) {
            const bool wanted = !one.scene.turn.call && saidIn(one.scene.turn.answer).refuses;
            return wanted ? share(!callIn(one) && saidIn(one.answer.firstAnswer).refuses) : Row();
        });
        add(result, "no call where none fits", m_plain, [](const Outcome& one) { return one.scene.turn.call ? Row() : share(!callIn(one)); });
    }

    /// Where the call was right: only then the expert has painted what the truth says.
    void addFinalAnswers(Result& result) const
    {
        std::vector<Outcome> all = m_plain;
        all.insert(all.end(), m_asked.begin(), m_asked.end());
        add(result, "after the expert: structures and colours", all, [](const Outcome& one) { return callsRightly(one) ? share(namesMask(one.answer.answer, one.scene.turn.mask)) : Row(); });
        const auto opens = [&](const std::string& name, Asked asked) {
            add(result, name, all, [asked](const Outcome& one) {
                const bool isAsked = one.scene.turn.subject == Turn::Subject::Structure && one.scene.turn.asked == asked;
                return isAsked && callsRightly(one) ? share(one.answer.answer.starts_with(answerOpening(asked, one.scene.turn.mask))) : Row();
            });
        };
        opens("after the expert: yes or no", Asked::Presence);
        opens("after the expert: side", Asked::Side);
        opens("after the expert: count", Asked::Count);
    }

    VilaModel& m_model;
    HeldOutOptions m_options;
    const Progress& m_progress;
    const std::stop_token& m_stop;
    int m_size;
    Random m_random;
    std::vector<TrainingPicture> m_pool;
    std::vector<Outcome> m_plain, m_asked, m_silent, m_misnamed, m_blank;
};

} // namespace

Result evaluateHeldOut(VilaModel& model, const HeldOutOptions& options, const Progress& progress, const std::stop_token& stop)
{
    return HeldOutTrial(model, options, progress, stop).run();
}

ChatAnswer askScene(VilaModel& model, const Scene& scene, int size, bool guidesCalls, const std::function<void(const Picture&)>& onPicture, const std::stop_token& stop)
{
    experts::ExpertRegistry registry;
    for (const experts::ExpertCard& card : scene.cards) {
        registry.add(std::make_unique<SceneExpert>(card, scene));
    }
    experts::ExpertRunner runner(registry);
    const Volume volume = volumeOf(scene, size);
    ChatTurn turn;
    turn.volume = &volume;
    turn.view.window = {128, 256, {}};
    turn.question = scene.turn.question;
    turn.generation.maxNewTokens = 160;
    turn.guidesCalls = guidesCalls;
    ChatEvents events;
    events.picture = [&](int stage, const Picture& picture) {
        if (stage == 0 && onPicture) {
            onPicture(picture);
        }
    };
    return M3Loop(model, runner).answer(turn, events, stop);
}

bool isRightCall(const ExpertCall& call, const Scene& scene)
{
    if (!scene.turn.call || call.arguments != scene.turn.call->arguments) {
        return false;
    }
    const auto cardOf = [&](const ExpertCall& one) { return std::find_if(scene.cards.begin(), scene.cards.end(), [&](const experts::ExpertCard& card) { return card.name == one.name; }); };
    const auto wanted = cardOf(*scene.turn.call), called = cardOf(call);
    if (called == scene.cards.end() || wanted == scene.cards.end()) {
        return false;
    }
    const bool offersTheSame = called->modality == wanted->modality && std::find(called->arguments.begin(), called->arguments.end(), call.arguments) != called->arguments.end();
    return called == wanted || offersTheSame;
}

Said saidIn(const std::string& answer)
{
    const std::string text = lower(answer);
    const auto has = [&](const char* words) { return text.find(words) != std::string::npos; };
    Said said;
    said.kind = has("cannot see") ? "blank" : has("ct image") ? "CT" : has("mri image") ? "MRI" : has("x-ray") ? "X-ray" : has("ultrasound") ? "ultrasound" : "";
    for (const char* view : {"axial", "sagittal", "coronal", "frontal", "lateral"}) {
        if (said.view.empty() && has(view)) {
            said.view = view;
        }
    }
    said.refuses = has("none of the available experts") || has("no available expert fits");
    return said;
}

bool namesMask(const std::string& answer, const PaintedMask& mask)
{
    const std::string start = "The mask shows ";
    const std::size_t begin = answer.find(start);
    if (mask.names.empty()) {
        return begin == std::string::npos && answer.find("found none") != std::string::npos;
    }
    if (begin == std::string::npos) {
        return false;
    }
    // What is left of the sentence without the structures that it should have.
    std::string rest = answer.substr(begin + start.size());
    rest = rest.substr(0, rest.find('.'));
    for (std::size_t rank = mask.names.size(); rank-- > 0;) {
        const std::string part = mask.names[rank].second + " in " + overlayColors()[rank % 16].name;
        const std::size_t at = rest.rfind(part);
        if (at == std::string::npos) {
            return false;
        }
        rest.erase(at, part.size());
    }
    return replaced(replaced(rest, " and ", ""), ", ", "").empty();
}

} // namespace hf::assistant::evaluate

#include "support/Check.h"
#include "support/EngineProcess.h"
#include "viewer/phantom/CtPhantom.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// Drives the real engine binary over its pipes, as assistant/PROTOCOL.md describes.

using nlohmann::json;

namespace {

bool hasModel() { return std::filesystem::exists(HF_SOURCE_DIR "/resources/models/demo/config.json"); }

class Engine {
public:
    explicit Engine(std::vector<std::string> arguments = {"serve"})
    {
        int in[2], out[2];
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
            throw std::runtime_error("no pipes");
        }
        m_pid = hf::test::startEngine(std::move(arguments), [&] {
            dup2(in[0], 0);
            dup2(out[1], 1);
        });
        close(in[0]);
        close(out[1]);
        m_in = in[1];
        m_out = out[0];
    }
    ~Engine()
    {
        if (m_in >= 0) close(m_in);
        close(m_out);
        if (m_pid > 0) {
            kill(m_pid, SIGKILL);
            waitpid(m_pid, nullptr, 0);
        }
    }
    void write(const std::string& line) { HF_CHECK(::write(m_in, line.data(), line.size()) == ssize_t(line.size())); }
    int request(const std::string& method, const json& parameters = json::object())
    {
        write(json{{"jsonrpc", "2.0"}, {"id", ++m_last}, {"method", method}, {"params", parameters}}.dump() + "\n");
        return m_last;
    }
    /// The next message; null after `seconds`.
    json next(double seconds = 60)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        for (;;) {
            if (const auto line = m_buffer.find('\n'); line != std::string::npos) {
                const json message = json::parse(m_buffer.substr(0, line), nullptr, false);
                m_buffer.erase(0, line + 1);
                return message;
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
            pollfd p{m_out, POLLIN, 0};
            if (left <= 0 || poll(&p, 1, int(left)) <= 0) {
                return nullptr;
            }
            char bytes[65536];
            const ssize_t count = read(m_out, bytes, sizeof bytes);
            if (count <= 0) {
                return nullptr;
            }
            m_buffer.append(bytes, std::size_t(count));
        }
    }
    /// The answer to a request; notifications before it are kept in `seen`.
    json answer(int id, double seconds = 60)
    {
        for (;;) {
            const json message = next(seconds);
            if (message.is_null() || (message.contains("id") && message["id"] == id)) {
                return message;
            }
            seen.push_back(message);
        }
    }
    bool saw(const std::string& method) const
    {
        return std::any_of(seen.begin(), seen.end(), [&](const json& m) { return m.value("method", "") == method; });
    }
    /// Closes its input and waits. @return exit code, -1 when it does not end.
    int end()
    {
        close(m_in);
        m_in = -1;
        for (int n = 0; n < 100; ++n) {
            int status = 0;
            if (waitpid(m_pid, &status, WNOHANG) == m_pid) {
                m_pid = -1;
                return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
            }
            usleep(50'000);
        }
        return -1;
    }
    std::vector<json> seen;

private:
    pid_t m_pid = -1;
    int m_in = -1, m_out = -1, m_last = 0;
    std::string m_buffer;
};

/// A phantom in a memory file, with its volume/open parameters.
struct SharedPhantom {
    hf::phantom::CtPhantom phantom;
    int file = -1;
    json parameters;
    explicit SharedPhantom(double spacingMm)
    {
        hf::phantom::CtPhantomOptions options;
        options.spacingMm = {spacingMm, spacingMm, spacingMm};
        phantom = hf::phantom::makeCtPhantom(options);
        const hf::Geometry& g = phantom.volume.geometry();
        file = memfd_create("test", 0);
        HF_CHECK(write(file, phantom.volume.data(), phantom.volume.bytes()) == ssize_t(phantom.volume.bytes()));
        parameters = {{"path", "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file)}, {"type", "int16"}, {"size", {g.size().i, g.size().j, g.size().k}}, {"spacing", g.spacingMm()},
            {"origin", {g.origin().x, g.origin().y, g.origin().z}}, {"directions", {1, 0, 0, 0, 1, 0, 0, 0, 1}}, {"modality", "CT"}, {"unit", "HU"}, {"series", "test"}};
    }
    ~SharedPhantom() { close(file); }
    json view() const { return {{"plane", "axial"}, {"slice", phantom.volume.geometry().size().k * 2 / 3}, {"window", {40, 400}}}; }
};

} // namespace

HF_TEST(hello_and_orderly_end)
{
    Engine engine;
    const json answer = engine.answer(engine.request("hello", {{"protocol", 1}}));
    HF_CHECK_EQUAL(answer["result"]["protocol"].get<int>(), 1);
    HF_CHECK_EQUAL(answer["result"]["experts"].size(), std::size_t(HF_HAS_CLASSICAL ? 5 : 0));
    const json refused = engine.answer(engine.request("hello", {{"protocol", 99}}));
    HF_CHECK_EQUAL(refused["error"]["data"]["code"].get<std::string>(), std::string("protocol"));
    engine.answer(engine.request("shutdown"));
    HF_CHECK_EQUAL(engine.end(), 0);
}

HF_TEST(bad_lines_are_answered_not_fatal)
{
    Engine engine;
    engine.write("this is no json\n");
    HF_CHECK_EQUAL(engine.next()["error"]["code"].get<int>(), -32700);
    engine.write("[1,2,3]\n");
    HF_CHECK_EQUAL(engine.next()["error"]["code"].get<int>(), -32600);
    HF_CHECK_EQUAL(engine.answer(engine.request("no/such"))["error"]["code"].get<int>(), -32601);
    HF_CHECK_EQUAL(engine.answer(engine.request("volume/open", {{"size", {1, 2}}}))["error"]["code"].get<int>(), -32602);
    HF_CHECK_EQUAL(engine.answer(engine.request("volume/open", json::array()))["error"]["code"].get<int>(), -32602);
    HF_CHECK_EQUAL(engine.answer(engine.request("chat", {{"volume", 7}}))["error"]["code"].get<int>(), -32602);
    HF_CHECK(engine.answer(engine.request("status"))["result"].contains("residentBytes"));
    HF_CHECK_EQUAL(engine.end(), 0);
}

HF_TEST(members_of_a_wrong_kind_are_named)
{
    const SharedPhantom shared(8);
    Engine engine;
    const auto codeOf = [&](const std::string& method, const json& parameters) {
        const json answer = engine.answer(engine.request(method, parameters));
        return answer.contains("error") ? answer["error"]["data"]["code"].get<std::string>() : "none";
    };
    HF_CHECK_EQUAL(codeOf("hello", {{"protocol", "one"}}), std::string("arguments"));
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    const std::vector<std::pair<std::string, json>> wrong{{"maxTokens", "many"}, {"maxTokens", -1}, {"maxTokens", 1e300}, {"temperature", -0.5}, {"topP", 2}, {"seed", -1},
        {"mode", 3}, {"history", {{{"role", "king"}, {"text", "x"}}}}, {"view", {{"plane", "oblique"}, {"slice", 0}, {"window", {40, 400}}}}};
    for (const auto& [member, value] : wrong) {
        json parameters{{"volume", volume}, {"view", shared.view()}, {"question", "What is this?"}};
        parameters[member] = value;
        HF_CHECK_EQUAL(member + " " + codeOf("chat", parameters), member + " arguments");
    }
    HF_CHECK_EQUAL(engine.end(), 0);
}

HF_TEST(volumes_are_checked)
{
    SharedPhantom shared(8);
    Engine engine;
    json wrong = shared.parameters;
    wrong["size"] = {4000, 4000, 4000};
    HF_CHECK(engine.answer(engine.request("volume/open", wrong)).contains("error"));
    wrong = shared.parameters;
    wrong["path"] = "/nowhere";
    HF_CHECK_EQUAL(engine.answer(engine.request("volume/open", wrong))["error"]["data"]["code"].get<std::string>(), std::string("not-found"));
    wrong = shared.parameters;
    wrong["spacing"] = {0, 1, 1};
    HF_CHECK(engine.answer(engine.request("volume/open", wrong)).contains("error"));
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    json far = shared.view();
    far["slice"] = 100000;
    HF_CHECK(engine.answer(engine.request("chat", {{"volume", volume}, {"view", far}, {"question", "x"}})).contains("error"));
    HF_CHECK(engine.answer(engine.request("volume/close", {{"volume", volume}})).contains("result"));
    HF_CHECK(engine.answer(engine.request("volume/close", {{"volume", volume}})).contains("error"));
}

HF_TEST(an_expert_runs_without_the_language_model)
{
    if (!HF_HAS_CLASSICAL) HF_SKIP("this build has no expert");
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    SharedPhantom shared(4);
    Engine engine;
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    const json result = engine.answer(engine.request("expert/run", {{"volume", volume}, {"view", shared.view()}, {"expert", "CTSEG"}, {"arguments", "lungs"}}))["result"];
    HF_CHECK_EQUAL(result["facts"].size(), std::size_t(2));
    HF_CHECK(engine.saw("expert/started") && engine.saw("expert/progress"));
    // The mask is handed over as a file of the engine's memory; the volumes are those of its voxels.
    const int file = open(result["mask"]["path"].get<std::string>().c_str(), O_RDONLY);
    HF_CHECK(file >= 0);
    std::vector<unsigned char> voxels(result["mask"]["bytes"].get<std::size_t>());
    HF_CHECK(pread(file, voxels.data(), voxels.size(), 0) == ssize_t(voxels.size()));
    close(file);
    for (const json& fact : result["facts"]) {
        const auto count = std::count(voxels.begin(), voxels.end(), (unsigned char)(fact["value"].get<int>()));
        HF_CHECK_NEAR(fact["volumeMl"].get<double>(), double(count) * 64 / 1000, 1e-6);
        HF_CHECK(count > 1000);
    }
    const json again = engine.answer(engine.request("expert/run", {{"volume", volume}, {"view", shared.view()}, {"expert", "CTSEG"}, {"arguments", "lungs"}}))["result"];
    HF_CHECK(again["cached"].get<bool>());
    const json unknown = engine.answer(engine.request("expert/run", {{"volume", volume}, {"view", shared.view()}, {"expert", "CTSEG"}, {"arguments", "teeth"}}))["error"];
    HF_CHECK_EQUAL(unknown["data"]["code"].get<std::string>(), std::string("arguments"));
    HF_CHECK(unknown["message"].get<std::string>().find("it knows 'everything', 'lungs'") != std::string::npos);
}

HF_TEST(a_run_is_cancelled_soon)
{
    if (!HF_HAS_CLASSICAL) HF_SKIP("this build has no expert");
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    SharedPhantom shared(2);
    Engine engine;
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    const int run = engine.request("expert/run", {{"volume", volume}, {"view", shared.view()}, {"expert", "CTSEG"}, {"arguments", "everything"}});
    usleep(300'000);
    engine.request("cancel", {{"id", run}});
    const json answer = engine.answer(run);
    HF_CHECK_EQUAL(answer["error"]["data"]["code"].get<std::string>(), std::string("cancelled"));
    HF_CHECK(engine.answer(engine.request("status")).contains("result"));
}

HF_TEST(a_question_streams_and_ends)
{
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    SharedPhantom shared(4);
    Engine engine;
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    const int chat = engine.request("chat", {{"volume", volume}, {"view", shared.view()}, {"question", "Which modality is this?"}});
    const json result = engine.answer(chat)["result"];
    HF_CHECK(!result["answer"].get<std::string>().empty());
    HF_CHECK(engine.saw("chat/prompt") && engine.saw("chat/picture") && engine.saw("chat/token") && engine.saw("chat/done"));
    std::string streamed;
    for (const json& message : engine.seen) {
        if (message.value("method", "") == "chat/token" && message["params"]["stage"] == 0) {
            streamed += message["params"]["text"].get<std::string>();
        }
    }
    HF_CHECK(streamed.find(result["firstAnswer"].get<std::string>()) != std::string::npos);
    HF_CHECK(result["model"]["demo"].get<bool>());
    // The same view again costs only the new tokens.
    const json second = engine.answer(engine.request("chat", {{"volume", volume}, {"view", shared.view()}, {"question", "Which plane is this?"}}))["result"];
    HF_CHECK(second["reports"][0]["cachedTokens"].get<int>() > second["reports"][0]["promptTokens"].get<int>() / 2);
}

HF_TEST(the_model_sees_no_more_than_the_reader)
{
    if (!hasModel()) HF_SKIP("the embedded demo model is not there");
    SharedPhantom shared(4);
    Engine engine;
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    json view = shared.view();
    const auto size = shared.phantom.volume.geometry().size();
    view["shutter"] = {{"rectangle", {{0, 0}, {size.i / 2, size.j}}}, {"grey", 0}};
    HF_CHECK(engine.answer(engine.request("chat", {{"volume", volume}, {"view", view}, {"question", "Which modality is this?"}})).contains("result"));
    const auto sent = std::find_if(engine.seen.begin(), engine.seen.end(), [](const json& message) { return message.value("method", "") == "chat/picture"; });
    HF_CHECK(sent != engine.seen.end());
    const json picture = (*sent)["params"]["picture"];
    // Four characters are three bytes: one pixel.
    const std::string pixels = picture["rgb"];
    const int width = picture["width"], height = picture["height"];
    int brightLeft = 0, brightRight = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const bool isBlack = pixels.compare(std::size_t(y * width + x) * 4, 4, "AAAA") == 0;
            // Resizing blurs the edge.
            brightLeft += !isBlack && x < width / 2;
            brightRight += !isBlack && x > width / 2 + width / 10;
        }
    }
    HF_CHECK(brightLeft > width * height / 20);
    HF_CHECK_EQUAL(brightRight, 0);
    for (const json& wrong : {json{{"rectangle", {1, 2}}}, json{{"bitmap", {{"columns", 4}, {"rows", 4}, {"covered", "AAAA"}}}}, json{{"circle", 5}}, json{{"polygon", {{1, "x"}}}}, json("all")}) {
        view["shutter"] = wrong;
        HF_CHECK(engine.answer(engine.request("chat", {{"volume", volume}, {"view", view}, {"question", "x"}})).contains("error"));
    }
}

HF_TEST(a_missing_model_is_told)
{
    Engine engine({"serve", "--model", "/nowhere"});
    const json message = engine.next();
    HF_CHECK_EQUAL(message.value("method", ""), std::string("model/failed"));
    SharedPhantom shared(8);
    const int volume = engine.answer(engine.request("volume/open", shared.parameters))["result"]["volume"];
    HF_CHECK_EQUAL(engine.answer(engine.request("chat", {{"volume", volume}, {"view", shared.view()}, {"question", "x"}}))["error"]["data"]["code"].get<std::string>(), std::string("no-model"));
}

HF_TEST_MAIN()

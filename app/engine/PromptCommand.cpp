#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/Wire.h"
#include "assistant/engine/PictureFile.h"
#include "assistant/engine/Prompt.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <limits>

namespace hf::app {

using nlohmann::json;

namespace {

/// fp32 rows of one width as a NumPy file, format version 1.0 (numpy.lib.format).
void writeNpy(const std::string& file, const std::vector<float>& values, std::size_t width)
{
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(width ? values.size() / width : 0) + ", " +
        std::to_string(width) + "), }";
    constexpr std::size_t kBefore = 10, kAlignment = 64;
    header.resize((kBefore + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kBefore - 1, ' ');
    header += '\n';
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream.write("\x93NUMPY\x01\x00", 8);
    stream.put(char(header.size() & 0xFF)).put(char(header.size() >> 8));
    stream << header;
    stream.write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size() * sizeof(float)));
    stream.close();
    if (!stream) {
        throw Error("cannot write " + file, "write");
    }
}

std::string promptOf(const Arguments& arguments, const assistant::ModelInfo& info, bool hasPicture)
{
    const std::string text = arguments.value("--prompt");
    if (arguments.has("--raw")) {
        return text;
    }
    const std::string mode = arguments.value("--mode", "corrected");
    if (mode != "corrected" && mode != "faithful") {
        throw Error("--mode is corrected or faithful", "usage");
    }
    const auto form = mode == "faithful" ? assistant::PromptForm::Demo : assistant::PromptForm::Training;
    const std::vector<assistant::PromptMessage> messages{{assistant::Role::User,
        hasPicture ? assistant::userText(form, {}, arguments.value("--modality"), text) : assistant::followUpQuestion(form, text)}};
    return assistant::buildPrompt(info.conversation, form, messages);
}

} // namespace

int promptCommand(std::span<const std::string> words)
{
    std::set<std::string> options{"--image", "--prompt", "--logits", "--max-tokens", "--mode", "--modality", "--temperature", "--top-p", "--seed"};
    options.merge(modelOptions());
    const Arguments arguments(words, options, {"--raw", "--json"});
    if (arguments.value("--prompt").empty() || !arguments.plain().empty()) {
        throw Error("ask needs --prompt TEXT", "usage");
    }
    std::vector<Picture> pictures;
    if (arguments.has("--image")) {
        pictures.push_back(assistant::readPictureFile(arguments.value("--image")));
    }
    const auto model = loadModel(arguments);
    const std::string prompt = promptOf(arguments, model->info(), !pictures.empty());
    assistant::GenerationOptions generation;
    generation.maxNewTokens = int(arguments.number("--max-tokens", 512, 0, 1'000'000));
    generation.temperature = arguments.number("--temperature", 0, 0, 100);
    generation.topP = arguments.number("--top-p", generation.topP, 0, 1);
    generation.seed = unsigned(arguments.number("--seed", 0, 0, std::numeric_limits<unsigned>::max()));
    generation.cutsPromptEnd = arguments.value("--mode") == "faithful";
    std::vector<float> logits;
    std::vector<std::int64_t> ids;
    std::size_t vocabulary = 0;
    generation.onStep = [&](std::span<const float> row, std::int64_t chosen) {
        ids.push_back(chosen);
        if (arguments.has("--logits")) {
            vocabulary = row.size();
            logits.insert(logits.end(), row.begin(), row.end());
        }
    };
    const bool asJson = arguments.has("--json");
    const auto onText = [&](const std::string& piece) {
        if (!asJson) {
            std::fputs(piece.c_str(), stdout);
            std::fflush(stdout);
        }
    };
    assistant::GenerationReport report;
    const std::string answer = model->generate(prompt, pictures, generation, onText, {}, &report);
    if (arguments.has("--logits")) {
        writeNpy(arguments.value("--logits"), logits, vocabulary);
    }
    if (asJson) {
        const json result{{"answer", answer}, {"ids", ids}, {"prompt", prompt}, {"report", toJson(report)}, {"device", model->info().device},
            {"dtype", model->info().dtype}};
        std::printf("%s\n", result.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    } else {
        std::printf("\n");
    }
    return 0;
}

} // namespace hf::app

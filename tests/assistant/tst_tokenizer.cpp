#include "assistant/engine/Tokenizer.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace hf::assistant;

namespace {

Tokenizer trained()
{
    const std::vector<std::string> texts{"Segment the lungs in this image.", "Segment the bones in this scan.", "This is an axial CT image.", "This is a coronal MRI image.",
        "the lungs the lungs the bones the image"};
    const std::vector<std::string> specials{"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"};
    return Tokenizer::fromJson(trainTokenizer(texts, 320, specials));
}

} // namespace

HF_TEST(round_trip_of_any_text)
{
    const Tokenizer tokenizer = trained();
    for (const std::string text : {"Segment the lungs.", "  two spaces\n\n\tand a tab 12345", "Röntgen 画像 👍", "", "It's CT'S don't", "<not special>"}) {
        HF_CHECK_EQUAL(tokenizer.decode(tokenizer.encode(text)), std::string(text));
    }
}

HF_TEST(bos_comes_first_and_specials_are_single)
{
    const Tokenizer tokenizer = trained();
    const auto ids = tokenizer.encode("a<|eot_id|>b");
    HF_CHECK_EQUAL(ids.front(), *tokenizer.find("<|begin_of_text|>"));
    HF_CHECK_EQUAL(std::count(ids.begin(), ids.end(), *tokenizer.find("<|eot_id|>")), std::ptrdiff_t(1));
    HF_CHECK_EQUAL(tokenizer.decode(ids), std::string("ab"));
    HF_CHECK_EQUAL(tokenizer.decode(ids, false), std::string("<|begin_of_text|>a<|eot_id|>b"));
}

HF_TEST(merging_shortens)
{
    const Tokenizer tokenizer = trained();
    HF_CHECK(tokenizer.encode("the lungs").size() < 6);
    // Pairs that occur once are not merged: the few texts do not fill the vocabulary.
    HF_CHECK(tokenizer.size() > 259 && tokenizer.size() <= 320);
}

HF_TEST(numbers_are_split_by_three_digits)
{
    const detail::Splitter splitter(detail::kLlama3Pattern);
    const auto parts = splitter.split("12345 ab");
    HF_CHECK_EQUAL(parts.size(), std::size_t(3));
    HF_CHECK_EQUAL(parts[0], std::string("123"));
    HF_CHECK_EQUAL(parts[1], std::string("45"));
    HF_CHECK_EQUAL(parts[2], std::string(" ab"));
}

HF_TEST(the_mongolian_vowel_separator_is_no_space)
{
    const detail::Splitter splitter(R"(\s+|[^\s]+|\S)");
    const auto parts = splitter.split("a\xE1\xA0\x8E" "b\xC2\x85\xE3\x80\x80 c\\s");
    HF_CHECK_EQUAL(parts.size(), std::size_t(3));
    HF_CHECK_EQUAL(parts[0], std::string("a\xE1\xA0\x8E" "b"));
    HF_CHECK_EQUAL(parts[2], std::string("c\\s"));
}

HF_TEST(a_very_long_word_takes_no_longer_than_its_length)
{
    const Tokenizer tokenizer = trained();
    std::string text;
    for (int n = 0; n < 200'000; ++n) {
        text += "the"[n % 3];
    }
    const auto ids = tokenizer.encode(text);
    HF_CHECK(ids.size() < 150'000);
    HF_CHECK_EQUAL(tokenizer.decode(ids), text);
}

HF_TEST(added_tokens_that_a_normaliser_would_reach_come_last)
{
    nlohmann::json file = nlohmann::json::parse(trainTokenizer(std::vector<std::string>{"liver"}, 270, std::vector<std::string>{"<|begin_of_text|>"}));
    const auto count = int(file["model"]["vocab"].size()) + 1;
    const auto add = [&](int id, const char* content, bool normalized) {
        file["added_tokens"].push_back({{"id", id}, {"content", content}, {"special", false}, {"normalized", normalized}, {"lstrip", false}, {"rstrip", false}, {"single_word", false}});
    };
    add(count, "liver", true);
    add(count + 1, "ive", false);
    add(count + 2, "Ct", true);
    const Tokenizer tokenizer = Tokenizer::fromJson(file.dump());
    const std::vector<TokenId> ids = tokenizer.encode("liverCt");
    HF_CHECK_EQUAL(std::count(ids.begin(), ids.end(), TokenId(count)), std::ptrdiff_t(0));
    HF_CHECK_EQUAL(std::count(ids.begin(), ids.end(), TokenId(count + 1)), std::ptrdiff_t(1));
    HF_CHECK_EQUAL(ids.back(), TokenId(count + 2));
}

HF_TEST(a_stream_gives_whole_characters)
{
    const Tokenizer tokenizer = trained();
    StreamDecoder stream(tokenizer);
    std::string all;
    for (const TokenId id : tokenizer.encode("Röntgen 👍")) {
        const std::string piece = stream.push(id);
        HF_CHECK_EQUAL(repairedUtf8(piece), piece);
        all += piece;
    }
    all += stream.finish();
    HF_CHECK_EQUAL(all, std::string("Röntgen 👍"));
}

HF_TEST(broken_files_are_refused)
{
    for (const std::string json : {"", "{", "{}", "{\"model\": {\"type\": \"Unigram\"}}", "[1, 2]"}) {
        bool refused = false;
        try {
            Tokenizer::fromJson(json);
        } catch (const hf::Error&) {
            refused = true;
        }
        HF_CHECK(refused);
    }
}

HF_TEST_MAIN()

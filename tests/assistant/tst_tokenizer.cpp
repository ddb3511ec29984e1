#include "assistant/engine/Tokenizer.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

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

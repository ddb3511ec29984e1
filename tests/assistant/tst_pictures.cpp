#include "assistant/engine/PillowResize.h"
#include "experts/runtime/Sha256.h"
#include "support/Check.h"
#include "support/FormulaPicture.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <fstream>

using namespace hf;

HF_TEST(resize_is_pillows_bit_by_bit)
{
    const auto recorded = nlohmann::json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/pillow.json"));
    HF_CHECK(recorded["cases"].size() >= 6);
    for (const auto& test : recorded["cases"]) {
        const Picture from = test::formulaPicture(test["from"][0], test["from"][1]);
        const Picture to = assistant::resizeBicubic(from, test["to"][0], test["to"][1]);
        HF_CHECK_EQUAL(runtime::sha256Of(std::as_bytes(std::span(to.rgb))), test["sha256"].get<std::string>());
    }
}

HF_TEST(padding_is_centred_and_grey)
{
    const Picture wide = test::formulaPicture(40, 20);
    const Picture padded = assistant::preprocess(wide, 40, "pad");
    HF_CHECK(padded.at(20, 0) == (Rgb8{127, 127, 127}));
    HF_CHECK(padded.at(5, 15) == wide.at(5, 5));
    HF_CHECK(padded.at(20, 39) == (Rgb8{127, 127, 127}));
}

HF_TEST(an_empty_picture_is_refused)
{
    bool refused = false;
    try {
        assistant::resizeBicubic({}, 10, 10);
    } catch (const Error&) {
        refused = true;
    }
    HF_CHECK(refused);
}

HF_TEST_MAIN()

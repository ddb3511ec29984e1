#include "assistant/engine/PictureFile.h"
#include "assistant/engine/PillowResize.h"
#include "experts/runtime/Sha256.h"
#include "support/Check.h"
#include "support/FormulaPicture.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

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

HF_TEST(files_are_read_as_pillow_does)
{
    const auto recorded = nlohmann::json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/pictures.json"));
    HF_CHECK(recorded["cases"].size() >= 20);
    for (const auto& test : recorded["cases"]) {
        const std::string name = test["file"];
        const std::filesystem::path file = HF_SOURCE_DIR "/tests/data/pictures/" + name;
        if (test.contains("refused")) {
            std::string code;
            try {
                assistant::readPictureFile(file);
            } catch (const Error& error) {
                code = error.code();
            }
            HF_CHECK_EQUAL(name + " " + code, name + " picture");
            continue;
        }
        const Picture picture = assistant::readPictureFile(file);
        HF_CHECK_EQUAL(picture.width, test["size"][0].get<int>());
        HF_CHECK_EQUAL(picture.height, test["size"][1].get<int>());
        HF_CHECK_EQUAL(name + " " + runtime::sha256Of(std::as_bytes(std::span(picture.rgb))), name + " " + test["sha256"].get<std::string>());
    }
    HF_CHECK_THROWS(assistant::readPictureFile(HF_SOURCE_DIR "/tests/data/pictures/not-there.png"), Error);
}

HF_TEST(a_written_file_comes_back)
{
    const std::filesystem::path file = std::filesystem::temp_directory_path() / ("hf-picture-" + std::to_string(getpid()) + ".png");
    const Picture picture = test::formulaPicture(53, 31);
    assistant::writePngFile(file, picture);
    HF_CHECK(assistant::readPictureFile(file).rgb == picture.rgb);
    std::filesystem::remove(file);
    HF_CHECK_THROWS(assistant::writePngFile("/nowhere/at/all.png", picture), Error);
}

HF_TEST(padding_is_centred_and_grey)
{
    const Picture wide = test::formulaPicture(40, 20);
    const Picture padded = assistant::preprocess(wide, 40, "pad");
    HF_CHECK(padded.at(20, 0) == (Rgb8{127, 127, 127}));
    HF_CHECK(padded.at(5, 15) == wide.at(5, 5));
    HF_CHECK(padded.at(20, 39) == (Rgb8{127, 127, 127}));
    const Picture black = assistant::preprocess(wide, 40, "pad", {0, 0, 0});
    HF_CHECK(black.at(20, 0) == (Rgb8{0, 0, 0}) && black.at(20, 39) == (Rgb8{0, 0, 0}));
    HF_CHECK(black.at(5, 15) == wide.at(5, 5));
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

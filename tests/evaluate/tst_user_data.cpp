// A folder of real images with label maps, from conversations over training to a score, with the real engine.
#include "support/Check.h"
#include "support/EngineProcess.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <fcntl.h>

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

fs::path niftiFolder()
{
    const char* given = std::getenv("HF_TEST_DATA");
    const fs::path folder = fs::path(given ? given : HF_TEST_DATA_DIR) / "nifti";
    if (!fs::exists(folder)) {
        HF_SKIP(folder.string() + " is missing");
    }
    return folder;
}

std::string textOf(const fs::path& file)
{
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Folder {
    fs::path path = fs::temp_directory_path() / ("tst_user_data." + std::to_string(getpid()));
    Folder()
    {
        fs::remove_all(path);
        fs::create_directories(path / "volumes");
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    /// An abdomen with 50 structures, a neck with its spinal cord, a small brain with a lesion.
    void fill(const fs::path& nifti) const
    {
        const auto copy = [&](const char* from, const char* to) { fs::copy_file(nifti / from, path / "volumes" / to); };
        copy("mr_abdomen.nii.gz", "abdomen.nii.gz");
        copy("mr_abdomen_seg.nii.gz", "abdomen_labels.nii.gz");
        copy("spine_t1.nii.gz", "neck.nii.gz");
        copy("spine_t1_seg.nii.gz", "neck_labels.nii.gz");
        copy("anatomical_bigendian.nii", "brain.nii");
        copy("anatomical_label.nii.gz", "brain_labels.nii.gz");
        std::ofstream abdomen(path / "volumes/abdomen_labels.csv");
        abdomen << "value,name\n";
        const json names = json::parse(std::ifstream(nifti / "mr_abdomen_labels.json"));
        for (const auto& [value, name] : names.items()) {
            abdomen << value << "," << name.get<std::string>() << "\n";
        }
        std::ofstream(path / "volumes/neck_labels.csv") << "value,name\n1,spinal_cord\n";
    }

    int run(std::vector<std::string> words) const
    {
        return hf::test::exitCode(hf::test::startEngine(std::move(words), [&] {
            dup2(open((path / "out.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
            dup2(open((path / "err.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
        }));
    }
};

/// Sides that answers name, by structure.
std::map<std::string, std::set<std::string>> sidesTold(const json& list)
{
    std::map<std::string, std::set<std::string>> told;
    for (const json& entry : list) {
        for (const json& turn : entry["conversations"]) {
            const std::string text = turn["value"], shows = "The mask shows ", lies = " It lies on ";
            const std::size_t in = text.find(" in "), at = text.find(lies);
            if (turn["from"] == "gpt" && text.starts_with(shows) && in != std::string::npos && at != std::string::npos) {
                told[text.substr(shows.size(), in - shows.size())].insert(text.substr(at + lies.size(), text.find(" of the patient") - at - lies.size()));
            }
        }
    }
    return told;
}

} // namespace

HF_TEST(own_volumes_become_conversations_a_model_and_a_score)
{
    const Folder folder;
    folder.fill(niftiFolder());
    const std::string volumes = folder.path / "volumes", data = folder.path / "data", model = folder.path / "model";
    const std::vector<std::string> make{"make-data", "--volumes", volumes, "--modality", "MR", "--output", data, "--seed", "5", "--views", "12", "--questions", "24"};
    HF_CHECK_EQUAL(folder.run(make), 1);
    HF_CHECK(textOf(folder.path / "err.txt").find("brain_labels.nii.gz has no table of its values") != std::string::npos);
    HF_CHECK(!fs::exists(data));
    std::ofstream(folder.path / "volumes/labels.csv") << "value,name\n1,brain_lesion\n";
    HF_CHECK_EQUAL(folder.run(make), 0);

    json all = json::array();
    for (const char* part : {"train", "validation", "test"}) {
        const json list = json::parse(std::ifstream(fs::path(data) / (part + std::string(".json"))));
        HF_CHECK_EQUAL(list.size(), std::size_t(288));
        for (const json& entry : list) {
            HF_CHECK_EQUAL(entry["patient"].get<std::string>(), list[0]["patient"].get<std::string>());
            all.push_back(entry);
        }
    }
    HF_CHECK(all.dump().find("spinal cord") != std::string::npos && all.dump().find("left kidney") != std::string::npos && all.dump().find("kidney_left") == std::string::npos);
    // Where they lie in everybody.
    const auto sides = sidesTold(all);
    int known = 0;
    for (const auto& [name, side] : std::map<std::string, std::string>{{"liver", "the right"}, {"gallbladder", "the right"}, {"right kidney", "the right"}, {"spleen", "the left"}, {"stomach", "the left"}, {"left kidney", "the left"}}) {
        if (sides.contains(name)) {
            ++known;
            HF_CHECK(!sides.at(name).contains(side == "the left" ? "the right" : "the left"));
        }
    }
    std::printf("sides of %d known structures were told\n", known);
    HF_CHECK(known >= 1);

    HF_CHECK_EQUAL(folder.run({"train", "--data", data + "/train.json:2", "--validation", data + "/validation.json", "--validation-limit", "4", "--output", model, "--steps", "3", "--batch", "2"}), 0);
    HF_CHECK(textOf(folder.path / "out.txt").find("step 3 of 3") != std::string::npos);
    HF_CHECK_EQUAL(folder.run({"evaluate", "--benchmark", "expert-calls", "--data", data + "/test.json", "--model", model, "--limit", "2", "--json"}), 0);
    const json result = json::parse(textOf(folder.path / "out.txt"));
    HF_CHECK_EQUAL(result["answered"].get<int>(), 2);
}

HF_TEST(what_is_wrong_with_tables_of_volumes_is_named)
{
    const Folder folder;
    const fs::path volumes = folder.path / "volumes";
    const auto write = [&](const std::string& name, const char* type, std::size_t bytes) {
        std::ofstream(volumes / (name + ".raw")) << std::string(bytes, '\1');
        std::ofstream(volumes / (name + ".json")) << json{{"path", name + ".raw"}, {"type", type}, {"size", {16, 16, 1}}, {"spacing", {1, 1, 1}}, {"origin", {0, 0, 0}}, {"directions", {1, 0, 0, 0, 1, 0, 0, 0, 1}}, {"modality", "CT"}};
    };
    write("a b", "int16", 512);
    write("a b_labels", "uint8", 256);
    const auto fails = [&](const std::string& labels, const std::string& patients, const std::string& told) {
        std::ofstream(volumes / "labels.csv") << labels;
        std::ofstream(volumes / "patients.csv") << patients;
        HF_CHECK_EQUAL(folder.run({"make-data", "--volumes", volumes, "--output", folder.path / "data", "--views", "2"}), told.empty() ? 0 : 1);
        HF_CHECK(textOf(folder.path / "err.txt").find(told) != std::string::npos);
    };
    const std::string good = "value,name\n1,lesion\n", nobody = "volume,patient\n";
    fails("value,name\n1,lesion\n1,liver\n", nobody, "labels.csv:3: a second name for the label 1");
    fails("value,name\n1,\n", nobody, "labels.csv:2: the label has no name");
    fails("value,name\n1,L\xF6sion\n", nobody, "labels.csv:2: a name is one line of UTF-8");
    fails("value,name\n1,lesion (liver)\n", nobody, "labels.csv:2: a name is one line of UTF-8 without any of <>()'");
    // A misspelt volume would make two patients of one.
    fails(good, nobody + "a b.nii,p\n", "patients.csv:2: there is no volume a b.nii");
    fails(good, nobody + "a b,p\na b,q\n", "patients.csv:3: a second row of the volume a b");
    fails(good, nobody + "a b,p/1\n", "patients.csv:2: a name is one line of UTF-8 without any of /");
    fails(good, nobody + "a b,\xC3\x84 1\n", "");
    HF_CHECK_EQUAL(json::parse(std::ifstream(folder.path / "data/train.json"))[0]["patient"].get<std::string>(), std::string("\xC3\x84 1"));
    fails(good, "volume,view\na b,upside down\n", "patients.csv:2: the view of a radiograph is PA, AP");
    HF_CHECK_EQUAL(folder.run({"make-data", "--volumes", volumes, "--output", folder.path / "other", "--views", "2.5"}), 2);
    HF_CHECK_EQUAL(folder.run({"make-data", "--volumes", volumes, "--output", folder.path / "other", "--test", "nan"}), 2);
}

HF_TEST_MAIN()

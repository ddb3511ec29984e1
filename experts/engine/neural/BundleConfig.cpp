#include "experts/engine/neural/BundleConfig.h"

#include "viewer/volume/Error.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

namespace hf::experts {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kLongest = 4 << 20;

/// YAML as JSON. Aliases may repeat a part; a file that grows without end by them is given up.
class YamlReader {
public:
    BundleJson value(const YAML::Node& node, int depth = 0)
    {
        constexpr int kDeepest = 64;
        constexpr int kMostValues = 200'000;
        if (depth > kDeepest || ++m_values > kMostValues) {
            refuseBundle("its YAML is nested too deeply or too large");
        }
        if (node.IsSequence()) {
            BundleJson list = BundleJson::array();
            for (const YAML::Node& item : node) {
                list.push_back(value(item, depth + 1));
            }
            return list;
        }
        if (node.IsMap()) {
            BundleJson object = BundleJson::object();
            for (const auto& item : node) {
                const std::string key = item.first.IsScalar() ? item.first.Scalar() : std::string();
                if (key == "<<" && item.second.IsMap()) {
                    const BundleJson merged = value(item.second, depth + 1);
                    for (const auto& [name, part] : merged.items()) {
                        object.emplace(name, BundleJson(part));
                    }
                } else {
                    object[key] = value(item.second, depth + 1);
                }
            }
            return object;
        }
        return node.IsScalar() ? scalar(node) : BundleJson();
    }

private:
    static BundleJson scalar(const YAML::Node& node)
    {
        static const std::regex kInteger("[-+]?[0-9]{1,18}"), kNumber(R"([-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?)");
        static const std::regex kTrue("true|True|TRUE|yes|Yes|YES|on|On|ON"), kFalse("false|False|FALSE|no|No|NO|off|Off|OFF"), kNull("~|null|Null|NULL|");
        const std::string& text = node.Scalar();
        if (node.Tag() == "!") {        // quoted
            return text;
        }
        if (std::regex_match(text, kNull)) {
            return {};
        }
        if (std::regex_match(text, kTrue) || std::regex_match(text, kFalse)) {
            return std::regex_match(text, kTrue);
        }
        if (std::regex_match(text, kInteger)) {
            return std::stoll(text);
        }
        if (text.size() < 40 && std::regex_match(text, kNumber)) {
            return YAML::Node(text).as<double>();
        }
        return text;
    }

    int m_values = 0;
};

/// A literal of Python that JSON knows too: numbers, lists, 'text', True, False, None.
std::optional<BundleJson> literal(std::string text)
{
    if (text.find('"') != std::string::npos) {
        return std::nullopt;
    }
    std::replace(text.begin(), text.end(), '\'', '"');
    for (const auto& [python, ours] : {std::pair("True", "true"), std::pair("False", "false"), std::pair("None", "null")}) {
        text = text == python ? ours : text;
    }
    BundleJson value = BundleJson::parse(text, nullptr, false);
    return value.is_discarded() ? std::nullopt : std::optional(std::move(value));
}

} // namespace

void refuseBundle(const std::string& reason) { throw Error("this bundle cannot be imported: " + reason, "bundle"); }

std::string textOf(const fs::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

BundleJson readBundleConfig(const fs::path& folder, const std::string& name)
{
    fs::path file = folder / (name + ".json");
    std::error_code error;
    for (const char* ending : {".yaml", ".yml"}) {
        file = fs::exists(file, error) || !fs::exists(folder / (name + ending), error) ? file : folder / (name + ending);
    }
    const std::string place = folder.filename().string() + "/" + file.filename().string();
    const std::uintmax_t size = fs::file_size(file, error);
    if (error || size > kLongest) {
        refuseBundle(place + (error ? " is not there" : " is too large"));
    }
    BundleJson config;
    try {
        config = file.extension() == ".json" ? BundleJson::parse(textOf(file), nullptr, false) : YamlReader().value(YAML::Load(textOf(file)));
    } catch (const YAML::Exception& problem) {
        refuseBundle(place + " is no YAML: " + problem.what());
    }
    if (!config.is_object()) {
        refuseBundle(place + (file.extension() == ".json" ? " is no JSON object" : " is no YAML mapping"));
    }
    return config;
}

std::optional<ChosenLiteral> findChoice(const std::string& expression)
{
    constexpr std::size_t kLongestExpression = 1000;
    static const std::regex kChoice(R"(\$(.+) if @([A-Za-z0-9_#:]+) else (.+))");
    std::smatch parts;
    if (expression.size() > kLongestExpression || !std::regex_match(expression, parts, kChoice)) {
        return std::nullopt;
    }
    const auto ifTrue = literal(parts[1]), otherwise = literal(parts[3]);
    return ifTrue && otherwise ? std::optional(ChosenLiteral{parts[2], *ifTrue, *otherwise}) : std::nullopt;
}

std::vector<std::pair<int, int>> findLabelChain(const std::string& expression)
{
    static const std::regex kLambda(R"(\$lambda x: (.+))"), kWhere(R"(torch\.where\(x\[\[([0-9]{1,3})\]\] > 0, ([0-9]{1,3}), (.+)\))");
    constexpr std::size_t kLongestExpression = 1000;
    std::smatch parts;
    if (expression.size() > kLongestExpression || !std::regex_match(expression, parts, kLambda)) {
        return {};
    }
    std::vector<std::pair<int, int>> chain;
    std::string rest = parts[1];
    while (rest != "0") {
        const std::string whole = rest;
        if (!std::regex_match(whole, parts, kWhere)) {
            return {};
        }
        chain.emplace_back(std::stoi(parts[1]), std::stoi(parts[2]));
        rest = parts[3];
    }
    return chain;
}

} // namespace hf::experts

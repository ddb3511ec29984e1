#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "experts/runtime/Cuda.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace {

const char* const kUsage = R"(hounsfield-engine COMMAND [OPTIONS]

  serve    [--model FOLDER]
           answers the desktop program: JSON-RPC over stdin and stdout (assistant/PROTOCOL.md)
  ask      --volume HEADER.json --question TEXT [--plane axial|sagittal|coronal] [--slice N] [--model FOLDER]
           one question about one view
  ask      --prompt TEXT [--image FILE.png|FILE.jpg] [--model FOLDER] [--max-tokens N] [--logits FILE.npy] [--mode corrected|faithful]
           [--modality WORD] [--temperature T] [--top-p P] [--seed N] [--raw] [--json]
           one question about a picture file, without experts. The prompt becomes the user's message in the model's template (--raw: it
           is the whole text, with an <image> for the picture). --logits gets fp32 rows [answer tokens, vocabulary], the last token's too
  segment  --expert FOLDER|NAME [--args TEXT] [--modality CT] [--device auto|cpu|cuda:N] [--precision fastest|exact|fp32|bf16|fp16] IN ... OUT
           runs an expert without the language model. IN and OUT are .nii, .nii.gz or HEADER.json (OUT then .raw); labels and
           measurements stand beside OUT as .json and .csv. An expert of several channels takes one IN a channel; otherwise several IN
           go one by one into the folder OUT. FOLDER holds an expert.json (experts/README.md); NIfTI files need --modality
           --clicks X,Y,Z;X,Y,Z,out  places inside and outside the structure, LPS mm; --accept-licence  see models accept
  classify --expert FOLDER|NAME [--modality DX] [--bits N] [--device auto|cpu|cuda:N] [--json FILE] IN ...
           scores of chest radiographs with the spread over the models; IN are .nii, .nii.gz, HEADER.json, .png or .jpg
  models   [--model FOLDER]
           what the model is: name, version, hash, licence, sizes
  models   list | accept NAME|FOLDER | allow FOLDER | import FOLDER [--modality CT|MR] [--to FOLDER]
           experts with their licences; accept: records that you accept the licence of an expert's weights, which is asked for before they are
           used; allow: records that the TorchScript of an expert's folder may be run; import: makes an expert of a MONAI bundle
  tokenize [--model FOLDER] [--json] [--decode] [TEXT ...]
           ids of texts, or of the lines of the input, as JSON; --json: each is a JSON string; --decode: lists of ids to JSON strings
  tokenize --train SIZE --output tokenizer.json FILE ...
           trains a tokenizer of a small model (byte-level BPE, Llama 3's split pattern and special tokens) on texts, or on what is said in
           conversations (.json, .jsonl)
  quantize --output FOLDER --to int8|int4 [--model FOLDER]
           a copy of a model whose language model is rounded; it loads faster and needs no --quantization
  check    [--model FOLDER] [--tokens N]
           compares quantised forms and precisions of a model with fp32: logits, agreement, divergence; with --device cuda:N each stage
           on the GPU with the CPU
  bench    [--shape 3b|8b|13b] [--precision bf16|fp32|fp16|int8|int4,...] [--device cpu|cuda:N] [--layers N] [--tokens N] [--folder FOLDER [--keep]] [--json]
           speed of a model of that shape with random weights, which are written to a temporary folder first; --keep: to FOLDER itself,
           where they stay and are used again
  run-network --network vista3d|brats|densenet121|resnet50|FOLDER --weights FILE --input X.npy --output Y.npy [--device cpu|cuda:N]
           [--precision exact|fp32|bf16|fp16] [--classes 1,3] [--points x,y,z,label;...] [--class ID] [--compare]
           one forward pass on given tensors; the weights "hashed" are deterministic numbers, and so is the input "hashed:SHAPE:LOW,HIGH";
           --compare: the largest difference from the CPU in fp32
  bench --training [--model FOLDER] [--precision bf16|fp32] [--batch N] [--rows N] [--steps N] [--questions | --checkpointing] [--json]
           speed of training a model of that shape with random weights: conversations a second, share of the rate of a large matrix product
  bench experts [--network NAME] [--device cpu|cuda:N] [--precision exact|fp32|bf16|fp16] [--side N] [--passes N] [--json]
           time a window and memory of an expert's network
  bench experts --volume 512x512x768 [--everything] [--spacing 1.5,1.5,1.5] [--device cpu|cuda:N] [--precision fastest|...] [--side N] [--json]
           time and memory of VISTA3D on a whole CT of noise, with hashed weights; one class, or all 117
  bench experts --compare [--full] --device cuda:N
           each network, the chest ensemble and a whole run: the CPU against the device; --full: windows of the published size
  evaluate --benchmark vqa-rad|slake|path-vqa|mimic-vqa|chestxray14|chexpert|report|expert-calls --data FILE|FOLDER [--limit N] [--json]
           a benchmark of the paper from its public files, with confidence intervals, by sex and age group where known, beside published results
           --patients FILE.csv  image or patient, sex, age; --expert-scores FILE.json  of classify: the findings with expert
           --write-answers FILE.jsonl keeps the answers, --answers FILE.jsonl scores such a file without a model
  evaluate --benchmark held-out [--limit N] [--seed N] [--free-calls] [--write-answers FILE.jsonl] [--json]
           the demo model's own task on pictures, cards and wordings that it was not trained with; --free-calls: calls of experts
           stay as the model writes them
  make-data --output FOLDER [--seed N] [--patients N] [--volumes FOLDER [--modality CT|MR|DX]] [--views N] [--questions N] [--validation SHARE] [--test SHARE]
           conversations of the expert stage in the published form, with pictures, from N synthetic patients and from the volumes of a folder:
           NAME.nii.gz|.nii|.json with NAME_labels.* on the same grid, labels.csv or NAME_labels.csv (value, name), and patients.csv
           (volume, patient, modality, view) where a patient has several volumes, modalities are mixed or radiographs lateral
  train    --data FILE.json[:WEIGHT] ... --output FOLDER [--model FOLDER] [--stage align|pretrain|instruct|expert] [--resume]
           trains a checkpoint further on conversations in the published form (pictures beside the file or in its folder images), of several
           files mixed by their weights; the new checkpoint loads like any other. A stage decides which parts are tuned (align: projector;
           pretrain: projector, llm; instruct, expert: all) and at which rate, unless these say otherwise:
           --tune vision,projector,llm  --template plain|llama_3|vicuna_v1  --lora RANK[,ALPHA] adapters, also merged  --rate R  --warmup SHARE  --weight-decay D  --clip LENGTH
           --batch N conversations at once  --accumulate N such batches a step  --epochs E | --steps N  --precision bf16|fp32 (what is quicker)
           --checkpointing less memory, a third more time  --device cpu|cuda:N  --seed N  --save-every N  --validate-every N
           --validation FILE.json ... only tried; else --held-part SHARE of the patients in the data  --validation-limit N
           training.csv and training.svg get the loss of each step; --resume goes on where a run of the same settings was killed, with the same
           losses
  train    --output FOLDER [--pictures FOLDER] [--steps N | --minutes M] [--resume] [--device auto|cpu|cuda:N]
           trains the small demo model; the loss of each step goes to training.csv and training.svg. --resume goes on where a run of the same
           settings was killed, with the same losses; else it begins a new run from the weights in FOLDER. On a GPU, or with --together, all
           parts learn at once in large batches: --batch N questions and --looked N pictures a step, made ahead by --threads N. On a CPU the
           vision tower stays as it is while the language model learns, unless --tower says that it learns, too, also from --looked N pictures

Commands that load a model take --device auto|cpu|cuda:N and --precision auto|fp32|bf16|fp16 and
--quantization none|int8|int4.
Without --model the embedded demo model is used. HEADER.json describes a raw file as in volume/open of the protocol.
)";

/// The paragraphs of kUsage about a command.
std::string usageOf(const std::string& command)
{
    std::istringstream lines(kUsage);
    std::string text;
    bool isAbout = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.size() > 2 && line.starts_with("  ") && line[2] != ' ') {
            isAbout = line.starts_with("  " + command + " ");
        }
        text += isAbout && !line.empty() ? line + "\n" : "";
        isAbout = isAbout && !line.empty();
    }
    return text;
}

/// A GPU is opened before anything asks LibTorch about it, unless the CPU was asked for or the command has no use for one.
void openDevice(std::span<const std::string> words)
{
    static const std::set<std::string> kCommands{"serve", "ask", "segment", "classify", "models", "check", "evaluate", "train", "run-network", "bench"};
    const auto option = std::find(words.begin(), words.end(), "--device");
    const bool wantsCpu = option != words.end() && option + 1 != words.end() && option[1] == "cpu";
    if (kCommands.contains(words[0]) && !wantsCpu) {
        hf::runtime::openCuda();
    }
}

/// LibTorch's own switch, read at its first allocation: tensors of megabytes in pages of 2 MiB. Volumes of activations come and go in each layer; in small
/// pages a window of VISTA3D spends a fifth of its time on page faults. What the user has set stays.
void useLargePages() { ::setenv("THP_MEM_ALLOC_ENABLE", "1", 0); }

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> words(argv + 1, argv + argc);
    const std::map<std::string, std::function<int(std::span<const std::string>)>> commands{
        {"serve", hf::app::serveCommand}, {"ask", hf::app::askCommand}, {"segment", hf::app::segmentCommand}, {"classify", hf::app::classifyCommand}, {"models", hf::app::modelsCommand},
        {"tokenize", hf::app::tokenizeCommand}, {"quantize", hf::app::quantizeCommand}, {"check", hf::app::checkCommand}, {"evaluate", hf::app::evaluateCommand}, {"make-data", hf::app::makeDataCommand}, {"train", hf::app::trainCommand},
        {"run-network", hf::app::runNetworkCommand}, {"bench", hf::app::benchCommand}};
    if (words.empty() || words[0] == "--help" || words[0] == "-h") {
        std::fputs(kUsage, words.empty() ? stderr : stdout);
        return words.empty() ? 2 : 0;
    }
    const auto command = commands.find(words[0]);
    if (command == commands.end()) {
        std::fprintf(stderr, "hounsfield-engine: unknown command %s (see --help)\n", words[0].c_str());
        return 2;
    }
    if (std::find(words.begin(), words.end(), "--help") != words.end()) {
        std::fputs(usageOf(words[0]).c_str(), stdout);
        return 0;
    }
    try {
        useLargePages();
        openDevice(words);
        return command->second(std::span(words).subspan(1));
    } catch (const hf::Error& error) {
        std::fprintf(stderr, "hounsfield-engine %s: %s\n", words[0].c_str(), error.what());
        return error.code() == "usage" ? 2 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hounsfield-engine %s: %s\n", words[0].c_str(), hf::app::firstLineOf(error).c_str());
        return 1;
    }
}

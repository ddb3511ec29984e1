#include "assistant/engine/SentencePiece.h"

#include "viewer/volume/Error.h"

#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <queue>
#include <sstream>
#include <string_view>

namespace hf::assistant {

namespace {

const std::string kSpace = "\xE2\x96\x81";  // U+2581

[[noreturn]] void refuse(const std::string& what) { throw Error("tokenizer.model: " + what, "checkpoint"); }

/// The fields of one protobuf message, in order. Source: protobuf wire format.
class Fields {
public:
    explicit Fields(std::string_view bytes) : m_bytes(bytes) {}

    struct Field {
        int number = 0;
        std::uint64_t value = 0;    ///< varint, or the bits of a fixed-width one
        std::string_view bytes;     ///< of a length-delimited one
    };

    std::optional<Field> next()
    {
        if (m_at == m_bytes.size()) {
            return std::nullopt;
        }
        const std::uint64_t key = varint();
        Field field;
        field.number = int(key >> 3);
        switch (key & 7) {
        case 0: field.value = varint(); break;
        case 1: field.value = fixed(8); break;
        case 2: field.bytes = take(varint()); break;
        case 5: field.value = fixed(4); break;
        default: refuse("broken, a field of an unknown kind");
        }
        return field;
    }

private:
    std::string_view take(std::uint64_t count)
    {
        if (count > m_bytes.size() - m_at) {
            refuse("broken, it ends within a field");
        }
        const std::string_view part = m_bytes.substr(m_at, count);
        m_at += count;
        return part;
    }
    std::uint64_t varint()
    {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const auto byte = std::uint8_t(take(1)[0]);
            value |= std::uint64_t(byte & 0x7F) << shift;
            if (!(byte & 0x80)) {
                return value;
            }
        }
        refuse("broken, a number that does not end");
    }
    std::uint64_t fixed(std::size_t width)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, take(width).data(), width);     // little endian, as x86-64 is
        return value;
    }

    std::string_view m_bytes;
    std::size_t m_at = 0;
};

std::size_t characterBytes(unsigned char first) { return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4; }

std::string withVisibleSpaces(const std::string& text)
{
    std::string result;
    for (const char c : text) {
        if (c == ' ') {
            result += kSpace;
        } else {
            result += c;
        }
    }
    return result;
}

/// Two neighbouring symbols that make a piece; the best score comes first, then the left-most.
struct Pair {
    float score;
    int left, right;
    std::size_t size;   ///< bytes of both when it was found; a different size now means that one has changed
    bool operator<(const Pair& other) const { return score != other.score ? score < other.score : left > other.left; }
};

struct Symbol {
    std::string_view text;
    int previous, next;
};

} // namespace

void SentencePiece::readPiece(const std::string& bytes)
{
    Piece piece;
    Fields fields(bytes);
    while (const auto field = fields.next()) {
        if (field->number == 1) {
            piece.text = field->bytes;
        } else if (field->number == 2) {
            const auto bits = std::uint32_t(field->value);
            std::memcpy(&piece.score, &bits, sizeof bits);
        } else if (field->number == 3) {
            if (field->value < 1 || field->value > 6) {
                refuse("a piece of an unknown type");
            }
            piece.type = Type(field->value);
        }
    }
    if (piece.type == Type::UserDefined || piece.type == Type::Unused) {
        refuse("user-defined and unused pieces are not supported");
    }
    m_pieces.push_back(std::move(piece));
}

void SentencePiece::readTrainer(const std::string& bytes)
{
    Fields fields(bytes);
    while (const auto field = fields.next()) {
        if (field->number == 3) {
            m_algorithm = int(field->value);
        } else if (field->number == 24 && field->value) {
            refuse("spaces at the end of words are not supported");
        } else if (field->number == 35) {
            m_byteFallback = field->value != 0;
        }
    }
}

void SentencePiece::readNormalizer(const std::string& bytes)
{
    bool removesSpaces = true, escapesSpaces = true;
    Fields fields(bytes);
    while (const auto field = fields.next()) {
        if (field->number == 2 && !field->bytes.empty()) {
            refuse("a normaliser other than identity is not supported");
        } else if (field->number == 4) {
            removesSpaces = field->value != 0;
        } else if (field->number == 5) {
            escapesSpaces = field->value != 0;
        }
    }
    if (removesSpaces || !escapesSpaces) {
        refuse("a normaliser that changes spaces is not supported");
    }
}

void SentencePiece::index()
{
    constexpr int kBpe = 2;
    if (m_algorithm != kBpe) {
        refuse("an algorithm other than BPE is not supported");
    }
    std::vector<std::int64_t> bytes(256, -1);
    for (std::size_t id = 0; id < m_pieces.size(); ++id) {
        const Piece& piece = m_pieces[id];
        unsigned value = 0;
        if (piece.type == Type::Normal) {
            m_ids.emplace(piece.text, std::int64_t(id));
        } else if (piece.type == Type::Unknown) {
            m_unknown = std::int64_t(id);
        } else if (piece.type == Type::Byte && std::sscanf(piece.text.c_str(), "<0x%02X>", &value) == 1 && value < 256) {
            bytes[value] = std::int64_t(id);
        }
    }
    if (m_unknown < 0) {
        refuse("no piece for the unknown");
    }
    if (m_byteFallback) {
        for (const std::int64_t id : bytes) {
            if (id < 0) {
                refuse("byte fallback without a piece for every byte");
            }
        }
        m_bytes = std::move(bytes);
    }
}

SentencePiece SentencePiece::fromBytes(const std::string& bytes)
{
    SentencePiece model;
    Fields fields(bytes);
    bool normalizer = false;
    while (const auto field = fields.next()) {
        const std::string part(field->bytes);
        if (field->number == 1) {
            model.readPiece(part);
        } else if (field->number == 2) {
            model.readTrainer(part);
        } else if (field->number == 3) {
            readNormalizer(part);
            normalizer = true;
        }
    }
    if (!normalizer) {
        refuse("no normaliser");
    }
    model.index();
    return model;
}

SentencePiece SentencePiece::load(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << stream.rdbuf();
    if (!stream) {
        throw Error("cannot read " + file.string(), "checkpoint");
    }
    return fromBytes(bytes.str());
}

void SentencePiece::append(const std::string& symbol, std::vector<std::int64_t>& ids) const
{
    if (const auto known = m_ids.find(symbol); known != m_ids.end()) {
        ids.push_back(known->second);
    } else if (!m_bytes.empty()) {
        for (const char byte : symbol) {
            ids.push_back(m_bytes[std::uint8_t(byte)]);
        }
    } else if (ids.empty() || ids.back() != m_unknown) {    // a run of unknown characters is one piece
        ids.push_back(m_unknown);
    }
}

std::vector<std::int64_t> SentencePiece::encode(const std::string& input) const
{
    const std::string text = withVisibleSpaces(input);
    std::vector<Symbol> symbols;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = std::min(characterBytes(std::uint8_t(text[at])), text.size() - at);
        const int place = int(symbols.size());
        symbols.push_back({std::string_view(text).substr(at, size), place - 1, place + 1});
        at += size;
    }
    if (symbols.empty()) {
        return {};
    }
    symbols.back().next = -1;

    std::priority_queue<Pair> queue;
    const auto consider = [&](int left, int right) {
        if (left < 0 || right < 0) {
            return;
        }
        const std::size_t size = symbols[std::size_t(left)].text.size() + symbols[std::size_t(right)].text.size();
        const auto found = m_ids.find(std::string(symbols[std::size_t(left)].text.data(), size));
        if (found != m_ids.end()) {
            queue.push({m_pieces[std::size_t(found->second)].score, left, right, size});
        }
    };
    for (int n = 1; n < int(symbols.size()); ++n) {
        consider(n - 1, n);
    }
    while (!queue.empty()) {
        const Pair best = queue.top();
        queue.pop();
        Symbol& left = symbols[std::size_t(best.left)];
        Symbol& right = symbols[std::size_t(best.right)];
        if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != best.size) {
            continue;
        }
        left.text = std::string_view(left.text.data(), best.size);
        right.text = {};
        left.next = right.next;
        if (left.next >= 0) {
            symbols[std::size_t(left.next)].previous = best.left;
        }
        consider(left.previous, best.left);
        consider(best.left, left.next);
    }
    std::vector<std::int64_t> ids;
    for (int n = 0; n >= 0; n = symbols[std::size_t(n)].next) {
        append(std::string(symbols[std::size_t(n)].text), ids);
    }
    return ids;
}

} // namespace hf::assistant

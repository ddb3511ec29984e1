#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace hf::assistant {

/// A SentencePiece BPE model with identity normalisation, as Llama 2 has it (tokenizer.model): pieces, scores, byte fallback.
/// Immutable; thread-safe. Debian has the library as a shared object only, and the engine must run where nothing but LibTorch is.
/// Source: sentencepiece_model.proto (field numbers), reference vila-m3.md 3.4.
class SentencePiece {
public:
    enum class Type { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
    struct Piece {
        std::string text;
        float score = 0;
        Type type = Type::Normal;
    };

    /// @throws Error naming the file and the part of it that is broken or not understood (other algorithms, a normaliser).
    static SentencePiece load(const std::filesystem::path& file);
    static SentencePiece fromBytes(const std::string& bytes);

    /// Ids of valid UTF-8 text; spaces become U+2581, no prefix is added, control pieces are not recognised.
    std::vector<std::int64_t> encode(const std::string& text) const;
    const std::vector<Piece>& pieces() const { return m_pieces; }
    std::int64_t unknownId() const { return m_unknown; }

private:
    void readPiece(const std::string& bytes);
    void readTrainer(const std::string& bytes);
    static void readNormalizer(const std::string& bytes);
    void index();
    void append(const std::string& symbol, std::vector<std::int64_t>& ids) const;

    std::vector<Piece> m_pieces;
    std::unordered_map<std::string, std::int64_t> m_ids;    ///< normal pieces only
    std::vector<std::int64_t> m_bytes;                      ///< ids of <0x00> .. <0xFF>; empty without byte fallback
    std::int64_t m_unknown = -1;
    bool m_byteFallback = false;
    int m_algorithm = 1;                                    ///< the format's default is Unigram
};

} // namespace hf::assistant

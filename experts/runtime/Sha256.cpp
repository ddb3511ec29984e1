#include "experts/runtime/Sha256.h"

#include "viewer/volume/Error.h"

#include <openssl/evp.h>

#include <fstream>
#include <memory>

namespace hf::runtime {

namespace {

class Hash {
public:
    Hash() : m_context(EVP_MD_CTX_new(), &EVP_MD_CTX_free)
    {
        HF_ASSERT(m_context && EVP_DigestInit_ex(m_context.get(), EVP_sha256(), nullptr) == 1);
    }
    void add(const void* bytes, std::size_t size) { HF_ASSERT(EVP_DigestUpdate(m_context.get(), bytes, size) == 1); }
    std::string hex()
    {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        HF_ASSERT(EVP_DigestFinal_ex(m_context.get(), digest, &size) == 1);
        std::string text;
        for (unsigned n = 0; n < size; ++n) {
            text += "0123456789abcdef"[digest[n] >> 4];
            text += "0123456789abcdef"[digest[n] & 15];
        }
        return text;
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> m_context;
};

} // namespace

std::string sha256Of(std::span<const std::byte> bytes)
{
    Hash hash;
    hash.add(bytes.data(), bytes.size());
    return hash.hex();
}

std::string sha256Of(const std::string& text) { return sha256Of(std::as_bytes(std::span(text))); }

std::string sha256OfFiles(const std::vector<std::filesystem::path>& files)
{
    Hash hash;
    std::vector<char> buffer(1 << 20);
    for (const std::filesystem::path& file : files) {
        std::ifstream stream(file, std::ios::binary);
        if (!stream) {
            throw Error("cannot read " + file.string(), "file");
        }
        while (stream.read(buffer.data(), std::streamsize(buffer.size())), stream.gcount() > 0) {
            hash.add(buffer.data(), std::size_t(stream.gcount()));
        }
    }
    return hash.hex();
}

} // namespace hf::runtime

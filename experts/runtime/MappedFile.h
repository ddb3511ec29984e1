#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hf::runtime {

/// The bytes of a whole file, mapped read-only, or bytes in memory that take the place of a file. Immutable; tensors that are views on it
/// share its ownership.
class MappedFile {
public:
    /// @throws Error "file" when it is no readable regular file.
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file);
    /// @param name  used in messages.
    static std::shared_ptr<const MappedFile> fromBytes(std::vector<char> bytes, const std::string& name);

    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const char* bytes() const { return m_bytes; }
    std::size_t size() const { return m_size; }
    std::string_view view() const { return {m_bytes, m_size}; }
    /// File name and the folder that it lies in, for messages: a checkpoint has several of one name.
    const std::string& name() const { return m_name; }

private:
    MappedFile() = default;

    std::string m_name;
    std::vector<char> m_owned;
    const char* m_bytes = nullptr;
    std::size_t m_size = 0;
    void* m_mapping = nullptr;
};

} // namespace hf::runtime

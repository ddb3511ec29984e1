#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant {

/// Bytes that another process of this user can open by a path: an anonymous memory file, or a temporary file where there is none.
class SharedMemory {
public:
    /// @throws Error "memory".
    SharedMemory(const void* data, std::size_t bytes);
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    const std::string& path() const { return m_path; }

private:
    int m_file = -1;
    bool m_isTemporary = false;
    std::string m_path;
};

/// Reads what another process handed over; empty when it is shorter than `bytes` or gone.
std::optional<std::vector<unsigned char>> readShared(const std::string& path, std::size_t bytes);

} // namespace hf::assistant

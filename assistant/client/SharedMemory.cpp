#include "assistant/client/SharedMemory.h"

#include "viewer/volume/Error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace hf::assistant {

SharedMemory::SharedMemory(const void* data, std::size_t bytes)
{
    m_file = memfd_create("hounsfield-volume", MFD_CLOEXEC);
    if (m_file >= 0) {
        m_path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(m_file);
    } else {
        std::string name = "/tmp/hounsfield-XXXXXX";
        m_file = mkstemp(name.data());
        m_isTemporary = true;
        m_path = name;
    }
    const char* from = static_cast<const char*>(data);
    std::size_t written = 0;
    while (m_file >= 0 && written < bytes) {
        const ssize_t count = write(m_file, from + written, std::min<std::size_t>(bytes - written, 1U << 30));
        if (count <= 0) {
            break;
        }
        written += std::size_t(count);
    }
    if (m_file < 0 || written < bytes) {
        throw Error("there is not enough memory to hand the volume over", "memory");
    }
}

SharedMemory::~SharedMemory()
{
    if (m_file >= 0) {
        close(m_file);
    }
    if (m_isTemporary) {
        unlink(m_path.c_str());
    }
}

std::optional<std::vector<unsigned char>> readShared(const std::string& path, std::size_t bytes)
{
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return std::nullopt;
    }
    std::vector<unsigned char> result(bytes);
    std::size_t got = 0;
    while (got < bytes) {
        const ssize_t count = pread(file, result.data() + got, bytes - got, off_t(got));
        if (count <= 0) {
            close(file);
            return std::nullopt;
        }
        got += std::size_t(count);
    }
    close(file);
    return result;
}

} // namespace hf::assistant

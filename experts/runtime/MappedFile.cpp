#include "experts/runtime/MappedFile.h"

#include "viewer/volume/Error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hf::runtime {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path)
{
    const std::shared_ptr<MappedFile> file(new MappedFile);
    file->m_name = (path.parent_path().filename() / path.filename()).string();
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    bool readable = descriptor >= 0 && ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
    if (readable && info.st_size > 0) {
        void* mapping = ::mmap(nullptr, std::size_t(info.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
        readable = mapping != MAP_FAILED;
        if (readable) {
            file->m_mapping = mapping;
            file->m_bytes = static_cast<const char*>(mapping);
            file->m_size = std::size_t(info.st_size);
        }
    }
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    if (!readable) {
        throw Error("cannot read " + path.string(), "file");
    }
    return file;
}

std::shared_ptr<const MappedFile> MappedFile::fromBytes(std::vector<char> bytes, const std::string& name)
{
    const std::shared_ptr<MappedFile> file(new MappedFile);
    file->m_name = name;
    file->m_owned = std::move(bytes);
    file->m_bytes = file->m_owned.data();
    file->m_size = file->m_owned.size();
    return file;
}

MappedFile::~MappedFile()
{
    if (m_mapping) {
        ::munmap(m_mapping, m_size);
    }
}

} // namespace hf::runtime

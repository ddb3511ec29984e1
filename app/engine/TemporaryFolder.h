#pragma once

#include <filesystem>
#include <string>

#include <unistd.h>

namespace hf::app {

/// A folder that goes when the work ends, however it ends.
struct TemporaryFolder {
    std::filesystem::path path;
    explicit TemporaryFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) : path(parent / ("hounsfield-bench-" + std::to_string(::getpid())))
    {
        std::filesystem::create_directories(path);
    }
    ~TemporaryFolder()
    {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

} // namespace hf::app

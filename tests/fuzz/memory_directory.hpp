// SPDX-License-Identifier: Apache-2.0
#pragma once
// memory_directory.hpp: a directory in memory, where syncing costs nothing; gone with the process.

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace belfry {

class MemoryDirectory {
public:
    MemoryDirectory()
    {
        const bool has_memory = std::filesystem::is_directory("/dev/shm");
        std::string pattern =
            has_memory ? "/dev/shm/belfry_fuzz_XXXXXX"
                       : std::filesystem::temp_directory_path().string() + "/belfry_fuzz_XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("no directory for the fuzzer's files");
        }
        path_ = pattern;
    }
    ~MemoryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    MemoryDirectory(const MemoryDirectory&) = delete;
    MemoryDirectory& operator=(const MemoryDirectory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace belfry

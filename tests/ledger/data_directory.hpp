// SPDX-License-Identifier: Apache-2.0
#pragma once
// data_directory.hpp: a directory that is gone after the test, and the hands that spoil its files.

#include "base/bytes.hpp"

#include <filesystem>
#include <string>

namespace belfry::ledger {

class ScratchDirectory {
public:
    ScratchDirectory();
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// The value of a record, checksum included, read or replaced through LMDB alone. The environment
/// must be closed. Throws when a call fails.
[[nodiscard]] Bytes raw_value(const std::filesystem::path& directory, const std::string& database,
                              const Bytes& key);
void put_raw_value(const std::filesystem::path& directory, const std::string& database,
                   const Bytes& key, const Bytes& value);
void erase_raw_value(const std::filesystem::path& directory, const std::string& database,
                     const Bytes& key);

} // namespace belfry::ledger

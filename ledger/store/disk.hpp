// SPDX-License-Identifier: Apache-2.0
#pragma once
// disk.hpp: the few file operations of the vote journal, apart so that tests can cut the power
// between any two of them.
// Errors   Errno-like values are not passed on: any failure is final for the journal.

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace belfry::ledger {

enum class DiskError : std::uint8_t { io, full };

/// One file open for writing in place; closed by its destructor.
class DiskFile {
public:
    DiskFile() = default;
    DiskFile(const DiskFile&) = delete;
    DiskFile& operator=(const DiskFile&) = delete;
    virtual ~DiskFile() = default;
    [[nodiscard]] virtual Result<void, DiskError> write_at(std::uint64_t offset,
                                                           ByteView bytes) = 0;
    /// Durable on return, as fdatasync.
    [[nodiscard]] virtual Result<void, DiskError> sync() = 0;
};

/// One directory. Names have no slash.
class Disk {
public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    virtual ~Disk() = default;
    /// The whole file; nullopt when there is none.
    [[nodiscard]] virtual Result<std::optional<Bytes>, DiskError> read(std::string_view name) = 0;
    /// A file of size_bytes zeros whose space is taken; replaces what has the name.
    [[nodiscard]] virtual Result<std::unique_ptr<DiskFile>, DiskError>
    create(std::string_view name, std::uint64_t size_bytes) = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<DiskFile>, DiskError>
    open(std::string_view name) = 0;
    /// Durable after sync_directory().
    [[nodiscard]] virtual Result<void, DiskError> rename(std::string_view from,
                                                         std::string_view target) = 0;
    [[nodiscard]] virtual Result<void, DiskError> sync_directory() = 0;
};

/// The real one. Throws std::runtime_error when directory cannot be opened.
[[nodiscard]] std::unique_ptr<Disk> open_disk(const std::filesystem::path& directory);

} // namespace belfry::ledger

// SPDX-License-Identifier: Apache-2.0
#pragma once
// simulated_disk.hpp: a directory in memory that remembers every operation, so that a test can cut
// the power after any of them and see what may be left.
// Model    what was written before a sync of the file is there; of what came after, any subset of
//          8-byte pieces. A new file is empty until it was synced once. Names change in the order
//          of the calls, any number of them after the last sync of the directory is lost.

#include "ledger/store/disk.hpp"

#include <map>
#include <random>
#include <string>
#include <vector>

namespace belfry::ledger {

class SimulatedDisk final : public Disk {
public:
    using Files = std::map<std::string, Bytes, std::less<>>;

    SimulatedDisk() = default;
    explicit SimulatedDisk(const Files& files);

    Result<std::optional<Bytes>, DiskError> read(std::string_view name) override;
    Result<std::unique_ptr<DiskFile>, DiskError> create(std::string_view name,
                                                        std::uint64_t size_bytes) override;
    Result<std::unique_ptr<DiskFile>, DiskError> open(std::string_view name) override;
    Result<void, DiskError> rename(std::string_view from, std::string_view target) override;
    Result<void, DiskError> sync_directory() override;

    [[nodiscard]] std::size_t operation_count() const { return operations_.size(); }
    /// The operation with this number and all after it fail.
    void fail_from(std::size_t operation, DiskError error)
    {
        fail_from_ = operation;
        error_ = error;
    }
    /// What a program sees that goes on running.
    [[nodiscard]] Files files() const;
    /// One thing that may be left when the power is cut after so many operations.
    [[nodiscard]] Files after_power_cut(std::size_t operation_count, std::mt19937& random) const;

private:
    friend class SimulatedFile;
    enum class Kind : std::uint8_t { create, write, sync, rename, sync_directory };
    struct Operation {
        Kind kind = Kind::create;
        std::size_t inode = 0;
        std::uint64_t offset = 0; // create: size
        Bytes bytes = {};
        std::string name = {};
        std::string target = {};
    };
    [[nodiscard]] Result<void, DiskError> apply(Operation operation);
    [[nodiscard]] Bytes content_after_cut(std::size_t inode, std::size_t operation_count,
                                          std::mt19937& random) const;

    std::vector<Operation> operations_;
    std::vector<Bytes> inodes_;
    std::vector<Bytes> first_; // content at the start
    std::map<std::string, std::size_t, std::less<>> names_;
    std::map<std::string, std::size_t, std::less<>> first_names_;
    std::size_t fail_from_ = SIZE_MAX;
    DiskError error_ = DiskError::io;
};

} // namespace belfry::ledger

// SPDX-License-Identifier: Apache-2.0
#include "tests/ledger/simulated_disk.hpp"

#include <algorithm>

namespace belfry::ledger {

class SimulatedFile final : public DiskFile {
public:
    SimulatedFile(SimulatedDisk& disk, std::size_t inode)
        : disk_(disk)
        , inode_(inode)
    {
    }
    Result<void, DiskError> write_at(std::uint64_t offset, ByteView bytes) override
    {
        return disk_.apply({.kind = SimulatedDisk::Kind::write,
                            .inode = inode_,
                            .offset = offset,
                            .bytes = Bytes(bytes.begin(), bytes.end())});
    }
    Result<void, DiskError> sync() override
    {
        return disk_.apply({.kind = SimulatedDisk::Kind::sync, .inode = inode_});
    }

private:
    SimulatedDisk& disk_;
    std::size_t inode_;
};

SimulatedDisk::SimulatedDisk(const Files& files)
{
    for (const auto& [name, content] : files) {
        names_[name] = inodes_.size();
        inodes_.push_back(content);
    }
    first_ = inodes_;
    first_names_ = names_;
}

Result<std::optional<Bytes>, DiskError> SimulatedDisk::read(std::string_view name)
{
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional(inodes_[found->second]);
}

Result<std::unique_ptr<DiskFile>, DiskError> SimulatedDisk::create(std::string_view name,
                                                                   std::uint64_t size_bytes)
{
    const std::size_t inode = inodes_.size();
    const auto done = apply({.kind = Kind::create,
                             .inode = inode,
                             .offset = size_bytes,
                             .bytes = {},
                             .name = std::string(name)});
    if (!done) {
        return std::unexpected(done.error());
    }
    return std::make_unique<SimulatedFile>(*this, inode);
}

Result<std::unique_ptr<DiskFile>, DiskError> SimulatedDisk::open(std::string_view name)
{
    const auto found = names_.find(name);
    if (found == names_.end()) {
        return std::unexpected(DiskError::io);
    }
    return std::make_unique<SimulatedFile>(*this, found->second);
}

Result<void, DiskError> SimulatedDisk::rename(std::string_view from, std::string_view target)
{
    return apply({.kind = Kind::rename,
                  .inode = 0,
                  .offset = 0,
                  .bytes = {},
                  .name = std::string(from),
                  .target = std::string(target)});
}

Result<void, DiskError> SimulatedDisk::sync_directory()
{
    return apply({.kind = Kind::sync_directory});
}

Result<void, DiskError> SimulatedDisk::apply(Operation operation)
{
    if (operations_.size() >= fail_from_) {
        return std::unexpected(error_);
    }
    switch (operation.kind) {
    case Kind::create:
        inodes_.emplace_back(operation.offset);
        names_[operation.name] = operation.inode;
        break;
    case Kind::write: {
        Bytes& content = inodes_[operation.inode];
        content.resize(std::max(content.size(), operation.offset + operation.bytes.size()));
        std::ranges::copy(operation.bytes,
                          content.begin() + static_cast<std::ptrdiff_t>(operation.offset));
        break;
    }
    case Kind::rename:
        names_[operation.target] = names_.at(operation.name);
        names_.erase(operation.name);
        break;
    case Kind::sync:
    case Kind::sync_directory:
        break;
    }
    operations_.push_back(std::move(operation));
    return {};
}

SimulatedDisk::Files SimulatedDisk::files() const
{
    Files files;
    for (const auto& [name, inode] : names_) {
        files[name] = inodes_[inode];
    }
    return files;
}

Bytes SimulatedDisk::content_after_cut(std::size_t inode, std::size_t operation_count,
                                       std::mt19937& random) const
{
    std::size_t synced = 0; // operations before this one are durable for this file
    for (std::size_t i = 0; i < operation_count; ++i) {
        if (operations_[i].kind == Kind::sync && operations_[i].inode == inode) {
            synced = i;
        }
    }
    Bytes content = inode < first_.size() ? first_[inode] : Bytes{};
    const auto mode = random() % 4; // nothing, everything, whole writes, pieces of 8 bytes
    for (std::size_t i = 0; i < operation_count; ++i) {
        const Operation& operation = operations_[i];
        if (operation.inode != inode) {
            continue;
        }
        const bool durable = i < synced;
        if (operation.kind == Kind::create && (durable || mode != 0)) {
            content.resize(operation.offset);
        }
        if (operation.kind != Kind::write || (!durable && mode == 0) ||
            (!durable && mode == 2 && random() % 2 == 0)) {
            continue;
        }
        for (std::size_t at = 0; at < operation.bytes.size(); at += 8) {
            if (!durable && mode == 3 && random() % 2 == 0) {
                continue;
            }
            const std::size_t count = std::min<std::size_t>(8, operation.bytes.size() - at);
            std::copy_n(operation.bytes.begin() + static_cast<std::ptrdiff_t>(at), count,
                        content.begin() + static_cast<std::ptrdiff_t>(operation.offset + at));
        }
    }
    return content;
}

SimulatedDisk::Files SimulatedDisk::after_power_cut(std::size_t operation_count,
                                                    std::mt19937& random) const
{
    std::vector<const Operation*> changes; // of names
    std::size_t durable = 0;
    for (std::size_t i = 0; i < operation_count; ++i) {
        const Kind kind = operations_[i].kind;
        if (kind == Kind::create || kind == Kind::rename) {
            changes.push_back(&operations_[i]);
        } else if (kind == Kind::sync_directory) {
            durable = changes.size();
        }
    }
    const std::size_t kept = durable + random() % (changes.size() - durable + 1);
    std::map<std::string, std::size_t, std::less<>> names = first_names_;
    for (std::size_t i = 0; i < kept; ++i) {
        if (changes[i]->kind == Kind::create) {
            names[changes[i]->name] = changes[i]->inode;
        } else {
            names[changes[i]->target] = names.at(changes[i]->name);
            names.erase(changes[i]->name);
        }
    }
    Files files;
    for (const auto& [name, inode] : names) {
        files[name] = content_after_cut(inode, operation_count, random);
    }
    return files;
}

} // namespace belfry::ledger

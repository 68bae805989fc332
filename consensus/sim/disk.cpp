// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/disk.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace belfry::consensus::sim {

void Disk::append(JournalSequence sequence, ByteView bytes, std::uint64_t now)
{
    if (records_.size() % records_per_file == 0) {
        file_begun_ = now;
    }
    records_.push_back({.sequence = sequence, .bytes = {bytes.begin(), bytes.end()}});
}

std::optional<JournalSequence> Disk::synced_upto() const
{
    return synced_count_ == 0 ? std::nullopt : std::optional{records_[synced_count_ - 1].sequence};
}

void Disk::synced(std::size_t count)
{
    BELFRY_CHECK(count <= records_.size());
    synced_count_ = std::max(synced_count_, count);
}

std::size_t Disk::crash(std::uint64_t now, const MachineDefects& defects, Random& random)
{
    const std::size_t unsynced = records_.size() - synced_count_;
    std::size_t kept = synced_count_ + random.below(unsynced + 1);
    const bool torn = kept < records_.size() && random.chance(50);
    if (defects.directory_not_synced && now < file_begun_ + directory_ms) {
        kept = std::min(kept, (records_.size() - 1) / records_per_file * records_per_file);
    }
    if (defects.loses_its_journal) {
        kept = 0;
    }
    const bool read_on = torn && defects.takes_torn_records;
    if (read_on) {
        Bytes& bytes = records_[kept].bytes;
        bytes.resize(bytes.size() - bytes.size() / 3);
        ++kept;
    }
    records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(kept), records_.end());
    synced_count_ = kept;
    return kept;
}

void Disk::lose_one(std::size_t index)
{
    if (index < records_.size()) {
        records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(index));
        synced_count_ = records_.size();
    }
}

void Disk::lose_file_before_newest()
{
    const std::size_t newest = records_.empty() ? 0 : (records_.size() - 1) / records_per_file;
    if (newest > 0) {
        const auto end = records_.begin() + static_cast<std::ptrdiff_t>(newest * records_per_file);
        records_.erase(end - static_cast<std::ptrdiff_t>(records_per_file), end);
        synced_count_ = records_.size();
    }
}

void Disk::lose_all()
{
    records_.clear();
    synced_count_ = 0;
}

} // namespace belfry::consensus::sim

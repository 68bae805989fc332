// SPDX-License-Identifier: Apache-2.0
#pragma once
// disk.hpp: a machine's vote journal: what was written, and what of it a crash cannot take back.
// Shapes   records go to files of records_per_file; the first of a file needs the directory's sync
//          too, which a sync of the correct machine includes.
// Model    a crash keeps any first part of what was not synced; the record after it may be torn,
//          and the checksum shows it, so that reading the journal ends before it.

#include "base/bytes.hpp"
#include "consensus/engine.hpp"
#include "consensus/sim/random.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::consensus::sim {

/// What a machine, not an engine, can do wrong. All false but in tests of the tests.
struct MachineDefects {
    bool sends_before_persist = false;  // statements do not wait for the disk
    bool syncs_nothing = false;         // says durable at once, and is so only later
    bool directory_not_synced = false;  // a new file's name is durable only directory_ms later
    bool takes_torn_records = false;    // reads on where the checksum is wrong
    bool loses_its_journal = false;     // a restart finds none, and signs nevertheless
    bool builds_before_persist = false; // blocks do not wait for the disk
};

class Disk {
public:
    struct Record {
        JournalSequence sequence;
        Bytes bytes;
    };
    static constexpr std::size_t records_per_file = 16;
    static constexpr std::uint64_t directory_ms = 3000;

    void append(JournalSequence sequence, ByteView bytes, std::uint64_t now);
    [[nodiscard]] const std::vector<Record>& records() const { return records_; }
    [[nodiscard]] std::size_t synced_count() const { return synced_count_; }
    [[nodiscard]] bool all_synced() const { return synced_count_ == records_.size(); }
    /// Up to this record all is durable.
    [[nodiscard]] std::optional<JournalSequence> synced_upto() const;
    /// Precondition: count <= records().size().
    void synced(std::size_t count);

    /// Gives how many records outlived it.
    std::size_t crash(std::uint64_t now, const MachineDefects& defects, Random& random);
    /// An operator's, or a broken disk's, doing: one record in the middle is gone.
    void lose_one(std::size_t index);
    /// Its directory entry is gone, and those of the others are not.
    void lose_file_before_newest();
    void lose_all();

private:
    std::vector<Record> records_;
    std::size_t synced_count_ = 0;
    std::uint64_t file_begun_ = 0; // instant of the newest file's first record
};

} // namespace belfry::consensus::sim

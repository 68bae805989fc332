// SPDX-License-Identifier: Apache-2.0
#pragma once
// vote_journal.hpp: every statement this node has signed, durable before it leaves.
// Shapes   one preallocated file of two equal halves that hold the same records at the same
//          offsets; one fdatasync makes both durable. A power cut can tear only what was not yet
//          acknowledged; a flipped bit spoils one copy only, so what is missing in both was torn,
//          and what was acknowledged is never cut.
//          half   := header 128 | records | zeros
//          header := "BFVJRNL1" | half bytes u64 | genesis hash 32 | identity 32 | first sequence
//                    u64 | zeros | crc32c u32 (the last four bytes) over what comes before
//          record := u32 body bytes >= 1 | u8 kind | 3 zeros | u64 sequence | u64 durable sequence
//                    before this batch | u32 crc32c | body | zeros up to a multiple of 8
//                    The crc is over the header's identity, the record's first 24 bytes and body.
// Bounds   bodies of journal_body_bytes_max; the file keeps its size: when it is full, the newest
//          keep_per_kind records of each kind move into a new file, renamed over the old one.
// Errors   opening throws one line: another genesis or identity, a spoilt record, a gap. A torn
//          tail is cut and counted. append: JournalError; every failure is final, nothing is
//          retried, for after a failed fdatasync the kernel's pages cannot be believed.
// Threads  one owner, the consensus tile.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ledger/store/disk.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace belfry::ledger {

inline constexpr std::size_t journal_body_bytes_max = 16 * 1024;
inline constexpr std::size_t journal_kinds_max = 8;

enum class JournalError : std::uint8_t {
    failed,    // a write or sync failed, now or before: stop signing, stop the node
    disk_full, // the same, by lack of space
    too_large, // empty or longer than journal_body_bytes_max, or an unknown kind: nothing written
};

struct JournalRecord {
    std::uint64_t sequence = 0; // from 1, without gaps
    std::uint8_t kind = 0;      // < journal_kinds_max; the caller's
    Bytes body;
    friend bool operator==(const JournalRecord&, const JournalRecord&) = default;
};

/// A record to append; the view must live until append() returns.
struct JournalEntry {
    std::uint8_t kind = 0;
    ByteView body;
};

class VoteJournal {
public:
    struct Options {
        Hash genesis_hash;
        Pubkey identity;
        std::uint64_t file_bytes = 4 << 20; // both halves together
        std::size_t keep_per_kind = 64;     // newest records of each kind that survive compaction
    };
    /// nullptr when there is no journal: the node may not sign unless it is told that its identity
    /// is new, and then calls create(). Throws std::runtime_error.
    [[nodiscard]] static std::unique_ptr<VoteJournal> open(Disk& disk, const Options& options);
    /// Throws when a journal exists.
    [[nodiscard]] static std::unique_ptr<VoteJournal> create(Disk& disk, const Options& options);

    /// All records that were in the file at open(), oldest first; emptied by take.
    [[nodiscard]] std::vector<JournalRecord> take_recovered() { return std::move(recovered_); }
    /// True when open() found the remains of an append that was never acknowledged.
    [[nodiscard]] bool cut_torn_tail() const { return cut_torn_tail_; }
    /// True when one copy of a record was spoilt and the other one served.
    [[nodiscard]] bool used_second_copy() const { return used_second_copy_; }

    /// Writes all entries, one fdatasync. The sequence of the last one; everything up to it is
    /// durable on return.
    [[nodiscard]] Result<std::uint64_t, JournalError> append(std::span<const JournalEntry> entries);
    [[nodiscard]] Result<std::uint64_t, JournalError> append(const JournalEntry& entry)
    {
        return append(std::span(&entry, 1));
    }
    /// 0 before the first record.
    [[nodiscard]] std::uint64_t durable_sequence() const { return next_sequence_ - 1; }

private:
    VoteJournal(Disk& disk, const Options& options);
    struct Found;
    [[nodiscard]] Bytes header(std::uint64_t first_sequence) const;
    [[nodiscard]] Result<void, DiskError> rewrite(std::span<const JournalRecord> records);
    void remember(JournalRecord record);
    [[nodiscard]] std::vector<JournalRecord> kept_records() const;
    [[nodiscard]] JournalError fail(DiskError error);

    Disk& disk_;
    Options options_;
    std::uint64_t half_bytes_ = 0;
    std::unique_ptr<DiskFile> file_;
    std::uint64_t offset_ = 0; // in each half
    std::uint64_t next_sequence_ = 1;
    std::array<std::deque<JournalRecord>, journal_kinds_max> newest_;
    std::vector<JournalRecord> recovered_;
    std::optional<JournalError> failed_;
    bool cut_torn_tail_ = false;
    bool used_second_copy_ = false;
};

} // namespace belfry::ledger

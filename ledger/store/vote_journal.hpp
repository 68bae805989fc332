// SPDX-License-Identifier: Apache-2.0
#pragma once
// vote_journal.hpp: every statement this node has signed, durable before it leaves.
// Shapes   one preallocated file of two equal halves that hold the same bytes; one fdatasync makes
//          both durable. A power cut can spoil only what was not yet acknowledged. A spoilt byte
//          harms one of the two copies, so what was acknowledged is never cut as a torn tail.
//          half   := header 128 | records | zeros
//          header := "BFVJRNL1" | half bytes u64 | genesis hash 32 | identity 32 | first sequence
//                    u64 | zeros | crc32c u32 over all before it
//          record := u32 body bytes >= 1 | u8 kind | 3 zeros | u64 sequence | u64 sequence that was
//                    durable before this batch | u32 crc32c | body | zeros up to a multiple of 8;
//                    the crc is over genesis hash, identity, the record's first 24 bytes, body
// Bounds   the file keeps its size: when it is full, the newest keep_per_kind records of each kind
//          move, renumbered without a gap, into a new file that is renamed over the old one.
// Errors   opening throws one line: another genesis or identity, a spoilt record, a gap. A torn
//          tail is cut and told. append gives JournalError; every failure to write is final and
//          nothing is retried: after a failed fdatasync the kernel's pages cannot be believed.
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
#include <utility>
#include <vector>

namespace belfry::ledger {

inline constexpr std::size_t journal_body_bytes_max = 16U << 10;
inline constexpr std::size_t journal_kinds_max = 8;
inline constexpr std::uint64_t journal_file_bytes_min = 8U << 10;
inline constexpr std::uint64_t journal_file_bytes_max = 1U << 30;

enum class JournalError : std::uint8_t {
    failed,    // a write or sync failed, now or before: stop signing, stop the node
    disk_full, // the same, by lack of space
    too_large, // a bound is broken: nothing was written and the journal goes on
};

struct JournalRecord {
    std::uint64_t sequence = 0; // without gaps
    std::uint8_t kind = 0;      // < journal_kinds_max; the caller's
    Bytes body = {};
    friend bool operator==(const JournalRecord&, const JournalRecord&) = default;
};

/// A record to append; the view must live until append() returns.
struct JournalEntry {
    std::uint8_t kind = 0;
    ByteView body = {};
};

class VoteJournal {
public:
    struct Options {
        Hash genesis_hash;
        Pubkey identity;
        std::uint64_t file_bytes = 4 << 20; // both halves together; of a new file
        std::size_t keep_per_kind = 64;     // newest records of each kind that survive compaction
    };
    /// nullptr when there is no journal: the node may not sign unless it is told that its identity
    /// is new, and then calls create(). Throws std::runtime_error. The disk must outlive it.
    [[nodiscard]] static std::unique_ptr<VoteJournal> open(Disk& disk, const Options& options);
    /// Throws when a journal exists.
    [[nodiscard]] static std::unique_ptr<VoteJournal> create(Disk& disk, const Options& options);

    /// All records that were in the file at open(), oldest first; nothing the second time.
    [[nodiscard]] std::vector<JournalRecord> take_recovered()
    {
        return std::exchange(recovered_, {});
    }
    /// True when open() found the remains of an append that was never acknowledged.
    [[nodiscard]] bool cut_torn_tail() const { return cut_torn_tail_; }
    /// True when open() found one of two copies spoilt or missing; both are whole again.
    [[nodiscard]] bool healed_copy() const { return healed_copy_; }

    /// Writes all entries, one fdatasync. The sequence of the last one; everything up to it is
    /// durable on return. too_large: no entry, a body that is empty or over body_bytes_max(), an
    /// unknown kind, or more than fits into a quarter of the file.
    [[nodiscard]] Result<std::uint64_t, JournalError> append(std::span<const JournalEntry> entries);
    [[nodiscard]] Result<std::uint64_t, JournalError> append(const JournalEntry& entry)
    {
        return append(std::span(&entry, 1));
    }
    /// 0 before the first record.
    [[nodiscard]] std::uint64_t durable_sequence() const { return next_sequence_ - 1; }
    /// journal_body_bytes_max, or less in a small file: one record of each kind always fits.
    [[nodiscard]] std::size_t body_bytes_max() const;

private:
    VoteJournal(Disk& disk, const Options& options);
    [[nodiscard]] bool recover(ByteView file);
    [[nodiscard]] std::uint64_t recover_header(ByteView file);
    [[nodiscard]] std::uint64_t recover_records(std::array<ByteView, 2> halves);
    void refuse_if_acknowledged(ByteView half, std::uint64_t offset) const;

    struct Frame;
    [[nodiscard]] std::optional<Frame> frame_at(ByteView half, std::uint64_t offset) const;
    void write_frame(Bytes& out, const JournalRecord& record, std::uint64_t durable_before) const;
    [[nodiscard]] Bytes header(std::uint64_t first_sequence) const;
    [[nodiscard]] Result<void, DiskError> write_both(std::uint64_t offset, ByteView bytes);
    [[nodiscard]] Result<void, DiskError> rewrite(std::vector<JournalRecord> records);
    [[nodiscard]] std::vector<JournalRecord> kept_records() const;
    void remember(JournalRecord record);
    [[nodiscard]] JournalError fail(DiskError error);

    Disk& disk_;
    Options options_;
    std::uint64_t half_bytes_ = 0;
    std::uint32_t owner_crc_ = 0; // of genesis hash and identity
    std::unique_ptr<DiskFile> file_;
    std::uint64_t offset_ = 0; // where the next record goes, in each half
    std::uint64_t next_sequence_ = 1;
    std::array<std::deque<JournalRecord>, journal_kinds_max> newest_;
    std::vector<JournalRecord> recovered_;
    std::optional<JournalError> failed_;
    bool cut_torn_tail_ = false;
    bool healed_copy_ = false;
};

} // namespace belfry::ledger

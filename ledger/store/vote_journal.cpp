// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/vote_journal.hpp"

#include "base/check.hpp"
#include "ledger/store/crc32c.hpp"
#include "ledger/store/layout.hpp"
#include "ledger/store/storage_failure.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace belfry::ledger {

namespace {
constexpr std::string_view journal_magic = "BFVJRNL1";
constexpr std::string_view new_file_name = "votes.new";
constexpr std::size_t header_bytes = 128;
constexpr std::size_t header_crc_at = header_bytes - 4;
constexpr std::size_t record_header_bytes = 28;
constexpr std::size_t record_crc_at = 24;
constexpr std::size_t alignment = 8;

constexpr std::size_t framed_bytes(std::size_t body_bytes)
{
    return (record_header_bytes + body_bytes + alignment - 1) / alignment * alignment;
}

[[noreturn]] void refuse_journal(const std::string& text)
{
    throw std::runtime_error(
        fmt::format("{}: the vote journal {}; do not sign with this identity before its lockouts "
                    "are over, then move the file away and start with --new-identity",
                    vote_journal_file_name, text));
}

bool all_zeros(ByteView bytes)
{
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

template <class T>
T or_refuse(Result<T, DiskError> result, std::string_view what)
{
    if (!result) {
        const bool full = result.error() == DiskError::full;
        throw StorageFailure(fmt::format(
            "{}: the vote journal cannot be {}: {}, then start again", vote_journal_file_name, what,
            full ? "the disk is full; free space" : "the disk gave an error; check it"));
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}
} // namespace

/// A record whose checksum is right, and the room that it takes.
struct VoteJournal::Frame {
    JournalRecord record;
    std::uint64_t durable_before = 0;
    std::uint64_t bytes = 0;
};

VoteJournal::VoteJournal(Disk& disk, const Options& options)
    : disk_(disk)
    , options_(options)
    , half_bytes_(options.file_bytes / 2 / 4096 * 4096)
    , owner_crc_(crc32c(options.identity.view(), crc32c(options.genesis_hash.view())))
{
    if (options.file_bytes < journal_file_bytes_min ||
        options.file_bytes > journal_file_bytes_max || options.keep_per_kind == 0) {
        throw std::runtime_error(fmt::format("vote journal: its file may have {} to {} bytes and "
                                             "must keep at least one record of a kind",
                                             journal_file_bytes_min, journal_file_bytes_max));
    }
}

std::size_t VoteJournal::body_bytes_max() const
{
    // A quarter of the room holds one record of each kind, whatever its length.
    const std::size_t share = (half_bytes_ - header_bytes) / 4 / journal_kinds_max;
    return std::min(journal_body_bytes_max, share - record_header_bytes - alignment);
}

std::unique_ptr<VoteJournal> VoteJournal::open(Disk& disk, const Options& options)
{
    std::unique_ptr<VoteJournal> journal(new VoteJournal(disk, options));
    const std::optional<Bytes> file = or_refuse(disk.read(vote_journal_file_name), "read");
    if (!file) {
        return nullptr;
    }
    if (journal->recover(*file)) {
        journal->file_ = or_refuse(disk.open(vote_journal_file_name), "opened");
    } else {
        or_refuse(journal->rewrite(journal->recovered_), "written");
    }
    return journal;
}

std::unique_ptr<VoteJournal> VoteJournal::create(Disk& disk, const Options& options)
{
    std::unique_ptr<VoteJournal> journal(new VoteJournal(disk, options));
    if (or_refuse(disk.read(vote_journal_file_name), "read")) {
        refuse_journal("exists, so this identity is not new");
    }
    or_refuse(journal->rewrite({}), "made");
    return journal;
}

/// Fills recovered_ and the place to go on. False when the file must be written anew.
bool VoteJournal::recover(ByteView file)
{
    const std::size_t half = file.size() / 2;
    if (file.size() % 2 != 0 || file.size() < journal_file_bytes_min ||
        file.size() > journal_file_bytes_max) {
        refuse_journal(fmt::format("has {} bytes, which none was ever given", file.size()));
    }
    half_bytes_ = half; // the file keeps the size it was made with
    next_sequence_ = recover_header(file);
    const std::array<ByteView, 2> halves{file.first(half), file.subspan(half)};
    offset_ = recover_records(halves);
    for (const ByteView rest : {halves[0].subspan(offset_), halves[1].subspan(offset_)}) {
        if (!all_zeros(rest)) {
            refuse_if_acknowledged(rest, offset_);
            cut_torn_tail_ = true;
        }
    }
    for (const JournalRecord& record : recovered_) {
        remember(record);
    }
    return !cut_torn_tail_ && !healed_copy_;
}

/// The first sequence, from whichever header is sound.
std::uint64_t VoteJournal::recover_header(ByteView file)
{
    std::optional<std::uint64_t> first_sequence;
    for (const std::uint64_t at : {std::uint64_t{0}, half_bytes_}) {
        const ByteView bytes = file.subspan(at, header_bytes);
        ByteReader reader(bytes);
        const ByteView found_magic = reader.bytes(journal_magic.size());
        const std::uint64_t found_half = reader.u64();
        const auto genesis_hash = reader.fixed<Hash>();
        const auto identity = reader.fixed<Pubkey>();
        const std::uint64_t sequence = reader.u64();
        ByteReader crc(bytes.subspan(header_crc_at));
        if (crc.u32() != crc32c(bytes.first(header_crc_at)) ||
            !std::ranges::equal(found_magic, journal_magic)) {
            healed_copy_ = true;
            continue;
        }
        if (genesis_hash != options_.genesis_hash) {
            refuse_journal("belongs to another genesis");
        }
        if (identity != options_.identity) {
            refuse_journal("belongs to another identity");
        }
        if (found_half != half_bytes_) {
            refuse_journal(fmt::format("is cut short: {} bytes are there, {} were written",
                                       file.size(), 2 * found_half));
        }
        first_sequence = sequence;
    }
    if (!first_sequence || *first_sequence == 0) {
        refuse_journal("has no sound header");
    }
    return *first_sequence;
}

/// Reads record by record, each from either half; the offset behind the last one.
std::uint64_t VoteJournal::recover_records(std::array<ByteView, 2> halves)
{
    std::uint64_t offset = header_bytes;
    while (true) {
        std::optional<Frame> sound;
        bool both = true;
        for (const ByteView half : halves) {
            std::optional<Frame> frame = frame_at(half, offset);
            if (!frame) {
                both = false;
            } else {
                sound = std::move(frame);
            }
        }
        if (!sound) {
            return offset;
        }
        if (sound->record.sequence != next_sequence_) {
            refuse_journal(fmt::format("has a gap: record {} stands where {} belongs",
                                       sound->record.sequence, next_sequence_));
        }
        healed_copy_ |= !both;
        ++next_sequence_;
        offset += sound->bytes;
        recovered_.push_back(std::move(sound->record));
    }
}

/// What follows the last sound record must be the remains of one unacknowledged append. A later
/// record that was begun after next_sequence_ had become durable proves the contrary.
void VoteJournal::refuse_if_acknowledged(ByteView rest, std::uint64_t offset) const
{
    for (std::uint64_t at = 0; at + record_header_bytes <= rest.size(); at += alignment) {
        const std::optional<Frame> frame = frame_at(rest, at);
        if (frame && frame->durable_before >= next_sequence_) {
            refuse_journal(fmt::format("is spoilt at byte {}: record {} was durable and is lost",
                                       offset, next_sequence_));
        }
    }
}

std::optional<VoteJournal::Frame> VoteJournal::frame_at(ByteView half, std::uint64_t offset) const
{
    if (half.size() - offset < record_header_bytes) {
        return std::nullopt;
    }
    const ByteView bytes = half.subspan(offset);
    ByteReader reader(bytes);
    Frame frame;
    const std::uint32_t body_bytes = reader.u32();
    frame.record.kind = reader.u8();
    const ByteView zeros = reader.bytes(3);
    frame.record.sequence = reader.u64();
    frame.durable_before = reader.u64();
    const std::uint32_t crc = reader.u32();
    if (body_bytes == 0 || body_bytes > body_bytes_max() || !all_zeros(zeros) ||
        frame.record.kind >= journal_kinds_max || framed_bytes(body_bytes) > bytes.size()) {
        return std::nullopt;
    }
    const ByteView body = reader.bytes(body_bytes);
    frame.bytes = framed_bytes(body_bytes);
    const ByteView padding = bytes.first(frame.bytes).subspan(record_header_bytes + body_bytes);
    if (crc != crc32c(body, crc32c(bytes.first(record_crc_at), owner_crc_)) ||
        !all_zeros(padding)) {
        return std::nullopt;
    }
    frame.record.body.assign(body.begin(), body.end());
    return frame;
}

void VoteJournal::write_frame(Bytes& out, const JournalRecord& record,
                              std::uint64_t durable_before) const
{
    const std::size_t start = out.size();
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(record.body.size()));
    writer.u8(record.kind);
    writer.bytes(std::array<std::uint8_t, 3>{});
    writer.u64(record.sequence);
    writer.u64(durable_before);
    const ByteView front = ByteView(out).subspan(start, record_crc_at);
    writer.u32(crc32c(record.body, crc32c(front, owner_crc_)));
    writer.bytes(record.body);
    out.resize(start + framed_bytes(record.body.size()));
}

Bytes VoteJournal::header(std::uint64_t first_sequence) const
{
    Bytes out(journal_magic.begin(), journal_magic.end());
    ByteWriter writer(out);
    writer.u64(half_bytes_);
    writer.bytes(options_.genesis_hash.view());
    writer.bytes(options_.identity.view());
    writer.u64(first_sequence);
    out.resize(header_crc_at);
    writer.u32(crc32c(out));
    return out;
}

Result<void, DiskError> VoteJournal::write_both(std::uint64_t offset, ByteView bytes)
{
    BELFRY_CHECK(offset + bytes.size() <= half_bytes_);
    Result<void, DiskError> written = file_->write_at(offset, bytes);
    return written ? file_->write_at(half_bytes_ + offset, bytes) : written;
}

/// A new file with these records, renumbered without a gap up to the last one's number, takes the
/// place of the old one. Until the directory is synced the old one may come back: whole too.
Result<void, DiskError> VoteJournal::rewrite(std::vector<JournalRecord> records)
{
    std::uint64_t total = header_bytes;
    for (const JournalRecord& record : records) {
        total += framed_bytes(record.body.size());
    }
    BELFRY_CHECK(total <= half_bytes_);
    const std::uint64_t last = records.empty() ? next_sequence_ - 1 : records.back().sequence;
    Bytes content = header(last + 1 - records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].sequence = last + 1 - records.size() + i;
        // The whole file is durable before anyone can see it.
        write_frame(content, records[i], records[i].sequence - 1);
    }
    Result<std::unique_ptr<DiskFile>, DiskError> file =
        disk_.create(new_file_name, 2 * half_bytes_);
    if (!file) {
        return std::unexpected(file.error());
    }
    file_ = std::move(*file);
    Result<void, DiskError> done = write_both(0, content);
    if (done) {
        done = file_->sync();
    }
    if (done) {
        done = disk_.rename(new_file_name, vote_journal_file_name);
    }
    if (done) {
        done = disk_.sync_directory();
    }
    if (!done) {
        return done;
    }
    offset_ = content.size();
    next_sequence_ = last + 1;
    for (std::deque<JournalRecord>& kind : newest_) {
        kind.clear();
    }
    for (JournalRecord& record : records) {
        remember(std::move(record));
    }
    return {};
}

void VoteJournal::remember(JournalRecord record)
{
    std::deque<JournalRecord>& kind = newest_[record.kind];
    kind.push_back(std::move(record));
    if (kind.size() > options_.keep_per_kind) {
        kind.pop_front();
    }
}

/// The newest of each kind in order of sequence, in at most half of the room: the oldest go first,
/// but never the last one of a kind.
std::vector<JournalRecord> VoteJournal::kept_records() const
{
    std::uint64_t left = (half_bytes_ - header_bytes) / 2;
    std::vector<JournalRecord> kept;
    std::vector<JournalRecord> more;
    for (const std::deque<JournalRecord>& kind : newest_) {
        if (!kind.empty()) {
            left -= framed_bytes(kind.back().body.size());
            kept.push_back(kind.back());
            more.insert(more.end(), kind.begin(), kind.end() - 1);
        }
    }
    std::ranges::sort(more, std::greater<>(), &JournalRecord::sequence);
    for (JournalRecord& record : more) {
        const std::uint64_t bytes = framed_bytes(record.body.size());
        if (bytes > left) {
            break;
        }
        left -= bytes;
        kept.push_back(std::move(record));
    }
    std::ranges::sort(kept, {}, &JournalRecord::sequence);
    return kept;
}

JournalError VoteJournal::fail(DiskError error)
{
    failed_ = error == DiskError::full ? JournalError::disk_full : JournalError::failed;
    return *failed_;
}

Result<std::uint64_t, JournalError> VoteJournal::append(std::span<const JournalEntry> entries)
{
    if (failed_) {
        return std::unexpected(*failed_);
    }
    std::vector<JournalRecord> records;
    Bytes frames;
    for (const JournalEntry& entry : entries) {
        if (entry.kind >= journal_kinds_max || entry.body.empty() ||
            entry.body.size() > body_bytes_max()) {
            return std::unexpected(JournalError::too_large);
        }
        records.push_back({.sequence = next_sequence_ + records.size(),
                           .kind = entry.kind,
                           .body = Bytes(entry.body.begin(), entry.body.end())});
        write_frame(frames, records.back(), next_sequence_ - 1);
    }
    if (records.empty() || frames.size() > (half_bytes_ - header_bytes) / 2) {
        return std::unexpected(JournalError::too_large);
    }
    Result<void, DiskError> done;
    if (offset_ + frames.size() > half_bytes_) {
        std::vector<JournalRecord> all = kept_records();
        all.insert(all.end(), records.begin(), records.end());
        done = rewrite(std::move(all));
    } else {
        done = write_both(offset_, frames);
        if (done) {
            done = file_->sync();
        }
        if (done) {
            offset_ += frames.size();
            next_sequence_ += records.size();
            for (JournalRecord& record : records) {
                remember(std::move(record));
            }
        }
    }
    if (!done) {
        return std::unexpected(fail(done.error()));
    }
    return durable_sequence();
}

} // namespace belfry::ledger

// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/entry.hpp"

#include "base/check.hpp"
#include "crypto/sha256.hpp"
#include "ledger/model/transaction.hpp"

namespace belfry::ledger {

std::string_view to_string(EntryError error)
{
    switch (error) {
    case EntryError::too_large:
        return "too_large";
    case EntryError::truncated:
        return "truncated";
    case EntryError::unknown_kind:
        return "unknown_kind";
    case EntryError::no_hash:
        return "no_hash";
    case EntryError::no_transaction:
        return "no_transaction";
    case EntryError::bad_transaction_bytes:
        return "bad_transaction_bytes";
    case EntryError::bad_certificate:
        return "bad_certificate";
    case EntryError::no_footer:
        return "no_footer";
    case EntryError::after_footer:
        return "after_footer";
    case EntryError::wrong_count:
        return "wrong_count";
    }
    return "unknown";
}

Hash entry_mixin(std::span<const Hash> message_hashes)
{
    crypto::Sha256 hasher;
    for (const Hash& hash : message_hashes) {
        hasher.update(hash.view());
    }
    return hasher.finish();
}

void EntryWriter::tick(std::uint32_t hash_count, const Hash& hash)
{
    BELFRY_CHECK(!ended_ && certificate_count_ == 0);
    ByteWriter writer(stream_);
    writer.u8(static_cast<std::uint8_t>(EntryKind::tick));
    writer.u32(hash_count);
    writer.bytes(hash.view());
}

void EntryWriter::transactions(std::uint32_t hash_count, const Hash& hash,
                               std::span<const ByteView> wire_transactions)
{
    BELFRY_CHECK(!ended_ && certificate_count_ == 0);
    BELFRY_CHECK(hash_count >= 1);
    BELFRY_CHECK(!wire_transactions.empty() && wire_transactions.size() <= UINT16_MAX);
    ByteWriter writer(stream_);
    writer.u8(static_cast<std::uint8_t>(EntryKind::transactions));
    writer.u32(hash_count);
    writer.bytes(hash.view());
    writer.u16(static_cast<std::uint16_t>(wire_transactions.size()));
    for (const ByteView wire : wire_transactions) {
        BELFRY_CHECK(!wire.empty() && wire.size() <= transaction_bytes_max);
        writer.u16(static_cast<std::uint16_t>(wire.size()));
        writer.bytes(wire);
    }
    transaction_count_ += wire_transactions.size();
}

void EntryWriter::certificate(ByteView bytes)
{
    BELFRY_CHECK(!ended_ && certificate_count_ < block_certificates_max);
    BELFRY_CHECK(!bytes.empty() && bytes.size() <= certificate_entry_bytes_max);
    ByteWriter writer(stream_);
    writer.u8(static_cast<std::uint8_t>(EntryKind::certificate));
    writer.u16(static_cast<std::uint16_t>(bytes.size()));
    writer.bytes(bytes);
    ++certificate_count_;
}

void EntryWriter::footer(const Hash& state_hash, const Hash& chain_hash)
{
    BELFRY_CHECK(!ended_);
    ByteWriter writer(stream_);
    writer.u8(static_cast<std::uint8_t>(EntryKind::footer));
    writer.u64(transaction_count_);
    writer.bytes(state_hash.view());
    writer.bytes(chain_hash.view());
    ended_ = true;
}

namespace {
/// The list after a transactions entry's hash. Memory is taken only for what is really there.
std::optional<EntryError> read_transactions(ByteReader& reader, std::vector<ByteView>& out)
{
    const std::uint16_t count = reader.u16();
    if (!reader.ok()) {
        return EntryError::truncated;
    }
    if (count == 0) {
        return EntryError::no_transaction;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t byte_count = reader.u16();
        if (!reader.ok()) {
            return EntryError::truncated;
        }
        if (byte_count == 0 || byte_count > transaction_bytes_max) {
            return EntryError::bad_transaction_bytes;
        }
        out.push_back(reader.bytes(byte_count));
        if (!reader.ok()) {
            return EntryError::truncated;
        }
    }
    return std::nullopt;
}

Result<ByteView, EntryError> read_certificate(ByteReader& reader)
{
    const std::uint16_t byte_count = reader.u16();
    if (reader.ok() && (byte_count == 0 || byte_count > certificate_entry_bytes_max)) {
        return std::unexpected(EntryError::bad_certificate);
    }
    const ByteView bytes = reader.bytes(byte_count);
    if (!reader.ok()) {
        return std::unexpected(EntryError::truncated);
    }
    return bytes;
}
} // namespace

Result<Entry, EntryError> EntryReader::next()
{
    BELFRY_CHECK(!finished_);
    ByteReader reader(stream_.subspan(position_));
    Entry entry;
    const std::uint8_t kind = reader.u8();
    if (!reader.ok()) {
        return std::unexpected(EntryError::truncated);
    }
    if (kind > static_cast<std::uint8_t>(EntryKind::certificate)) {
        return std::unexpected(EntryError::unknown_kind);
    }
    entry.kind = static_cast<EntryKind>(kind);
    if (entry.kind == EntryKind::certificate) {
        if (++certificate_count_ > block_certificates_max) {
            return std::unexpected(EntryError::bad_certificate);
        }
        BELFRY_TRY(bytes, read_certificate(reader));
        entry.certificate = bytes;
        position_ += reader.position();
        return entry;
    }
    if (certificate_count_ > 0 && entry.kind != EntryKind::footer) {
        return std::unexpected(EntryError::bad_certificate);
    }
    if (entry.kind == EntryKind::footer) {
        entry.transaction_count = reader.u64();
        entry.state_hash = reader.fixed<Hash>();
    } else {
        entry.hash_count = reader.u32();
    }
    entry.hash = reader.fixed<Hash>();
    if (!reader.ok()) {
        return std::unexpected(EntryError::truncated);
    }
    if (entry.kind == EntryKind::transactions) {
        if (entry.hash_count == 0) {
            return std::unexpected(EntryError::no_hash);
        }
        if (const auto error = read_transactions(reader, entry.transactions)) {
            return std::unexpected(*error);
        }
    }
    if (entry.kind == EntryKind::footer && entry.transaction_count != transaction_count_) {
        return std::unexpected(EntryError::wrong_count);
    }
    finished_ = entry.kind == EntryKind::footer;
    transaction_count_ += entry.transactions.size();
    position_ += reader.position();
    return entry;
}

Result<std::vector<Entry>, EntryError> decode_entries(ByteView stream)
{
    if (stream.size() > block_stream_bytes_max) {
        return std::unexpected(EntryError::too_large);
    }
    std::vector<Entry> entries;
    EntryReader reader(stream);
    while (!reader.finished()) {
        if (reader.position() == stream.size()) {
            return std::unexpected(EntryError::no_footer);
        }
        Result<Entry, EntryError> entry = reader.next();
        if (!entry) {
            return std::unexpected(entry.error());
        }
        entries.push_back(std::move(*entry));
    }
    if (reader.position() != stream.size()) {
        return std::unexpected(EntryError::after_footer);
    }
    return entries;
}

std::vector<Bytes> certificates_of(ByteView stream)
{
    std::vector<Bytes> certificates;
    EntryReader reader(stream);
    while (!reader.finished()) {
        const Result<Entry, EntryError> entry = reader.next();
        if (!entry) {
            return {};
        }
        if (entry->kind == EntryKind::certificate) {
            certificates.emplace_back(entry->certificate.begin(), entry->certificate.end());
        }
    }
    return certificates;
}

} // namespace belfry::ledger

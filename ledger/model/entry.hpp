// SPDX-License-Identifier: Apache-2.0
#pragma once
// entry.hpp: the stream of entries that a block is: ticks, batches of transactions, one footer.
// Shapes   entry := u8 kind | body, integers little-endian
//            0 tick          u32 hash_count | hash32, the chain after hash_count more hashes
//            1 transactions  u32 hash_count >= 1 | hash32 | u16 count >= 1 | count x (u16 bytes |
//                            wire transaction); the last of the hashes mixes in entry_mixin()
//            2 footer        u64 transactions of the block | state hash32 | last chain hash32
//            3 certificate   u16 count >= 1 | bytes: that an earlier slot is notarized, skipped or
//                            final (consensus/certificate/), for light clients and for whoever
//                            catches up; opaque here, and no part of a block's validity
//          The footer is there once and last; nothing follows it. Certificates, at most
//          block_certificates_max, stand right before it.
// Bounds   a stream of block_stream_bytes_max; a transaction of 1..transaction_bytes_max bytes.
// Errors   EntryError. Whether the chain of hashes is right is the business of replay.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ledger/model/shred_set.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace belfry::ledger {

inline constexpr std::size_t block_stream_bytes_max = block_sets_max * set_payload_bytes_max;
inline constexpr std::size_t entry_header_bytes = 1 + 4 + 32;
inline constexpr std::size_t certificate_entry_bytes_max = 24'000;
inline constexpr std::size_t block_certificates_max = 4;
inline constexpr std::size_t certificate_entry_overhead = 1 + 2;
inline constexpr std::size_t entry_footer_bytes = 1 + 8 + 32 + 32;

enum class EntryKind : std::uint8_t { tick = 0, transactions = 1, footer = 2, certificate = 3 };

enum class EntryError : std::uint8_t {
    too_large,             // more than block_stream_bytes_max
    truncated,             // the stream ends inside an entry
    unknown_kind,          // kind byte other than 0, 1, 2, 3
    no_hash,               // a transactions entry of 0 hashes: nothing could mix in
    no_transaction,        // a transactions entry without one
    bad_transaction_bytes, // a transaction of 0 or more than transaction_bytes_max bytes
    bad_certificate,       // of no or too many bytes, one too many, or not before the footer
    no_footer,             // the stream ends without one
    after_footer,          // bytes follow the footer
    wrong_count,           // the footer's count is not that of the entries
};
inline constexpr std::size_t entry_error_count = 10;
[[nodiscard]] std::string_view to_string(EntryError error);

/// One decoded entry. transactions are views into the stream and live as long as it.
struct Entry {
    EntryKind kind = EntryKind::tick;
    std::uint32_t hash_count = 0;        // tick, transactions
    Hash hash;                           // chain state after this entry; footer: of the block
    std::vector<ByteView> transactions;  // transactions: one wire transaction each
    std::uint64_t transaction_count = 0; // footer: of the whole block
    Hash state_hash;                     // footer
    ByteView certificate = {};           // certificate: a view into the stream
};

/// What a transactions entry mixes into the chain: SHA-256 over its message hashes, in order.
[[nodiscard]] Hash entry_mixin(std::span<const Hash> message_hashes);

/// Appends entries to a stream owned by the caller, who keeps it below block_stream_bytes_max.
class EntryWriter {
public:
    explicit EntryWriter(Bytes& stream)
        : stream_(stream)
    {
    }
    void tick(std::uint32_t hash_count, const Hash& hash);
    /// Preconditions: hash_count >= 1; 1..65535 transactions of 1..transaction_bytes_max bytes.
    void transactions(std::uint32_t hash_count, const Hash& hash,
                      std::span<const ByteView> wire_transactions);
    /// Nothing but another one or the footer may follow.
    /// Precondition: 1..certificate_entry_bytes_max.
    void certificate(ByteView bytes);
    /// Ends the stream. chain_hash is the last one of the block: its blockhash.
    void footer(const Hash& state_hash, const Hash& chain_hash);
    [[nodiscard]] std::uint64_t transaction_count() const { return transaction_count_; }

private:
    Bytes& stream_;
    std::uint64_t transaction_count_ = 0;
    std::size_t certificate_count_ = 0;
    bool ended_ = false;
};

/// Bytes that EntryWriter::transactions takes besides the transactions: a packer plans with it.
[[nodiscard]] constexpr std::size_t transactions_entry_overhead(std::size_t transaction_count)
{
    return entry_header_bytes + 2 + 2 * transaction_count;
}

/// Reads entries one by one, so that replay can begin before the block is complete.
class EntryReader {
public:
    explicit EntryReader(ByteView stream)
        : stream_(stream)
    {
    }
    /// The next entry. truncated: wait for more bytes, position() stays at the entry's front.
    /// Precondition: !finished().
    [[nodiscard]] Result<Entry, EntryError> next();
    /// True after the footer.
    [[nodiscard]] bool finished() const { return finished_; }
    /// Bytes of whole entries read so far.
    [[nodiscard]] std::size_t position() const { return position_; }

private:
    ByteView stream_;
    std::size_t position_ = 0;
    std::uint64_t transaction_count_ = 0;
    std::size_t certificate_count_ = 0;
    bool finished_ = false;
};

/// All entries of a whole block, footer included.
[[nodiscard]] Result<std::vector<Entry>, EntryError> decode_entries(ByteView stream);

/// The certificates that a block carries; none when the stream is not a block's.
[[nodiscard]] std::vector<Bytes> certificates_of(ByteView stream);

} // namespace belfry::ledger

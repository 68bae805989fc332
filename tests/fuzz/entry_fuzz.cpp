// SPDX-License-Identifier: Apache-2.0
// entry_fuzz: any input is decoded or refused; what is decoded is written again to the same bytes.
// What a writer is told to write by the same input is decoded to that, and refused when cut.
#include "base/check.hpp"
#include "ledger/model/entry.hpp"
#include "ledger/model/transaction.hpp"
#include "tests/base/choices.hpp"

#include <algorithm>
#include <vector>

namespace belfry::ledger {
namespace {

void feed(ByteView input)
{
    const auto entries = decode_entries(input);
    if (!entries) {
        BELFRY_CHECK(to_string(entries.error()) != "unknown");
        return;
    }
    Bytes again;
    EntryWriter writer(again);
    for (const Entry& entry : *entries) {
        if (entry.kind == EntryKind::tick) {
            writer.tick(entry.hash_count, entry.hash);
        } else if (entry.kind == EntryKind::certificate) {
            writer.certificate(entry.certificate);
        } else if (entry.kind == EntryKind::transactions) {
            writer.transactions(entry.hash_count, entry.hash, entry.transactions);
        } else {
            writer.footer(entry.state_hash, entry.hash);
        }
    }
    BELFRY_CHECK(std::ranges::equal(again, input));
}

/// Entries as the choices say, and how many certificates are among them.
std::size_t write(Choices& choices, Bytes& stream)
{
    EntryWriter writer(stream);
    std::size_t certificates = 0;
    const Bytes some(transaction_bytes_max, 7);
    for (int i = 0; choices.more() && i < 40; ++i) {
        const auto count = static_cast<std::uint32_t>(1 + choices());
        const std::size_t length = 1 + choices.up_to(transaction_bytes_max - 1);
        const ByteView bytes = ByteView(some).first(length);
        if (choices() % 4 == 0) {
            certificates = std::min(certificates + 1, block_certificates_max);
        } else if (choices() % 2 == 0) {
            writer.tick(count, Hash{});
        } else {
            const std::vector<ByteView> all(1 + count % 5, bytes);
            writer.transactions(count, Hash{}, all);
        }
    }
    for (std::size_t i = 0; i < certificates; ++i) { // after all others
        writer.certificate(ByteView(some).first(1 + choices()));
    }
    writer.footer(Hash{}, Hash{});
    return certificates;
}

void written(Choices choices)
{
    Bytes stream;
    const std::size_t certificates = write(choices, stream);
    feed(stream);
    BELFRY_CHECK(decode_entries(stream).has_value());
    BELFRY_CHECK(certificates_of(stream).size() == certificates);
    const ByteView cut = ByteView(stream).first(choices.up_to(stream.size() - 1));
    const auto refused = decode_entries(cut);
    BELFRY_CHECK(!refused && certificates_of(cut).empty());
    BELFRY_CHECK(refused.error() == EntryError::no_footer ||
                 refused.error() == EntryError::truncated);
    stream[choices.up_to(stream.size() - 1)] ^= static_cast<std::uint8_t>(1 + choices() % 255);
    feed(stream);
}

void feed_too_much()
{
    const Bytes stream(block_stream_bytes_max + 1);
    BELFRY_CHECK(decode_entries(stream).error() == EntryError::too_large);
}

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t byte_count)
{
    static const bool once = (belfry::ledger::feed_too_much(), true);
    belfry::ledger::feed({data, once ? byte_count : 0});
    belfry::ledger::written(belfry::Choices({data, byte_count}));
    return 0;
}

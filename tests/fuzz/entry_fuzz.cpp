// SPDX-License-Identifier: Apache-2.0
// entry_fuzz: any input is decoded or refused; what is decoded is written again to the same bytes.
#include "base/check.hpp"
#include "ledger/model/entry.hpp"

#include <algorithm>

namespace belfry::ledger {
namespace {

void feed(ByteView input)
{
    const auto entries = decode_entries(input);
    if (!entries) {
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

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t byte_count)
{
    belfry::ledger::feed({data, byte_count});
    return 0;
}

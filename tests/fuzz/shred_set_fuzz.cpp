// SPDX-License-Identifier: Apache-2.0
// shred_set_fuzz: stored sets and accounts: any bytes are decoded or refused, and what is decoded
// is input again to the same bytes.
#include "base/check.hpp"
#include "ledger/model/account.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/shred_set.hpp"

#include <algorithm>
#include <array>

namespace belfry::ledger {
namespace {

/// Two sets are a block only one after the other, of one leader, and chained.
void two_sets(ShredSet first)
{
    first.index = 0;
    first.last = false;
    ShredSet second = first;
    second.index = 1;
    second.last = true;
    second.chained_root = first.root;
    const auto assemble = [&] {
        return assemble_block(std::array{first, second});
    };
    const auto whole = assemble();
    BELFRY_CHECK(whole && whole->ref.id == second.root && whole->set_roots.size() == 2);
    BELFRY_CHECK(whole->stream.size() == first.payload.size() + second.payload.size());
    second.chained_root.bytes[0] ^= 1;
    BELFRY_CHECK(assemble().error() == BlockError::wrong_chain);
    second.version ^= 1;
    BELFRY_CHECK(assemble().error() == BlockError::wrong_header);
    BELFRY_CHECK(assemble_block({}).error() == BlockError::no_set);
}

void feed(ByteView input)
{
    if (const auto set = decode_shred_set(input)) {
        BELFRY_CHECK(shred_set_shape_is_valid(*set));
        BELFRY_CHECK(std::ranges::equal(encode_shred_set(*set), input));
        const auto block = assemble_block(std::span(&*set, 1));
        BELFRY_CHECK(block.has_value() == (set->index == 0 && set->last));
        two_sets(*set);
    }
    if (const auto account = decode_account(input)) {
        BELFRY_CHECK(std::ranges::equal(encode_account(account->first, account->second), input));
    }
}

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t byte_count)
{
    belfry::ledger::feed({data, byte_count});
    return 0;
}

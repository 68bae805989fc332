// SPDX-License-Identifier: Apache-2.0
#pragma once
// shred_samples.hpp: blocks, leaders and random bytes for the tests of shreds, sets and repair.

#include "base/bytes.hpp"
#include "crypto/keypair.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/shred/shredder.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace belfry::dataplane::samples {

using Random = std::mt19937_64;

inline Bytes random_bytes(Random& random, std::size_t count)
{
    Bytes out(count);
    for (std::uint8_t& byte : out) {
        byte = static_cast<std::uint8_t>(random());
    }
    return out;
}

inline Hash random_hash(Random& random)
{
    return Hash::from(random_bytes(random, Hash::size_bytes));
}

inline Hash genesis()
{
    Hash out;
    out.bytes.fill(0x67);
    return out;
}
inline const Prefix& prefix()
{
    static const Prefix value(genesis());
    return value;
}

inline crypto::Keypair keypair(std::uint8_t number)
{
    const Bytes seed(32, number);
    return crypto::Keypair::from_seed(seed);
}

/// One block as its leader makes it.
struct SampleBlock {
    ledger::BlockRef ref;
    ledger::BlockRef parent;
    Bytes stream;
    std::vector<SetOut> sets;
};

inline SampleBlock make_block(const crypto::Keypair& leader, Slot slot,
                              const ledger::BlockRef& parent, Bytes stream)
{
    SampleBlock out;
    out.parent = parent;
    out.stream = std::move(stream);
    Shredder shredder({.genesis = genesis(), .slot = slot, .parent = parent}, leader);
    out.sets = shredder.push(out.stream);
    out.sets.push_back(shredder.finish());
    out.ref = {slot, shredder.newest_root()};
    return out;
}

inline ledger::BlockRef genesis_block()
{
    return {Slot{0}, genesis()};
}

/// A resolver whose every slot is led by the one key.
inline FecResolver::Options resolver_options(const Pubkey& leader)
{
    FecResolver::Options out;
    out.genesis = genesis();
    out.leader_of = [leader](Slot) {
        return std::optional{leader};
    };
    return out;
}

/// 0..count-1 in a random order.
inline std::vector<std::uint8_t> shuffled_indexes(Random& random, std::size_t count)
{
    std::vector<std::uint8_t> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = static_cast<std::uint8_t>(i);
    }
    std::shuffle(out.begin(), out.end(), random);
    return out;
}

} // namespace belfry::dataplane::samples

// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/block_world.hpp"

#include "base/check.hpp"
#include "consensus/sim/random.hpp"

namespace belfry::consensus::sim {

namespace {

Hash id_of(Slot slot, const BlockName& parent, ValidatorIndex author, std::uint64_t version)
{
    std::uint64_t state = slot.value;
    const auto absorb = [&](std::uint64_t value) {
        state = Random(state ^ value).next();
    };
    for (const std::uint8_t byte : parent.id.bytes) {
        absorb(byte);
    }
    absorb(author.value);
    absorb(version);
    Random bytes(state);
    Hash id;
    for (std::uint8_t& byte : id.bytes) {
        byte = static_cast<std::uint8_t>(bytes.next() & 0xFF);
    }
    return id;
}

} // namespace

BlockWorld::BlockWorld(const BlockName& genesis)
    : genesis_(genesis)
{
    blocks_[genesis] = {.name = genesis, .parent = genesis, .author = {}};
}

const BlockWorld::Block& BlockWorld::make(Slot slot, const BlockName& parent, ValidatorIndex author,
                                          std::uint64_t version)
{
    BELFRY_CHECK(contains(parent));
    BELFRY_CHECK(slot > parent.slot);
    const BlockName name{.slot = slot, .id = id_of(slot, parent, author, version)};
    return blocks_[name] = {.name = name, .parent = parent, .author = author};
}

const BlockWorld::Block& BlockWorld::get(const BlockName& name) const
{
    const auto found = blocks_.find(name);
    BELFRY_CHECK(found != blocks_.end());
    return found->second;
}

bool BlockWorld::descends(const BlockName& block, const BlockName& ancestor) const
{
    BlockName walk = block;
    while (walk.slot > ancestor.slot) {
        walk = get(walk).parent;
    }
    return walk == ancestor;
}

} // namespace belfry::consensus::sim

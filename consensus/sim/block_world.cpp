// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/block_world.hpp"

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
{
    blocks_.push_back({.name = genesis, .author = {}});
    by_slot_.resize(genesis.slot.value + 1);
    by_slot_[genesis.slot.value].push_back(0);
}

BlockNumber BlockWorld::make(Slot slot, BlockNumber parent, ValidatorIndex author,
                             std::uint64_t version)
{
    const Block above = get(parent);
    BELFRY_CHECK(slot > above.name.slot);
    const BlockName name{.slot = slot, .id = id_of(slot, above.name, author, version)};
    if (const auto known = find(name)) {
        return *known;
    }
    // Jumps as in a skew-binary list: an ancestor at any height is found in few steps.
    const Block& far = get(above.jump);
    const bool joins = above.height - far.height == far.height - get(far.jump).height;
    const auto number = static_cast<BlockNumber>(blocks_.size());
    blocks_.push_back({.name = name,
                       .parent = parent,
                       .jump = joins ? far.jump : parent,
                       .height = above.height + 1,
                       .author = author});
    if (by_slot_.size() <= slot.value) {
        by_slot_.resize(slot.value + 1);
    }
    by_slot_[slot.value].push_back(number);
    return number;
}

std::optional<BlockNumber> BlockWorld::find(const BlockName& name) const
{
    for (const BlockNumber number : versions(name.slot)) {
        if (blocks_[number].name.id == name.id) {
            return number;
        }
    }
    return std::nullopt;
}

BlockNumber BlockWorld::number(const BlockName& name) const
{
    const std::optional<BlockNumber> found = find(name);
    BELFRY_CHECK(found.has_value());
    return *found;
}

std::span<const BlockNumber> BlockWorld::versions(Slot slot) const
{
    if (slot.value >= by_slot_.size()) {
        return {};
    }
    return by_slot_[slot.value];
}

bool BlockWorld::descends(BlockNumber block, BlockNumber ancestor) const
{
    const std::uint32_t height = get(ancestor).height;
    while (get(block).height > height) {
        const Block& at = blocks_[block];
        block = blocks_[at.jump].height >= height ? at.jump : at.parent;
    }
    return block == ancestor;
}

BlockNumber BlockWorld::common_ancestor(BlockNumber a, BlockNumber b) const
{
    while (a != b) { // a parent's number is lower, so of two different ones the higher goes down
        BlockNumber& higher = a > b ? a : b;
        higher = get(higher).parent;
    }
    return a;
}

bool BlockWorld::descends(const BlockName& block, const BlockName& ancestor) const
{
    const std::optional<BlockNumber> from = find(block);
    const std::optional<BlockNumber> to = find(ancestor);
    return from && to && descends(*from, *to);
}

} // namespace belfry::consensus::sim

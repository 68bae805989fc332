// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fec/block_assembler.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace belfry::dataplane {
namespace {

SetKey key_of(const ledger::ShredSet& set)
{
    return {set.slot, set.index, set.root};
}

/// Precondition: not a set 0.
SetKey key_before(const ledger::ShredSet& set)
{
    return {set.slot, set.index - 1, set.chained_root};
}

/// What a set is charged for: a set of one byte takes room, too.
std::size_t held_bytes_of(const ledger::ShredSet& set)
{
    constexpr std::size_t overhead_bytes = 512;
    return set.payload.size() + overhead_bytes;
}

ledger::BlockRef lowest_ref(Slot slot)
{
    return {slot, Hash{}};
}

} // namespace

BlockAssembler::BlockAssembler(const Options& options)
    : options_(options)
{
    BELFRY_CHECK(options.bytes_max >= 2 * set_stream_bytes_max);
    BELFRY_CHECK(options.blocks_max >= 1);
}

std::vector<ledger::Block> BlockAssembler::add(ledger::ShredSet set)
{
    std::vector<ledger::Block> out;
    const SetKey key = key_of(set);
    if (key.slot <= finalized_.slot || nodes_.contains(key)) {
        ++counters_.sets_duplicate;
        return out;
    }
    ++counters_.sets_added;
    held_bytes_ += held_bytes_of(set);
    bytes_by_slot_[key.slot] += held_bytes_of(set);
    const auto added = nodes_.emplace(key, Node{}).first;
    Node& node = added->second;
    node.set = std::move(set);

    bool connected = false;
    bool dead = false;
    if (key.set_index == 0) {
        connected = true;
        if (parents_.size() < options_.blocks_max) {
            parents_.insert({node.set.parent_slot, node.set.chained_root});
        }
    } else if (const auto before = nodes_.find(key_before(node.set)); before != nodes_.end()) {
        dead = before->second.dead || !fits(before->second.set, node.set);
        connected = before->second.connected;
    }
    for (const auto after : successors(key)) {
        if (!fits(node.set, after->second.set)) {
            mark_dead(after);
        }
    }
    if (dead) {
        mark_dead(added);
    } else if (connected) {
        connect(added, out);
    }
    make_room();
    return out;
}

bool BlockAssembler::fits(const ledger::ShredSet& before, const ledger::ShredSet& after)
{
    return !before.last && before.parent_slot == after.parent_slot;
}

void BlockAssembler::connect(Nodes::iterator start, std::vector<ledger::Block>& out)
{
    std::vector<Nodes::iterator> pending{start};
    while (!pending.empty()) {
        const auto at = pending.back();
        pending.pop_back();
        Node& node = at->second;
        node.connected = true;
        const ledger::BlockRef ref{at->first.slot, at->first.root};
        if (node.set.last && !known_.contains(ref)) {
            out.push_back(join(node));
            ++counters_.blocks_completed;
            add_known(ref);
        }
        for (const auto after : successors(at->first)) {
            if (!after->second.dead) {
                pending.push_back(after);
            }
        }
    }
}

void BlockAssembler::disconnect(const SetKey& key)
{
    std::vector<SetKey> pending{key};
    while (!pending.empty()) {
        const SetKey at = pending.back();
        pending.pop_back();
        for (const auto after : successors(at)) {
            after->second.connected = false;
            pending.push_back(after->first);
        }
    }
}

void BlockAssembler::mark_dead(Nodes::iterator start)
{
    std::vector<Nodes::iterator> pending{start};
    while (!pending.empty()) {
        const auto at = pending.back();
        pending.pop_back();
        if (at->second.dead) {
            continue;
        }
        at->second.dead = true;
        ++counters_.sets_dead;
        wanted_.erase({at->first.slot, at->first.root});
        const std::vector<Nodes::iterator> after = successors(at->first);
        pending.insert(pending.end(), after.begin(), after.end());
    }
}

ledger::Block BlockAssembler::join(const Node& last)
{
    std::vector<Node*> chain;
    std::size_t stream_bytes = 0;
    for (SetKey key = key_of(last.set);;) {
        const auto at = nodes_.find(key);
        BELFRY_CHECK(at != nodes_.end());
        chain.push_back(&at->second);
        stream_bytes += at->second.set.payload.size();
        if (key.set_index == 0) {
            break;
        }
        key = key_before(at->second.set);
    }
    ledger::Block block;
    block.ref = {last.set.slot, last.set.root};
    block.parent = {last.set.parent_slot, chain.back()->set.chained_root};
    block.stream.reserve(stream_bytes);
    for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
        const Bytes& payload = (*at)->set.payload;
        block.stream.insert(block.stream.end(), payload.begin(), payload.end());
        block.set_roots.push_back((*at)->set.root);
        (*at)->in_block = true;
    }
    return block;
}

void BlockAssembler::note_known(const ledger::BlockRef& block)
{
    if (block.slot > finalized_.slot) {
        add_known(block);
    }
}

void BlockAssembler::add_known(const ledger::BlockRef& block)
{
    wanted_.erase(block);
    known_.insert(block);
    if (known_.size() > options_.blocks_max) {
        known_.erase(known_.begin());
    }
}

bool BlockAssembler::is_known(const ledger::BlockRef& block) const
{
    return known_.contains(block);
}

void BlockAssembler::set_finalized(const ledger::BlockRef& block)
{
    if (block.slot < finalized_.slot) {
        return;
    }
    finalized_ = block;
    const auto end = nodes_.lower_bound({block.slot.next(), 0, Hash{}});
    for (auto at = nodes_.begin(); at != end; ++at) {
        held_bytes_ -= held_bytes_of(at->second.set);
    }
    nodes_.erase(nodes_.begin(), end);
    bytes_by_slot_.erase(bytes_by_slot_.begin(), bytes_by_slot_.upper_bound(block.slot));
    const ledger::BlockRef above = lowest_ref(block.slot.next());
    known_.erase(known_.begin(), known_.lower_bound(above));
    wanted_.erase(wanted_.begin(), wanted_.lower_bound(above));
    parents_.erase(parents_.begin(), parents_.lower_bound(above));
    known_.insert(block);
}

bool BlockAssembler::want(const ledger::BlockRef& block)
{
    if (block.slot <= finalized_.slot || block.slot.value > slot_max || known_.contains(block) ||
        wanted_.contains(block)) {
        return true;
    }
    if (wanted_.size() >= options_.wanted_max) {
        ++counters_.wants_refused;
        return false;
    }
    const Node* last = find_last(block);
    if (last == nullptr || !last->dead) {
        wanted_.insert(block);
    }
    return true;
}

void BlockAssembler::unwant(const ledger::BlockRef& block)
{
    wanted_.erase(block);
}

std::vector<ledger::BlockRef> BlockAssembler::unknown_parents() const
{
    std::vector<ledger::BlockRef> out;
    for (const ledger::BlockRef& parent : parents_) {
        if (parent.slot > finalized_.slot && !known_.contains(parent) &&
            !wanted_.contains(parent)) {
            out.push_back(parent);
        }
    }
    return out;
}

std::vector<Missing> BlockAssembler::missing(Slot up_to, std::size_t missing_max) const
{
    std::map<std::pair<SetKey, Missing::Kind>, bool> found;
    for (const ledger::BlockRef& block : wanted_) {
        const Node* node = find_last(block);
        if (node == nullptr) {
            found[{{block.slot, 0, block.id}, Missing::Kind::block}] = true;
            continue;
        }
        while (node != nullptr && node->set.index > 0) {
            const SetKey before = key_before(node->set);
            const auto at = nodes_.find(before);
            node = at == nodes_.end() ? nullptr : &at->second;
            if (node == nullptr) {
                found[{before, Missing::Kind::set}] = true;
            }
        }
    }
    for (const auto& [key, node] : nodes_) {
        if (key.slot > up_to || found.size() >= missing_max) {
            break;
        }
        if (node.in_block || node.dead || slot_has_known_block(key.slot)) {
            continue;
        }
        if (key.set_index > 0 && !nodes_.contains(key_before(node.set))) {
            found.try_emplace({key_before(node.set), Missing::Kind::set}, false);
        }
        if (!node.set.last && !has_successor(key)) {
            found.try_emplace({key, Missing::Kind::successor}, false);
        }
    }
    std::vector<Missing> out;
    for (const auto& [what, wanted] : found) {
        if (out.size() >= missing_max) {
            break;
        }
        out.push_back({what.second, what.first, wanted});
    }
    return out;
}

std::optional<std::uint32_t> BlockAssembler::set_count(const ledger::BlockRef& block) const
{
    const Node* last = find_last(block);
    return last == nullptr ? std::nullopt : std::optional{last->set.index + 1};
}

const BlockAssembler::Node* BlockAssembler::find_last(const ledger::BlockRef& block) const
{
    for (auto at = nodes_.lower_bound({block.slot, 0, Hash{}});
         at != nodes_.end() && at->first.slot == block.slot; ++at) {
        if (at->second.set.last && at->first.root == block.id) {
            return &at->second;
        }
    }
    return nullptr;
}

bool BlockAssembler::has_set_at(Slot slot, std::uint32_t set_index) const
{
    const auto at = nodes_.lower_bound({slot, set_index, Hash{}});
    return at != nodes_.end() && at->first.slot == slot && at->first.set_index == set_index;
}

const ledger::ShredSet* BlockAssembler::find(const SetKey& key) const
{
    const auto at = nodes_.find(key);
    return at == nodes_.end() ? nullptr : &at->second.set;
}

std::vector<SetKey> BlockAssembler::take_evicted()
{
    return std::exchange(evicted_, {});
}

std::vector<BlockAssembler::Nodes::iterator> BlockAssembler::successors(const SetKey& key)
{
    std::vector<Nodes::iterator> out;
    for (auto at = nodes_.lower_bound({key.slot, key.set_index + 1, Hash{}});
         at != nodes_.end() && at->first.slot == key.slot &&
         at->first.set_index == key.set_index + 1;
         ++at) {
        if (at->second.set.chained_root == key.root) {
            out.push_back(at);
        }
    }
    return out;
}

bool BlockAssembler::has_successor(const SetKey& key) const
{
    for (auto at = nodes_.lower_bound({key.slot, key.set_index + 1, Hash{}});
         at != nodes_.end() && at->first.slot == key.slot &&
         at->first.set_index == key.set_index + 1;
         ++at) {
        if (at->second.set.chained_root == key.root) {
            return true;
        }
    }
    return false;
}

bool BlockAssembler::slot_has_known_block(Slot slot) const
{
    const auto at = known_.lower_bound(lowest_ref(slot));
    return at != known_.end() && at->slot == slot;
}

void BlockAssembler::make_room()
{
    auto at = nodes_.begin();
    while (held_bytes_ > options_.bytes_max && at != nodes_.end()) {
        const auto next = std::next(at);
        if (at->second.in_block) {
            evict(at);
        }
        at = next;
    }
    while (held_bytes_ > options_.bytes_max) {
        const auto fullest = std::ranges::max_element(
            bytes_by_slot_, {}, [](const auto& entry) { return entry.second; });
        BELFRY_CHECK(fullest != bytes_by_slot_.end());
        const auto end = nodes_.lower_bound({fullest->first.next(), 0, Hash{}});
        BELFRY_CHECK(end != nodes_.begin());
        evict(std::prev(end));
    }
}

void BlockAssembler::evict(Nodes::iterator node)
{
    const std::size_t bytes = held_bytes_of(node->second.set);
    const SetKey key = node->first;
    held_bytes_ -= bytes;
    const auto of_slot = bytes_by_slot_.find(key.slot);
    BELFRY_CHECK(of_slot != bytes_by_slot_.end() && of_slot->second >= bytes);
    of_slot->second -= bytes;
    if (of_slot->second == 0) {
        bytes_by_slot_.erase(of_slot);
    }
    nodes_.erase(node);
    disconnect(key);
    evicted_.push_back(key);
    ++counters_.sets_evicted;
}

} // namespace belfry::dataplane

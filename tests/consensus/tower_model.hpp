// SPDX-License-Identifier: Apache-2.0
#pragma once
// tower_model.hpp: a slow and obvious Tower beside the engine: parents in a map, every rule written
// down as in the book and computed anew at every question; and both driven by one list of choices.

#include "tests/base/choices.hpp"
#include "tests/consensus/tower_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace belfry::consensus {

inline constexpr std::size_t validator_count = 9;

class Book {
public:
    struct Block {
        BlockName parent;
        bool replayed = true;
    };
    std::map<BlockName, Block> blocks{{genesis, {.parent = genesis}}};
    std::map<std::uint16_t, TowerVote> newest; // of each voter, on a held block
    std::map<BlockName, std::set<std::uint16_t>> voters;
    std::set<Slot> duplicates;
    std::set<BlockName> chosen; // more than 52 %, with all ancestors
    std::vector<std::uint64_t> stakes;

    [[nodiscard]] std::uint64_t total() const
    {
        std::uint64_t sum = 0;
        for (const std::uint64_t stake : stakes) {
            sum += stake;
        }
        return sum;
    }
    [[nodiscard]] std::vector<BlockName> chain(BlockName block) const // down to genesis
    {
        std::vector<BlockName> all{block};
        while (block != genesis) {
            block = blocks.at(block).parent;
            all.push_back(block);
        }
        return all;
    }
    [[nodiscard]] bool descends(const BlockName& block, const BlockName& ancestor) const
    {
        const std::vector<BlockName> all = chain(block);
        return std::ranges::find(all, ancestor) != all.end();
    }
    [[nodiscard]] BlockName common(const BlockName& a, const BlockName& b) const
    {
        for (const BlockName& block : chain(a)) {
            if (descends(b, block)) {
                return block;
            }
        }
        return genesis;
    }
    [[nodiscard]] bool frozen(const BlockName& block) const
    {
        return std::ranges::all_of(
            chain(block), [&](const BlockName& below) { return blocks.at(below).replayed; });
    }
    [[nodiscard]] bool valid(const BlockName& block) const
    {
        return frozen(block) && (!duplicates.contains(block.slot) || chosen.contains(block));
    }
    [[nodiscard]] std::uint64_t weight(const BlockName& block) const
    {
        std::uint64_t sum = 0;
        for (const auto& [who, vote] : newest) {
            sum += descends(vote.block(), block) ? stakes[who] : 0;
        }
        return sum;
    }
    [[nodiscard]] BlockName heaviest() const
    {
        BlockName at = genesis;
        while (true) {
            std::optional<BlockName> best;
            for (const auto& [name, block] : blocks) { // by slot, then by id
                const bool child = name != genesis && block.parent == at && valid(name);
                if (child && (!best || weight(name) > weight(*best))) {
                    best = name;
                }
            }
            if (!best) {
                return at;
            }
            at = *best;
        }
    }
    [[nodiscard]] bool is_leaf(const BlockName& block) const
    {
        return std::ranges::none_of(blocks, [&](const auto& entry) {
            return entry.first != genesis && entry.second.parent == block && frozen(entry.first);
        });
    }

    /// Rule (a) of the switch proof, for one voter.
    [[nodiscard]] bool locked_out(std::uint16_t who, const BlockName& last,
                                  const BlockName& to) const
    {
        const TowerVote& vote = newest.at(who);
        for (const auto& [leaf, block] : blocks) {
            if (leaf == genesis || !frozen(leaf) || !is_leaf(leaf) || descends(leaf, last) ||
                !descends(to, common(leaf, last))) {
                continue;
            }
            Tower tower = vote.tower;
            tower.expire(leaf.slot);
            for (const Lockout& entry : tower.entries()) {
                for (const BlockName& named : chain(vote.block())) {
                    const bool names = named.slot == entry.slot && named != genesis;
                    if (names && descends(leaf, named) && !descends(last, named) &&
                        entry.slot <= last.slot && last.slot <= entry.expiry()) {
                        return true;
                    }
                }
            }
        }
        return false;
    }
    /// Rule (b).
    [[nodiscard]] bool moved_on(std::uint16_t who, const BlockName& last, const BlockName& to) const
    {
        const BlockName voted = newest.at(who).block();
        return voted.slot > last.slot && frozen(voted) && !descends(voted, last) &&
               descends(to, common(voted, last));
    }
    [[nodiscard]] std::uint64_t proof(const BlockName& last, const BlockName& to) const
    {
        std::uint64_t sum = 0;
        for (const auto& [who, vote] : newest) {
            sum += moved_on(who, last, to) || locked_out(who, last, to) ? stakes[who] : 0;
        }
        return sum;
    }
    [[nodiscard]] bool proves(const BlockName& last, const BlockName& to) const
    {
        return proof(last, to) * 100 > total() * 38;
    }
    [[nodiscard]] BlockName stand(const std::optional<BlockName>& last) const
    {
        const BlockName best = heaviest();
        if (!last || !blocks.contains(*last) || descends(best, *last)) {
            return best; // no vote, or its block was purged for another version, or case 3
        }
        if (descends(*last, best)) {
            return best; // case 1
        }
        for (const BlockName& below : chain(*last)) { // case 2
            for (const BlockName& other : chosen) {
                if (!valid(below) && other.slot == below.slot && other != below) {
                    return best;
                }
            }
        }
        if (proves(*last, best)) {
            return best; // case 4
        }
        const bool sound =
            std::ranges::all_of(chain(*last), [&](const BlockName& block) { return valid(block); });
        BlockName leaf = *last; // case 5
        if (!sound) {
            for (const auto& [name, block] : blocks) {
                if (descends(name, *last) && name.slot > leaf.slot) {
                    leaf = name;
                }
            }
            return leaf;
        }
        while (true) {
            std::optional<BlockName> next;
            for (const auto& [name, block] : blocks) {
                if (name != genesis && block.parent == leaf && valid(name) &&
                    (!next || weight(name) > weight(*next))) {
                    next = name;
                }
            }
            if (!next) {
                return leaf;
            }
            leaf = *next;
        }
    }

    /// What the depth rule asks at `block` for an own tower: the stake at index, and whether it is
    /// needed at all.
    [[nodiscard]] bool deep_enough(const Tower& own, const BlockName& block, std::size_t index,
                                   std::uint64_t numerator, std::uint64_t denominator) const
    {
        Tower after = own;
        (void)after.push(block.slot);
        const auto entry = after.below_top(index);
        if (!entry) {
            return true;
        }
        for (const Lockout& before : own.entries()) {
            if (before == *entry && entry->confirmations > index) {
                return true;
            }
        }
        std::uint64_t sum = 0;
        for (const auto& [who, vote] : newest) {
            Tower tower = vote.tower;
            tower.expire(block.slot);
            std::optional<Slot> newest_on_chain;
            for (const Lockout& theirs : tower.entries()) {
                for (const BlockName& named : chain(vote.block())) {
                    if (named.slot == theirs.slot && descends(block, named)) {
                        newest_on_chain = theirs.slot;
                    }
                }
            }
            sum += newest_on_chain && *newest_on_chain >= entry->slot ? stakes[who] : 0;
        }
        return sum * denominator > total() * numerator;
    }
};

/// The engine of validator 0 and the book, driven by one stream of random events. The voters are
/// honest about their towers' entries, which are all blocks of their chain.
class TowerPair {
public:
    explicit TowerPair(Choices choices, const TowerDefects& defects = {})
        : random_(choices)
        , bench_({.self = ValidatorIndex{0},
                  .may_sign = true,
                  .certificates = true,
                  .defects = defects},
                 draw_stakes())
    {
    }

    void change()
    {
        bench_.effects.clear();
        const std::uint64_t draw = random_() % 100;
        if (draw < 30) {
            add_block();
        } else if (draw < 86) {
            add_vote();
        } else if (draw < 89) {
            mark_duplicate();
        } else {
            bench_.persisted();
            take_own_vote();
        }
        follow_engine();
    }

    /// Everything the book holds, for a failure's message.
    [[nodiscard]] std::string told() const
    {
        std::string text;
        for (const auto& [name, block] : book_.blocks) {
            const BlockIndex index = bench_.engine.forks().find(name);
            text += std::to_string(name.slot.value) + "." + std::to_string(name.id.bytes[0]) +
                    " on " + std::to_string(block.parent.slot.value) + "." +
                    std::to_string(block.parent.id.bytes[0]) + " weight " +
                    std::to_string(book_.weight(name)) + (book_.valid(name) ? "" : " invalid") +
                    (index.is_none() || !bench_.engine.forks().valid(index) ? " refused" : "") +
                    "\n";
        }
        return text;
    }
    void compare()
    {
        SCOPED_TRACE(told());
        const TowerEngine& engine = bench_.engine;
        ASSERT_EQ(engine.forks().count(), book_.blocks.size());
        ASSERT_EQ(engine.forks().name(engine.forks().heaviest_leaf(engine.forks().root())),
                  book_.heaviest());
        for (const auto& [name, block] : book_.blocks) {
            const BlockIndex index = engine.forks().find(name);
            ASSERT_EQ(engine.forks().subtree_stake(Mark::vote, index).value, book_.weight(name));
            ASSERT_TRUE(name == genesis || engine.forks().valid(index) == book_.valid(name));
        }
        ASSERT_EQ(engine.status().best, book_.stand(last_));
    }

    [[nodiscard]] bool more() const { return random_.more(); }
    [[nodiscard]] std::uint64_t switches() const { return switches_; }
    [[nodiscard]] std::uint64_t votes() const { return votes_; }
    [[nodiscard]] std::uint64_t purges() const { return purges_; }

private:
    std::vector<Stake> draw_stakes()
    {
        std::vector<Stake> stakes;
        for (std::size_t i = 0; i < validator_count; ++i) {
            book_.stakes.push_back(1 + random_() % 4);
            stakes.push_back(Stake{book_.stakes.back()});
        }
        return stakes;
    }
    BlockName some_block()
    {
        auto place = book_.blocks.begin();
        const std::size_t recent = std::min<std::size_t>(book_.blocks.size(), 8);
        std::advance(place,
                     static_cast<std::ptrdiff_t>(book_.blocks.size() - 1 - random_() % recent));
        return place->first;
    }
    void add_block()
    {
        const BlockName parent = some_block();
        // One draw a statement: two in one call would come in the order of the compiler's choice.
        const std::uint64_t slot = parent.slot.value + 1 + random_() % 3;
        const BlockName block = name(slot, static_cast<std::uint8_t>(random_() % 3));
        if (book_.blocks.contains(block) || purged_.contains(block)) {
            return;
        }
        for (const BlockName& chosen : book_.chosen) {
            if (chosen.slot == block.slot) { // its other versions are known to be wrong
                book_.duplicates.insert(block.slot);
            }
        }
        const bool replayed = random_() % 12 != 0;
        book_.blocks[block] = {.parent = parent, .replayed = replayed};
        bench_.step(Ready{.block = block,
                          .parent = parent,
                          .validity = replayed ? Validity::valid : Validity::invalid,
                          .state_hash = {},
                          .author = ValidatorIndex{200}});
    }
    void add_vote()
    {
        const auto who = static_cast<std::uint16_t>(1 + random_() % (validator_count - 1));
        const BlockName block = some_block();
        const auto held = book_.newest.find(who);
        const bool older =
            (held != book_.newest.end() && held->second.block().slot >= block.slot) ||
            (forgotten_.contains(who) && forgotten_[who] >= block.slot);
        if (block == genesis || older) {
            return;
        }
        std::vector<BlockName> chain = book_.chain(block);
        Tower tower;
        for (auto below = chain.rbegin(); below != chain.rend(); ++below) {
            const bool votes = *below == block || random_() % 3 != 0;
            if (*below != genesis && votes) {
                (void)tower.push(below->slot);
            }
        }
        const TowerVote vote{
            .voter = ValidatorIndex{who}, .tower = tower, .block_id = block.id, .state_hash = {}};
        Bytes body;
        encode_tower_vote(vote, body);
        count(vote);
        bench_.step(VoteMessage{.from = ValidatorIndex{who}, .body = body});
    }
    void count(const TowerVote& vote)
    {
        const BlockName block = vote.block();
        book_.newest[vote.voter.value] = vote;
        book_.voters[block].insert(vote.voter.value);
        std::uint64_t sum = 0;
        for (const std::uint16_t voter : book_.voters[block]) {
            sum += book_.stakes[voter];
        }
        if (sum * 100 > book_.total() * 52) {
            for (const BlockName& below : book_.chain(block)) {
                book_.chosen.insert(below);
            }
        }
    }
    void mark_duplicate()
    {
        const BlockName block = some_block();
        if (block != genesis) {
            book_.duplicates.insert(block.slot);
            bench_.duplicate(block.slot.value);
        }
    }
    void take_own_vote()
    {
        if (in_flight_) {
            if (book_.blocks.contains(in_flight_->block())) {
                count(*in_flight_);
            }
            in_flight_.reset();
            follow_purges(); // what its own vote did to the engine
        }
    }
    void follow_purges()
    {
        for (const Purge& purge : bench_.all<Purge>()) {
            if (!book_.blocks.contains(purge.block)) {
                continue;
            }
            ++purges_;
            book_.duplicates.insert(purge.block.slot);
            std::set<BlockName> gone;
            for (const auto& [name, block] : book_.blocks) {
                if (book_.descends(name, purge.block)) {
                    gone.insert(name);
                }
            }
            std::erase_if(book_.newest, [&](const auto& entry) {
                const bool drops = gone.contains(entry.second.block());
                if (drops) {
                    forgotten_[entry.first] = entry.second.block().slot;
                }
                return drops;
            });
            for (const BlockName& name : gone) {
                ASSERT_FALSE(book_.chosen.contains(name));
                book_.blocks.erase(name);
                book_.voters.erase(name);
                purged_.insert(name);
            }
        }
    }
    void follow_engine()
    {
        follow_purges();
        for (const Persist& persist : bench_.all<Persist>()) {
            const auto record = decode_tower_record(persist.record);
            const TowerVote vote = std::get<VoteRecord>(*record).vote;
            judge(vote.block());
            last_ = vote.block();
            own_ = vote.tower;
            voted_[vote.block().slot] = vote.block();
            in_flight_ = vote;
            ++votes_;
        }
    }
    /// The vote was allowed by the book.
    void judge(const BlockName& block)
    {
        ASSERT_EQ(block, book_.heaviest());
        Tower binding = own_;
        binding.expire(block.slot);
        for (const Lockout& entry : binding.entries()) {
            const BlockName& voted = voted_.at(entry.slot);
            ASSERT_TRUE(book_.blocks.contains(voted) && book_.descends(block, voted));
        }
        ASSERT_TRUE(book_.deep_enough(own_, block, 4, 38, 100));
        ASSERT_TRUE(book_.deep_enough(own_, block, 8, 2, 3));
        if (!last_ || !book_.blocks.contains(*last_) || book_.descends(block, *last_)) {
            return;
        }
        ++switches_;
        const auto& how = bench_.engine.last_switch();
        ASSERT_TRUE(how.has_value());
        if (how->reason == SwitchReason::proof) {
            ASSERT_TRUE(book_.proves(*last_, block));
            ASSERT_EQ(how->proof.stake.value, book_.proof(*last_, block));
        }
    }

    Choices random_;
    Book book_;
    TowerBench bench_;
    std::set<BlockName> purged_;
    std::map<std::uint16_t, Slot> forgotten_;
    std::optional<BlockName> last_;
    std::optional<TowerVote> in_flight_;
    Tower own_;
    std::map<Slot, BlockName> voted_;
    std::uint64_t switches_ = 0;
    std::uint64_t votes_ = 0;
    std::uint64_t purges_ = 0;
};

} // namespace belfry::consensus

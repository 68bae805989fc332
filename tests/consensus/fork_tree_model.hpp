// SPDX-License-Identifier: Apache-2.0
#pragma once
// fork_tree_model.hpp: a slow fork tree, and it and the real one driven by one list of choices.

#include "consensus/fork_tree.hpp"
#include "tests/base/choices.hpp"
#include "tests/consensus/block_names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace belfry::consensus::fork_tree_model {

using testing::name;

inline StakeTable stakes_of(const std::vector<std::uint64_t>& amounts)
{
    std::vector<Stake> stakes;
    for (const std::uint64_t amount : amounts) {
        stakes.push_back(Stake{amount});
    }
    return *StakeTable::make(stakes);
}

inline StakeBook book_of(const std::vector<std::uint64_t>& amounts)
{
    StakeBook book;
    book.set(Slot{}, stakes_of(amounts));
    return book;
}

/// The same tree the slow way: parents in a map, everything recomputed at every question.
class SlowTree {
public:
    explicit SlowTree(const BlockName& root)
        : root_(root)
    {
        blocks_[root] = {.parent = root, .valid = true};
    }
    void add(const BlockName& block, const BlockName& parent, bool valid)
    {
        blocks_[block] = {.parent = parent, .valid = valid && blocks_.at(parent).valid};
    }
    [[nodiscard]] bool descends(BlockName block, const BlockName& ancestor) const
    {
        while (block != ancestor && block != root_) {
            block = blocks_.at(block).parent;
        }
        return block == ancestor;
    }
    [[nodiscard]] std::uint64_t weight(const std::map<int, BlockName>& marks,
                                       const std::vector<std::uint64_t>& stakes,
                                       const BlockName& block) const
    {
        std::uint64_t sum = 0;
        for (const auto& [who, where] : marks) {
            sum += descends(where, block) ? stakes[static_cast<std::size_t>(who)] : 0;
        }
        return sum;
    }
    [[nodiscard]] BlockName heaviest(const std::map<int, BlockName>& marks,
                                     const std::vector<std::uint64_t>& stakes, BlockName from) const
    {
        while (true) {
            std::optional<BlockName> best;
            std::uint64_t most = 0;
            for (const auto& [block, info] :
                 blocks_) { // by slot, then by id: ties stay with the first
                if (block == root_ || info.parent != from || !valid(block)) {
                    continue;
                }
                const std::uint64_t here = weight(marks, stakes, block);
                if (!best || here > most) {
                    best = block;
                    most = here;
                }
            }
            if (!best) {
                return from;
            }
            from = *best;
        }
    }
    [[nodiscard]] bool valid(const BlockName& block) const
    {
        const Info& info = blocks_.at(block);
        return info.valid && (!info.duplicate || info.chosen);
    }
    /// Every version held of the slot but the root.
    void mark_duplicate(Slot slot)
    {
        for (auto& [block, info] : blocks_) {
            info.duplicate |= block.slot == slot && block != root_;
        }
    }
    /// It and all its ancestors.
    void confirm_duplicate(BlockName block)
    {
        blocks_.at(block).chosen = true;
        while (block != root_) {
            block = blocks_.at(block).parent;
            blocks_.at(block).chosen = true;
        }
    }
    void purge(const BlockName& gone)
    {
        std::map<BlockName, Info> kept;
        for (const auto& [block, info] : blocks_) {
            if (!descends(block, gone)) {
                kept[block] = info;
            }
        }
        blocks_ = kept;
    }
    void prune(const BlockName& new_root)
    {
        std::map<BlockName, Info> kept;
        for (const auto& [block, info] : blocks_) {
            if (descends(block, new_root)) {
                kept[block] = info;
            }
        }
        blocks_ = kept;
        root_ = new_root;
    }
    [[nodiscard]] std::vector<BlockName> names() const
    {
        std::vector<BlockName> all;
        for (const auto& [block, info] : blocks_) {
            all.push_back(block);
        }
        return all;
    }
    [[nodiscard]] const BlockName& root() const { return root_; }
    [[nodiscard]] BlockName parent(const BlockName& block) const
    {
        return blocks_.at(block).parent;
    }
    [[nodiscard]] bool contains(const BlockName& block) const { return blocks_.contains(block); }

private:
    struct Info {
        BlockName parent;
        bool valid = true; // replayed without a fault, as were its ancestors
        bool duplicate = false;
        bool chosen = false; // among duplicates
    };
    BlockName root_;
    std::map<BlockName, Info> blocks_;
};

/// Both trees, driven by one stream of random changes.
class ForkTreePair {
public:
    explicit ForkTreePair(Choices choices)
        : random_(choices)
        , amounts_(3 + random_() % 8)
        , tree_(name(0), 512)
        , slow_(name(0))
    {
        for (std::uint64_t& amount : amounts_) {
            amount = random_() % 5;
        }
        amounts_[0] = 1;
        tree_.set_stakes(book_of(amounts_));
    }

    void change()
    {
        const std::vector<BlockName> all = slow_.names();
        const BlockName some = all[random_() % all.size()];
        const int who = static_cast<int>(random_() % amounts_.size());
        switch (random_() % 10) {
        case 0:
        case 1:
        case 2:
            add_under(some);
            break;
        case 3:
        case 4:
        case 5:
            tree_.move(Mark::vote, index_of(who), tree_.find(some));
            votes_[who] = some;
            break;
        case 6:
            tree_.move(Mark::root, index_of(who), tree_.find(some));
            roots_[who] = some;
            break;
        case 7:
            if (random_() % 6 == 0) {
                prune(some);
            }
            break;
        case 8:
            if (random_() % 3 == 0 && some != slow_.root()) {
                tree_.purge(tree_.find(some));
                slow_.purge(some);
                forget_marks();
            }
            break;
        default:
            if (random_() % 2 == 0) {
                tree_.mark_duplicate(some.slot);
                slow_.mark_duplicate(some.slot);
            } else {
                (void)tree_.confirm_duplicate(tree_.find(some));
                slow_.confirm_duplicate(some);
            }
        }
    }

    [[nodiscard]] bool more() const { return random_.more(); }

    void compare() const
    {
        ASSERT_EQ(tree_.check(), std::nullopt);
        const std::vector<BlockName> all = slow_.names();
        ASSERT_EQ(tree_.count(), all.size());
        for (const BlockName& block : all) {
            const BlockIndex index = tree_.find(block);
            ASSERT_FALSE(index.is_none());
            ASSERT_EQ(tree_.valid(index), slow_.valid(block));
            ASSERT_EQ(tree_.subtree_stake(Mark::vote, index).value,
                      slow_.weight(votes_, amounts_, block));
            ASSERT_EQ(tree_.subtree_stake(Mark::root, index).value,
                      slow_.weight(roots_, amounts_, block));
            ASSERT_EQ(tree_.name(tree_.heaviest_leaf(index)),
                      slow_.heaviest(votes_, amounts_, block));
            for (const BlockName& other : all) {
                const BlockIndex there = tree_.find(other);
                ASSERT_EQ(tree_.descends(index, there), slow_.descends(block, other));
                const BlockIndex shared = tree_.common_ancestor(index, there);
                ASSERT_TRUE(tree_.descends(index, shared));
                ASSERT_TRUE(tree_.descends(there, shared));
                const BlockIndex at_slot = tree_.ancestor_at(index, other.slot);
                ASSERT_EQ(at_slot == there, slow_.descends(block, other));
            }
        }
    }

private:
    static ValidatorIndex index_of(int who)
    {
        return ValidatorIndex{static_cast<std::uint16_t>(who)};
    }
    void add_under(const BlockName& parent)
    {
        const std::uint64_t slot = parent.slot.value + 1 + random_() % 3;
        const BlockName child = name(slot, static_cast<std::uint8_t>(random_() % 6));
        const bool valid = random_() % 10 != 0;
        const auto added = tree_.add({.name = child, .parent = parent, .valid = valid});
        if (added) {
            slow_.add(child, parent, valid);
        } else {
            const bool known = added.error() == ForkTreeError::known_already;
            ASSERT_EQ(known, slow_.contains(child));
            ASSERT_TRUE(known || added.error() == ForkTreeError::too_many_versions);
        }
    }
    void prune(const BlockName& block)
    {
        tree_.prune(tree_.find(block));
        slow_.prune(block);
        forget_marks();
    }
    void forget_marks()
    {
        const auto gone = [&](const auto& mark) {
            return !slow_.contains(mark.second);
        };
        std::erase_if(votes_, gone);
        std::erase_if(roots_, gone);
    }

    Choices random_;
    std::vector<std::uint64_t> amounts_;
    ForkTree tree_;
    SlowTree slow_;
    std::map<int, BlockName> votes_;
    std::map<int, BlockName> roots_;
};

} // namespace belfry::consensus::fork_tree_model

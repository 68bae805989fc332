// SPDX-License-Identifier: Apache-2.0
#include "consensus/fork_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace belfry::consensus {
namespace {

BlockName name(std::uint64_t slot, std::uint8_t version = 0)
{
    BlockName block{.slot = Slot{slot}, .id = {}};
    block.id.bytes[0] = version;
    return block;
}

StakeTable stakes_of(const std::vector<std::uint64_t>& amounts)
{
    std::vector<Stake> stakes;
    for (const std::uint64_t amount : amounts) {
        stakes.push_back(Stake{amount});
    }
    return *StakeTable::make(stakes);
}

StakeBook book_of(const std::vector<std::uint64_t>& amounts)
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
                if (block == root_ || info.parent != from || !info.valid) {
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
        bool valid = true;
    };
    BlockName root_;
    std::map<BlockName, Info> blocks_;
};

/// Both trees, driven by one stream of random changes.
class Pair {
public:
    explicit Pair(std::uint64_t seed)
        : random_(seed)
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
        switch (random_() % 8) {
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
        default:
            if (random_() % 6 == 0) {
                prune(some);
            }
        }
    }

    void compare() const
    {
        ASSERT_EQ(tree_.check(), std::nullopt);
        const std::vector<BlockName> all = slow_.names();
        ASSERT_EQ(tree_.count(), all.size());
        for (const BlockName& block : all) {
            const BlockIndex index = tree_.find(block);
            ASSERT_FALSE(index.is_none());
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
        const auto gone = [&](const auto& mark) {
            return !slow_.contains(mark.second);
        };
        std::erase_if(votes_, gone);
        std::erase_if(roots_, gone);
    }

    std::mt19937_64 random_;
    std::vector<std::uint64_t> amounts_;
    ForkTree tree_;
    SlowTree slow_;
    std::map<int, BlockName> votes_;
    std::map<int, BlockName> roots_;
};

// T-S6 and T-S7.
TEST(ForkTree, agrees_with_a_slow_model_over_random_changes)
{
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Pair pair(seed);
        for (int i = 0; i < 60; ++i) {
            pair.change();
            if (i % 4 == 0) {
                pair.compare();
            }
            if (testing::Test::HasFatalFailure()) {
                return;
            }
        }
    }
}

TEST(ForkTree, ties_go_to_the_lower_slot_then_to_the_lower_id)
{
    ForkTree tree(name(0), 16);
    tree.set_stakes(book_of({1, 1}));
    (void)tree.add({.name = name(3, 0), .parent = name(0)});
    (void)tree.add({.name = name(2, 9), .parent = name(0)});
    EXPECT_EQ(tree.name(tree.heaviest_leaf(tree.root())), name(2, 9));
    (void)tree.add({.name = name(2, 4), .parent = name(0)});
    EXPECT_EQ(tree.name(tree.heaviest_leaf(tree.root())), name(2, 4));
    tree.move(Mark::vote, ValidatorIndex{0}, tree.find(name(3, 0)));
    EXPECT_EQ(tree.name(tree.heaviest_leaf(tree.root())), name(3, 0));
    tree.move(Mark::vote, ValidatorIndex{1}, tree.find(name(2, 9)));
    EXPECT_EQ(tree.name(tree.heaviest_leaf(tree.root())), name(2, 9));
}

TEST(ForkTree, nothing_below_an_invalid_block_is_chosen_whatever_its_stake)
{
    ForkTree tree(name(0), 16);
    tree.set_stakes(book_of({1, 1}));
    (void)tree.add({.name = name(1, 1), .parent = name(0), .valid = false});
    (void)tree.add({.name = name(2, 1), .parent = name(1, 1)});
    (void)tree.add({.name = name(1, 2), .parent = name(0)});
    tree.move(Mark::vote, ValidatorIndex{0}, tree.find(name(2, 1)));
    tree.move(Mark::vote, ValidatorIndex{1}, tree.find(name(2, 1)));
    EXPECT_EQ(tree.name(tree.heaviest_leaf(tree.root())), name(1, 2));
    EXPECT_EQ(tree.name(tree.deepest_leaf(tree.root())), name(2, 1));
}

TEST(ForkTree, refuses_what_has_no_place)
{
    ForkTree tree(name(5), 6);
    const auto error = [&](const BlockName& block, const BlockName& parent) {
        return tree.add({.name = block, .parent = parent}).error();
    };
    EXPECT_EQ(error(name(7), name(6)), ForkTreeError::unknown_parent);
    EXPECT_EQ(error(name(4), name(5)), ForkTreeError::not_above_parent);
    EXPECT_EQ(error(name(5, 1), name(5)), ForkTreeError::not_above_parent);
    for (std::uint8_t version = 0; version < 4; ++version) {
        EXPECT_TRUE(tree.add({.name = name(6, version), .parent = name(5)}).has_value());
    }
    EXPECT_EQ(error(name(6, 1), name(5)), ForkTreeError::known_already);
    EXPECT_EQ(error(name(6, 9), name(5)), ForkTreeError::too_many_versions);
    EXPECT_TRUE(tree.add({.name = name(7), .parent = name(6, 1)}).has_value());
    EXPECT_EQ(error(name(8), name(7)), ForkTreeError::full);
    tree.prune(tree.find(name(7)));
    EXPECT_TRUE(tree.add({.name = name(8), .parent = name(7)}).has_value());
    EXPECT_EQ(tree.check(), std::nullopt);
}

TEST(ForkTree, a_confirmed_block_confirms_its_ancestors)
{
    ForkTree tree(name(0), 16);
    for (std::uint64_t slot = 1; slot <= 3; ++slot) {
        (void)tree.add({.name = name(slot), .parent = name(slot - 1)});
    }
    EXPECT_TRUE(tree.confirm(tree.find(name(2))));
    EXPECT_TRUE(tree.confirmed(tree.find(name(1))));
    EXPECT_FALSE(tree.confirm(tree.find(name(1))));
    EXPECT_FALSE(tree.confirmed(tree.find(name(3))));
}

} // namespace
} // namespace belfry::consensus

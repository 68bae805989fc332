// SPDX-License-Identifier: Apache-2.0
#include "tests/consensus/fork_tree_model.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace belfry::consensus {
namespace {

using fork_tree_model::book_of;
using fork_tree_model::ForkTreePair;
using fork_tree_model::name;

// T-S6 and T-S7.
TEST(ForkTree, agrees_with_a_slow_model_over_random_changes)
{
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        ForkTreePair pair{Choices(seed)};
        for (int i = 0; i < 60; ++i) {
            pair.change();
            if (i % 4 == 0) {
                pair.compare();
            }
            if (::testing::Test::HasFatalFailure()) {
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

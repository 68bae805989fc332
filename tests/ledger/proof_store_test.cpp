// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/proof_store.hpp"
#include "tests/ledger/data_directory.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace belfry::ledger {
namespace {

class ProofStoreTest : public testing::Test {
protected:
    ScratchDirectory directory;
    std::unique_ptr<LmdbEnv> env = open();

    [[nodiscard]] std::unique_ptr<LmdbEnv> open() const
    {
        return std::make_unique<LmdbEnv>(LmdbEnv::Options{
            .directory = directory.path(), .genesis_hash = {}, .map_bytes = 8 << 20});
    }
    [[nodiscard]] static Proof proof(std::uint64_t slot, std::uint8_t kind, std::uint16_t about = 0,
                                     std::uint8_t fill = 1)
    {
        return {.name = {.slot = Slot{slot}, .kind = kind, .about = about},
                .bytes = Bytes(70, fill)};
    }
    void put(const std::vector<Proof>& proofs) { ASSERT_TRUE(ProofStore(*env).put(proofs)); }
    [[nodiscard]] std::optional<Proof> find(const Proof& like) const
    {
        return ProofReader(*env).find(like.name).value();
    }
};

TEST_F(ProofStoreTest, what_was_put_is_found_after_a_restart)
{
    const std::vector<Proof> all{proof(7, 2), proof(7, 4), proof(300, 33, 258)};
    put(all);
    env.reset();
    env = open();
    for (const Proof& one : all) {
        EXPECT_EQ(find(one), one);
    }
    EXPECT_EQ(find(proof(7, 3)), std::nullopt);
    EXPECT_EQ(find(proof(300, 33, 2)), std::nullopt);
}

TEST_F(ProofStoreTest, the_first_of_a_name_stays)
{
    put({proof(7, 2, 0, 1)});
    put({proof(7, 2, 0, 9)});
    EXPECT_EQ(find(proof(7, 2)), proof(7, 2, 0, 1));
}

TEST_F(ProofStoreTest, the_newest_of_some_kinds_come_from_the_highest_slot_down)
{
    put({proof(1, 2), proof(2, 2), proof(2, 4), proof(300, 33, 1), proof(256, 2)});
    const auto newest = ProofReader(*env).newest({.first = 2, .last = 4}, 3);
    ASSERT_TRUE(newest);
    EXPECT_EQ(*newest, (std::vector{proof(256, 2), proof(2, 4), proof(2, 2)}));
}

TEST_F(ProofStoreTest, pruning_leaves_newer_slots_and_higher_kinds)
{
    put({proof(1, 2), proof(2, 33, 5), proof(3, 4), proof(4, 2)});
    EXPECT_EQ(ProofStore(*env).prune(Slot{4}, 32, 100), 2U);
    EXPECT_EQ(find(proof(1, 2)), std::nullopt);
    EXPECT_EQ(find(proof(3, 4)), std::nullopt);
    EXPECT_NE(find(proof(2, 33, 5)), std::nullopt);
    EXPECT_NE(find(proof(4, 2)), std::nullopt);
}

TEST_F(ProofStoreTest, nothing_and_too_much_are_refused_and_nothing_of_the_batch_is_kept)
{
    for (const std::size_t size : {std::size_t{0}, proof_bytes_max + 1}) {
        Proof wrong = proof(9, 2);
        wrong.bytes.resize(size);
        const std::vector<Proof> batch{proof(8, 2), wrong};
        const auto put = ProofStore(*env).put(batch);
        ASSERT_FALSE(put);
        EXPECT_EQ(put.error(), StoreError::wrong_shape);
        EXPECT_EQ(find(proof(8, 2)), std::nullopt);
    }
}

} // namespace
} // namespace belfry::ledger

// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/block_store.hpp"
#include "ledger/store/hard_fork.hpp"
#include "ledger/store/proof_store.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <span>

namespace belfry::ledger {
namespace {

constexpr std::uint8_t certificate_kinds_end = 32;
constexpr std::uint8_t certificate_kind = 2;
constexpr std::uint8_t evidence_kind = 33;

/// Blocks of two sets in slots 1 to 8, a chain, the first three of them final.
class HardForkTest : public testing::Test {
protected:
    HardForkTest()
    {
        BlockRef parent{.slot = Slot{0}, .id = store_genesis};
        for (std::uint64_t slot = 1; slot <= 8; ++slot) {
            put(sample_block(Slot{slot}, parent, 2), slot <= 3);
            parent = chain_.back().record.ref;
        }
    }
    void put(const SampleBlock& block, bool is_final)
    {
        chain_.push_back(block);
        const BlockRef finals[] = {block.record.ref};
        ASSERT_TRUE(
            BlockStore(*env_).commit({.sets = block.sets,
                                      .blocks = std::span(&block.record, 1),
                                      .finalized = std::span(finals).first(is_final ? 1 : 0),
                                      .signatures = {}}));
    }
    void put_proof(std::uint64_t slot, std::uint8_t kind)
    {
        const Proof proof{.name = {.slot = Slot{slot}, .kind = kind, .about = 0},
                          .bytes = Bytes(70, 1)};
        ASSERT_TRUE(ProofStore(*env_).put(std::span(&proof, 1)));
    }
    Result<std::size_t, StoreError> declare(std::uint64_t slot)
    {
        return declare_hard_fork(*env_, Slot{slot}, certificate_kinds_end);
    }
    void open_again()
    {
        env_.reset();
        env_ = open();
    }
    /// How many of the blocks of slots 1 to 8, and of their sets, are there.
    [[nodiscard]] std::pair<std::size_t, std::size_t> counts() const
    {
        const BlockStore store(*env_);
        std::size_t blocks = 0;
        std::size_t sets = 0;
        for (const SampleBlock& block : chain_) {
            blocks += store.block(block.record.ref).value() ? 1U : 0U;
            for (const ShredSet& set : block.sets) {
                sets += store.set({.slot = set.slot, .index = set.index, .root = set.root}).value()
                            ? 1U
                            : 0U;
            }
        }
        return {blocks, sets};
    }
    [[nodiscard]] std::unique_ptr<LmdbEnv> open() const
    {
        return std::make_unique<LmdbEnv>(LmdbEnv::Options{
            .directory = scratch_.path(), .genesis_hash = store_genesis, .map_bytes = 8 << 20});
    }

    ScratchDirectory scratch_;
    std::unique_ptr<LmdbEnv> env_ = open();
    std::vector<SampleBlock> chain_;
};

TEST_F(HardForkTest, forgets_what_is_above_the_slot_and_nothing_else)
{
    put_proof(3, certificate_kind);
    put_proof(7, evidence_kind);
    EXPECT_EQ(declare(5), 3U + 6U);
    open_again();
    EXPECT_EQ(counts(), std::pair(std::size_t{5}, std::size_t{10}));
    EXPECT_EQ(BlockStore(*env_).highest_block().value(), chain_[4].record.ref);
    const ProofReader proofs(*env_);
    EXPECT_TRUE(proofs.find({.slot = Slot{3}, .kind = certificate_kind, .about = 0}).value());
    EXPECT_TRUE(proofs.find({.slot = Slot{7}, .kind = evidence_kind, .about = 0}).value());
}

TEST_F(HardForkTest, works_once_and_what_is_built_after_it_stays)
{
    EXPECT_EQ(declare(5), 9U);
    put(sample_block(Slot{9}, chain_[4].record.ref, 2), false);
    open_again();
    EXPECT_EQ(declare(5), 0U);
    EXPECT_EQ(counts(), std::pair(std::size_t{6}, std::size_t{12}));
    EXPECT_EQ(declare(6), 3U); // another declaration
    EXPECT_EQ(counts(), std::pair(std::size_t{5}, std::size_t{10}));
}

TEST_F(HardForkTest, never_forgets_what_is_final)
{
    EXPECT_EQ(declare(2), std::unexpected(StoreError::wrong_shape));
    EXPECT_EQ(counts(), std::pair(std::size_t{8}, std::size_t{16}));
    put_proof(6, certificate_kind); // kept before the chain of final blocks was written
    EXPECT_EQ(declare(5), std::unexpected(StoreError::wrong_shape));
    EXPECT_EQ(counts(), std::pair(std::size_t{8}, std::size_t{16}));
    EXPECT_EQ(declare(6), 2U * 3U);
}

} // namespace
} // namespace belfry::ledger

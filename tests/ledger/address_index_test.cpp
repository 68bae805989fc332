// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/address_index.hpp"
#include "ledger/store/span_key.hpp"
#include "tests/filled.hpp"
#include "tests/ledger/data_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <ranges>
#include <vector>

namespace belfry::ledger {
namespace {

class AddressIndexTest : public testing::Test {
protected:
    void commit(const std::vector<AddressEntry>& entries, Slot below = {},
                std::size_t records_max = 1'000'000)
    {
        ASSERT_TRUE(index_.commit(entries, {.slot = Slot{1}, .id = {}},
                                  {.below = below, .records_max = records_max}));
    }
    ScratchDirectory directory_;
    LmdbEnv env_{{.directory = directory_.path(), .genesis_hash = {}, .map_bytes = 64U << 20}};
    AddressIndex index_{env_};
};

AddressEntry entry_at(std::uint8_t address, std::uint64_t slot, std::uint32_t index)
{
    AddressEntry entry;
    entry.address = filled<Pubkey>(address);
    entry.place = {.slot = Slot{slot}, .index = index};
    entry.signature = filled<Signature>(static_cast<std::uint8_t>(slot + index));
    return entry;
}

/// By address: its places, in order.
using Model = std::map<std::uint8_t, std::vector<ChainPlace>>;

std::vector<ChainPlace> newest_of(const Model& model, std::uint8_t address,
                                  std::optional<ChainPlace> before, std::size_t count_max)
{
    std::vector<ChainPlace> places;
    const auto found = model.find(address);
    if (found == model.end()) {
        return places;
    }
    for (const ChainPlace& place : found->second | std::views::reverse) {
        if (places.size() < count_max && (!before || place < *before)) {
            places.push_back(place);
        }
    }
    return places;
}

TEST_F(AddressIndexTest, lists_across_spans_what_a_plain_list_would)
{
    std::minstd_rand random(20'251'129);
    Model model;
    std::vector<AddressEntry> entries;
    std::uint64_t slot = 0;
    for (int i = 0; i < 600; ++i) {
        // Steps of all sizes: within a block, a span, and over spans that stay empty.
        const std::uint64_t steps[] = {0, 1, 100, index_span_slots, 5 * index_span_slots};
        slot += steps[random() % 40 < 36 ? random() % 3 : 3 + random() % 2];
        const auto address = static_cast<std::uint8_t>(1 + random() % 5);
        entries.push_back(entry_at(address, slot, static_cast<std::uint32_t>(i)));
        model[address].push_back(entries.back().place);
    }
    commit(entries);
    for (int i = 0; i < 500; ++i) {
        const auto address = static_cast<std::uint8_t>(random() % 7);
        std::optional<ChainPlace> before;
        if (random() % 3 != 0) {
            before = ChainPlace{.slot = Slot{random() % (slot + 2)},
                                .index = static_cast<std::uint32_t>(random() % 600)};
        }
        const std::size_t count_max = random() % 50;
        const auto found = index_.newest(
            {.address = filled<Pubkey>(address), .before = before, .count_max = count_max});
        ASSERT_TRUE(found);
        std::vector<ChainPlace> places;
        for (const AddressEntry& entry : *found) {
            EXPECT_EQ(entry.address, filled<Pubkey>(address));
            places.push_back(entry.place);
        }
        EXPECT_EQ(places, newest_of(model, address, before, count_max));
    }
}

TEST_F(AddressIndexTest, prunes_whole_spans_in_bounded_steps)
{
    std::vector<AddressEntry> entries;
    for (std::uint64_t span = 0; span < 3; ++span) {
        for (std::uint32_t i = 0; i < 10; ++i) {
            entries.push_back(entry_at(7, span * index_span_slots + 1 + i, i));
        }
    }
    commit(entries);
    const auto count = [&] {
        return index_.newest({.address = filled<Pubkey>(7), .before = {}, .count_max = 100})
            .value()
            .size();
    };
    commit({}, Slot{index_span_slots - 1});
    EXPECT_EQ(count(), 30U) << "a span of which a slot is kept stays whole";
    commit({}, Slot{index_span_slots}, 4);
    EXPECT_EQ(count(), 26U);
    commit({}, Slot{2 * index_span_slots}, 100);
    EXPECT_EQ(count(), 10U);
}

} // namespace
} // namespace belfry::ledger

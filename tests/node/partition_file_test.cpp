// SPDX-License-Identifier: Apache-2.0
#include "node/partition_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace belfry::node {
namespace {

using dataplane::Endpoint;
using dataplane::Lane;

constexpr std::uint64_t interval = PartitionFile::look_interval_ns;

Endpoint address(std::uint16_t port)
{
    Endpoint endpoint = *Endpoint::parse("127.0.0.1:1");
    endpoint.port = port;
    return endpoint;
}

/// Validator i sends from ports 10 i (transactions) to 10 i + 4 (repair).
Roster roster_of(std::uint16_t count)
{
    Roster roster;
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto port = static_cast<std::uint16_t>(100 + i * 10);
        RosterEntry& entry = roster.validators.emplace_back();
        entry.name = "validator-" + std::to_string(i);
        entry.transactions = address(port);
        entry.forwards = address(static_cast<std::uint16_t>(port + 1));
        entry.shreds = address(static_cast<std::uint16_t>(port + 2));
        entry.votes = address(static_cast<std::uint16_t>(port + 3));
        entry.repair = address(static_cast<std::uint16_t>(port + 4));
    }
    return roster;
}

class PartitionFileTest : public testing::Test {
public:
    ~PartitionFileTest() override { std::filesystem::remove(file_); }

protected:
    void write(std::string_view text) { std::ofstream(file_) << text; }

    /// Of each validator, in order: h when all its lanes are heard, s when only transactions are.
    std::string heard() const
    {
        std::string all;
        for (const RosterEntry& entry : roster_.validators) {
            const int count = static_cast<int>(partition_.hears(Lane::forwards, entry.forwards)) +
                              static_cast<int>(partition_.hears(Lane::shreds, entry.shreds)) +
                              static_cast<int>(partition_.hears(Lane::votes, entry.votes)) +
                              static_cast<int>(partition_.hears(Lane::repair, entry.repair));
            EXPECT_TRUE(partition_.hears(Lane::transactions, entry.transactions));
            all += count == 4 ? 'h' : count == 0 ? 's' : '?';
        }
        return all;
    }

    std::filesystem::path file_ = std::filesystem::path(testing::TempDir()) /
                                  testing::UnitTest::GetInstance()->current_test_info()->name();
    Roster roster_ = roster_of(12);
    PartitionFile partition_{file_, roster_};
};

TEST_F(PartitionFileTest, without_a_file_everybody_is_heard)
{
    partition_.look(1);
    EXPECT_EQ(heard(), "hhhhhhhhhhhh");
    write(" \n\t");
    partition_.look(1 + interval);
    EXPECT_EQ(heard(), "hhhhhhhhhhhh");
    EXPECT_EQ(partition_.unknown_words(), 0U);
}

TEST_F(PartitionFileTest, silences_the_lanes_of_whom_it_names_by_index_or_name)
{
    write("1\nvalidator-3  11\t1");
    partition_.look(1);
    EXPECT_EQ(heard(), "hshshhhhhhhs");
    EXPECT_TRUE(partition_.hears(Lane::votes, address(9)));
    EXPECT_TRUE(partition_.hears(Lane::votes, roster_.validators[1].shreds));
}

TEST_F(PartitionFileTest, counts_words_that_name_nobody)
{
    write("12 validator-12 -1 3x 18446744073709551617 4");
    partition_.look(1);
    EXPECT_EQ(heard(), "hhhhshhhhhhh");
    EXPECT_EQ(partition_.unknown_words(), 5U);
}

TEST_F(PartitionFileTest, obeys_the_file_of_the_moment_once_per_interval)
{
    write("0");
    partition_.look(1);
    write("2");
    partition_.look(interval);
    EXPECT_EQ(heard(), "shhhhhhhhhhh");
    partition_.look(1 + interval);
    EXPECT_EQ(heard(), "hhshhhhhhhhh");
    std::filesystem::remove(file_);
    partition_.look(1 + 2 * interval);
    EXPECT_EQ(heard(), "hhhhhhhhhhhh");
}

TEST_F(PartitionFileTest, a_file_without_end_is_read_up_to_its_bound)
{
    write(std::string(PartitionFile::file_bytes_max, ' ') + "5");
    partition_.look(1);
    EXPECT_EQ(heard(), "hhhhhhhhhhhh");
    write(std::string(PartitionFile::file_bytes_max - 1, ' ') + "5");
    partition_.look(1 + interval);
    EXPECT_EQ(heard(), "hhhhhshhhhhh");
}

} // namespace
} // namespace belfry::node

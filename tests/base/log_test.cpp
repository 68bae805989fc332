// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace belfry {
namespace {

class LogTest : public testing::Test {
protected:
    void TearDown() override { std::filesystem::remove(path_); }
    [[nodiscard]] Logger::Options options(LogLevel level = LogLevel::info) const
    {
        return {.level = level, .file = path_.string()};
    }
    [[nodiscard]] std::vector<std::string> lines() const
    {
        std::ifstream file(path_);
        std::vector<std::string> out;
        for (std::string line; std::getline(file, line);) {
            out.push_back(line);
        }
        return out;
    }

private:
    std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                  ("belfry_log_test_" + std::to_string(getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(LogTest, a_line_has_time_level_tile_key_and_text)
{
    Logger logger(options());
    TileLog log(logger, {.tile = "net"});
    log.info("sockets.bound", "transactions on {}", "127.0.0.1:8001");
    log.flush_all();
    ASSERT_EQ(lines().size(), 1U);
    EXPECT_TRUE(std::regex_match(
        lines()[0], std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z info    net       )"
                               R"(sockets\.bound: transactions on 127\.0\.0\.1:8001)")))
        << lines()[0];
}

TEST_F(LogTest, repeats_of_a_key_within_the_interval_become_a_count)
{
    Logger logger(options());
    TileLog log(logger, {.tile = "net", .interval = std::chrono::hours(1)});
    for (int i = 0; i < 100; ++i) {
        log.info("packet.bad", "number {}", i);
        log.warning("other", "number {}", i);
    }
    EXPECT_EQ(lines().size(), 2U);
    log.flush_due();
    EXPECT_EQ(lines().size(), 2U);
    log.flush_due(TileLog::Clock::now() + std::chrono::hours(2));
    ASSERT_EQ(lines().size(), 4U);
    EXPECT_NE(lines()[0].find("packet.bad: number 0"), std::string::npos);
    EXPECT_NE(lines()[2].find("packet.bad: again (99 more before)"), std::string::npos);
    EXPECT_NE(lines()[3].find("warning net       other: again (99 more"), std::string::npos);
}

TEST_F(LogTest, a_line_after_the_interval_says_how_many_were_folded)
{
    Logger logger(options());
    TileLog log(logger, {.tile = "net", .interval = std::chrono::milliseconds(20)});
    log.info("key", "first");
    log.info("key", "folded");
    const auto end = TileLog::Clock::now() + std::chrono::milliseconds(30);
    while (TileLog::Clock::now() < end) {
    }
    log.info("key", "third");
    ASSERT_EQ(lines().size(), 2U);
    EXPECT_TRUE(lines()[1].ends_with("key: third (1 more before)")) << lines()[1];
}

TEST_F(LogTest, lower_levels_are_not_written)
{
    Logger logger(options(LogLevel::warning));
    TileLog log(logger, {.tile = "net"});
    log.debug("a", "no");
    log.info("b", "no");
    log.warning("c", "yes");
    log.error("d", "yes");
    log.flush_all();
    EXPECT_EQ(lines().size(), 2U);
}

TEST_F(LogTest, what_came_from_outside_cannot_forge_a_line)
{
    Logger logger(options());
    TileLog log(logger, {.tile = "net"});
    log.info("peer", "says {}", "x\n2026 info  net forged: line\x1b[31m");
    log.flush_all();
    ASSERT_EQ(lines().size(), 1U);
    EXPECT_NE(lines()[0].find("x?2026 info  net forged: line?[31m"), std::string::npos);
}

TEST_F(LogTest, keys_beyond_the_bound_share_one)
{
    Logger logger(options());
    TileLog log(logger, {.tile = "net", .interval = std::chrono::hours(1), .keys_max = 2});
    for (int i = 0; i < 50; ++i) {
        log.info("key" + std::to_string(i), "text");
    }
    EXPECT_EQ(lines().size(), 3U); // key0, key1 and the first of the others
}

TEST_F(LogTest, a_file_that_cannot_be_opened_is_an_error_at_start)
{
    EXPECT_THROW(Logger({.file = "/proc/no/such/file"}), std::runtime_error);
}

TEST(LogLevel, is_parsed_by_its_name)
{
    EXPECT_EQ(parse_log_level("warning"), LogLevel::warning);
    EXPECT_EQ(parse_log_level("off"), LogLevel::off);
    EXPECT_EQ(parse_log_level("Warning"), std::nullopt);
}

} // namespace
} // namespace belfry

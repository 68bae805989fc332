// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/env.hpp"
#include "ledger/store/layout.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <memory>

namespace belfry::ledger {
namespace {

LmdbEnv::Options options(const ScratchDirectory& scratch)
{
    return {.directory = scratch.path() / "data",
            .genesis_hash = store_genesis,
            .map_bytes = std::uint64_t{1} << 30};
}

std::string open_error(const LmdbEnv::Options& wanted)
{
    try {
        const LmdbEnv env(wanted);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "no error";
}

bool contains(const std::string& text, std::string_view words)
{
    return text.find(words) != std::string::npos && text.find('\n') == std::string::npos;
}

TEST(LmdbEnv, is_new_once_and_then_the_same_again)
{
    const ScratchDirectory scratch;
    EXPECT_TRUE(LmdbEnv(options(scratch)).is_new());
    EXPECT_FALSE(LmdbEnv(options(scratch)).is_new());
}

TEST(LmdbEnv, refuses_the_directory_of_another_genesis)
{
    const ScratchDirectory scratch;
    {
        const LmdbEnv env(options(scratch));
    }
    LmdbEnv::Options other = options(scratch);
    other.genesis_hash = filled_hash(2);
    EXPECT_TRUE(contains(open_error(other), "holds the chain of genesis"));
    EXPECT_EQ(open_error(options(scratch)), "no error");
}

TEST(LmdbEnv, refuses_a_directory_that_another_process_holds)
{
    const ScratchDirectory scratch;
    std::array<int, 2> ready{};
    std::array<int, 2> done{};
    ASSERT_EQ(pipe(ready.data()), 0);
    ASSERT_EQ(pipe(done.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
        const LmdbEnv env(options(scratch));
        char byte = 0;
        close(done[1]);
        _exit(write(ready[1], "r", 1) == 1 && read(done[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(done[0]);
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    EXPECT_TRUE(contains(open_error(options(scratch)), "another node is running"));
    close(done[1]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(open_error(options(scratch)), "no error");
}

TEST(LmdbEnv, refuses_a_second_owner_in_the_same_process)
{
    const ScratchDirectory scratch;
    const LmdbEnv env(options(scratch));
    EXPECT_TRUE(contains(open_error(options(scratch)), "another node is running"));
}

TEST(LmdbEnv, refuses_a_file_that_is_not_a_ledger_or_is_cut_short)
{
    const ScratchDirectory scratch;
    {
        LmdbEnv env(options(scratch));
        BlockStore store(env);
        ASSERT_TRUE(store.put_set(sample_block(Slot{1}, {Slot{0}, store_genesis}, 1).sets[0]));
    }
    const std::filesystem::path file = scratch.path() / "data" / "ledger.mdb";
    const std::uintmax_t bytes = std::filesystem::file_size(file);
    std::filesystem::resize_file(file, bytes - 4096);
    EXPECT_TRUE(contains(open_error(options(scratch)), "is torn"));
    std::ofstream(file, std::ios::trunc) << std::string(8192, 'x');
    EXPECT_TRUE(contains(open_error(options(scratch)), "cannot be opened"));
}

TEST(LmdbEnv, makes_anew_what_was_killed_while_it_was_made)
{
    const ScratchDirectory scratch;
    const std::filesystem::path file = scratch.path() / "data" / "ledger.mdb";
    const std::filesystem::path unmade = file.string() + ".new";
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{8192}}) {
        {
            const LmdbEnv env(options(scratch));
        }
        std::filesystem::rename(file, unmade);
        std::filesystem::resize_file(unmade, bytes);
        const LmdbEnv again(options(scratch));
        EXPECT_TRUE(again.is_new());
        EXPECT_FALSE(std::filesystem::exists(unmade));
    }
    EXPECT_FALSE(LmdbEnv(options(scratch)).is_new());
}

TEST(LmdbEnv, refuses_a_ledger_without_its_first_pages)
{
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4096}}) {
        const ScratchDirectory scratch;
        {
            const LmdbEnv env(options(scratch));
        }
        std::filesystem::resize_file(scratch.path() / "data" / "ledger.mdb", bytes);
        EXPECT_TRUE(contains(open_error(options(scratch)), "is torn"));
    }
}

TEST(LmdbEnv, refuses_a_newest_meta_page_that_leads_to_an_older_state)
{
    const ScratchDirectory scratch;
    {
        LmdbEnv env(options(scratch));
        Anchor anchor;
        anchor.block.slot = Slot{1};
        ASSERT_TRUE(AccountStore(env).flush({}, anchor));
    }
    // The older of the two meta pages is given the number of the next commit.
    std::fstream file(scratch.path() / "data" / "ledger.mdb",
                      std::ios::binary | std::ios::in | std::ios::out);
    constexpr std::streamoff number_at = 16 + 24 + 2 * 48 + 8;
    char numbers[2] = {};
    for (const std::streamoff page : {0, 1}) {
        file.seekg(page * 4096 + number_at).get(numbers[page]);
    }
    const bool second = numbers[1] < numbers[0];
    file.seekp((second ? 4096 : 0) + number_at);
    file.put(static_cast<char>(std::max(numbers[0], numbers[1]) + 1));
    file.close();
    EXPECT_TRUE(contains(open_error(options(scratch)), "is of commit 2;"));
}

TEST(LmdbEnv, refuses_a_flipped_birth_record_and_another_schema)
{
    const ScratchDirectory scratch;
    {
        const LmdbEnv env(options(scratch));
    }
    const std::filesystem::path data = scratch.path() / "data";
    const std::string name = "genesis";
    const Bytes key(name.begin(), name.end());
    const Bytes value = raw_value(data, "meta", key);
    Bytes flipped = value;
    flipped[3] ^= 0x10;
    put_raw_value(data, "meta", key, flipped);
    EXPECT_TRUE(contains(open_error(options(scratch)), "corrupt_record"));
    put_raw_value(data, "meta", key, value);
    EXPECT_EQ(open_error(options(scratch)), "no error");
}

TEST(LmdbEnv, refuses_a_place_where_no_directory_can_be)
{
    LmdbEnv::Options nowhere{.directory = "/proc/belfry-has-no-place/data", .genesis_hash = {}};
    EXPECT_TRUE(contains(open_error(nowhere), "cannot be made"));
}

TEST(LmdbEnv, a_full_map_is_a_full_disk_is_final_and_loses_nothing_acknowledged)
{
    const ScratchDirectory scratch;
    LmdbEnv::Options small = options(scratch);
    small.map_bytes = 1 << 20;
    std::uint64_t acknowledged = 0;
    {
        LmdbEnv env(small);
        BlockStore store(env);
        std::optional<StoreError> error;
        for (std::uint64_t slot = 1; slot < 10'000 && !error; ++slot) {
            const auto put =
                store.put_set(sample_block(Slot{slot}, {Slot{0}, store_genesis}, 1).sets[0]);
            if (put) {
                acknowledged = slot;
            } else {
                error = put.error();
            }
        }
        EXPECT_EQ(error, StoreError::disk_full);
        EXPECT_GT(acknowledged, 10U);
        // Also for what would fit: after the first failure nothing is written any more.
        AccountStore accounts(env);
        const auto flushed = accounts.flush({}, {});
        ASSERT_FALSE(flushed.has_value());
        EXPECT_EQ(flushed.error(), StoreError::disk_full);
    }
    small.map_bytes = 8 << 20; // more room: everything is there and writing goes on
    LmdbEnv env(small);
    BlockStore store(env);
    for (std::uint64_t slot = 1; slot <= acknowledged; ++slot) {
        const ShredSet set = sample_block(Slot{slot}, {Slot{0}, store_genesis}, 1).sets[0];
        ASSERT_EQ(store.set({.slot = set.slot, .index = 0, .root = set.root}).value(), set) << slot;
    }
    EXPECT_TRUE(store.put_set(sample_block(Slot{20'000}, {Slot{0}, store_genesis}, 1).sets[0]));
}

TEST(LmdbEnv, a_full_file_system_is_a_full_disk)
{
    const ScratchDirectory scratch;
    const pid_t child = fork();
    if (child == 0) {
        // A limit on the length of files stands for the full disk: writes fail half way.
        static_cast<void>(signal(SIGXFSZ, SIG_IGN));
        LmdbEnv env(options(scratch));
        BlockStore store(env);
        const rlimit limit{.rlim_cur = 300'000, .rlim_max = 300'000};
        setrlimit(RLIMIT_FSIZE, &limit);
        for (std::uint64_t slot = 1; slot < 1000; ++slot) {
            const auto put =
                store.put_set(sample_block(Slot{slot}, {Slot{0}, store_genesis}, 1).sets[0]);
            if (!put) {
                _exit(env.failed() == put.error() && !store.put_set({}) ? 0 : 2);
            }
        }
        _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(open_error(options(scratch)), "no error");
}

} // namespace
} // namespace belfry::ledger

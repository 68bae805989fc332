// SPDX-License-Identifier: Apache-2.0
// Every death here is a real one, of a child process.
#include "exec/in_flight.hpp"
#include "node/crash_notes.hpp"
#include "tests/exec/support.hpp"
#include "tests/ledger/data_directory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

namespace belfry::node {
namespace {

namespace test = exec::test;

ledger::BlockRef block_at(std::uint64_t slot, std::uint8_t fill)
{
    ledger::BlockRef ref{.slot = Slot{slot}, .id = {}};
    ref.id.bytes.fill(fill);
    return ref;
}

Death death_at(std::uint64_t slot, std::uint8_t fill)
{
    return {.signal = SIGABRT, .block = block_at(slot, fill), .transaction = {}};
}

class CrashNotesTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path file() const
    {
        return directory_.path() / CrashNotes::file_name;
    }
    [[nodiscard]] std::string text() const
    {
        std::ifstream stream(file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] std::vector<Death> deaths() const
    {
        return CrashNotes(directory_.path()).deaths();
    }
    /// A life that ends with body. Under a sanitizer some signals end in its report.
    template <class Body>
    void live_and_die(const Body& body) const
    {
        const auto life = [&] {
            const CrashNotes notes(directory_.path());
            body();
        };
        EXPECT_EXIT(life(), [](int status) { return status != 0; }, "");
    }

    ledger::ScratchDirectory directory_;
    std::vector<crypto::InsecureSigningKey> wallets_ = test::wallets(80);
    ledger::Genesis genesis_ = test::small_genesis(wallets_);
    exec::Bank bank_{genesis_, exec::Bank::Options{}};

    /// Everybody pays a wallet of their own, and one of them the one that must not be named.
    [[nodiscard]] std::vector<ledger::Transaction> transfers() const
    {
        std::vector<ledger::Transaction> made;
        for (std::size_t i = 0; i < 70; ++i) {
            made.push_back(test::transfer(
                {.from = wallets_[i],
                 .to = i == deadly ? wallets_[75].pubkey : test::wallet(1000 + i).pubkey,
                 .lamports = test::sol,
                 .blockhash = bank_.genesis_hash()}));
        }
        return made;
    }
    static constexpr std::size_t deadly = 66;
};

TEST_F(CrashNotesTest, names_the_block_and_the_very_transaction_that_a_check_failed_at)
{
    const std::vector<ledger::Transaction> transactions = transfers();
    const test::BuiltBlock built = test::build(bank_, {.parent = bank_.genesis_hash(),
                                                       .slot = Slot{1},
                                                       .transactions = transactions,
                                                       .batch = 70});
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) {
        live_and_die([&] {
            exec::Bank other(genesis_, {.threads = threads, .dies_of = wallets_[75].pubkey});
            (void)other.replay(built.block, test::leader());
        });
        const std::vector<Death> noted = deaths();
        ASSERT_EQ(noted.size(), threads);
        EXPECT_EQ(noted.back(),
                  (Death{.signal = SIGABRT,
                         .block = built.block.ref,
                         .transaction = Death::OfTransaction{transactions[deadly].message_hash(),
                                                             transactions[deadly].signature(0)}}));
    }
}

TEST_F(CrashNotesTest, a_block_that_killed_twice_is_not_judged_nor_what_holds_its_transaction)
{
    const std::vector<ledger::Transaction> transactions = transfers();
    const test::BuiltBlock built = test::build(bank_, {.parent = bank_.genesis_hash(),
                                                       .slot = Slot{1},
                                                       .transactions = transactions,
                                                       .batch = 70});
    const test::BuiltBlock second = test::build(
        bank_,
        {.parent = bank_.genesis_hash(), .slot = Slot{2}, .transactions = {transactions[deadly]}});
    const test::BuiltBlock harmless = test::build(
        bank_,
        {.parent = bank_.genesis_hash(), .slot = Slot{3}, .transactions = {transactions[0]}});
    const auto next_life = [&](const test::BuiltBlock& block) {
        const CrashNotes notes(directory_.path());
        exec::Bank bank(genesis_,
                        {.quarantine = notes.quarantine(), .dies_of = wallets_[75].pubkey});
        const auto replayed = bank.replay(block.block, test::leader());
        return replayed ? std::nullopt : std::optional(replayed.error());
    };
    for (std::size_t life = 0; life < deaths_max; ++life) {
        EXPECT_EXIT((void)next_life(built), testing::KilledBySignal(SIGABRT), "check failed");
    }
    EXPECT_EQ(next_life(built), exec::BlockError::quarantined);
    EXPECT_EQ(next_life(second), exec::BlockError::quarantined);
    EXPECT_EQ(next_life(harmless), std::nullopt);
    EXPECT_FALSE(exec::proves_invalid(exec::BlockError::quarantined));
    EXPECT_EQ(deaths().size(), deaths_max);
    std::filesystem::remove(file()); // as an operator lifts it
    EXPECT_EXIT((void)next_life(built), testing::KilledBySignal(SIGABRT), "check failed");
}

TEST_F(CrashNotesTest, the_own_block_dies_with_the_transaction_that_was_at_hand)
{
    const std::vector<ledger::Transaction> transactions = transfers();
    const ledger::BlockRef own{.slot = Slot{1}, .id = {}};
    for (std::size_t life = 0; life < deaths_max; ++life) {
        live_and_die([&] {
            exec::Bank other(genesis_, {.dies_of = wallets_[75].pubkey});
            const exec::BlockInFlight mark(&own);
            (void)test::build(
                other,
                {.parent = bank_.genesis_hash(), .slot = Slot{1}, .transactions = transactions});
        });
    }
    const exec::Quarantine quarantine = CrashNotes(directory_.path()).quarantine();
    EXPECT_TRUE(quarantine.holds_message(transactions[deadly].message_hash()));
    EXPECT_EQ(quarantine.names().messages.size(), 1U);
    EXPECT_TRUE(quarantine.names().blocks.empty()) << "it had no name";
}

TEST_F(CrashNotesTest, every_way_to_die_by_its_own_fault_counts_and_no_signal_of_others)
{
    const ledger::BlockRef block = block_at(9, 3);
    const exec::BlockInFlight mark(&block);
    std::size_t noted = 0;
    for (const int signal : {SIGABRT, SIGSEGV, SIGILL, SIGFPE}) {
        live_and_die([&] { (void)std::raise(signal); });
        ASSERT_EQ(deaths().size(), ++noted) << signal;
        EXPECT_EQ(deaths().back(), (Death{.signal = static_cast<std::uint32_t>(signal),
                                          .block = block,
                                          .transaction = {}}));
    }
    for (const int signal : {SIGABRT, SIGSEGV, SIGKILL, SIGTERM}) {
        live_and_die([&] {
            const pid_t parent = ::getpid();
            std::array<int, 2> pipe{};
            char forked{};
            (void)!::pipe(pipe.data());
            if (::fork() == 0) {
                (void)!::read(pipe[0], &forked, 1); // a sanitizer holds its locks across fork()
                (void)::kill(parent, signal);
                ::_exit(0);
            }
            (void)!::write(pipe[1], &forked, 1);
            while (true) {
                (void)::pause();
            }
        });
        EXPECT_EQ(deaths().size(), noted) << signal;
    }
}

TEST_F(CrashNotesTest, a_thread_with_nothing_in_hand_accuses_nobody)
{
    const ledger::BlockRef block = block_at(9, 3);
    live_and_die([&] {
        const exec::BlockInFlight mark(&block);
        std::thread([] { std::abort(); }).join();
    });
    live_and_die([&] {
        {
            const exec::BlockInFlight mark(&block);
        }
        std::abort();
    });
    EXPECT_EQ(deaths(), std::vector<Death>{});
}

TEST_F(CrashNotesTest, one_death_is_chance_and_two_of_the_same_are_not)
{
    const std::vector<Death> noted{
        death_at(1, 1),
        death_at(2, 2),
        death_at(3, 3),
        death_at(2, 2),
        {.signal = SIGABRT, .block = ledger::BlockRef{Slot{4}, {}}, .transaction = {}},
        {.signal = SIGABRT, .block = ledger::BlockRef{Slot{4}, {}}, .transaction = {}}};
    const exec::Quarantine quarantine = quarantine_of(noted);
    EXPECT_EQ(quarantine.names().blocks, std::vector<Hash>{block_at(2, 2).id});
    EXPECT_TRUE(quarantine.holds_block(block_at(2, 2).id));
    EXPECT_FALSE(quarantine.holds_block(block_at(1, 1).id));
    EXPECT_TRUE(quarantine.names().messages.empty());
}

TEST_F(CrashNotesTest, keeps_the_newest_lines_and_none_that_was_cut_off)
{
    std::string lines = "garbage\n6 1 - - -\n6 x y z -\n\n";
    for (std::uint64_t slot = 1; slot <= 1000; ++slot) {
        lines += to_line(death_at(slot, 7));
    }
    std::ofstream(file(), std::ios::binary) << lines << to_line(death_at(1001, 7)).substr(0, 40);
    const std::vector<Death> kept = deaths();
    ASSERT_EQ(kept.size(), CrashNotes::deaths_kept);
    EXPECT_EQ(kept.front(), death_at(1001 - CrashNotes::deaths_kept, 7));
    EXPECT_EQ(kept.back(), death_at(1000, 7));
    EXPECT_EQ(parse_deaths(text()), kept) << "as it stands in the file now";
    EXPECT_LT(text().size(), 64U * 384U);
}

TEST_F(CrashNotesTest, any_text_is_read_and_what_is_read_writes_back)
{
    std::mt19937_64 random(test::seed_of_run());
    const std::string good = to_line({.signal = SIGSEGV,
                                      .block = block_at(77, 5),
                                      .transaction = Death::OfTransaction{block_at(1, 6).id, {}}});
    ASSERT_EQ(parse_deaths(good).size(), 1U);
    std::size_t read = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = good + good;
        for (std::uint64_t changes = random() % 3; changes > 0; --changes) {
            text[random() % text.size()] = " -\n0189afAF"[random() % 11];
        }
        for (const Death& death : parse_deaths(text.substr(0, random() % (text.size() + 1)))) {
            ++read;
            EXPECT_EQ(parse_deaths(to_line(death)), std::vector<Death>{death});
        }
    }
    EXPECT_GT(read, 1000U);
}

} // namespace
} // namespace belfry::node

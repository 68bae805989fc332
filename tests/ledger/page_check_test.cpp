// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/crc32c.hpp"
#include "ledger/store/layout.hpp"
#include "ledger/store/lmdb_transaction.hpp"
#include "ledger/store/page_check.hpp"
#include "ledger/store/proof_store.hpp"
#include "ledger/store/read_fault.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"
#include "tests/ledger/seeded.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace belfry::ledger {
namespace {

constexpr std::size_t page_bytes = 4096;

enum class Found : std::uint8_t { all, refused, other };

#ifdef BELFRY_DEBUG_CHECKS
constexpr std::size_t share = 8; // a sanitizer makes each case, a process of its own, slow
#else
constexpr std::size_t share = 1;
#endif

/// BELFRY_SPOILT_COUNT makes the tests of this file longer.
std::size_t cases(std::size_t usual)
{
    const char* const more = std::getenv("BELFRY_SPOILT_COUNT");
    return more == nullptr ? usual / share : std::strtoull(more, nullptr, 10);
}

/// One number for all that is in all databases; an error when any of it cannot be read.
Result<std::uint32_t, StoreError> digest(const LmdbEnv& env)
{
    std::uint32_t crc = 0;
    const LmdbDatabases& all = env.databases();
    for (const LmdbDatabase& database : {all.meta, all.sets, all.blocks, all.chain, all.signatures,
                                         all.accounts, all.proofs, all.addresses}) {
        BELFRY_TRY(transaction, LmdbTransaction::read(env));
        BELFRY_TRY(cursor, LmdbCursor::open(transaction, database));
        BELFRY_TRY(record, cursor.first());
        while (record) {
            crc = crc32c(record->content, crc32c(record->key, crc));
            // What a walk finds, a question finds too.
            BELFRY_TRY(content, transaction.get(database, record->key));
            if (!content || !std::ranges::equal(*content, record->content)) {
                return std::unexpected(StoreError::corrupt_record);
            }
            BELFRY_TRY(next, cursor.next());
            record = next;
        }
    }
    return crc;
}

/// A ledger of some hundred blocks, pruned, with accounts of all sizes; many commits, so that the
/// file has free pages, branches and large values.
class PageCheckTest : public testing::Test {
protected:
    PageCheckTest()
    {
        {
            LmdbEnv env(options());
            fill(env);
            before_ = digest(env).value();
            const Proof proof{.name = {.slot = Slot{999}, .kind = 4, .about = 0},
                              .bytes = Bytes(500, 7)};
            EXPECT_TRUE(ProofStore(env).put(std::span(&proof, 1)).has_value());
            now_ = digest(env).value();
        }
        std::ifstream in(file(), std::ios::binary);
        good_.assign(std::istreambuf_iterator<char>(in), {});
    }

    [[nodiscard]] LmdbEnv::Options options() const
    {
        return {.directory = scratch_.path() / "data",
                .genesis_hash = store_genesis,
                .map_bytes = std::uint64_t{64} << 20};
    }
    [[nodiscard]] std::filesystem::path file() const
    {
        return scratch_.path() / "data" / ledger_file_name;
    }

    static void fill(LmdbEnv& env)
    {
        BlockStore blocks(env);
        AccountStore accounts(env);
        BlockRef parent{.slot = Slot{0}, .id = store_genesis};
        for (std::uint64_t slot = 1; slot <= 200; ++slot) {
            const SampleBlock block = sample_block(Slot{slot}, parent, 3);
            parent = block.record.ref;
            ASSERT_TRUE(blocks.commit({.sets = block.sets,
                                       .blocks = std::span(&block.record, 1),
                                       .finalized = std::span(&parent, 1),
                                       .signatures = {}}));
            if (slot % 10 == 0) {
                std::vector<AccountChange> changes;
                for (std::uint64_t i = 0; i < 60; ++i) {
                    Account account;
                    account.lamports = Lamports{slot};
                    account.data.assign(i * i * 2, static_cast<std::uint8_t>(slot));
                    changes.push_back(
                        {Pubkey::from(filled_hash(slot * i).view()), std::move(account)});
                }
                std::ranges::sort(changes, {}, &AccountChange::address);
                const auto twice = std::ranges::unique(changes, {}, &AccountChange::address);
                changes.erase(twice.begin(), twice.end());
                Anchor anchor;
                anchor.block = parent;
                ASSERT_TRUE(accounts.flush(changes, anchor));
            }
        }
        ASSERT_TRUE(blocks.prune(Slot{60}, 10'000));
    }

    void write(const Bytes& bytes) const
    {
        std::ofstream out(file(), std::ios::binary | std::ios::trunc);
        std::ranges::copy(bytes, std::ostreambuf_iterator<char>(out));
    }

    /// What a start finds in these bytes, in a process of its own: nullopt when it dies.
    [[nodiscard]] std::optional<Found> look(const Bytes& bytes) const
    {
        write(bytes);
        const pid_t child = ::fork();
        if (child == 0) {
            _exit(static_cast<int>(found()));
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? std::optional(static_cast<Found>(WEXITSTATUS(status)))
                                 : std::nullopt;
    }
    /// Or all is there: neither ends the process, nor is anything else believed.
    [[nodiscard]] bool is_refused(const Bytes& bytes) const
    {
        const std::optional<Found> told = look(bytes);
        EXPECT_TRUE(told) << "the process ends";
        EXPECT_NE(told, Found::other) << "it is believed";
        return told == Found::refused;
    }
    [[nodiscard]] Found found() const
    {
        try {
            const LmdbEnv env(options());
            const auto content = digest(env);
            if (!content) {
                return Found::refused;
            }
            // One commit back is what a spoilt meta page may lead to; peers have it.
            return *content == now_ || *content == before_ ? Found::all : Found::other;
        } catch (const std::runtime_error&) {
            return Found::refused;
        }
    }

    ScratchDirectory scratch_;
    Bytes good_;
    std::uint32_t now_ = 0;
    std::uint32_t before_ = 0;
};

TEST_F(PageCheckTest, finds_nothing_wrong_with_what_lmdb_wrote)
{
    EXPECT_NO_THROW(check_pages(file()));
    EXPECT_EQ(look(good_), Found::all);
    EXPECT_NO_THROW(check_pages(scratch_.path() / "none"));
}

TEST_F(PageCheckTest, a_flipped_bit_is_refused_or_changes_nothing_and_never_ends_the_process)
{
    auto random = seeded(11);
    std::size_t refused = 0;
    const std::size_t pages = good_.size() / page_bytes;
    const std::size_t count = cases(200);
    for (std::size_t i = 0; i < count; ++i) {
        Bytes bytes = good_;
        // Every second one in a page's head, where LMDB itself believes everything.
        const std::size_t span = i % 2 == 0 ? 40 : page_bytes;
        const std::size_t at = random() % pages * page_bytes + random() % span;
        const auto bit = static_cast<std::uint8_t>(1U << (random() % 8));
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ bit);
        SCOPED_TRACE("byte " + std::to_string(at) + " bit " + std::to_string(bit));
        refused += is_refused(bytes) ? 1U : 0U;
    }
    EXPECT_GT(refused, count / 5); // the others lie in free pages, and behind values
}

TEST_F(PageCheckTest, pages_zeroed_swapped_or_cut_off_are_refused_or_free)
{
    auto random = seeded(12);
    std::size_t refused = 0;
    const std::size_t pages = good_.size() / page_bytes;
    const std::size_t count = cases(60);
    for (std::size_t i = 0; i < count; ++i) {
        Bytes bytes = good_;
        const auto page = [&bytes, &random, pages] {
            return bytes.begin() +
                   static_cast<std::ptrdiff_t>((2 + random() % (pages - 2)) * page_bytes);
        };
        const auto one = page();
        if (i % 3 == 0) {
            std::fill_n(one, page_bytes, std::uint8_t{0});
        } else if (i % 3 == 1) {
            const auto other = page();
            if (one != other) {
                std::swap_ranges(one, one + page_bytes, other);
            }
        } else {
            bytes.resize(static_cast<std::size_t>(one - bytes.begin()) + random() % page_bytes);
        }
        SCOPED_TRACE("case " + std::to_string(i));
        refused += is_refused(bytes) ? 1U : 0U;
    }
    EXPECT_GT(refused, count / 2);
}

TEST(ReadFault, a_page_that_the_disk_does_not_give_ends_the_process_with_one_line)
{
    const ScratchDirectory scratch;
    const std::filesystem::path file = scratch.path() / "file";
    std::ofstream(file) << std::string(2 * page_bytes, 'x');
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    void* const place = ::mmap(nullptr, 2 * page_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    ASSERT_NE(place, MAP_FAILED);
    std::filesystem::resize_file(file, 0);
    const auto* const bytes = static_cast<volatile const char*>(place);
    EXPECT_EXIT(
        {
            exit_on_read_fault(74);
            (void)bytes[page_bytes];
        },
        testing::ExitedWithCode(74), "cannot be read .io.: check the disk, then start again");
    ::munmap(place, 2 * page_bytes);
}

} // namespace
} // namespace belfry::ledger

// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/program_ids.hpp"
#include "ledger/store/vote_journal.hpp"
#include "tests/ledger/data_directory.hpp"
#include "tests/ledger/sample_block.hpp"
#include "tests/ledger/seeded.hpp"
#include "tests/ledger/simulated_disk.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>

namespace belfry::ledger {
namespace {

constexpr std::size_t half = 4096;

VoteJournal::Options small_options()
{
    return {.genesis_hash = filled_hash(1),
            .identity = vote_program,
            .file_bytes = 2 * half,
            .keep_per_kind = 8};
}

/// Different for every number, of different lengths.
Bytes body_of(std::uint64_t number)
{
    Bytes body;
    ByteWriter(body).u64(number * 0x9e3779b97f4a7c15U + 1);
    body.resize(9 + number * 7 % 60, static_cast<std::uint8_t>(number));
    return body;
}

std::uint64_t append(VoteJournal& journal, std::uint64_t number, std::uint8_t kind = 1)
{
    const Bytes body = body_of(number);
    return journal.append({.kind = kind, .body = body}).value();
}

/// A file of five records, as the program left it.
SimulatedDisk::Files five_records()
{
    SimulatedDisk disk;
    const auto journal = VoteJournal::create(disk, small_options());
    for (std::uint64_t number = 1; number <= 5; ++number) {
        append(*journal, number);
    }
    return disk.files();
}

std::size_t used_bytes(const Bytes& file)
{
    const auto end =
        std::find_if(file.rend() - half, file.rend(), [](std::uint8_t byte) { return byte != 0; });
    return (static_cast<std::size_t>(file.rend() - end) + 7) / 8 * 8;
}

struct Opened {
    std::string error; // empty when it opened
    bool absent = false;
    bool noticed = false; // that something was not as it was written
    std::vector<JournalRecord> records;
};

Opened open_files(const SimulatedDisk::Files& files,
                  const VoteJournal::Options& options = small_options())
{
    Opened opened;
    SimulatedDisk disk(files);
    try {
        const auto journal = VoteJournal::open(disk, options);
        opened.absent = journal == nullptr;
        if (journal != nullptr) {
            opened.records = journal->take_recovered();
            opened.noticed = journal->healed_copy() || journal->cut_torn_tail();
            // What was healed is whole the next time, and goes on.
            append(*journal, 999);
            SimulatedDisk again(disk.files());
            const auto next = VoteJournal::open(again, options);
            EXPECT_FALSE(next->healed_copy() || next->cut_torn_tail());
            const std::vector<JournalRecord> records = next->take_recovered();
            EXPECT_EQ(records.back().body, body_of(999));
            EXPECT_EQ(records.back().sequence, journal->durable_sequence());
        }
    } catch (const std::runtime_error& error) {
        opened.error = error.what();
    }
    return opened;
}

bool are_one_to(const std::vector<JournalRecord>& records, std::uint64_t last)
{
    for (std::uint64_t number = 1; number <= records.size(); ++number) {
        if (records[number - 1] !=
            JournalRecord{.sequence = number, .kind = 1, .body = body_of(number)}) {
            return false;
        }
    }
    return records.size() == last;
}

TEST(VoteJournal, is_reported_absent_and_is_made_only_once)
{
    SimulatedDisk disk;
    EXPECT_EQ(VoteJournal::open(disk, small_options()), nullptr);
    EXPECT_EQ(VoteJournal::create(disk, small_options())->durable_sequence(), 0U);
    EXPECT_NE(VoteJournal::open(disk, small_options()), nullptr);
    EXPECT_THROW(static_cast<void>(VoteJournal::create(disk, small_options())), std::runtime_error);
}

TEST(VoteJournal, gives_back_what_was_appended_in_order)
{
    const Opened opened = open_files(five_records());
    EXPECT_EQ(opened.error, "");
    EXPECT_FALSE(opened.noticed);
    EXPECT_TRUE(are_one_to(opened.records, 5));
}

TEST(VoteJournal, a_batch_has_one_sync_and_its_sequences_follow_one_another)
{
    SimulatedDisk disk;
    const auto journal = VoteJournal::create(disk, small_options());
    const std::size_t before = disk.operation_count();
    const std::array bodies{body_of(1), body_of(2), body_of(3)};
    const std::array entries{JournalEntry{1, bodies[0]}, JournalEntry{1, bodies[1]},
                             JournalEntry{1, bodies[2]}};
    EXPECT_EQ(journal->append(entries).value(), 3U);
    EXPECT_EQ(journal->durable_sequence(), 3U);
    EXPECT_EQ(disk.operation_count() - before, 3U); // two copies, one sync
    EXPECT_TRUE(are_one_to(open_files(disk.files()).records, 3));
}

TEST(VoteJournal, refuses_another_genesis_and_another_identity)
{
    VoteJournal::Options other = small_options();
    other.genesis_hash = filled_hash(2);
    EXPECT_NE(open_files(five_records(), other).error.find("another genesis"), std::string::npos);
    other = small_options();
    other.identity = stake_program;
    EXPECT_NE(open_files(five_records(), other).error.find("another identity"), std::string::npos);
}

TEST(VoteJournal, what_breaks_a_bound_is_refused_and_the_journal_goes_on)
{
    SimulatedDisk disk;
    const auto journal = VoteJournal::create(disk, small_options());
    const std::size_t before = disk.operation_count();
    const Bytes longest(journal->body_bytes_max(), 1);
    const Bytes longer(longest.size() + 1, 1);
    EXPECT_EQ(journal->append({.kind = 0, .body = longer}).error(), JournalError::too_large);
    EXPECT_EQ(journal->append({.kind = 0, .body = {}}).error(), JournalError::too_large);
    EXPECT_EQ(journal->append({.kind = journal_kinds_max, .body = longest}).error(),
              JournalError::too_large);
    EXPECT_EQ(journal->append(std::span<const JournalEntry>{}).error(), JournalError::too_large);
    const std::vector<JournalEntry> many(100, JournalEntry{0, longest});
    EXPECT_EQ(journal->append(many).error(), JournalError::too_large);
    EXPECT_EQ(disk.operation_count(), before);
    EXPECT_EQ(journal->append({.kind = 0, .body = longest}).value(), 1U);
    VoteJournal::Options tiny = small_options();
    tiny.file_bytes = 100;
    EXPECT_THROW(static_cast<void>(VoteJournal::create(disk, tiny)), std::runtime_error);
}

TEST(VoteJournal, every_flipped_byte_is_noticed_and_no_record_is_lost)
{
    const SimulatedDisk::Files sound = five_records();
    for (std::size_t at = 0; at < 2 * half; ++at) {
        for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
            SimulatedDisk::Files files = sound;
            std::uint8_t& byte = files["votes"][at];
            byte = static_cast<std::uint8_t>(byte ^ mask);
            const Opened opened = open_files(files);
            ASSERT_TRUE(opened.noticed || !opened.error.empty()) << at;
            ASSERT_TRUE(!opened.error.empty() || are_one_to(opened.records, 5)) << at;
        }
    }
}

TEST(VoteJournal, a_record_that_is_spoilt_in_both_copies_is_refused_if_a_later_one_is_there)
{
    const SimulatedDisk::Files sound = five_records();
    std::size_t offset = 128;
    for (std::uint64_t number = 1; number <= 4; ++number) {
        const std::size_t end = offset + (28 + body_of(number).size() + 7) / 8 * 8;
        for (std::size_t at = offset; at < end; ++at) {
            SimulatedDisk::Files files = sound;
            files["votes"][at] ^= 0x40;
            files["votes"][half + at] ^= 0x02;
            const Opened opened = open_files(files);
            ASSERT_NE(opened.error.find("was durable and is lost"), std::string::npos)
                << at << opened.error;
        }
        offset = end;
    }
}

TEST(VoteJournal, the_last_append_torn_at_any_byte_is_cut_and_one_whole_copy_saves_it)
{
    const SimulatedDisk::Files sound = five_records();
    const std::size_t end = used_bytes(sound.at("votes"));
    const std::size_t begin = end - (28 + body_of(5).size() + 7) / 8 * 8;
    const auto zero_from = [&](Bytes& file, std::size_t copy, std::size_t at) {
        std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(copy * half + at), end - at,
                    std::uint8_t{0});
    };
    const std::size_t body_end = begin + 28 + body_of(5).size();
    for (std::size_t at = begin; at < body_end; ++at) {
        SimulatedDisk::Files both = sound;
        zero_from(both["votes"], 0, at);
        zero_from(both["votes"], 1, begin + (at - begin) / 2);
        const Opened torn = open_files(both);
        ASSERT_EQ(torn.error, "") << at;
        ASSERT_EQ(torn.noticed, at != begin) << at;
        ASSERT_TRUE(are_one_to(torn.records, 4)) << at;
        for (const std::size_t copy : {0U, 1U}) {
            SimulatedDisk::Files one = sound;
            zero_from(one["votes"], copy, at);
            const Opened saved = open_files(one);
            ASSERT_EQ(saved.error, "") << at;
            ASSERT_TRUE(saved.noticed && are_one_to(saved.records, 5)) << at;
        }
    }
}

TEST(VoteJournal, a_file_that_is_cut_or_extended_is_refused)
{
    for (std::size_t bytes = 0; bytes < 3 * half; bytes += 37) {
        SimulatedDisk::Files files = five_records();
        files["votes"].resize(bytes);
        ASSERT_NE(open_files(files).error, "") << bytes;
    }
}

TEST(VoteJournal, a_gap_in_the_sequence_is_refused)
{
    // Records 1 and 2 of one file, then record 2 of another that says the same.
    SimulatedDisk disk;
    const auto journal = VoteJournal::create(disk, small_options());
    const Bytes body(36, 7); // 64 bytes with its header
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(journal->append({.kind = 1, .body = body}));
    }
    SimulatedDisk::Files files = disk.files();
    for (const std::size_t at : {std::size_t{0}, half}) {
        Bytes& file = files["votes"];
        std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(at + 128 + 128), 64,
                    file.begin() + static_cast<std::ptrdiff_t>(at + 128 + 64));
    }
    EXPECT_NE(open_files(files).error.find("has a gap"), std::string::npos);
}

TEST(VoteJournal, when_it_is_full_the_newest_of_each_kind_stay_and_sequences_go_on)
{
    SimulatedDisk disk;
    const auto journal = VoteJournal::create(disk, small_options());
    append(*journal, 1, 2); // of this kind there is no later one
    std::uint64_t number = 2;
    for (; number <= 500; ++number) {
        ASSERT_EQ(append(*journal, number), number);
    }
    EXPECT_EQ(disk.files().at("votes").size(), 2 * half);
    const Opened opened = open_files(disk.files());
    ASSERT_EQ(opened.error, "");
    EXPECT_FALSE(opened.noticed);
    EXPECT_EQ(opened.records.back().sequence, 500U);
    EXPECT_EQ(std::ranges::find(opened.records, 2, &JournalRecord::kind)->body, body_of(1));
    std::uint64_t last = 500;
    for (auto record = opened.records.rbegin(); record != opened.records.rend(); ++record) {
        if (record->kind == 1) {
            EXPECT_EQ(record->body, body_of(last--));
        }
    }
    EXPECT_LE(last, 492U); // at least keep_per_kind of them
    for (std::size_t i = 1; i < opened.records.size(); ++i) {
        EXPECT_EQ(opened.records[i].sequence, opened.records[i - 1].sequence + 1);
    }
}

TEST(VoteJournal, after_a_power_cut_at_any_moment_everything_acknowledged_is_there)
{
    constexpr unsigned seed = 11;
    std::mt19937 random = seeded(seed);
    SimulatedDisk disk;
    std::vector<std::uint64_t> acknowledged; // by number of operations
    const auto note = [&](std::uint64_t sequence) {
        acknowledged.resize(disk.operation_count() + 1,
                            acknowledged.empty() ? 0 : acknowledged.back());
        acknowledged.back() = sequence;
    };
    const auto journal = VoteJournal::create(disk, small_options());
    const std::size_t made = disk.operation_count();
    note(0);
    for (std::uint64_t number = 1; number <= 150;) { // through several compactions
        std::vector<Bytes> bodies;
        for (std::uint64_t count = 1 + random() % 3; count > 0; --count) {
            bodies.push_back(body_of(number++));
        }
        std::vector<JournalEntry> entries(bodies.size());
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            entries[i] = {.kind = 1, .body = bodies[i]};
        }
        note(journal->append(entries).value());
    }
    std::size_t states = 0;
    std::size_t torn = 0;
    for (std::size_t cut = 0; cut <= disk.operation_count(); ++cut) {
        for (int variant = 0; variant < 24; ++variant, ++states) {
            const Opened opened = open_files(disk.after_power_cut(cut, random));
            ASSERT_EQ(opened.error, "") << "cut after " << cut << ", seed " << seed;
            ASSERT_TRUE(!opened.absent || cut < made) << cut;
            torn += opened.noticed ? 1 : 0;
            const std::uint64_t last = opened.records.empty() ? 0 : opened.records.back().sequence;
            ASSERT_GE(last, acknowledged[cut]) << "cut after " << cut << ", seed " << seed;
            ASSERT_GE(opened.records.size(), std::min<std::uint64_t>(last, 8));
            for (const JournalRecord& record : opened.records) {
                ASSERT_EQ(record.body, body_of(record.sequence)) << cut;
            }
        }
    }
    EXPECT_GT(states, 5000U);
    EXPECT_GT(torn, 200U);
}

TEST(VoteJournal, the_first_failed_operation_is_final_and_what_was_acknowledged_stays)
{
    std::size_t failures = 0;
    for (std::size_t fail_at = 4; fail_at < 400; ++fail_at) {
        SimulatedDisk disk;
        const auto journal = VoteJournal::create(disk, small_options());
        const DiskError error = fail_at % 2 == 0 ? DiskError::io : DiskError::full;
        disk.fail_from(disk.operation_count() + fail_at, error);
        std::uint64_t number = 1;
        std::optional<JournalError> failed;
        for (; number < 200 && !failed; ++number) {
            const Bytes body = body_of(number);
            const auto appended = journal->append({.kind = 1, .body = body});
            if (!appended) {
                failed = appended.error();
            }
        }
        if (!failed) {
            continue;
        }
        ++failures;
        EXPECT_EQ(*failed,
                  error == DiskError::full ? JournalError::disk_full : JournalError::failed);
        disk.fail_from(SIZE_MAX, error); // the disk is well again: still nothing is written
        const std::size_t operations = disk.operation_count();
        const Bytes body = body_of(1);
        EXPECT_EQ(journal->append({.kind = 1, .body = body}).error(), *failed);
        EXPECT_EQ(disk.operation_count(), operations);
        const Opened opened = open_files(disk.files());
        ASSERT_EQ(opened.error, "");
        ASSERT_GE(opened.records.empty() ? 0 : opened.records.back().sequence,
                  journal->durable_sequence());
    }
    EXPECT_GT(failures, 300U);
}

TEST(VoteJournal, on_a_real_disk_a_killed_writer_loses_nothing_acknowledged)
{
    const ScratchDirectory scratch;
    std::uint64_t acknowledged = 0;
    for (unsigned round = 0; round < 6; ++round) {
        std::array<int, 2> ends{};
        ASSERT_EQ(pipe(ends.data()), 0);
        const pid_t child = fork();
        if (child == 0) {
            const auto disk = open_disk(scratch.path());
            auto journal = VoteJournal::open(*disk, small_options());
            if (journal == nullptr) {
                journal = VoteJournal::create(*disk, small_options());
            }
            for (std::uint64_t next = journal->durable_sequence() + 1;; ++next) {
                const std::uint64_t done = append(*journal, next);
                if (done != next || write(ends[1], &done, sizeof(done)) != sizeof(done)) {
                    _exit(1);
                }
            }
        }
        ::close(ends[1]);
        usleep(30'000 + 3'001 * round);
        kill(child, SIGKILL);
        std::uint64_t done = 0;
        while (read(ends[0], &done, sizeof(done)) == sizeof(done)) {
            acknowledged = done;
        }
        ::close(ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));
        const auto disk = open_disk(scratch.path());
        const auto journal = VoteJournal::open(*disk, small_options());
        if (journal == nullptr) {
            ASSERT_EQ(acknowledged, 0U);
            continue;
        }
        ASSERT_GE(journal->durable_sequence(), acknowledged);
        for (const JournalRecord& record : journal->take_recovered()) {
            ASSERT_EQ(record.body, body_of(record.sequence));
        }
    }
    EXPECT_GT(acknowledged, 20U);
}

TEST(VoteJournal, a_directory_that_is_not_there_is_one_clear_line)
{
    EXPECT_THROW(static_cast<void>(open_disk("/nowhere/at/all")), std::runtime_error);
}

} // namespace
} // namespace belfry::ledger

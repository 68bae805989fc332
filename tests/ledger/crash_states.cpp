// SPDX-License-Identifier: Apache-2.0
// crash_states.cpp: opens the stores of the ledger in every state that a power cut could have left
// of what store_writer.cpp wrote, as tests/cluster/disk_faults.hpp recorded it. Run by
// tests/ledger/crash_states.py.
//
//   crash_states RECORD DIRECTORY SCRATCH STATES SEED [PROCESSES]
//
// DIRECTORY is the data directory as the record names it; SCRATCH, best in memory, is where the
// states are made. Each event of the record is cut after, with as many states as make STATES.
// Exit     0 when each state opens and shows all that was acknowledged before the cut, as it was
//          written; 1 with the first state that does not: one that is refused, shows too little or
//          what was never written, or ends the process. Of the states of mixed_meta some may be
//          refused.
#include "tests/ledger/crash_disk.hpp"
#include "tests/ledger/store_sample.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace belfry::ledger {
namespace {

constexpr std::size_t processes_max = 16;
constexpr std::size_t text_bytes_max = 512;

struct Plan {
    std::string record;
    std::string directory;
    std::filesystem::path scratch;
    std::uint64_t states = 0;
    std::uint64_t seed = 0;
    std::size_t processes = 2;
};

/// What a process of this test tells its parent, even when it dies.
struct Told {
    std::atomic<std::uint64_t> states{0};
    std::atomic<std::uint64_t> cut{0};
    std::atomic<std::uint64_t> number{0}; // of the cut's states
    std::uint64_t refused = 0;
    std::array<std::uint64_t, loss_count> by_loss = {};
    std::array<char, text_bytes_max> wrong = {};
};

/// The newest that each store has said to be durable.
void take_mark(sample::Newest& acknowledged, const Bytes& line)
{
    const std::string_view text(reinterpret_cast<const char*>(line.data()), line.size());
    const std::size_t space = text.find(' ');
    const std::string_view store = text.substr(0, space);
    std::uint64_t number = 0;
    std::from_chars(text.data() + space + 1, text.data() + text.size(), number);
    std::uint64_t& newest = store == "journal"    ? acknowledged.journal
                            : store == "blocks"   ? acknowledged.blocks
                            : store == "accounts" ? acknowledged.accounts
                                                  : acknowledged.proofs;
    newest = number;
}

void write_files(const std::filesystem::path& place, const CrashDisk::Files& files)
{
    std::filesystem::create_directories(place);
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
        if (!files.contains(entry.path().filename().string())) {
            std::filesystem::remove(entry.path());
        }
    }
    for (const auto& [name, content] : files) {
        std::ofstream file(place / name, std::ios::binary | std::ios::trunc);
        file.write(reinterpret_cast<const char*>(content.data()),
                   static_cast<std::streamsize>(content.size()));
        if (!file.flush()) {
            throw std::runtime_error((place / name).string() + " cannot be written");
        }
    }
}

struct Verdict {
    std::string wrong;
    bool refused = false;
};

Verdict judge(const std::string& place, const sample::Newest& acknowledged)
{
    sample::Newest there;
    try {
        there = sample::verify(place);
    } catch (const sample::WrongContent& wrong) {
        return {.wrong = fmt::format("shows what was never written: {}", wrong.what())};
    } catch (const std::runtime_error& refusal) {
        return {.wrong = fmt::format("is refused: {}", refusal.what()), .refused = true};
    }
    if (there.journal < acknowledged.journal || there.blocks < acknowledged.blocks ||
        there.accounts < acknowledged.accounts || there.proofs < acknowledged.proofs) {
        return {.wrong = fmt::format(
                    "has lost something: journal {} of {}, blocks {} of {}, accounts {} of {}, "
                    "proofs {} of {}",
                    there.journal, acknowledged.journal, there.blocks, acknowledged.blocks,
                    there.accounts, acknowledged.accounts, there.proofs, acknowledged.proofs)};
    }
    return {};
}

/// Every cut whose number modulo the processes is mine. Ends at the first state that is wrong.
void check_cuts(const Plan& plan, const std::vector<DiskEvent>& events, std::size_t mine,
                Told& told)
{
    const std::string place = (plan.scratch / fmt::format("state-{}", mine)).string();
    CrashDisk disk(plan.directory);
    sample::Newest acknowledged;
    for (std::uint64_t cut = 0; cut < events.size(); ++cut) {
        disk.step(events[cut]);
        if (events[cut].what == 'm') {
            take_mark(acknowledged, events[cut].bytes);
        }
        if (cut % plan.processes != mine) {
            continue;
        }
        const std::uint64_t before = plan.states * cut / events.size();
        const std::uint64_t count = plan.states * (cut + 1) / events.size() - before;
        for (std::uint64_t number = 0; number < count; ++number) {
            const auto loss = static_cast<Loss>((before + number) % loss_count);
            told.cut = cut;
            told.number = before + number;
            std::seed_seq seed{plan.seed, before + number};
            CrashDisk::Random random(seed);
            write_files(place, disk.after_cut(loss, random));
            Verdict verdict = judge(place, acknowledged);
            if (verdict.wrong.empty() && random() % 16 == 0) { // what was healed is so for good
                verdict = judge(place, acknowledged);
            }
            if (loss == Loss::mixed_meta && verdict.refused) {
                ++told.refused;
                verdict = {};
            }
            ++told.states;
            ++told.by_loss[static_cast<std::size_t>(loss)];
            if (!verdict.wrong.empty()) {
                const std::string text = fmt::format("loss {}: {}", to_string(loss), verdict.wrong);
                std::copy_n(text.begin(), std::min(text.size(), text_bytes_max - 1),
                            told.wrong.begin());
                return;
            }
        }
    }
}

int report(const Plan& plan, std::size_t event_count, const Told* all, const std::vector<int>& ends)
{
    std::array<std::uint64_t, loss_count> by_loss = {};
    std::uint64_t states = 0;
    std::uint64_t refused = 0;
    int code = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const Told& told = all[i];
        states += told.states;
        refused += told.refused;
        for (std::size_t loss = 0; loss < loss_count; ++loss) {
            by_loss[loss] += told.by_loss[loss];
        }
        const bool died = !WIFEXITED(ends[i]) || WEXITSTATUS(ends[i]) != 0;
        if (died || told.wrong[0] != '\0') {
            const std::string what = died ? fmt::format("ends the process, wait status {}", ends[i])
                                          : std::string(told.wrong.data());
            fmt::print("state {} of seed {}, cut after event {}: {}\n", told.number.load(),
                       plan.seed, told.cut.load(), what);
            code = 1;
        }
    }
    fmt::print("{} states of {} cuts", states, event_count);
    for (std::size_t loss = 0; loss < loss_count; ++loss) {
        fmt::print(", {} {}", to_string(static_cast<Loss>(loss)), by_loss[loss]);
    }
    fmt::print("; {} refused\n", refused);
    return code;
}

int run(const Plan& plan)
{
    const std::vector<DiskEvent> events = read_disk_record(plan.record);
    void* const shared = ::mmap(nullptr, processes_max * sizeof(Told), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        throw std::runtime_error("no memory to share");
    }
    auto* const told = static_cast<Told*>(shared);
    std::vector<pid_t> children;
    for (std::size_t i = 0; i < plan.processes; ++i) {
        std::construct_at(told + i);
        const pid_t child = ::fork();
        if (child == 0) {
            try {
                check_cuts(plan, events, i, told[i]);
            } catch (const std::exception& error) {
                fmt::print(stderr, "{}\n", error.what());
                std::_Exit(70);
            }
            std::_Exit(0);
        }
        children.push_back(child);
    }
    std::vector<int> ends;
    for (const pid_t child : children) {
        int status = -1;
        (void)::waitpid(child, &status, 0);
        ends.push_back(status);
    }
    return report(plan, events.size(), told, ends);
}

} // namespace
} // namespace belfry::ledger

int main(int argc, char** argv)
{
    if (argc != 6 && argc != 7) {
        fmt::print(stderr,
                   "usage: crash_states RECORD DIRECTORY SCRATCH STATES SEED [PROCESSES]\n");
        return 64;
    }
    const belfry::ledger::Plan plan{
        .record = argv[1],
        .directory = argv[2],
        .scratch = argv[3],
        .states = std::strtoull(argv[4], nullptr, 10),
        .seed = std::strtoull(argv[5], nullptr, 10),
        .processes = argc == 7 ? std::clamp<std::size_t>(std::strtoull(argv[6], nullptr, 10), 1,
                                                         belfry::ledger::processes_max)
                               : 2};
    try {
        return belfry::ledger::run(plan);
    } catch (const std::exception& error) {
        fmt::print(stderr, "crash_states: {}\n", error.what());
        return 70;
    }
}

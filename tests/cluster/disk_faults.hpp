// SPDX-License-Identifier: Apache-2.0
#pragma once
// disk_faults.hpp: what a library for LD_PRELOAD between a program and its disk knows and decides.
// It counts every event of the durable path by name, and at the n-th of one name kills the process,
// fails, waits or lies; so the program itself holds no code for tests. disk_calls.cpp stands where
// libc would.
//
// Names    FILE.write FILE.sync FILE.allocate FILE.rename, with FILE one of
//            journal      `votes`, and journal_new: `votes.new`, which becomes it
//            ledger       `ledger.mdb`; ledger_meta: its meta pages, which LMDB writes through a
//                         second descriptor opened O_DSYNC, so that no sync follows them
//            ledger_new   `ledger.mdb.new`, which becomes it, and ledger_new_meta
//            history      `history/ledger.mdb`, history_meta, ... likewise
//            directory    any directory that is synced
//          send.LANE with LANE from BELFRY_DISK_LANES; `any` is each event of the files but history
// Orders   BELFRY_DISK_FAULT = crash NAME before|half|after N    SIGKILL at the N-th event
//                            | error NAME EIO|ENOSPC N once|on   it fails, or it and all after it
//                            | full BYTES                        ENOSPC when so many are written
//                            | lie NAME                          success without doing it
//                            | slow NAME                         as many ms late as the report
//                            says;
//                                                                FILE.* is each event of a file
//          BELFRY_DISK_REPORT = file   counts and what was done, mapped: it outlives SIGKILL
//          BELFRY_DISK_RECORD = file   every event with its bytes, enough to make the files anew
//          BELFRY_DISK_LANES  = name=port,...
// Record   u8 what | u16 path bytes | u64 offset | u32 bytes | path | bytes, where what is
//            w, d   a write that begins; d: through O_DSYNC, so that it is durable when it ends
//            e      the end of such a write          s   the end of a sync of a file or directory
//            a      allocation up to offset          c, k   a new file, a new directory
//            r, u   the rename of path to the name in bytes; a name removed
//            m      a line that the program wrote on its standard output
//            v      a statement of its own that it sends, from its kind on
// Threads  any. What one thread does to one file stands in the order in which it was done.
// Sources  System calls are made directly, never through the libc functions that stand here.

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace disk_faults {

constexpr std::size_t names_max = 40;

// What tests/cluster/disk_faults.py reads; all fields little-endian, in this order.
struct Report {
    std::uint64_t fired_ns = 0; // CLOCK_MONOTONIC
    std::uint64_t fired_count = 0;
    std::uint64_t votes_after = 0; // statements of its own that it sent after the fault
    std::uint64_t last_vote_ns = 0;
    std::uint64_t retries = 0; // writes and syncs of the same file after its error
    std::array<char, 24> fired_name = {};
    struct Entry {
        std::array<char, 24> name = {};
        std::uint64_t count = 0;
    };
    std::array<Entry, names_max> entries = {};
    std::uint64_t delay_ms = 0;      // the reader writes it; of an order `slow`
    std::uint64_t delayed_count = 0; // events that waited
};
static_assert(sizeof(Report) == 64 + names_max * 32 + 16);

enum class Act : std::uint8_t { none, crash, error, full, lie, slow };
enum class Side : std::uint8_t { before, half, after };

struct Order {
    Act act = Act::none;
    std::string name;
    Side side = Side::before;
    int code = EIO;
    std::uint64_t n = 0;
    bool on = false;
};

/// One call on its way to the kernel.
struct Event {
    int fd = -1;
    std::string file;   // journal, ledger, ...; "send" for a socket
    std::string action; // write, sync, ...; the lane of a socket
    std::string path = {};
    [[nodiscard]] std::string name() const { return file + "." + action; }
    [[nodiscard]] bool is_durable() const { return file != "send" && !file.starts_with("history"); }
};

enum class Verdict : std::uint8_t { go, die_before, die_half, die_after, fail, skip };

[[noreturn]] void die();

class Faults {
public:
    Faults();
    /// The event of a file descriptor; its file is empty when it is none that matters.
    [[nodiscard]] Event event(int fd, std::string_view action) const;
    /// Counts the event and says what becomes of it; bytes is what it would write. Waits if the
    /// disk is slow.
    [[nodiscard]] Verdict judge(const Event& event, std::size_t bytes);
    [[nodiscard]] int code() const { return order_.code; }
    /// How many bytes of a write that does not fit are written all the same.
    [[nodiscard]] std::size_t room() const { return room_; }
    void count_vote();
    void record(char what, const std::string& path, std::uint64_t offset,
                std::span<const iovec> pieces);
    [[nodiscard]] bool records() const { return record_fd_ >= 0; }

private:
    void read_order();
    void read_lanes();
    void map_report();
    [[nodiscard]] std::string lane_of(int fd) const;
    std::uint64_t add(const std::string& name);
    Verdict judge_space(const Event& event, std::size_t bytes);
    void wait_if_slow(const Event& event);
    void fire(const Event& event, std::uint64_t count);
    [[nodiscard]] std::string fired_file() const;

    Order order_;
    std::map<int, std::string> lanes_;
    Report nobody_reads_;
    Report* report_ = &nobody_reads_;
    int record_fd_ = -1;
    std::mutex mutex_;
    std::uint64_t written_ = 0;
    std::size_t room_ = 0;
};

/// Which of the files of a data directory has this path; empty when none that matters.
[[nodiscard]] std::string file_of(int fd, const std::string& path, std::string_view action);
/// Made at the first call, and never unmade: calls come before main and after it.
[[nodiscard]] Faults& faults();

} // namespace disk_faults

// SPDX-License-Identifier: Apache-2.0
// disk_faults.cpp: a library for LD_PRELOAD between a program and its disk. It counts every event
// of the durable path by name, and at the n-th of one name kills the process, fails, or lies; so
// the program itself holds no code for tests.
//
// Names    FILE.write FILE.sync FILE.allocate FILE.rename, with FILE one of
//            journal      `votes`, and journal_new: `votes.new`, which becomes it
//            ledger       `ledger.mdb`; ledger_meta: its meta pages, which LMDB writes through a
//                         second descriptor opened O_DSYNC, so that no sync follows them
//            history      `history/ledger.mdb`, history_meta likewise
//            directory    any directory that is synced
//          send.LANE with LANE from BELFRY_DISK_LANES; `any` is each event of the files but history
// Orders   BELFRY_DISK_FAULT = crash NAME before|half|after N    SIGKILL at the N-th event
//                            | error NAME EIO|ENOSPC N once|on   it fails, or it and all after it
//                            | full BYTES                        ENOSPC when so many are written
//                            | lie NAME                          success without doing it
//          BELFRY_DISK_REPORT = file   counts and what was done, mapped: it outlives SIGKILL
//          BELFRY_DISK_RECORD = file   every event with its bytes, enough to make the files anew
//          BELFRY_DISK_LANES  = name=port,...
// Sources  System calls are made directly, never through the libc functions that stand here.

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

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
};
static_assert(sizeof(Report) == 64 + names_max * 32);

enum class Act : std::uint8_t { none, crash, error, full, lie };
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

std::string text_of(const char* variable)
{
    const char* const value = std::getenv(variable);
    return value == nullptr ? "" : value;
}

std::uint64_t now_ns()
{
    timespec now{};
    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

[[noreturn]] void die()
{
    (void)syscall(SYS_kill, getpid(), SIGKILL);
    while (true) {
        (void)syscall(SYS_pause);
    }
}

/// The file name.mdb for its two descriptors: what a retry would be counted against.
std::string_view body_of(std::string_view file)
{
    return file.substr(0, file.find('_'));
}

class Faults {
public:
    Faults()
    {
        read_order();
        read_lanes();
        map_report();
        if (const std::string file = text_of("BELFRY_DISK_RECORD"); !file.empty()) {
            record_fd_ = open_file(file, O_WRONLY | O_CREAT | O_TRUNC);
        }
    }

    /// The event of a file descriptor; its file is empty when it is none that matters.
    [[nodiscard]] Event event(int fd, std::string_view action) const
    {
        Event event{.fd = fd, .file = {}, .action = std::string(action)};
        std::array<char, 512> link{};
        const std::string name = "/proc/self/fd/" + std::to_string(fd);
        const ssize_t bytes = readlink(name.c_str(), link.data(), link.size());
        if (bytes <= 0) {
            return event;
        }
        event.path.assign(link.data(), static_cast<std::size_t>(bytes));
        event.file = file_of(fd, event.path, action);
        if (event.file == "send") {
            event.action = lane_of(fd);
            event.file = event.action.empty() ? "" : "send";
        }
        return event;
    }

    /// Counts the event and says what becomes of it; bytes is what it would write.
    [[nodiscard]] Verdict judge(const Event& event, std::size_t bytes)
    {
        const std::uint64_t count = add(event.name());
        const std::uint64_t any = event.is_durable() ? add("any") : 0;
        const bool fired = report_->fired_ns != 0;
        if (fired && body_of(event.file) == fired_file() && order_.act == Act::error) {
            std::atomic_ref(report_->retries).fetch_add(1);
        }
        if (order_.act == Act::full) {
            return judge_space(event, bytes);
        }
        const std::uint64_t mine = order_.name == "any"          ? any
                                   : order_.name == event.name() ? count
                                                                 : 0;
        if (mine == 0) {
            return Verdict::go;
        }
        if (order_.act == Act::lie) {
            fire(event, mine);
            return Verdict::skip;
        }
        if (order_.act == Act::none || mine < order_.n || (mine > order_.n && !order_.on)) {
            return Verdict::go;
        }
        fire(event, mine);
        if (order_.act == Act::error) {
            return Verdict::fail;
        }
        return order_.side == Side::before ? Verdict::die_before
               : order_.side == Side::half ? Verdict::die_half
                                           : Verdict::die_after;
    }

    [[nodiscard]] int code() const { return order_.code; }
    /// How many bytes of a write that does not fit are written all the same.
    [[nodiscard]] std::size_t room() const { return room_; }

    void count_vote()
    {
        if (report_->fired_ns != 0) {
            std::atomic_ref(report_->votes_after).fetch_add(1);
            report_->last_vote_ns = now_ns();
        }
    }

    /// u8 action | u16 path bytes | u64 offset | u32 bytes | path | bytes
    void record(char action, const std::string& path, std::uint64_t offset,
                std::span<const iovec> pieces)
    {
        if (record_fd_ < 0) {
            return;
        }
        std::uint32_t bytes = 0;
        for (const iovec& piece : pieces) {
            bytes += static_cast<std::uint32_t>(piece.iov_len);
        }
        std::string head(1, action);
        put(head, path.size(), 2);
        put(head, offset, 8);
        put(head, bytes, 4);
        head += path;
        std::vector<iovec> all{{.iov_base = head.data(), .iov_len = head.size()}};
        all.insert(all.end(), pieces.begin(), pieces.end());
        const std::scoped_lock lock(mutex_);
        (void)syscall(SYS_writev, record_fd_, all.data(), all.size());
    }

private:
    static void put(std::string& out, std::uint64_t value, int bytes)
    {
        for (int i = 0; i < bytes; ++i) {
            out.push_back(static_cast<char>(value >> (8 * i)));
        }
    }
    static int open_file(const std::string& file, int flags)
    {
        return static_cast<int>(
            syscall(SYS_openat, AT_FDCWD, file.c_str(), flags | O_CLOEXEC, 0600));
    }

    void read_order()
    {
        std::istringstream words(text_of("BELFRY_DISK_FAULT"));
        std::string act;
        std::string how;
        std::string times;
        words >> act;
        if (act == "crash") {
            words >> order_.name >> how >> order_.n;
            order_.act = Act::crash;
            order_.side = how == "before" ? Side::before : how == "half" ? Side::half : Side::after;
        } else if (act == "error") {
            words >> order_.name >> how >> order_.n >> times;
            order_.act = Act::error;
            order_.code = how == "ENOSPC" ? ENOSPC : EIO;
            order_.on = times == "on";
        } else if (act == "full") {
            words >> order_.n;
            order_.act = Act::full;
            order_.code = ENOSPC;
        } else if (act == "lie") {
            words >> order_.name;
            order_.act = Act::lie;
        }
        if (!act.empty() && (!words || order_.act == Act::none)) {
            constexpr std::string_view text = "disk_faults: an order that is not understood\n";
            (void)syscall(SYS_write, STDERR_FILENO, text.data(), text.size());
            _exit(99);
        }
    }

    void read_lanes()
    {
        std::istringstream all(text_of("BELFRY_DISK_LANES"));
        std::string one;
        while (std::getline(all, one, ',')) {
            const std::size_t equal = one.find('=');
            lanes_[std::atoi(one.substr(equal + 1).c_str())] = one.substr(0, equal);
        }
    }

    void map_report()
    {
        const std::string file = text_of("BELFRY_DISK_REPORT");
        const int fd = file.empty() ? -1 : open_file(file, O_RDWR | O_CREAT | O_TRUNC);
        if (fd < 0) {
            return;
        }
        (void)syscall(SYS_ftruncate, fd, sizeof(Report));
        void* const place =
            mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        if (place != MAP_FAILED) {
            report_ = static_cast<Report*>(place);
        }
    }

    static std::string file_of(int fd, const std::string& path, std::string_view action)
    {
        if (path.starts_with("socket:")) {
            return action == "send" ? "send" : "";
        }
        const std::size_t slash = path.rfind('/');
        const std::string name = path.substr(slash + 1);
        if (name == "votes") {
            return "journal";
        }
        if (name == "votes.new") {
            return "journal_new";
        }
        if (name == "ledger.mdb") {
            const bool history = path.substr(0, slash).ends_with("/history");
            const bool meta = (syscall(SYS_fcntl, fd, F_GETFL) & O_DSYNC) != 0;
            return std::string(history ? "history" : "ledger") + (meta ? "_meta" : "");
        }
        struct stat status{};
        const bool directory =
            action == "sync" && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
        return directory ? "directory" : "";
    }

    [[nodiscard]] std::string lane_of(int fd) const
    {
        sockaddr_storage place{};
        socklen_t bytes = sizeof(place);
        if (getsockname(fd, reinterpret_cast<sockaddr*>(&place), &bytes) != 0) {
            return {};
        }
        sockaddr_in name{};
        std::memcpy(&name, &place, sizeof(name)); // the port stands in the same place for IPv6
        const auto lane = lanes_.find(ntohs(name.sin_port));
        return lane == lanes_.end() ? "" : lane->second;
    }

    std::uint64_t add(const std::string& name)
    {
        const std::scoped_lock lock(mutex_);
        for (Report::Entry& entry : report_->entries) {
            if (entry.name[0] == '\0') {
                std::ranges::copy(name.substr(0, entry.name.size() - 1), entry.name.begin());
            }
            if (name == entry.name.data()) {
                return ++entry.count;
            }
        }
        die(); // a name too many: nobody may believe this run
    }

    Verdict judge_space(const Event& event, std::size_t bytes)
    {
        if (!event.is_durable() || (event.action != "write" && event.action != "allocate")) {
            return Verdict::go;
        }
        const std::scoped_lock lock(mutex_);
        room_ = order_.n - std::min(order_.n, written_);
        if (bytes <= room_) {
            written_ += bytes;
            return Verdict::go;
        }
        written_ = order_.n;
        fire(event, order_.n);
        return Verdict::fail;
    }

    void fire(const Event& event, std::uint64_t count)
    {
        if (report_->fired_ns == 0) {
            report_->fired_count = count;
            std::ranges::copy(event.name().substr(0, 23), report_->fired_name.begin());
            std::atomic_ref(report_->fired_ns).store(now_ns());
        }
    }

    [[nodiscard]] std::string fired_file() const
    {
        const std::string_view name = report_->fired_name.data();
        return std::string(body_of(name.substr(0, name.find('.'))));
    }

    Order order_;
    std::map<int, std::string> lanes_;
    Report nobody_reads_;
    Report* report_ = &nobody_reads_;
    int record_fd_ = -1;
    std::mutex mutex_;
    std::uint64_t written_ = 0;
    std::size_t room_ = 0;
};

/// Made at the first call, and never unmade: calls come before main and after it.
Faults& faults()
{
    static Faults* const made = new Faults;
    return *made;
}

/// Does what make() would, unless it is decided otherwise. some() writes the first so many bytes.
template <class Make, class Some>
ssize_t pass(const Event& event, std::size_t bytes, const Make& make, const Some& some)
{
    switch (faults().judge(event, bytes)) {
    case Verdict::go:
        break;
    case Verdict::die_before:
        die();
    case Verdict::die_half:
        (void)some(bytes / 2);
        die();
    case Verdict::die_after:
        (void)make();
        die();
    case Verdict::skip:
        return static_cast<ssize_t>(bytes);
    case Verdict::fail:
        if (const std::size_t room = faults().room(); room > 0 && room < bytes) {
            return some(room); // as a disk that fills: a short write first
        }
        errno = faults().code();
        return -1;
    }
    return make();
}

ssize_t write_pieces(int fd, std::span<const iovec> pieces, std::int64_t offset)
{
    const auto count = static_cast<int>(pieces.size());
    return offset < 0 ? syscall(SYS_writev, fd, pieces.data(), count)
                      : syscall(SYS_pwritev, fd, pieces.data(), count, offset, 0);
}

/// offset -1: where the descriptor stands.
ssize_t write_event(int fd, std::span<const iovec> pieces, std::int64_t offset)
{
    const Event event = faults().event(fd, "write");
    if (event.file.empty()) {
        return write_pieces(fd, pieces, offset);
    }
    std::size_t bytes = 0;
    for (const iovec& piece : pieces) {
        bytes += piece.iov_len;
    }
    const auto make = [&] {
        const std::int64_t at = offset < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset;
        faults().record(event.file.ends_with("_meta") ? 'd' : 'w', event.path,
                        static_cast<std::uint64_t>(at), pieces);
        return write_pieces(fd, pieces, offset);
    };
    const auto some = [&](std::size_t count) {
        std::vector<iovec> part(pieces.begin(), pieces.end());
        for (iovec& piece : part) {
            piece.iov_len = std::min(piece.iov_len, count);
            count -= piece.iov_len;
        }
        return write_pieces(fd, part, offset);
    };
    return pass(event, bytes, make, some);
}

int sync_event(int fd, long number)
{
    const Event event = faults().event(fd, "sync");
    const auto make = [&] {
        const ssize_t done = syscall(number, fd);
        if (done == 0 && !event.file.empty()) {
            faults().record('s', event.path, 0, {});
        }
        return done;
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return static_cast<int>(event.file.empty() ? make() : pass(event, 0, make, none));
}

iovec piece_of(const void* data, std::size_t bytes)
{
    return {.iov_base = const_cast<void*>(data), .iov_len = bytes};
}

/// Own statements have kinds 1 to 15 behind the prefix (dataplane/wire.hpp).
void count_votes(const Event& event, const msghdr& message)
{
    for (std::size_t i = 0; event.action == "votes" && i < message.msg_iovlen; ++i) {
        const iovec& piece = message.msg_iov[i];
        const auto* const bytes = static_cast<const unsigned char*>(piece.iov_base);
        if (piece.iov_len > 5 && bytes[5] >= 1 && bytes[5] <= 15) {
            faults().count_vote();
        }
    }
}

} // namespace

// What the program and its libraries call instead of libc.
extern "C" {

ssize_t write(int fd, const void* data, size_t bytes)
{
    const iovec piece = piece_of(data, bytes);
    return write_event(fd, {&piece, 1}, -1);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset)
{
    const iovec piece = piece_of(data, bytes);
    return write_event(fd, {&piece, 1}, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset)
{
    const iovec piece = piece_of(data, bytes);
    return write_event(fd, {&piece, 1}, offset);
}

ssize_t writev(int fd, const iovec* pieces, int count)
{
    return write_event(fd, {pieces, static_cast<std::size_t>(count)}, -1);
}

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset)
{
    return write_event(fd, {pieces, static_cast<std::size_t>(count)}, offset);
}

ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t offset)
{
    return write_event(fd, {pieces, static_cast<std::size_t>(count)}, offset);
}

int fsync(int fd)
{
    return sync_event(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_event(fd, SYS_fdatasync);
}

int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    const Event event = faults().event(fd, "allocate");
    const auto make = [&]() -> ssize_t {
        faults().record('a', event.path, static_cast<std::uint64_t>(offset + bytes), {});
        return syscall(SYS_fallocate, fd, 0, offset, bytes) == 0 ? 0 : -1;
    };
    const auto none = [](std::size_t /*count*/) {
        errno = faults().code();
        return ssize_t{-1};
    };
    const ssize_t done =
        event.file.empty() ? make() : pass(event, static_cast<std::size_t>(bytes), make, none);
    return done == 0 ? 0 : errno;
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept
{
    const Event event{.fd = -1,
                      .file = std::string_view(to) == "votes" ? "journal" : "",
                      .action = "rename",
                      .path = from};
    const auto make = [&]() -> ssize_t {
        faults().record('r', event.path, 0, {});
        return syscall(SYS_renameat, from_directory, from, to_directory, to);
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return static_cast<int>(event.file.empty() ? make() : pass(event, 0, make, none));
}

ssize_t sendmsg(int fd, const msghdr* message, int flags)
{
    const Event event = faults().event(fd, "send");
    const auto make = [&]() -> ssize_t {
        count_votes(event, *message);
        return syscall(SYS_sendmsg, fd, message, flags);
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return event.file.empty() ? make() : pass(event, 0, make, none);
}

int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags)
{
    const Event event = faults().event(fd, "send");
    const auto make = [&]() -> ssize_t {
        for (unsigned i = 0; i < count; ++i) {
            count_votes(event, messages[i].msg_hdr);
        }
        return syscall(SYS_sendmmsg, fd, messages, count, flags);
    };
    const auto none = [](std::size_t /*count*/) {
        return ssize_t{0};
    };
    return static_cast<int>(event.file.empty() ? make() : pass(event, 0, make, none));
}

} // extern "C"

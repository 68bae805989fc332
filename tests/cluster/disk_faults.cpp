// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/disk_faults.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>
#include <vector>

namespace disk_faults {

namespace {
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

/// The file name.mdb for its two descriptors: what a retry would be counted against.
std::string_view body_of(std::string_view file)
{
    return file.substr(0, file.find('_'));
}

void put(std::string& out, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i) {
        out.push_back(static_cast<char>(value >> (8 * i)));
    }
}
int open_file(const std::string& file, int flags)
{
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, file.c_str(), flags | O_CLOEXEC, 0600));
}

} // namespace

void die()
{
    (void)syscall(SYS_kill, getpid(), SIGKILL);
    while (true) {
        (void)syscall(SYS_pause);
    }
}

std::string file_of(int fd, const std::string& path, std::string_view action)
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
    if (name == "ledger.mdb" || name == "ledger.mdb.new") {
        const bool history = path.substr(0, slash).ends_with("/history");
        const bool meta = (syscall(SYS_fcntl, fd, F_GETFL) & O_DSYNC) != 0;
        return std::string(history ? "history" : "ledger") + (name.ends_with("new") ? "_new" : "") +
               (meta ? "_meta" : "");
    }
    struct stat status{};
    const bool directory = action == "sync" && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    return directory ? "directory" : "";
}

Faults::Faults()
{
    read_order();
    read_lanes();
    map_report();
    if (const std::string file = text_of("BELFRY_DISK_RECORD"); !file.empty()) {
        record_fd_ = open_file(file, O_WRONLY | O_CREAT | O_TRUNC);
    }
}

Event Faults::event(int fd, std::string_view action) const
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

Verdict Faults::judge(const Event& event, std::size_t bytes)
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
    const std::uint64_t mine = order_.name == "any" ? any : order_.name == event.name() ? count : 0;
    if (order_.act == Act::slow) {
        wait_if_slow(event);
        return Verdict::go;
    }
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

void Faults::count_vote()
{
    if (report_->fired_ns != 0) {
        std::atomic_ref(report_->votes_after).fetch_add(1);
        report_->last_vote_ns = now_ns();
    }
}

void Faults::record(char what, const std::string& path, std::uint64_t offset,
                    std::span<const iovec> pieces)
{
    if (record_fd_ < 0) {
        return;
    }
    std::uint32_t bytes = 0;
    for (const iovec& piece : pieces) {
        bytes += static_cast<std::uint32_t>(piece.iov_len);
    }
    std::string head(1, what);
    put(head, path.size(), 2);
    put(head, offset, 8);
    put(head, bytes, 4);
    head += path;
    std::vector<iovec> all{{.iov_base = head.data(), .iov_len = head.size()}};
    all.insert(all.end(), pieces.begin(), pieces.end());
    const std::scoped_lock lock(mutex_);
    (void)syscall(SYS_writev, record_fd_, all.data(), all.size());
}

void Faults::read_order()
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
    } else if (act == "lie" || act == "slow") {
        words >> order_.name;
        order_.act = act == "lie" ? Act::lie : Act::slow;
    }
    if (!act.empty() && (!words || order_.act == Act::none)) {
        constexpr std::string_view text = "disk_faults: an order that is not understood\n";
        (void)syscall(SYS_write, STDERR_FILENO, text.data(), text.size());
        _exit(99);
    }
}

void Faults::read_lanes()
{
    std::istringstream all(text_of("BELFRY_DISK_LANES"));
    std::string one;
    while (std::getline(all, one, ',')) {
        const std::size_t equal = one.find('=');
        lanes_[static_cast<int>(std::strtol(one.c_str() + (equal + 1), nullptr, 10))] =
            one.substr(0, equal);
    }
}

void Faults::map_report()
{
    const std::string file = text_of("BELFRY_DISK_REPORT");
    const int fd = file.empty() ? -1 : open_file(file, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return;
    }
    (void)syscall(SYS_ftruncate, fd, sizeof(Report));
    void* const place = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (place != MAP_FAILED) {
        report_ = static_cast<Report*>(place);
    }
}

std::string Faults::lane_of(int fd) const
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

std::uint64_t Faults::add(const std::string& name)
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

Verdict Faults::judge_space(const Event& event, std::size_t bytes)
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

void Faults::fire(const Event& event, std::uint64_t count)
{
    if (report_->fired_ns == 0) {
        report_->fired_count = count;
        std::ranges::copy(event.name().substr(0, 23), report_->fired_name.begin());
        std::atomic_ref(report_->fired_ns).store(now_ns());
    }
}

std::string Faults::fired_file() const
{
    const std::string_view name = report_->fired_name.data();
    return std::string(body_of(name.substr(0, name.find('.'))));
}

void Faults::wait_if_slow(const Event& event)
{
    const bool mine = order_.name == "any"
                          ? event.is_durable()
                          : order_.name == event.name() || order_.name == event.file + ".*";
    const std::uint64_t delay_ms = std::atomic_ref(report_->delay_ms).load();
    if (!mine || delay_ms == 0) {
        return;
    }
    std::atomic_ref(report_->delayed_count).fetch_add(1);
    timespec left{.tv_sec = static_cast<time_t>(delay_ms / 1000),
                  .tv_nsec = static_cast<long>(delay_ms % 1000 * 1'000'000)};
    while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &left, &left) != 0 && errno == EINTR) {
    }
}

Faults& faults()
{
    static Faults* const made = new Faults;
    return *made;
}

} // namespace disk_faults

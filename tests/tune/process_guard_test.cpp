// SPDX-License-Identifier: Apache-2.0
#include "tune/process_guard.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

namespace belfry::tune {
namespace {

constexpr uid_t nobody = 65534;

/// An ordinary user: root may read everything, guarded or not.
bool become_nobody()
{
    return geteuid() != 0 || (setgid(nobody) == 0 && setuid(nobody) == 0);
}

/// What another process of the same user can do to one that may have guarded itself.
struct Access {
    bool reads_memory = false;
    bool traces = false;
};

/// Runs in a process of its own. 4 plus one bit per access; 0 and 1 are other ends.
[[noreturn]] void attack(pid_t victim)
{
    if (!become_nobody()) {
        std::_Exit(1);
    }
    const std::string memory = "/proc/" + std::to_string(victim) + "/mem";
    const int fd = open(memory.c_str(), O_RDONLY | O_CLOEXEC);
    const bool traces = ptrace(PTRACE_SEIZE, victim, nullptr, nullptr) == 0;
    std::_Exit(4 + (fd >= 0 ? 1 : 0) + (traces ? 2 : 0));
}

/// nullopt where processes cannot be made or their user not changed.
std::optional<Access> attack_one_that(bool guards_itself)
{
    std::array<int, 2> ready{};
    if (pipe2(ready.data(), O_CLOEXEC) != 0) {
        return std::nullopt;
    }
    const pid_t victim = fork();
    if (victim == 0) {
        // A change of user makes a process not dumpable too: undone, so that only the guard counts.
        const bool ok = become_nobody() && prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL) == 0;
        if (guards_itself) {
            (void)guard_this_process(); // what it says of itself is another test's
        }
        const char told = ok ? 'y' : 'n';
        (void)!write(ready[1], &told, 1);
        while (true) {
            pause();
        }
    }
    char told = 'n';
    const bool is_ready = victim > 0 && read(ready[0], &told, 1) == 1 && told == 'y';
    int status = 0;
    if (is_ready) {
        const pid_t attacker = fork();
        if (attacker == 0) {
            attack(victim);
        }
        (void)waitpid(attacker, &status, 0);
    }
    if (victim > 0) {
        (void)kill(victim, SIGKILL);
        (void)waitpid(victim, nullptr, 0);
    }
    close(ready[0]);
    close(ready[1]);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (code < 4) {
        return std::nullopt;
    }
    return Access{.reads_memory = ((code - 4) & 1) != 0, .traces = ((code - 4) & 2) != 0};
}

TEST(ProcessGuard, another_process_of_the_same_user_can_neither_read_nor_trace)
{
    const std::optional<Access> guarded = attack_one_that(true);
    if (!guarded) {
        GTEST_SKIP() << "no two processes of one ordinary user can be made here";
    }
    EXPECT_FALSE(guarded->reads_memory);
    EXPECT_FALSE(guarded->traces);
    const std::optional<Access> open = attack_one_that(false);
    ASSERT_TRUE(open.has_value());
    if (!open->reads_memory || !open->traces) {
        GTEST_SKIP() << "this machine refuses it to everybody: the guard cannot be seen to matter";
    }
}

[[noreturn]] void guard_and_ask()
{
    const ProcessGuard guard = guard_this_process();
    rlimit core{.rlim_cur = 1, .rlim_max = 1};
    const bool ok = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
                    core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0 &&
                    prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1;
    std::_Exit(ok && guard.complete() ? 0 : 1);
}

TEST(ProcessGuardDeathTest, leaves_no_core_file_is_not_dumpable_and_gains_no_privilege)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(guard_and_ask(), testing::ExitedWithCode(0), "");
}

TEST(ProcessGuard, says_what_was_refused)
{
    EXPECT_EQ((ProcessGuard{.no_core_file = true, .not_dumpable = true, .no_new_privileges = true})
                  .description(),
              "no core file, not dumpable, no new privileges");
    EXPECT_EQ((ProcessGuard{.no_core_file = true}).description(),
              "the kernel refused: not dumpable; no new privileges");
}

} // namespace
} // namespace belfry::tune

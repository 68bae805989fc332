// SPDX-License-Identifier: Apache-2.0
#include "node/demo/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

namespace belfry::node {
namespace {

constexpr int exec_failed = 127;

// Between fork and exec only async-signal-safe calls are allowed: everything is prepared before.
[[noreturn]] void become(char* const* arguments, int log, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(exec_failed); // the parent is gone already
    }
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    execv(arguments[0], arguments);
    _exit(exec_failed);
}

} // namespace

Process Process::start(const std::vector<std::string>& arguments, const std::filesystem::path& log)
{
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) {
        throw std::runtime_error(log.string() + ": cannot be opened for writing");
    }
    std::vector<std::string> copies = arguments;
    std::vector<char*> pointers;
    pointers.reserve(copies.size() + 1);
    for (std::string& copy : copies) {
        pointers.push_back(copy.data());
    }
    pointers.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        become(pointers.data(), file, parent);
    }
    (void)close(file);
    if (pid < 0) {
        throw std::runtime_error(arguments.front() + ": cannot be started, fork failed");
    }
    return Process(pid);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1))
    , exit_code_(other.exit_code_)
{
}

Process& Process::operator=(Process&& other) noexcept
{
    std::swap(pid_, other.pid_);
    std::swap(exit_code_, other.exit_code_);
    return *this;
}

Process::~Process()
{
    if (pid_ > 0 && !exit_code()) {
        (void)kill(pid_, SIGKILL);
        (void)waitpid(pid_, nullptr, 0);
    }
}

std::optional<int> Process::exit_code()
{
    int status = 0;
    if (!exit_code_ && pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exit_code_;
}

void Process::signal(int signal_number)
{
    if (pid_ > 0 && !exit_code()) {
        (void)kill(pid_, signal_number);
    }
}

std::optional<int> Process::wait(int timeout_ms)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!exit_code() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return exit_code();
}

} // namespace belfry::node

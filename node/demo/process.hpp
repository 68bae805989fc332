// SPDX-License-Identifier: Apache-2.0
#pragma once
// process.hpp: a child process of the demo. It never outlives its parent.
// Errors   start() throws std::runtime_error naming the program; the rest cannot fail.
// Threads  one owner. The child gets SIGKILL from the kernel if the starting thread ends.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {

class Process {
public:
    /// Starts arguments[0] with its output appended to a log file.
    [[nodiscard]] static Process start(const std::vector<std::string>& arguments,
                                       const std::filesystem::path& log);
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    /// Kills and reaps it when it still runs.
    ~Process();

    [[nodiscard]] int pid() const { return pid_; }
    /// Exit code once it has ended (128 + signal when one ended it); reaps it.
    [[nodiscard]] std::optional<int> exit_code();
    void signal(int signal_number);
    /// Waits up to timeout_ms; nullopt when it still runs.
    [[nodiscard]] std::optional<int> wait(int timeout_ms);

private:
    explicit Process(int pid)
        : pid_(pid)
    {
    }
    int pid_ = -1;
    std::optional<int> exit_code_;
};

} // namespace belfry::node

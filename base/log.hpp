// SPDX-License-Identifier: Apache-2.0
#pragma once
// log.hpp: one line per event, on standard error or into a file, and no flood of equal lines.
// Shapes   2026-01-31T12:00:00.123456Z info  net     sockets.bound: transactions on 127.0.0.1:8001
//          time (UTC), level, tile, key, text. Control characters in the text become '?', so that
//          what came from the network cannot forge a line.
// Bounds   a TileLog writes at most one line of a key per interval (one slot by default) and says
//          in the next one how many were folded; keys_max keys, further ones share one.
// Threads  Logger may be shared by all threads (the sink has the only lock); a TileLog has one
// owner.
// Errors   the constructor throws when the file cannot be opened; writing never throws.

#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace belfry {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

/// "debug", "info", "warning", "error", "off"; nullopt for anything else.
[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view text);

class Logger {
public:
    struct Options {
        LogLevel level = LogLevel::info;
        std::string file; // empty: standard error
    };
    explicit Logger(const Options& options);
    ~Logger();
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;

    [[nodiscard]] bool wants(LogLevel level) const noexcept;
    /// Writes the line whatever was written before. tile is at most a word, key a dotted name.
    void write(LogLevel level, std::string_view tile, std::string_view key,
               std::string_view text) noexcept;
    void flush() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A tile's view of the Logger, which folds repeats. Errors are folded too; nothing is lost but the
/// text of the folded lines.
class TileLog {
public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        std::string tile;
        std::chrono::milliseconds interval{600};
        std::size_t keys_max = 128;
    };
    /// logger must outlive this object.
    TileLog(Logger& logger, Options options);

    template <class... Arguments>
    void debug(std::string_view key, fmt::format_string<Arguments...> format, Arguments&&... args)
    {
        log(LogLevel::debug, key, format, std::forward<Arguments>(args)...);
    }
    template <class... Arguments>
    void info(std::string_view key, fmt::format_string<Arguments...> format, Arguments&&... args)
    {
        log(LogLevel::info, key, format, std::forward<Arguments>(args)...);
    }
    template <class... Arguments>
    void warning(std::string_view key, fmt::format_string<Arguments...> format, Arguments&&... args)
    {
        log(LogLevel::warning, key, format, std::forward<Arguments>(args)...);
    }
    template <class... Arguments>
    void error(std::string_view key, fmt::format_string<Arguments...> format, Arguments&&... args)
    {
        log(LogLevel::error, key, format, std::forward<Arguments>(args)...);
    }

    /// Writes what was folded and is due. Call now and then (once a slot) from the tile's loop.
    void flush_due(Clock::time_point now = Clock::now()) noexcept;
    /// Writes what was folded, due or not. For the end of a run.
    void flush_all() noexcept;

private:
    struct Folded {
        std::string key;
        LogLevel level = LogLevel::info;
        Clock::time_point quiet_until{};
        std::uint64_t folded_count = 0;
    };

    template <class... Arguments>
    void log(LogLevel level, std::string_view key, fmt::format_string<Arguments...> format,
             Arguments&&... args)
    {
        if (logger_.wants(level)) {
            log_wanted(level, key, format, fmt::make_format_args(args...));
        }
    }
    void log_wanted(LogLevel level, std::string_view key, fmt::string_view format,
                    fmt::format_args args);
    Folded& entry_of(std::string_view key);
    /// True when the line is counted instead of written.
    bool folds(Folded& entry, LogLevel level, Clock::time_point now) const noexcept;
    void write(Folded& entry, std::string_view key, std::string_view text) noexcept;
    void write_folded(Folded& entry, Clock::time_point now) noexcept;

    Logger& logger_;
    Options options_;
    std::vector<Folded> entries_;
};

} // namespace belfry

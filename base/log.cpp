// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include "base/one_line.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>

namespace belfry {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> level_names{{
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warning", LogLevel::warning},
    {"error", LogLevel::error},
    {"off", LogLevel::off},
}};
constexpr std::string_view shared_key = "log.other_keys";

spdlog::level::level_enum spdlog_level(LogLevel level)
{
    switch (level) {
    case LogLevel::debug:
        return spdlog::level::debug;
    case LogLevel::info:
        return spdlog::level::info;
    case LogLevel::warning:
        return spdlog::level::warn;
    case LogLevel::error:
        return spdlog::level::err;
    case LogLevel::off:
        break;
    }
    return spdlog::level::off;
}

std::string_view name_of(LogLevel level)
{
    return level_names[static_cast<std::size_t>(level)].first;
}

spdlog::sink_ptr open_sink(const std::string& file)
{
    if (file.empty()) {
        return std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    try {
        return std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    } catch (const spdlog::spdlog_ex& error) {
        throw std::runtime_error(error.what());
    }
}

} // namespace

std::optional<LogLevel> parse_log_level(std::string_view text)
{
    for (const auto& [name, level] : level_names) {
        if (name == text) {
            return level;
        }
    }
    return std::nullopt;
}

struct Logger::State {
    explicit State(spdlog::sink_ptr sink)
        : logger("belfry", std::move(sink))
    {
    }
    spdlog::logger logger;
};

Logger::Logger(const Options& options)
{
    spdlog::sink_ptr sink = open_sink(options.file);
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%fZ %v", spdlog::pattern_time_type::utc));
    state_ = std::make_unique<State>(std::move(sink));
    state_->logger.set_level(spdlog_level(options.level));
    state_->logger.flush_on(spdlog::level::info);
    state_->logger.set_error_handler([](const std::string&) {}); // a full disk must not stop a tile
}

Logger::~Logger() = default;

bool Logger::wants(LogLevel level) const noexcept
{
    return level != LogLevel::off && state_->logger.should_log(spdlog_level(level));
}

void Logger::write(LogLevel level, std::string_view tile, std::string_view key,
                   std::string_view text) noexcept
{
    if (!wants(level)) {
        return;
    }
    try {
        fmt::memory_buffer line;
        fmt::format_to(std::back_inserter(line), "{:<7} {:<9} {}: {}", name_of(level), tile, key,
                       text);
        std::replace_if(line.begin(), line.end(), is_control, '?');
        state_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
    } catch (...) { // NOLINT(bugprone-empty-catch): a line is lost, the node goes on
    }
}

void Logger::flush() noexcept
{
    try {
        state_->logger.flush();
    } catch (...) { // NOLINT(bugprone-empty-catch): see write()
    }
}

TileLog::TileLog(Logger& logger, Options options)
    : logger_(logger)
    , options_(std::move(options))
{
    options_.keys_max = std::max<std::size_t>(options_.keys_max, 1);
    entries_.reserve(options_.keys_max + 1);
}

void TileLog::log_wanted(LogLevel level, std::string_view key, fmt::string_view format,
                         fmt::format_args args)
{
    Folded& entry = entry_of(key);
    if (!folds(entry, level, Clock::now())) {
        write(entry, key, fmt::vformat(format, args));
    }
}

TileLog::Folded& TileLog::entry_of(std::string_view key)
{
    const auto named = [&](std::string_view name) {
        return std::find_if(entries_.begin(), entries_.end(),
                            [&](const Folded& entry) { return entry.key == name; });
    };
    if (const auto found = named(key); found != entries_.end()) {
        return *found;
    }
    if (entries_.size() < options_.keys_max) {
        return entries_.emplace_back(Folded{.key = std::string(key)});
    }
    if (const auto found = named(shared_key); found != entries_.end()) {
        return *found;
    }
    return entries_.emplace_back(Folded{.key = std::string(shared_key)});
}

bool TileLog::folds(Folded& entry, LogLevel level, Clock::time_point now) const noexcept
{
    if (now < entry.quiet_until) {
        ++entry.folded_count;
        entry.level = std::max(entry.level, level);
        return true;
    }
    entry.level = level;
    entry.quiet_until = now + options_.interval;
    return false;
}

void TileLog::write(Folded& entry, std::string_view key, std::string_view text) noexcept
{
    if (entry.folded_count == 0) {
        logger_.write(entry.level, options_.tile, key, text);
        return;
    }
    try {
        fmt::memory_buffer line;
        fmt::format_to(std::back_inserter(line), "{} ({} more before)", text, entry.folded_count);
        logger_.write(entry.level, options_.tile, key, {line.data(), line.size()});
    } catch (...) { // NOLINT(bugprone-empty-catch): a line is lost, the node goes on
    }
    entry.folded_count = 0;
}

void TileLog::write_folded(Folded& entry, Clock::time_point now) noexcept
{
    if (entry.folded_count == 0) {
        return;
    }
    entry.quiet_until = now + options_.interval;
    write(entry, entry.key, "again");
}

void TileLog::flush_due(Clock::time_point now) noexcept
{
    for (Folded& entry : entries_) {
        if (now >= entry.quiet_until) {
            write_folded(entry, now);
        }
    }
}

void TileLog::flush_all() noexcept
{
    for (Folded& entry : entries_) {
        write_folded(entry, Clock::now());
    }
    logger_.flush();
}

} // namespace belfry

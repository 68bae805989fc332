// SPDX-License-Identifier: Apache-2.0
#include "node/crash_notes.hpp"

#include "base/check.hpp"
#include "crypto/base58.hpp"
#include "exec/in_flight.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::size_t line_bytes_max = 384; // 6 of them are used by numbers and blanks at least
constexpr std::array fatal_signals{SIGABRT, SIGSEGV, SIGILL, SIGFPE};

// --- the line of a thread that dies: nothing here allocates, locks or fails a check --------------

class Line {
public:
    void number(std::uint64_t value) noexcept
    {
        std::array<char, 20> digits{};
        std::size_t count = 0;
        do {
            digits[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        while (count > 0) {
            text(digits[--count]);
        }
    }
    void hex(ByteView bytes) noexcept
    {
        for (const std::uint8_t byte : bytes) {
            text("0123456789abcdef"[byte >> 4U]);
            text("0123456789abcdef"[byte & 15U]);
        }
    }
    void text(char one) noexcept
    {
        if (size_ < bytes_.size()) {
            bytes_[size_++] = one;
        }
    }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

private:
    std::array<char, line_bytes_max> bytes_{};
    std::size_t size_ = 0;
};

Line line_of(int signal, const ledger::BlockRef* block, const Hash* message,
             const Signature* signature) noexcept
{
    Line line;
    line.number(static_cast<std::uint64_t>(signal));
    line.text(' ');
    if (block != nullptr) {
        line.number(block->slot.value);
        line.text(' ');
        line.hex(block->id.view());
    } else {
        line.text('-');
        line.text(' ');
        line.text('-');
    }
    line.text(' ');
    if (message != nullptr && signature != nullptr) {
        line.hex(message->view());
        line.text(' ');
        line.hex(signature->view());
    } else {
        line.text('-');
        line.text(' ');
        line.text('-');
    }
    line.text('\n');
    return line;
}

volatile int notes_fd = -1;
std::array<struct sigaction, fatal_signals.size()> actions_before;

void put_actions_back() noexcept
{
    for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
        (void)::sigaction(fatal_signals[i], &actions_before[i], nullptr);
    }
}

void note_death(int signal, siginfo_t* info, void* /*context*/)
{
    put_actions_back(); // a fault in here ends the process at once
    const ledger::BlockRef* const block = exec::in_flight.block;
    const ledger::Transaction* const transaction = exec::in_flight.transaction;
    const bool by_its_own_fault = info->si_code > 0 || info->si_pid == ::getpid();
    if (by_its_own_fault && (block != nullptr || transaction != nullptr)) {
        Line line;
        if (transaction != nullptr) {
            const Signature signature = transaction->signature(0);
            line = line_of(signal, block, &transaction->message_hash(), &signature);
        } else {
            line = line_of(signal, block, nullptr, nullptr);
        }
        (void)!::write(notes_fd, line.view().data(), line.view().size());
    }
    (void)::raise(signal); // comes after this, with the action that was there before
}

// --- reading it in the next life -----------------------------------------------------------------

template <class T>
std::optional<T> number(std::string_view text)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

template <class Name>
std::optional<Name> named(std::string_view text)
{
    const std::optional<Bytes> bytes = from_hex(text);
    if (!bytes || bytes->size() != Name::size_bytes) {
        return std::nullopt;
    }
    return Name::from(*bytes);
}

std::optional<Death> parse_line(std::string_view line)
{
    std::array<std::string_view, 5> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::size_t blank = line.find(' ');
        if ((blank == std::string_view::npos) != (i + 1 == words.size())) {
            return std::nullopt;
        }
        words[i] = line.substr(0, blank);
        line.remove_prefix(std::min(line.size(), words[i].size() + 1));
    }
    const auto [signal, slot, id, message, signature] = words;
    Death death;
    const auto number_of_signal = number<std::uint32_t>(signal);
    if (!number_of_signal) {
        return std::nullopt;
    }
    death.signal = *number_of_signal;
    if (slot != "-" || id != "-") {
        const auto at = number<std::uint64_t>(slot);
        const auto block_id = named<Hash>(id);
        if (!at || !block_id) {
            return std::nullopt;
        }
        death.block = {Slot{*at}, *block_id};
    }
    if (message != "-" || signature != "-") {
        const auto hash = named<Hash>(message);
        const auto first = named<Signature>(signature);
        if (!hash || !first) {
            return std::nullopt;
        }
        death.transaction = {.message_hash = *hash, .signature = *first};
    }
    return death;
}

std::string end_of(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary | std::ios::ate);
    if (!stream) {
        return {};
    }
    const auto size = static_cast<std::streamoff>(stream.tellg());
    const auto most = static_cast<std::streamoff>(CrashNotes::deaths_kept * line_bytes_max);
    stream.seekg(std::max<std::streamoff>(0, size - most));
    return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace

std::vector<Death> parse_deaths(std::string_view text)
{
    std::vector<Death> deaths;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        if (const std::optional<Death> death = parse_line(text.substr(0, end))) {
            deaths.push_back(*death);
        }
        text.remove_prefix(end + 1);
    }
    return deaths;
}

std::string to_line(const Death& death)
{
    const auto& transaction = death.transaction;
    return std::string(line_of(static_cast<int>(death.signal),
                               death.block ? &*death.block : nullptr,
                               transaction ? &transaction->message_hash : nullptr,
                               transaction ? &transaction->signature : nullptr)
                           .view());
}

std::string in_words(const Death& death)
{
    std::string text = fmt::format("died by signal {}", death.signal);
    if (death.block && death.block->id == Hash{}) {
        text += fmt::format(", making its own block of slot {}", death.block->slot.value);
    } else if (death.block) {
        text += fmt::format(", at block {} of slot {}", crypto::to_base58(death.block->id),
                            death.block->slot.value);
    }
    if (death.transaction) {
        text += fmt::format(", at transaction {}", crypto::to_base58(death.transaction->signature));
    }
    return text;
}

exec::Quarantine quarantine_of(std::span<const Death> deaths)
{
    std::map<Hash, std::size_t> blocks;
    std::map<Hash, std::size_t> messages;
    exec::Quarantine::Names names;
    for (const Death& death : deaths) {
        // An own block's name is its slot, which never comes again.
        if (death.block && death.block->id != Hash{} && ++blocks[death.block->id] == deaths_max) {
            names.blocks.push_back(death.block->id);
        }
        if (death.transaction && ++messages[death.transaction->message_hash] == deaths_max) {
            names.messages.push_back(death.transaction->message_hash);
        }
    }
    return exec::Quarantine(std::move(names));
}

CrashNotes::CrashNotes(const std::filesystem::path& data_directory)
{
    BELFRY_CHECK(notes_fd == -1);
    const std::filesystem::path file = data_directory / file_name;
    deaths_ = parse_deaths(end_of(file));
    if (deaths_.size() > deaths_kept) {
        deaths_.erase(deaths_.begin(), deaths_.end() - deaths_kept);
    }
    std::string kept;
    for (const Death& death : deaths_) {
        kept += to_line(death);
    }
    // Written anew: bounded, and a line that was cut off does not spoil the next one.
    const std::filesystem::path fresh = file.string() + ".new";
    fd_ = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0 || ::write(fd_, kept.data(), kept.size()) != static_cast<ssize_t>(kept.size()) ||
        ::rename(fresh.c_str(), file.c_str()) != 0) {
        const std::string why = std::generic_category().message(errno);
        if (fd_ >= 0) {
            (void)::close(fd_);
        }
        throw std::runtime_error(
            fmt::format("{}: cannot be written: {}; it is where this node notes what it dies of",
                        file.string(), why));
    }
    notes_fd = fd_;
    for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
        struct sigaction action{};
        action.sa_sigaction = note_death;
        action.sa_flags = SA_SIGINFO;
        (void)::sigaction(fatal_signals[i], &action, &actions_before[i]);
    }
}

CrashNotes::~CrashNotes()
{
    put_actions_back();
    notes_fd = -1;
    (void)::close(fd_);
}

} // namespace belfry::node

// SPDX-License-Identifier: Apache-2.0
// key_memory_test.cpp: where the secret of a key is, and where it is not. Each test runs in a
// process of its own that never holds the secret in the clear by itself: it is written to the key
// file digit by digit, and looked for byte by byte.
#include "base/check.hpp"
#include "crypto/keypair.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::crypto {
namespace {

namespace fs = std::filesystem;

// The sanitizers' runtime answers mlock() itself and locks nothing.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool locking_is_real = false;
#else
constexpr bool locking_is_real = true;
#endif
#else
constexpr bool locking_is_real = true;
#endif

constexpr std::size_t seed_bytes = 32;
constexpr std::uint8_t mask = 0xa5;

/// The bytes of the seed with the mask on; volatile, so that no compiler works them out.
std::uint8_t masked_seed_byte(std::size_t i)
{
    static volatile std::uint32_t state = 0;
    state = static_cast<std::uint32_t>(i) * 2'654'435'761U + 97;
    return static_cast<std::uint8_t>(state >> 13U);
}

std::vector<std::uint8_t> masked_bytes(std::size_t first)
{
    std::vector<std::uint8_t> out(seed_bytes);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = masked_seed_byte(first + i);
    }
    return out;
}

std::vector<std::uint8_t> masked_seed()
{
    return masked_bytes(0);
}

/// Bytes that are no secret, for a place where they must be found.
std::vector<std::uint8_t> masked_marker()
{
    return masked_bytes(seed_bytes);
}

/// A piece of the key file's text, with the mask on. From its middle: an allocator writes over the
/// beginning of what was given back.
std::vector<std::uint8_t> masked_text()
{
    std::vector<std::uint8_t> out;
    for (std::size_t i = 12; i < 20; ++i) {
        volatile unsigned value = masked_seed_byte(i) ^ unsigned { mask };
        for (const unsigned unit : {100U, 10U, 1U}) {
            if (value >= unit || unit == 1) {
                out.push_back(static_cast<std::uint8_t>(('0' + value / unit % 10) ^ mask));
            }
        }
        out.push_back(',' ^ mask);
    }
    return out;
}

class HiddenKeyFile {
public:
    HiddenKeyFile()
    {
        std::string name = (fs::temp_directory_path() / "belfry_key_memory_XXXXXX").string();
        folder_ = ::mkdtemp(name.data()) != nullptr ? name : "";
        const Pubkey pubkey = public_half();
        const int fd = ::open(path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        put(fd, '[');
        for (std::size_t i = 0; i < 2 * seed_bytes; ++i) {
            volatile unsigned value = i < seed_bytes ? masked_seed_byte(i) ^ unsigned { mask }
                                                     : pubkey.bytes[i - seed_bytes];
            for (const unsigned unit : {100U, 10U, 1U}) {
                if (value >= unit || unit == 1) {
                    put(fd, static_cast<char>('0' + value / unit % 10));
                }
            }
            put(fd, i + 1 == 2 * seed_bytes ? ']' : ',');
        }
        ::close(fd);
    }
    ~HiddenKeyFile() { fs::remove_all(folder_); }
    HiddenKeyFile(const HiddenKeyFile&) = delete;
    HiddenKeyFile& operator=(const HiddenKeyFile&) = delete;
    [[nodiscard]] fs::path path() const { return folder_ / "key.json"; }
    [[nodiscard]] const fs::path& folder() const { return folder_; }

private:
    static void put(int fd, char letter) { BELFRY_CHECK(::write(fd, &letter, 1) == 1); }
    /// Worked out in another process, whose memory goes with it.
    static Pubkey public_half()
    {
        std::array<int, 2> ends{};
        BELFRY_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            std::array<std::uint8_t, seed_bytes> seed{};
            for (std::size_t i = 0; i < seed.size(); ++i) {
                seed[i] = masked_seed_byte(i) ^ mask;
            }
            const Pubkey key = Keypair::from_seed(seed).pubkey();
            (void)!::write(ends[1], key.bytes.data(), key.bytes.size());
            std::_Exit(0);
        }
        Pubkey key;
        BELFRY_CHECK(::read(ends[0], key.bytes.data(), key.bytes.size()) == 32);
        (void)::waitpid(child, nullptr, 0);
        ::close(ends[0]);
        ::close(ends[1]);
        return key;
    }
    fs::path folder_;
};

std::size_t count_in(std::span<const std::uint8_t> memory, std::span<const std::uint8_t> masked)
{
    const auto is_copy = [masked](const std::uint8_t* at) {
        return std::ranges::equal(
            std::span(at, masked.size()), masked,
            [](std::uint8_t seen, std::uint8_t wanted) { return (seen ^ mask) == wanted; });
    };
    const std::uint8_t* at = memory.data();
    const std::uint8_t* const end = at + memory.size();
    std::size_t count = 0;
    const auto next = [&] { // memchr: gigabytes are looked through
        const auto left = static_cast<std::size_t>(end - at);
        return static_cast<const std::uint8_t*>(std::memchr(at, masked[0] ^ mask, left));
    };
    while ((at = next()) != nullptr && static_cast<std::size_t>(end - at) >= masked.size()) {
        count += is_copy(at) ? 1U : 0U;
        ++at;
    }
    return count;
}

/// One mapping of this process, as the kernel tells it.
struct Mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::string permissions;
    std::string flags;
};

std::vector<Mapping> mappings()
{
    std::vector<Mapping> out;
    std::ifstream smaps("/proc/self/smaps");
    for (std::string line; std::getline(smaps, line);) {
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (const std::size_t dash = first.find('-'); dash != std::string::npos) {
            Mapping& mapping = out.emplace_back();
            mapping.begin = std::stoull(first.substr(0, dash), nullptr, 16);
            mapping.end = std::stoull(first.substr(dash + 1), nullptr, 16);
            words >> mapping.permissions;
        } else if (first == "VmFlags:" && !out.empty()) {
            std::getline(words, out.back().flags);
        }
    }
    return out;
}

struct Copies {
    std::size_t of_seed = 0;
    std::size_t of_text = 0;
};

/// All copies in the memory of this process, protected or not.
Copies copies_in_this_process()
{
    constexpr std::size_t piece_bytes = std::size_t{1} << 20;
    constexpr std::size_t overlap = 64; // a copy across two pieces
    constexpr std::uintptr_t mapping_bytes_max = std::uintptr_t{4} << 30; // a sanitizer's shadow
    const std::vector<std::uint8_t> seed = masked_seed();
    const std::vector<std::uint8_t> text = masked_text();
    void* const mapped =
        ::mmap(nullptr, piece_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* const buffer = static_cast<std::uint8_t*>(mapped);
    const auto own = reinterpret_cast<std::uintptr_t>(buffer);
    const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    BELFRY_CHECK(mapped != MAP_FAILED && memory >= 0);
    Copies copies;
    for (const Mapping& mapping : mappings()) {
        if (mapping.end - mapping.begin > mapping_bytes_max) {
            continue;
        }
        for (std::uintptr_t at = mapping.begin; at < mapping.end; at += piece_bytes - overlap) {
            const std::size_t wanted = std::min(piece_bytes, mapping.end - at);
            if (at < own + piece_bytes && own < at + wanted) {
                continue; // what is read here would be found a second time
            }
            const ssize_t got = ::pread(memory, buffer, wanted, static_cast<off_t>(at));
            if (got <= 0) {
                break; // guard pages of the kernel
            }
            const std::span<const std::uint8_t> piece(buffer, static_cast<std::size_t>(got));
            copies.of_seed += count_in(piece, seed);
            copies.of_text += count_in(piece, text);
        }
    }
    ::close(memory);
    ::munmap(mapped, piece_bytes);
    return copies;
}

Bytes vote_statement()
{
    const std::string_view tag = signing_tag(SigningPurpose::vote);
    Bytes out(tag.begin(), tag.end());
    out.resize(out.size() + 80, 1);
    return out;
}

const std::uint8_t* secret_of(const Keypair& keypair)
{
    const std::uint8_t* secret = nullptr;
    static_assert(sizeof(Keypair) == sizeof(Pubkey) + sizeof(secret));
    std::memcpy(static_cast<void*>(&secret),
                reinterpret_cast<const std::uint8_t*>(&keypair) + sizeof(Pubkey), sizeof(secret));
    return secret;
}

void require(bool condition, const char* what)
{
    if (!condition) {
        (void)std::fprintf(stderr, "%s\n", what);
        std::_Exit(1);
    }
}

[[noreturn]] void look_for_copies()
{
    const HiddenKeyFile file;
    require(copies_in_this_process().of_seed == 0, "the test itself holds a copy");
    {
        const Keypair keypair = Keypair::load(file.path());
        (void)keypair.sign(SigningPurpose::vote, vote_statement());
        const Copies copies = copies_in_this_process();
        require(copies.of_seed == 1, "not exactly one copy while the key is held");
        require(copies.of_text == 0, "the text of the file is left");
        keypair.save(file.folder() / "again.json");
        require(copies_in_this_process().of_text == 0, "the text is left after writing it");
    }
    const Copies copies = copies_in_this_process();
    require(copies.of_seed == 0 && copies.of_text == 0, "a copy is left after the key has gone");
    fs::remove_all(file.folder());
    std::_Exit(0);
}

TEST(KeyMemoryDeathTest, one_copy_while_it_is_held_and_none_afterwards)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(look_for_copies(), testing::ExitedWithCode(0), "");
}

TEST(KeyMemory, is_locked_not_dumped_wiped_on_fork_and_between_guard_pages)
{
    const Keypair keypair = Keypair::generate();
    EXPECT_TRUE(keypair.is_locked());
    const auto at = reinterpret_cast<std::uintptr_t>(secret_of(keypair));
    const std::vector<Mapping> all = mappings();
    for (std::size_t i = 1; i + 1 < all.size(); ++i) {
        if (at < all[i].begin || at >= all[i].end) {
            continue;
        }
        for (const std::string_view flag : {" lo", " dd", " wf"}) {
            if (flag == " lo" && !locking_is_real) {
                continue;
            }
            EXPECT_NE(all[i].flags.find(flag), std::string::npos) << flag << " of" << all[i].flags;
        }
        EXPECT_EQ(all[i].permissions.substr(0, 3), "---"); // between uses
        EXPECT_EQ(all[i - 1].end, all[i].begin);
        EXPECT_EQ(all[i - 1].permissions.substr(0, 3), "---");
        EXPECT_EQ(all[i + 1].begin, all[i].end);
        EXPECT_EQ(all[i + 1].permissions.substr(0, 3), "---");
        return;
    }
    FAIL() << "the secret is in no mapping";
}

[[noreturn]] void sign_in_a_child()
{
    const Keypair keypair = Keypair::generate();
    const pid_t child = ::fork();
    if (child == 0) {
        (void)keypair.sign(SigningPurpose::vote, vote_statement());
        std::_Exit(0); // it signed
    }
    int status = 0;
    (void)::waitpid(child, &status, 0);
    (void)keypair.sign(SigningPurpose::vote, vote_statement()); // the parent's is untouched
    std::_Exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 0 : 1);
}

TEST(KeyMemoryDeathTest, a_forked_child_does_not_have_it)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(sign_in_a_child(), testing::ExitedWithCode(0), "");
}

constexpr int no_core = 77;

[[noreturn]] void dump_core_and_look()
{
    const HiddenKeyFile file;
    const pid_t child = ::fork();
    if (child == 0) {
        rlimit limit{};
        (void)::getrlimit(RLIMIT_CORE, &limit);
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_CORE, &limit);
        if (::chdir(file.folder().c_str()) != 0) {
            std::_Exit(3); // no core file would be looked for in the right place
        }
        const Keypair keypair = Keypair::load(file.path());
        (void)keypair.sign(SigningPurpose::vote, vote_statement());
        std::vector<std::uint8_t> marker = masked_marker();
        for (std::uint8_t& byte : marker) {
            byte ^= mask;
        }
        require(count_in(marker, masked_marker()) == 1, "the marker is not what is looked for");
        std::abort();
    }
    (void)::waitpid(child, nullptr, 0);
    std::size_t of_seed = 0;
    std::size_t of_text = 0;
    std::size_t of_marker = 0;
    bool found = false;
    for (const fs::directory_entry& entry : fs::directory_iterator(file.folder())) {
        if (!entry.path().filename().string().starts_with("core")) {
            continue;
        }
        found = true;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::vector<std::uint8_t> core((std::istreambuf_iterator<char>(in)), {});
        of_seed += count_in(core, masked_seed());
        of_text += count_in(core, masked_text());
        of_marker += count_in(core, masked_marker());
    }
    fs::remove_all(file.folder());
    require(of_seed == 0 && of_text == 0, "the core file holds the secret");
    require(!found || of_marker > 0, "the core file holds nothing");
    std::_Exit(found ? 0 : no_core);
}

TEST(KeyMemoryDeathTest, a_core_file_does_not_hold_it)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    bool skipped = false;
    EXPECT_EXIT(
        dump_core_and_look(),
        [&skipped](int status) {
            const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
            skipped = code == no_core;
            return code == 0 || skipped;
        },
        "");
    if (skipped) {
        GTEST_SKIP() << "no core file is written here (core_pattern, RLIMIT_CORE or a sanitizer)";
    }
}

} // namespace
} // namespace belfry::crypto

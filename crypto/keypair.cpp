// SPDX-License-Identifier: Apache-2.0
#include "crypto/keypair.hpp"

#include "base/check.hpp"
#include "crypto/sodium.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace belfry::crypto {
namespace {

constexpr std::size_t secret_bytes = crypto_sign_SECRETKEYBYTES; // seed, public key
constexpr std::size_t seed_bytes = crypto_sign_SEEDBYTES;
constexpr std::size_t file_bytes_max = 1024; // 64 numbers of three digits, with room for spaces
static_assert(secret_bytes == 64 && seed_bytes == 32);

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what)
{
    throw std::runtime_error("key file " + file.string() + ": " + what);
}

[[noreturn]] void fail_with_errno(const std::filesystem::path& file, const std::string& what)
{
    const int error = errno;
    fail(file, what + ": " + std::generic_category().message(error));
}

/// A file descriptor that closes.
class File {
public:
    explicit File(int descriptor)
        : descriptor_(descriptor)
    {
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File()
    {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    [[nodiscard]] int get() const { return descriptor_; }

private:
    int descriptor_;
};

/// Locked memory between guard pages, wiped when it goes.
struct FreeSecret {
    void operator()(std::uint8_t* memory) const { sodium_free(memory); }
};
using SecretBuffer = std::unique_ptr<std::uint8_t[], FreeSecret>;

/// The whole pages that hold a secret; libsodium gives it pages of its own, guarded on both sides.
std::span<std::uint8_t> pages_of(std::uint8_t* secret, std::size_t byte_count)
{
    const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t before = reinterpret_cast<std::uintptr_t>(secret) % page_bytes;
    const std::size_t pages = (before + byte_count + page_bytes - 1) / page_bytes;
    return {secret - before, pages * page_bytes};
}

SecretBuffer allocate_secret(std::size_t byte_count)
{
    ensure_sodium();
    auto* memory = static_cast<std::uint8_t*>(sodium_malloc(byte_count));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    SecretBuffer secret(memory);
    // libsodium asks for no copy in core files too, but does not say when it is refused.
    const std::span<std::uint8_t> pages = pages_of(memory, byte_count);
    if (::madvise(pages.data(), pages.size(), MADV_WIPEONFORK) != 0 ||
        ::madvise(pages.data(), pages.size(), MADV_DONTDUMP) != 0) {
        throw std::system_error(errno, std::generic_category(), "the memory of a key");
    }
    return secret;
}

/// A JSON array of exactly 64 numbers in 0..255. What it tests is the shape of the text; the values
/// of the numbers steer nothing.
bool parse_numbers(std::span<const std::uint8_t> text, std::span<std::uint8_t, secret_bytes> out)
{
    std::size_t at = 0;
    const auto skip_space = [&] {
        while (at < text.size() &&
               (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
            ++at;
        }
    };
    const auto take = [&](char wanted) {
        skip_space();
        const bool found = at < text.size() && text[at] == static_cast<std::uint8_t>(wanted);
        at += found ? 1 : 0;
        return found;
    };
    if (!take('[')) {
        return false;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i != 0 && !take(',')) {
            return false;
        }
        skip_space();
        unsigned value = 0;
        std::size_t digits = 0;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && digits < 3; ++digits) {
            value = value * 10 + (text[at++] - unsigned{'0'});
        }
        if (digits == 0 || value > 255) {
            return false;
        }
        out[i] = static_cast<std::uint8_t>(value);
    }
    const bool closed = take(']');
    skip_space();
    return closed && at == text.size();
}

std::size_t print_numbers(std::span<const std::uint8_t> values, std::uint8_t* out)
{
    std::size_t at = 0;
    out[at++] = '[';
    for (const std::uint8_t value : values) {
        if (at != 1) {
            out[at++] = ',';
        }
        if (value >= 100) {
            out[at++] = static_cast<std::uint8_t>('0' + value / 100);
        }
        if (value >= 10) {
            out[at++] = static_cast<std::uint8_t>('0' + value / 10 % 10);
        }
        out[at++] = static_cast<std::uint8_t>('0' + value % 10);
    }
    out[at++] = ']';
    return at;
}

/// The key's user and root, who can read everything anyhow.
bool is_trusted(uid_t owner)
{
    return owner == ::geteuid() || owner == 0;
}

/// The directory of a key file, open, once nobody else can put another file in its place. Its own
/// parents are not asked: the descriptor holds this one.
int open_private_folder(const std::filesystem::path& path)
{
    const std::filesystem::path folder =
        path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status = {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
        fail_with_errno(path, "its directory cannot be opened");
    }
    const bool others_write = (status.st_mode & 0022U) != 0 && (status.st_mode & S_ISVTX) == 0;
    if (others_write || !is_trusted(status.st_uid)) {
        (void)::close(descriptor);
        fail(path, others_write
                       ? "others may write its directory; run: chmod go-w " + folder.string()
                       : "its directory belongs to user " + std::to_string(status.st_uid));
    }
    return descriptor;
}

std::size_t read_private_file(const std::filesystem::path& path, std::span<std::uint8_t> out)
{
    const File folder(open_private_folder(path));
    // O_NONBLOCK: opening a FIFO must not hang before its type can be asked.
    const File file(::openat(folder.get(), path.filename().c_str(),
                             O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) {
        fail_with_errno(path, errno == ELOOP ? "is a symbolic link; name the file itself"
                                             : "cannot be opened");
    }
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) {
        fail_with_errno(path, "cannot be examined");
    }
    if (!S_ISREG(status.st_mode)) {
        fail(path, "is not a regular file");
    }
    if (!is_trusted(status.st_uid)) {
        fail(path, "belongs to user " + std::to_string(status.st_uid) + "; run: chown " +
                       std::to_string(::geteuid()) + " " + path.string());
    }
    if ((status.st_mode & 0777U & ~0600U) != 0) {
        fail(path, "is open to others; run: chmod 600 " + path.string());
    }
    std::size_t filled = 0;
    while (filled < out.size()) {
        const ssize_t got = ::read(file.get(), out.data() + filled, out.size() - filled);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            fail_with_errno(path, "cannot be read");
        }
        if (got == 0) {
            return filled;
        }
        filled += static_cast<std::size_t>(got);
    }
    fail(path, "is too long for a key file");
}

void write_synced(const std::filesystem::path& path, int folder, int descriptor,
                  std::span<const std::uint8_t> text)
{
    while (!text.empty()) {
        const ssize_t put = ::write(descriptor, text.data(), text.size());
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            fail_with_errno(path, "cannot be written");
        }
        text = text.subspan(static_cast<std::size_t>(put));
    }
    if (::fsync(descriptor) != 0 || ::fsync(folder) != 0) {
        fail_with_errno(path, "cannot be made durable");
    }
}

} // namespace

void ensure_sodium()
{
    static const bool started = sodium_init() >= 0;
    if (!started) {
        throw std::runtime_error("libsodium cannot start: the system has no source of randomness");
    }
}

void Keypair::Wipe::operator()(std::uint8_t* secret) const
{
    sodium_free(secret); // makes it writable, wipes it, unlocks it
}

Keypair::Keypair(Keypair&&) noexcept = default;
Keypair& Keypair::operator=(Keypair&&) noexcept = default;
Keypair::~Keypair() = default;

Keypair Keypair::from_seed(ByteView seed)
{
    BELFRY_CHECK(seed.size() == seed_bytes);
    Keypair out;
    out.secret_.reset(allocate_secret(secret_bytes).release());
    BELFRY_CHECK(
        crypto_sign_seed_keypair(out.pubkey_.bytes.data(), out.secret_.get(), seed.data()) == 0);
    BELFRY_CHECK(sodium_mprotect_noaccess(out.secret_.get()) == 0);
    return out;
}

Keypair Keypair::generate()
{
    const SecretBuffer seed = allocate_secret(seed_bytes);
    randombytes_buf(seed.get(), seed_bytes);
    return from_seed({seed.get(), seed_bytes});
}

Keypair Keypair::load(const std::filesystem::path& file)
{
    const SecretBuffer text = allocate_secret(file_bytes_max);
    const SecretBuffer secret = allocate_secret(secret_bytes);
    const std::size_t text_bytes = read_private_file(file, {text.get(), file_bytes_max});
    const std::span<std::uint8_t, secret_bytes> halves(secret.get(), secret_bytes);
    if (!parse_numbers({text.get(), text_bytes}, halves)) {
        fail(file, "is not a JSON array of 64 numbers from 0 to 255");
    }
    Keypair out = from_seed(halves.first(seed_bytes));
    if (sodium_memcmp(out.pubkey_.bytes.data(), halves.last(seed_bytes).data(), seed_bytes) != 0) {
        fail(file, "its public key does not belong to its secret half; the file is damaged");
    }
    return out;
}

void Keypair::save(const std::filesystem::path& file) const
{
    BELFRY_CHECK(secret_ != nullptr);
    const SecretBuffer text = allocate_secret(file_bytes_max);
    const File folder(open_private_folder(file));
    const File out(::openat(folder.get(), file.filename().c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (out.get() < 0) {
        fail_with_errno(file, errno == EEXIST ? "exists and is not overwritten" : "cannot be made");
    }
    BELFRY_CHECK(sodium_mprotect_readonly(secret_.get()) == 0);
    const std::size_t text_bytes = print_numbers({secret_.get(), secret_bytes}, text.get());
    BELFRY_CHECK(sodium_mprotect_noaccess(secret_.get()) == 0);
    try {
        write_synced(file, folder.get(), out.get(), {text.get(), text_bytes});
    } catch (...) {
        ::unlinkat(folder.get(), file.filename().c_str(), 0); // half a key file helps nobody
        throw;
    }
}

bool is_statement_of(SigningPurpose purpose, ByteView statement)
{
    if (purpose != SigningPurpose::transaction) {
        const std::string_view tag = signing_tag(purpose);
        return statement.size() > tag.size() + Hash::size_bytes &&
               std::ranges::equal(statement.first(tag.size()), tag,
                                  [](std::uint8_t byte, char letter) {
                                      return byte == static_cast<std::uint8_t>(letter);
                                  });
    }
    // [0x80] signers, two more counts, key count, keys, blockhash, instruction count. What fits a
    // datagram has 18 signers at most; every tag begins with a letter, which would be 98 of them.
    constexpr std::size_t message_bytes_min = 3 + 1 + Pubkey::size_bytes + Hash::size_bytes + 1;
    constexpr std::uint8_t signer_count_max = 18;
    const std::size_t at = !statement.empty() && statement[0] == 0x80 ? 1 : 0;
    return statement.size() >= at + message_bytes_min && statement[at] >= 1 &&
           statement[at] <= signer_count_max;
}

Signature Keypair::sign(SigningPurpose purpose, ByteView statement) const
{
    BELFRY_CHECK(secret_ != nullptr);
    BELFRY_CHECK(is_statement_of(purpose, statement));
    Signature out;
    BELFRY_CHECK(sodium_mprotect_readonly(secret_.get()) == 0);
    // Not so in a forked child, where the secret is zero. And a signature made with another public
    // half would give the secret away.
    BELFRY_CHECK(sodium_memcmp(secret_.get() + seed_bytes, pubkey_.bytes.data(), seed_bytes) == 0);
    BELFRY_CHECK(crypto_sign_detached(out.bytes.data(), nullptr, statement.data(), statement.size(),
                                      secret_.get()) == 0);
    BELFRY_CHECK(sodium_mprotect_noaccess(secret_.get()) == 0);
    return out;
}

bool Keypair::is_locked() const noexcept
{
    BELFRY_CHECK(secret_ != nullptr);
    // Locking again changes nothing and gives the answer that libsodium keeps to itself; memory
    // that cannot be read cannot be locked.
    const std::span<std::uint8_t> pages = pages_of(secret_.get(), secret_bytes);
    BELFRY_CHECK(sodium_mprotect_readonly(secret_.get()) == 0);
    const bool locked = ::mlock(pages.data(), pages.size()) == 0;
    BELFRY_CHECK(sodium_mprotect_noaccess(secret_.get()) == 0);
    return locked;
}

} // namespace belfry::crypto

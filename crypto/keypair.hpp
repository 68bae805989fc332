// SPDX-License-Identifier: Apache-2.0
#pragma once
// keypair.hpp: a signing key in locked, guarded and wiped memory (libsodium); it signs, and never
// leaves.
// Shapes   what may be signed begins with the tag of its purpose, or is the message of a
//          transaction; so nothing signed for one purpose can stand for another.
// Rule     the secret is readable while it signs and at no other time; a core file does not hold
//          it, nor does swap, nor a forked child, where it is zero and sign() aborts.
// Errors   the file functions say what is wrong, where and what to do, as a std::runtime_error.
// Threads  sign() may be called from one thread at a time.
// Source   docs/keys.md: the checks and the tests that hold them.

#include "base/bytes.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace belfry::crypto {

enum class SigningPurpose : std::uint8_t { vote, shred_set, repair, transaction };

/// The first bytes of what is signed for a purpose; the genesis hash follows. A transaction has
/// none: its form is that of other networks, and begins with a number of signers.
[[nodiscard]] constexpr std::string_view signing_tag(SigningPurpose purpose)
{
    switch (purpose) {
    case SigningPurpose::vote:
        return "belfry.vote.1";
    case SigningPurpose::shred_set:
        return "belfry.shred.1";
    case SigningPurpose::repair:
        return "belfry.repair.1";
    case SigningPurpose::transaction:
        break;
    }
    return {};
}
/// Whether the statement is one of that purpose, by its first bytes and its least length.
[[nodiscard]] bool is_statement_of(SigningPurpose purpose, ByteView statement);

class Keypair {
public:
    /// A fresh key from the system's random source.
    [[nodiscard]] static Keypair generate();
    /// From a 32-byte seed (RFC 8032). The caller wipes its copy. Precondition: seed.size() == 32.
    [[nodiscard]] static Keypair from_seed(ByteView seed);
    /// Reads a key file: a JSON array of 64 numbers (seed, public key), as Solana's tools write it.
    /// Refuses a file that others may read or own, that is not a regular file or stands in a
    /// directory where others may replace it, and one whose halves disagree.
    [[nodiscard]] static Keypair load(const std::filesystem::path& file);
    /// Writes the key file with mode 0600, synced; refuses to overwrite, and a directory from which
    /// load() would refuse it.
    void save(const std::filesystem::path& file) const;

    Keypair(Keypair&&) noexcept;
    Keypair& operator=(Keypair&&) noexcept;
    ~Keypair();

    [[nodiscard]] const Pubkey& pubkey() const { return pubkey_; }
    /// Precondition: is_statement_of(purpose, statement).
    [[nodiscard]] Signature sign(SigningPurpose purpose, ByteView statement) const;
    /// False when the kernel lets no more memory be locked (RLIMIT_MEMLOCK): the secret may then be
    /// swapped out.
    [[nodiscard]] bool is_locked() const noexcept;

private:
    Keypair() = default;
    struct Wipe {
        void operator()(std::uint8_t* secret) const;
    };
    Pubkey pubkey_;
    std::unique_ptr<std::uint8_t[], Wipe> secret_; // 64 bytes: seed, public key
};

} // namespace belfry::crypto

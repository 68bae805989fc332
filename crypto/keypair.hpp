// SPDX-License-Identifier: Apache-2.0
#pragma once
// keypair.hpp: a signing key in locked, guarded and wiped memory (libsodium); it signs, and never
// leaves.
// Errors   the file functions say what is wrong, where and what to do, as a std::runtime_error.
// Threads  sign() may be called from one thread at a time.

#include "base/bytes.hpp"

#include <filesystem>
#include <memory>

namespace belfry::crypto {

class Keypair {
public:
    /// A fresh key from the system's random source.
    [[nodiscard]] static Keypair generate();
    /// From a 32-byte seed (RFC 8032). The caller wipes its copy. Precondition: seed.size() == 32.
    [[nodiscard]] static Keypair from_seed(ByteView seed);
    /// Reads a key file: a JSON array of 64 numbers (seed, public key), as Solana's tools write it.
    /// Refuses a file that others may read, that is not a regular file, or whose halves disagree.
    [[nodiscard]] static Keypair load(const std::filesystem::path& file);
    /// Writes the key file with mode 0600, synced; refuses to overwrite.
    void save(const std::filesystem::path& file) const;

    Keypair(Keypair&&) noexcept;
    Keypair& operator=(Keypair&&) noexcept;
    ~Keypair();

    [[nodiscard]] const Pubkey& pubkey() const { return pubkey_; }
    [[nodiscard]] Signature sign(ByteView message) const;

private:
    Keypair() = default;
    struct Wipe {
        void operator()(std::uint8_t* secret) const;
    };
    Pubkey pubkey_;
    std::unique_ptr<std::uint8_t[], Wipe> secret_; // 64 bytes: seed, public key
};

} // namespace belfry::crypto

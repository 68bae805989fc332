// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_vectors.hpp: reads the acceptance vectors and gives them to a check.
// Format   lines "pubkey_hex msg_hex sig_hex expected rest..."; "-" is empty, '#' opens a comment
//          line. A key or signature of another length than 32 or 64 bytes is a rejection.

#include "base/bytes.hpp"
#include "crypto/ed25519.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace belfry::crypto::testing {

struct Ed25519Vector {
    Bytes key;
    Bytes message;
    Bytes signature;
    bool expected = false;
    std::string source;
    Pubkey fixed_key;
    Signature fixed_signature;

    [[nodiscard]] bool well_formed() const { return key.size() == 32 && signature.size() == 64; }
    /// Precondition: well_formed(); the views live as long as this object stays where it is.
    [[nodiscard]] Ed25519Job job() const { return {message, &fixed_key, &fixed_signature}; }
};

struct Ed25519Vectors {
    std::vector<Ed25519Vector> all;
    std::vector<std::string> bad_lines; // what could not be read
};

inline std::optional<Ed25519Vectors> read_ed25519_vectors(const std::string& path)
{
    std::ifstream file(path);
    if (!file) {
        return std::nullopt;
    }
    Ed25519Vectors out;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') {
            continue;
        }
        std::istringstream words(line);
        std::string key;
        std::string message;
        std::string signature;
        std::string expected;
        words >> key >> message >> signature >> expected;
        const auto bytes = [](const std::string& hex) {
            return hex == "-" ? std::optional<Bytes>(Bytes{}) : from_hex(hex);
        };
        const auto key_bytes = bytes(key);
        const auto message_bytes = bytes(message);
        const auto signature_bytes = bytes(signature);
        if (!key_bytes || !message_bytes || !signature_bytes ||
            (expected != "0" && expected != "1")) {
            out.bad_lines.push_back(line);
            continue;
        }
        Ed25519Vector vector;
        vector.key = *key_bytes;
        vector.message = *message_bytes;
        vector.signature = *signature_bytes;
        vector.expected = expected == "1";
        std::getline(words >> std::ws, vector.source);
        if (vector.well_formed()) {
            vector.fixed_key = Pubkey::from(vector.key);
            vector.fixed_signature = Signature::from(vector.signature);
        }
        out.all.push_back(std::move(vector));
    }
    return out;
}

} // namespace belfry::crypto::testing

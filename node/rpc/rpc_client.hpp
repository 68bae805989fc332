// SPDX-License-Identifier: Apache-2.0
#pragma once
// rpc_client.hpp: a small blocking JSON-RPC client for one node, used by the command line, the demo
// and the load generator. The connection is kept and opened again when the node has closed it.
// Errors   RpcClientError; last_failure() has the words, and the code when the node refused.
// Threads  one owner per client.

#include "base/result.hpp"
#include "node/rpc/backend.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace belfry::node {

enum class RpcClientError : std::uint8_t {
    unreachable, // no connection
    timed_out,   // no answer within call_ms
    transport,   // the connection broke, or a status that is not 200
    malformed,   // the answer is not the JSON that was expected
    refused,     // a JSON-RPC error object
};

/// A certificate or evidence, not yet checked.
struct StoredProof {
    Slot slot;
    Bytes bytes;
};

class RpcClient {
public:
    struct Options {
        std::chrono::milliseconds connect_ms{2'000};
        std::chrono::milliseconds call_ms{5'000};
    };
    struct Failure {
        RpcClientError error = RpcClientError::unreachable;
        int code = 0;     // refused: the JSON-RPC error code; transport: the HTTP status or 0
        std::string text; // one line: what, where
        std::string data; // refused: the JSON text of error.data, if any
    };
    /// url: "http://host:port", "host:port", "[::1]:port". Throws std::runtime_error when it is
    /// none.
    explicit RpcClient(std::string_view url);
    RpcClient(std::string_view url, Options options);
    ~RpcClient();
    RpcClient(RpcClient&&) noexcept;
    RpcClient& operator=(RpcClient&&) noexcept;

    /// params_json is a JSON array. The value is the JSON text of `result`.
    [[nodiscard]] Result<std::string, RpcClientError> call(std::string_view method,
                                                           std::string_view params_json = "[]");

    [[nodiscard]] Result<Slot, RpcClientError> slot(Commitment commitment);
    [[nodiscard]] Result<Height, RpcClientError> block_height(Commitment commitment);
    [[nodiscard]] Result<Hash, RpcClientError> genesis_hash();
    [[nodiscard]] Result<Lamports, RpcClientError> balance(const Pubkey& account,
                                                           Commitment commitment);
    struct LatestBlockhash {
        Hash blockhash;
        Height last_valid;
        Slot context;
    };
    [[nodiscard]] Result<LatestBlockhash, RpcClientError> latest_blockhash(Commitment commitment);
    struct SendOptions {
        bool skip_preflight = false;
        Commitment preflight_commitment = Commitment::processed;
    };
    [[nodiscard]] Result<Signature, RpcClientError> send_transaction(ByteView wire,
                                                                     const SendOptions& options);
    struct Status {
        Slot slot;
        std::string error_json; // the JSON text of `err`; empty: it took effect
        Commitment level = Commitment::processed;
    };
    /// One entry per signature, in order; at most signatures_per_request_max.
    [[nodiscard]] Result<std::vector<std::optional<Status>>, RpcClientError>
    signature_statuses(std::span<const Signature> signatures, bool search_history = false);
    /// The block of a slot on the node's own fork.
    [[nodiscard]] Result<std::optional<BlockSummary>, RpcClientError> block_summary(Slot slot);
    /// The certificates of a slot; of no slot: the newest evidence.
    [[nodiscard]] Result<std::vector<StoredProof>, RpcClientError> proofs(std::optional<Slot> slot);
    /// The JSON text of the node's status (method belfryStatus).
    [[nodiscard]] Result<std::string, RpcClientError> status_json();

    [[nodiscard]] const Failure& last_failure() const;
    [[nodiscard]] const std::string& url() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace belfry::node

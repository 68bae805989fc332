// SPDX-License-Identifier: Apache-2.0
#pragma once
// node.hpp: one validator: starts everything in order, runs the tiles, stops them in order.
// Errors   the constructor throws std::runtime_error, one line: configuration, key, ledger, ports.
//          Afterwards a tile that cannot go on stops the node; run() gives the exit code.
// Threads  constructed and run by the main thread; request_stop() may be called from any.

#include "base/strong.hpp"
#include "node/config.hpp"

#include <memory>
#include <optional>

namespace belfry::node {

class Node {
public:
    struct Options {
        bool new_identity = false; // sign although there is no vote journal
        /// All validators agreed to go on from this slot: blocks and own votes above it are
        /// forgotten, at the first start that says so.
        std::optional<Slot> hard_fork{};
    };
    Node(const NodeConfig& config, const Options& options);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Runs until SIGINT, SIGTERM or a fatal error; the exit code of the process.
    [[nodiscard]] int run();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace belfry::node

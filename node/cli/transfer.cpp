// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "crypto/keypair.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "node/cli/commands.hpp"
#include "node/rpc/commitment.hpp"
#include "node/rpc/rpc_client.hpp"
#include "tune/process_guard.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>

namespace belfry::node {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_pause{20};
constexpr std::chrono::seconds send_again_after{2}; // what is lost on the way is sent again

crypto::Keypair load_key(const std::filesystem::path& file)
{
    (void)tune::guard_this_process();
    if (::access(file.c_str(), F_OK) == 0 && ::access(file.c_str(), R_OK) != 0 && errno == EACCES) {
        throw CommandError(exit_no_permission,
                           fmt::format("key file {}: this user may not read it", file.string()));
    }
    return crypto::Keypair::load(file);
}

[[noreturn]] void fail_with(const RpcClient& client)
{
    const RpcClient::Failure& failure = client.last_failure();
    constexpr int preflight_failure = -32002;
    const bool would_fail =
        failure.error == RpcClientError::refused && failure.code == preflight_failure;
    throw CommandError(would_fail ? exit_failed : exit_unavailable, failure.text);
}

class Transfer {
public:
    Transfer(RpcClient& client, const TransferOptions& options)
        : client_(client)
        , options_(options)
    {
    }

    int run()
    {
        sign();
        send();
        fmt::print("signature {}\n", crypto::to_base58(signature_));
        (void)std::fflush(stdout);
        while (Clock::now() - sent_at_ < std::chrono::seconds(options_.timeout_seconds)) {
            if (const std::optional<int> exit_code = look()) {
                return *exit_code;
            }
            std::this_thread::sleep_for(poll_pause);
        }
        throw CommandError(exit_try_again,
                           fmt::format("the transfer is not {} after {} s; it may still become so: "
                                       "ask for its signature again",
                                       to_string(options_.wait_for), options_.timeout_seconds));
    }

private:
    void sign()
    {
        const Pubkey to = pubkey_argument("to", options_.to);
        const crypto::Keypair keypair = load_key(options_.key);
        const auto latest = client_.latest_blockhash(Commitment::confirmed);
        if (!latest) {
            fail_with(client_);
        }
        last_valid_ = latest->last_valid;
        const ledger::Instruction instruction =
            ledger::system_transfer({keypair.pubkey(), to, Lamports{options_.lamports}});
        const Bytes message = ledger::build_message({keypair.pubkey(), latest->blockhash},
                                                    {&instruction, std::size_t{1}});
        signature_ = keypair.sign(crypto::SigningPurpose::transaction, message);
        wire_ = ledger::assemble_transaction({&signature_, std::size_t{1}}, message);
    }

    void send()
    {
        sent_at_ = Clock::now();
        sent_again_at_ = sent_at_;
        if (!client_.send_transaction(wire_, {false, Commitment::confirmed})) {
            fail_with(client_);
        }
    }

    /// The exit code once it is decided.
    std::optional<int> look()
    {
        const auto statuses = client_.signature_statuses({&signature_, std::size_t{1}});
        if (!statuses) {
            fail_with(client_);
        }
        const std::optional<RpcClient::Status>& status = statuses->front();
        if (!status) {
            on_unseen();
            return std::nullopt;
        }
        if (!seen_ || status->level > *seen_) {
            seen_ = status->level;
            const auto elapsed =
                std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - sent_at_);
            fmt::print("{:<9} in slot {} after {} ms\n", to_string(status->level),
                       status->slot.value, elapsed.count());
            (void)std::fflush(stdout);
        }
        if (status->level < options_.wait_for) {
            return std::nullopt;
        }
        if (!status->error_json.empty()) {
            throw CommandError(exit_failed, fmt::format("the transfer failed, its fee is paid: {}",
                                                        status->error_json));
        }
        return exit_ok;
    }

    void on_unseen()
    {
        seen_.reset(); // its block may have lost against another fork
        if (Clock::now() - sent_again_at_ < send_again_after) {
            return;
        }
        sent_again_at_ = Clock::now();
        const auto height = client_.block_height(Commitment::confirmed);
        if (height && *height > last_valid_) {
            throw CommandError(exit_try_again,
                               "the transfer was not taken into a block while its "
                               "blockhash was valid; nothing was moved, send again");
        }
        // A refusal here means nothing new: the first sending was accepted.
        (void)client_.send_transaction(wire_, {true, Commitment::confirmed}).has_value();
    }

    RpcClient& client_;
    const TransferOptions& options_;
    Bytes wire_;
    Signature signature_;
    Height last_valid_;
    Clock::time_point sent_at_;
    Clock::time_point sent_again_at_;
    std::optional<Commitment> seen_;
};

} // namespace

int run_transfer(const TransferOptions& options)
{
    return guarded([&options]() -> int {
        RpcClient client(rpc_url_of(options.node));
        return Transfer(client, options).run();
    });
}

} // namespace belfry::node

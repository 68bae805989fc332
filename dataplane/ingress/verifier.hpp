// SPDX-License-Identifier: Apache-2.0
#pragma once
// verifier.hpp: from datagrams to transactions whose form and signatures are right.
// Shapes   add() takes a datagram of the lane transactions (bare) or forwards (with prefix):
// prefix,
//          form and sanity (ledger::parse_transaction), duplicate filter; verify() checks the
//          signatures of all that were added in one batch, fills the filter and hands over what is
//          good. The caller chooses the batch: until full(), or until its input is empty.
// Bounds   batch_max transactions; all memory is taken by the constructor. A bad signature in a
//          batch changes no other verdict.
// Errors   IngressDrop, each with a counter; received = accepted + the sum of all drops + pending.
// Threads  one owner, a verify tile; the counters may be read by all.

#include "base/bytes.hpp"
#include "base/published.hpp"
#include "crypto/ed25519.hpp"
#include "dataplane/ingress/dedup.hpp"
#include "dataplane/wire.hpp"
#include "ledger/model/transaction.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace belfry::dataplane {

/// Why a datagram did not become a transaction. One value for each WireError and each
/// ledger::TransactionError follows these.
enum class IngressDrop : std::uint8_t { wrong_lane, duplicate, bad_signature };
inline constexpr std::size_t ingress_own_drop_count = 3;
inline constexpr std::size_t wire_error_count = 4;
inline constexpr std::size_t ingress_drop_count =
    ingress_own_drop_count + wire_error_count + ledger::transaction_error_count;
// NOLINTBEGIN(clang-analyzer-optin.core.EnumCastOutOfRange): the values that follow have no names
[[nodiscard]] constexpr IngressDrop drop_of(WireError error)
{
    return static_cast<IngressDrop>(ingress_own_drop_count + static_cast<std::size_t>(error));
}
[[nodiscard]] constexpr IngressDrop drop_of(ledger::TransactionError error)
{
    return static_cast<IngressDrop>(ingress_own_drop_count + wire_error_count +
                                    static_cast<std::size_t>(error));
}
// NOLINTEND(clang-analyzer-optin.core.EnumCastOutOfRange)
/// "wrong_lane", "wire.too_short", "form.duplicate_account": for counters and reports.
[[nodiscard]] std::string to_string(IngressDrop drop);

struct IngressCounters {
    Counter received;
    Counter accepted;
    std::array<Counter, ingress_drop_count> dropped;
    [[nodiscard]] const Counter& of(IngressDrop drop) const
    {
        return dropped[static_cast<std::size_t>(drop)];
    }
};

/// A transaction whose signatures are good, and the lane it came by: what was forwarded once is
/// never forwarded again.
struct VerifiedTransaction {
    const ledger::Transaction& transaction; // valid until the hand-over returns
    Lane lane = Lane::transactions;
};

class Verifier {
public:
    struct Options {
        std::size_t batch_max = 256;
        DuplicateFilter::Options duplicates{};
        std::size_t key_cache_bytes = std::size_t{1} << 20;
        /// Told of each drop whose transaction could be read; nothing in it is verified.
        std::function<void(IngressDrop reason, const ledger::Transaction&)> on_drop{};
    };
    Verifier(const Hash& genesis_hash, const Options& options);

    /// Takes one datagram; nothing is kept of its memory. Precondition: not full().
    void add(Lane lane, ByteView datagram);
    [[nodiscard]] bool full() const { return pending_.size() == options_.batch_max; }
    [[nodiscard]] std::size_t pending_count() const { return pending_.size(); }

    /// Checks everything pending and calls accept(const VerifiedTransaction&) for the good ones, in
    /// the order of add(). Returns how many.
    template <class Accept>
    std::size_t verify(Accept&& accept)
    {
        check_signatures();
        std::size_t count = 0;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            if (settle(i)) {
                accept(VerifiedTransaction{pending_[i].transaction, pending_[i].lane});
                ++count;
            }
        }
        pending_.clear();
        return count;
    }

    /// Lets the filter's entries grow older; by the caller's clock, for example every second.
    void next_generation() { duplicates_.next_generation(); }
    [[nodiscard]] const IngressCounters& counters() const { return counters_; }

private:
    struct Pending {
        ledger::Transaction transaction;
        Lane lane;
        bool signatures_good;
    };

    void drop(IngressDrop reason) { counters_.dropped[static_cast<std::size_t>(reason)].add(); }
    void drop(IngressDrop reason, const ledger::Transaction& transaction)
    {
        drop(reason);
        if (options_.on_drop) {
            options_.on_drop(reason, transaction);
        }
    }
    void check_signatures();
    /// Counts the verdict on pending_[index]; true when it is to be handed over.
    bool settle(std::size_t index);

    Options options_;
    Prefix prefix_;
    DuplicateFilter duplicates_;
    crypto::Ed25519BatchVerifier batch_;
    std::vector<Pending> pending_;
    std::vector<Pubkey> keys_;
    std::vector<Signature> signatures_;
    std::vector<crypto::Ed25519Job> jobs_;
    std::unique_ptr<bool[]> verdicts_;
    IngressCounters counters_;
};

} // namespace belfry::dataplane

// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/verify_tile.hpp"

namespace belfry::node {
namespace {

constexpr std::uint64_t generation_interval_ns = 1'000'000'000;

} // namespace

VerifyTile::VerifyTile(const Hash& genesis_hash, Links& links)
    : links_(links)
    , verifier_(genesis_hash, {.on_drop = [this](dataplane::IngressDrop reason,
                                                 const ledger::Transaction& transaction) {
                    trail_.note(transaction.signature(0),
                                {.stage = reason == dataplane::IngressDrop::duplicate
                                              ? TrailStage::duplicate_datagram
                                              : TrailStage::bad_signature,
                                 .time_ns = now_ns_});
                }})
{
}

bool VerifyTile::work(std::uint64_t now_ns)
{
    now_ns_ = now_ns;
    if (now_ns - generation_ns_ >= generation_interval_ns) {
        generation_ns_ = now_ns;
        verifier_.next_generation();
    }
    while (!verifier_.full()) {
        Packet* const packet = links_.net_verify.front();
        if (packet == nullptr) {
            break;
        }
        verifier_.add(packet->lane, packet->payload());
        links_.net_verify.advance();
    }
    links_.net_verify.release();
    if (verifier_.pending_count() == 0) {
        return false;
    }
    (void)verifier_.verify([this](const dataplane::VerifiedTransaction& good) {
        AdmittedTransaction* const slot = links_.verify_bank.claim();
        if (slot == nullptr) {
            link_full_.add();
            trail_.note(good.transaction.signature(0),
                        {.stage = TrailStage::bank_link_full, .time_ns = now_ns_});
            return;
        }
        slot->transaction = good.transaction;
        slot->forwarded = good.lane == dataplane::Lane::forwards;
        links_.verify_bank.commit();
    });
    links_.verify_bank.publish();
    return true;
}

} // namespace belfry::node

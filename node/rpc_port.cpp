// SPDX-License-Identifier: Apache-2.0
#include "node/rpc_port.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

using Counters = std::vector<NamedCounter>;

template <class Error, std::size_t N, class Name>
void add_errors(const std::array<std::uint64_t, N>& counts, const Name& name, Counters& out)
{
    for (std::size_t i = 0; i < N; ++i) {
        if (counts[i] != 0) {
            out.push_back({name(static_cast<Error>(i)), counts[i]});
        }
    }
}

TileStatus net_status(const NodeView& view)
{
    TileStatus tile{.name = "net", .counters = {}, .drops = {}};
    for (std::size_t i = 0; i < dataplane::lane_count; ++i) {
        const dataplane::LaneCounters& lane = view.port.counters(static_cast<dataplane::Lane>(i));
        const std::string name(dataplane::lane_kinds[i].name);
        tile.counters.push_back({name + ".received", lane.received.read()});
        tile.counters.push_back({name + ".sent", lane.sent.read()});
        tile.counters.push_back({name + ".sent_in_runs", lane.sent_in_runs.read()});
        tile.drops.push_back({name + ".link_full", view.net.counters().link_full[i].read()});
        for (std::size_t reason = 0; reason < dataplane::Admission::refusal_count; ++reason) {
            const auto refusal = static_cast<dataplane::Admission::Refusal>(reason);
            tile.drops.push_back(
                {name + "." + std::string(dataplane::to_string(refusal)),
                 view.net.admission().refused(static_cast<dataplane::Lane>(i), refusal).read()});
        }
        tile.drops.push_back({name + ".queue_overflow", lane.queue_overflow.read()});
        tile.drops.push_back({name + ".too_long", lane.too_long.read()});
        tile.drops.push_back({name + ".truncated", lane.truncated.read()});
        tile.drops.push_back({name + ".fault", lane.fault_dropped.read() +
                                                   view.net.counters().partitioned[i].read()});
        tile.drops.push_back({name + ".receive_errors", lane.receive_errors.read()});
        tile.drops.push_back({name + ".send_errors", lane.send_errors.read()});
        tile.drops.push_back({name + ".send_full", lane.send_dropped.read()});
    }
    tile.drops.push_back({"partition.unknown", view.net.counters().partition_unknown.read()});
    std::erase_if(tile.drops, [](const NamedCounter& drop) { return drop.value == 0; });
    return tile;
}

TileStatus verify_status(const NodeView& view)
{
    TileStatus tile{.name = "verify", .counters = {}, .drops = {}};
    const dataplane::IngressCounters& ingress = view.verify.ingress();
    tile.counters = {{"received", ingress.received.read()}, {"accepted", ingress.accepted.read()}};
    for (std::size_t i = 0; i < dataplane::ingress_drop_count; ++i) {
        // Values beyond the enumerators are errors of the layers below (verifier.hpp, drop_of).
        // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
        const auto drop = static_cast<dataplane::IngressDrop>(i);
        if (ingress.of(drop).read() != 0) {
            tile.drops.push_back({dataplane::to_string(drop), ingress.of(drop).read()});
        }
    }
    if (view.verify.link_full().read() != 0) {
        tile.drops.push_back({"link_full", view.verify.link_full().read()});
    }
    return tile;
}

TileStatus bank_status(const BankSnapshot& bank)
{
    TileStatus tile{.name = "bank", .counters = {}, .drops = {}};
    tile.counters = {{"blocks_replayed", bank.bank.blocks_replayed},
                     {"blocks_built", bank.bank.blocks_built},
                     {"transactions_executed", bank.bank.transactions_executed},
                     {"transactions_failed", bank.bank.transactions_failed},
                     {"signatures_verified", bank.bank.signatures_verified},
                     {"signatures_skipped", bank.bank.signatures_skipped},
                     {"fork_switches", bank.bank.fork_switches},
                     {"blocks_undone", bank.bank.blocks_undone},
                     {"blocks_waiting", bank.blocks_waiting},
                     {"accounts", bank.accounts},
                     {"pool", bank.pool_size},
                     {"pool_inserted", bank.pool.inserted},
                     {"packed", bank.pool.packed},
                     {"seen_processed", bank.pool.seen_processed},
                     {"forwards_sent", bank.forwards_sent}};
    tile.drops = {{"gate.expired", bank.gate.expired},
                  {"gate.cannot_pay", bank.gate.cannot_pay},
                  {"gate.quarantined", bank.gate.quarantined},
                  {"gate.early_full", bank.gate.early_full},
                  {"gate.early_expired", bank.gate.early_expired},
                  {"pool.duplicate", bank.pool.duplicate},
                  {"pool.full", bank.pool.refused_full},
                  {"pool.evicted_by_fee", bank.pool.evicted_by_fee},
                  {"pool.waiting_full", bank.pool.dropped_waiting_full},
                  {"pool.expired", bank.pool.expired},
                  {"pool.expired_unknown", bank.pool.expired_unknown},
                  {"pool.processed_before", bank.pool.dropped_duplicate},
                  {"pool.payer_cannot_pay", bank.pool.dropped_payer},
                  {"block.waiting_full", bank.waiting_dropped},
                  {"block.abandoned", bank.blocks_abandoned},
                  {"net_link_full", bank.net_link_full},
                  {"rpc_link_full", bank.rpc_link_full}};
    add_errors<exec::BlockError>(
        bank.refused,
        [](exec::BlockError error) { return "block." + std::string(exec::to_string(error)); },
        tile.drops);
    std::erase_if(tile.drops, [](const NamedCounter& drop) { return drop.value == 0; });
    return tile;
}

TileStatus shred_status(const ShredSnapshot& shred)
{
    TileStatus tile{.name = "shred", .counters = {}, .drops = {}};
    tile.counters = {{"shreds_received", shred.shreds_received},
                     {"shreds_sent", shred.shreds_sent},
                     {"shreds_retransmitted", shred.shreds_retransmitted},
                     {"equivocations", shred.fec.equivocations},
                     {"second_sets_made", shred.second_sets_made},
                     {"sets_made", shred.sets_made},
                     {"sets_received", shred.fec.sets_completed},
                     {"sets_recovered", shred.fec.sets_recovered},
                     {"sets_repaired", shred.fec.sets_repaired},
                     {"two_versions", shred.fec.equivocations},
                     {"blocks_completed", shred.assembler.blocks_completed},
                     {"repair_requests", shred.repair.requests_sent},
                     {"repair_met", shred.repair.requests_met},
                     {"repair_timed_out", shred.repair.requests_timed_out},
                     {"catching_up", shred.catching_up ? 1U : 0U},
                     {"open_bytes", shred.open_bytes},
                     {"held_bytes", shred.held_bytes}};
    add_errors<dataplane::ShredError>(
        shred.fec.errors,
        [](dataplane::ShredError error) { return std::string(dataplane::to_string(error)); },
        tile.drops);
    tile.drops.push_back({"sets_evicted", shred.fec.sets_evicted + shred.assembler.sets_evicted});
    tile.drops.push_back({"hints_refused", shred.repair.hints_refused});
    tile.drops.push_back({"net_link_full", shred.net_link_full});
    std::erase_if(tile.drops, [](const NamedCounter& drop) { return drop.value == 0; });
    return tile;
}

TileStatus consensus_status(const ConsensusSnapshot& consensus)
{
    TileStatus tile{.name = "consensus", .counters = {}, .drops = {}};
    tile.counters = {{"votes_sent", consensus.votes_sent},
                     {"votes_received", consensus.votes_received},
                     {"votes_copied", consensus.votes_copied},
                     {"tower_depth", consensus.tower_depth},
                     {"builds", consensus.builds},
                     {"cluster_slot", consensus.cluster.value},
                     {"clock_moved", consensus.clock_moved},
                     {"clock_held", consensus.clock_held},
                     {"blocks_early", consensus.blocks_early},
                     {"bundles_sent", consensus.bundles_sent},
                     {"bundles_received", consensus.bundles_received},
                     {"evidence", consensus.evidence},
                     {"leaps", consensus.leaps},
                     {"recall_questions", consensus.recall_questions},
                     {"recall_answers", consensus.recall_answers},
                     {"recall_told", consensus.recall_told},
                     {"reminders", consensus.reminders},
                     {"listened_ms", consensus.listened_ms},
                     {"journal_us_max", consensus.journal_ns_max / 1000}};
    for (std::size_t i = 0; i < consensus.engine_count; ++i) {
        tile.counters.push_back({std::string(consensus.engine[i].name), consensus.engine[i].value});
    }
    tile.drops = {{"votes_bad_signature", consensus.votes_bad_signature},
                  {"votes_bad_form", consensus.votes_bad_form},
                  {"votes_other_genesis", consensus.votes_other_genesis},
                  {"votes_unknown_voter", consensus.votes_unknown_voter},
                  {"builds_too_late", consensus.builds_too_late},
                  {"blocks_dropped", consensus.blocks_dropped},
                  {"evidence_refused", consensus.evidence_refused},
                  {"proofs_dropped", consensus.proofs_dropped},
                  {"accusations", consensus.accusations},
                  {"net_link_full", consensus.net_link_full}};
    std::erase_if(tile.drops, [](const NamedCounter& drop) { return drop.value == 0; });
    return tile;
}

TileStatus store_status(const StoreSnapshot& store)
{
    TileStatus tile{.name = "store", .counters = {}, .drops = {}};
    tile.counters = {{"commits", store.commits},
                     {"sets_stored", store.sets_stored},
                     {"blocks_stored", store.blocks_stored},
                     {"account_flushes", store.account_flushes},
                     {"accounts_flushed", store.accounts_flushed},
                     {"commit_us_max", store.commit_ns_max / 1000},
                     {"flush_us_max", store.flush_ns_max / 1000},
                     {"used_bytes", store.used_bytes},
                     {"held_bytes", store.held_bytes},
                     {"short_of_space", store.short_of_space},
                     {"repair_served", store.repair.requests_served},
                     {"repair_shreds_sent", store.repair.shreds_sent},
                     {"repair_hints_sent", store.repair.hints_sent}};
    add_errors<dataplane::RepairServeError>(
        store.repair.errors,
        [](dataplane::RepairServeError error) {
            return "repair." + std::string(dataplane::to_string(error));
        },
        tile.drops);
    return tile;
}

TileStatus history_status(const HistorySnapshot& history)
{
    TileStatus tile{.name = "history", .counters = {}, .drops = {}};
    tile.counters = {{"questions", history.questions},
                     {"retries", history.retries},
                     {"answer_us_max", history.answer_us_max},
                     {"index_us_max", history.index_us_max},
                     {"indexed", history.indexed.value}};
    tile.drops = {{"link_full", history.link_full},
                  {"given_up", history.given_up},
                  {"index_failed", history.index_failed}};
    std::erase_if(tile.drops, [](const NamedCounter& drop) { return drop.value == 0; });
    return tile;
}

} // namespace

NodeStatus node_status(const NodeView& view)
{
    const BankSnapshot bank = view.bank.snapshot();
    const ConsensusSnapshot consensus = view.consensus.snapshot();
    const std::uint64_t now = monotonic_ns();
    NodeStatus status;
    status.identity = view.roster.validators[view.roster.me].key;
    status.clock_slot = consensus.clock_slot;
    status.processed = bank.processed;
    status.confirmed = bank.confirmed;
    status.finalized = bank.finalized;
    status.root = consensus.rooted;
    status.super_root = consensus.super_rooted;
    status.block_height = bank.processed_height;
    status.leader = view.roster.validators[consensus.clock_leader].key;
    if (consensus.has_voted) {
        status.last_vote = consensus.last_vote;
    }
    status.silence = to_string(consensus.silence);
    status.votes_sent = consensus.votes_sent;
    status.votes_received = consensus.votes_received;
    status.transaction_count = bank.transaction_count;
    status.blocks_produced = bank.bank.blocks_built;
    status.finalized_block_id = bank.finalized_id;
    status.finalized_state_hash = bank.finalized_state_hash;
    status.uptime_ms = (now - view.started_ns) / 1'000'000;
    status.facts = view.facts;
    for (std::size_t i = 0; i < view.roster.validators.size(); ++i) {
        if (i == view.roster.me || i >= peers_shown_max) {
            continue;
        }
        const PeerVote& vote = consensus.peers[i];
        PeerStatus peer;
        peer.name = view.roster.validators[i].name;
        peer.pubkey = view.roster.validators[i].key;
        peer.stake = view.roster.validators[i].stake;
        if (vote.heard_ns != 0) {
            peer.last_vote = vote.last_vote;
            peer.heard_ms_ago = (now - std::min(now, vote.heard_ns)) / 1'000'000;
        }
        status.peers.push_back(std::move(peer));
    }
    status.tiles = {net_status(view),
                    verify_status(view),
                    bank_status(bank),
                    shred_status(view.shred.snapshot()),
                    consensus_status(consensus),
                    store_status(view.store.snapshot()),
                    history_status(view.history.snapshot())};
    return status;
}

namespace {

/// The shortest time within which more than two thirds of the stake have been heard from. Who has
/// said where it is: those who only answer a node that starts do not tell how far behind it is.
std::optional<std::uint64_t> quorum_ms_ago(const Roster& roster, const ConsensusSnapshot& consensus,
                                           std::uint64_t now)
{
    std::vector<std::pair<std::uint64_t, Stake>> heard; // how long ago, whose stake
    Stake total;
    for (std::size_t i = 0; i < roster.validators.size(); ++i) {
        const Stake stake = roster.validators[i].stake;
        total = Stake{total.value + stake.value}; // genesis has checked that the sum fits
        if (i == roster.me) {
            heard.emplace_back(0, stake);
        } else if (i < peers_shown_max && consensus.peers[i].last_vote != Slot{}) {
            heard.emplace_back((now - std::min(now, consensus.peers[i].heard_ns)) / 1'000'000,
                               stake);
        }
    }
    std::ranges::sort(heard);
    Stake sum;
    for (const auto& [ms_ago, stake] : heard) {
        sum = Stake{sum.value + stake.value};
        if (consensus::is_more_than(sum, total, consensus::two_thirds)) {
            return ms_ago;
        }
    }
    return std::nullopt;
}

} // namespace

ReadinessAnswer readiness_of(const Roster& roster, const ConsensusSnapshot& consensus,
                             const BankSnapshot& bank, std::uint64_t now)
{
    constexpr std::uint64_t unfinal_slots_max = 150; // then blockhashes begin to die
    ReadinessAnswer answer;
    answer.slots_behind =
        consensus.cluster.value - std::min(consensus.cluster, bank.processed).value;
    answer.slots_unfinal =
        consensus.clock_slot.value - std::min(consensus.clock_slot, bank.finalized).value;
    answer.peers_total = roster.validators.size() - 1;
    for (std::size_t i = 0; i < std::min(roster.validators.size(), peers_shown_max); ++i) {
        const std::uint64_t heard_ns = consensus.peers[i].heard_ns;
        if (i != roster.me && heard_ns != 0 &&
            (now - std::min(now, heard_ns)) / 1'000'000 < peer_silence_ms) {
            ++answer.peers_heard;
        }
    }
    answer.quorum_ms_ago = quorum_ms_ago(roster, consensus, now);
    if (consensus.silence != Silence::none) {
        answer.reasons.push_back("signs nothing: " + std::string(to_string(consensus.silence)));
    }
    if (consensus.behind) {
        answer.reasons.push_back("behind the cluster by " + std::to_string(answer.slots_behind) +
                                 " slots");
    }
    if (const std::uint64_t still_ms = (now - std::min(now, consensus.published_ns)) / 1'000'000;
        consensus.published_ns != 0 && still_ms >= consensus_still_ms) {
        answer.reasons.push_back("consensus has waited for its disk for " +
                                 std::to_string(still_ms) + " ms");
    }
    if (bank.quarantined > bank.finalized) {
        answer.reasons.push_back("the block of slot " + std::to_string(bank.quarantined.value) +
                                 " is in quarantine: this node died of it more than once");
    }
    if (!answer.quorum_ms_ago) {
        answer.reasons.emplace_back("two thirds of the stake have not been heard since the start");
    } else if (*answer.quorum_ms_ago >= peer_silence_ms) {
        answer.reasons.push_back("two thirds of the stake were last heard " +
                                 std::to_string(*answer.quorum_ms_ago) + " ms ago");
    }
    if (answer.slots_unfinal > unfinal_slots_max) {
        answer.reasons.push_back("nothing has become final for " +
                                 std::to_string(answer.slots_unfinal) + " slots");
    }
    return answer;
}

ReadinessAnswer RpcPort::readiness() const
{
    return readiness_of(view_.roster, view_.consensus.snapshot(), view_.bank.snapshot(),
                        monotonic_ns());
}

ReplyBody RpcPort::health() const
{
    const ReadinessAnswer now = readiness();
    if (now.reasons.empty()) {
        return HealthyAnswer{};
    }
    // Behind is a number; without a quorum nobody knows how far.
    const bool behind = view_.consensus.snapshot().behind;
    return NodeUnhealthy{behind ? std::optional(now.slots_behind) : std::nullopt};
}

/// A preflight on the state of a node that is behind would say nothing about the chain.
std::optional<ReplyBody> RpcPort::refusal_of(const Request& request) const
{
    const auto* const sent = std::get_if<SendTransaction>(&request);
    if (sent == nullptr || sent->skip_preflight) {
        return std::nullopt;
    }
    ReplyBody now = health();
    return std::holds_alternative<HealthyAnswer>(now) ? std::nullopt
                                                      : std::optional(std::move(now));
}

VoteAccountsAnswer vote_accounts(const Roster& roster, const ConsensusSnapshot& consensus,
                                 Slot processed, const GetVoteAccounts& question)
{
    VoteAccountsAnswer answer;
    for (std::size_t i = 0; i < roster.validators.size(); ++i) {
        const RosterEntry& entry = roster.validators[i];
        if (question.only && entry.key != *question.only) {
            continue;
        }
        VoteAccountsAnswer::Voter voter;
        voter.key = entry.key;
        voter.stake = entry.stake;
        if (i == roster.me) {
            voter.root = consensus.rooted;
            if (consensus.has_voted || consensus.notarized != Slot{}) {
                voter.last_vote = std::max(consensus.last_vote, consensus.notarized);
            }
        } else if (i < peers_shown_max && consensus.peers[i].heard_ns != 0) {
            voter.last_vote = consensus.peers[i].last_vote;
        }
        voter.delinquent =
            !voter.last_vote || processed.value - std::min(processed, *voter.last_vote).value >
                                    question.delinquent_distance;
        answer.voters.push_back(voter);
    }
    return answer;
}

bool RpcPort::post(RequestId id, Request request)
{
    if (std::holds_alternative<GetNodeStatus>(request)) {
        answered_here_.push_back({.id = id, .context = {}, .body = node_status(view_)});
    } else if (std::holds_alternative<GetHealth>(request)) {
        answered_here_.push_back({.id = id, .context = {}, .body = health()});
    } else if (std::holds_alternative<GetReadiness>(request)) {
        answered_here_.push_back(
            {.id = id, .context = view_.bank.snapshot().processed, .body = readiness()});
    } else if (const auto* const trail = std::get_if<GetTransactionTrail>(&request)) {
        const TransactionTrail& bank = view_.bank.trail();
        const std::array rings{&view_.verify.trail(), &bank.passed, &bank.dropped};
        answered_here_.push_back(
            {.id = id,
             .context = view_.bank.snapshot().processed,
             .body = JsonAnswer{trail_json(find_trail(trail->signature, rings), monotonic_ns())}});
    } else if (const auto* const voters = std::get_if<GetVoteAccounts>(&request)) {
        const Slot processed = view_.bank.snapshot().processed;
        answered_here_.push_back(
            {.id = id,
             .context = processed,
             .body = vote_accounts(view_.roster, view_.consensus.snapshot(), processed, *voters)});
    } else if (std::optional<ReplyBody> refused = refusal_of(request)) {
        answered_here_.push_back(
            {.id = id, .context = view_.bank.snapshot().processed, .body = std::move(*refused)});
    } else {
        const bool completed_later = may_need_ledger(request);
        RpcQuestion question{id, std::move(request)};
        if (completed_later) {
            to_complete_.emplace(id, question.request);
        }
        if (!links_.rpc_bank.push(std::move(question))) {
            to_complete_.erase(id);
            return false;
        }
        if (to_complete_.size() > completions_max) {
            to_complete_.erase(to_complete_.begin());
        }
        return true;
    }
    bells_.rpc.ring();
    return true;
}

std::optional<Reply> RpcPort::complete(Reply reply)
{
    const auto found = to_complete_.find(reply.id);
    if (found == to_complete_.end()) {
        return reply;
    }
    Request request = std::move(found->second);
    to_complete_.erase(found);
    if (!needs_ledger(request, reply.body)) {
        return reply;
    }
    Reply busy{.id = reply.id, .context = reply.context, .body = NodeBusy{}};
    if (!links_.rpc_history.push(HistoryQuestion{std::move(request), std::move(reply)})) {
        return busy;
    }
    return std::nullopt;
}

std::optional<Reply> RpcPort::next()
{
    if (!answered_here_.empty()) {
        Reply reply = std::move(answered_here_.front());
        answered_here_.pop_front();
        return reply;
    }
    Reply reply;
    if (links_.history_rpc.pop(reply)) {
        return reply;
    }
    while (links_.bank_rpc.pop(reply)) {
        if (std::optional<Reply> last = complete(std::move(reply))) {
            return last;
        }
    }
    return std::nullopt;
}

std::optional<Reply> RpcPort::poll()
{
    if (std::optional<Reply> reply = next()) {
        return reply;
    }
    // A ring takes the announcement with it. What came between the last look and the new one would
    // ring nobody, so it is looked for once more (spsc_ring.hpp, C1 and C2).
    bells_.rpc.announce_sleep();
    return next();
}

} // namespace belfry::node

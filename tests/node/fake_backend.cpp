// SPDX-License-Identifier: Apache-2.0
#include "tests/node/fake_backend.hpp"

#include <algorithm>

namespace belfry::node {

namespace {

/// One overload per question; context() is the slot of the block that was read.
struct Answers {
    Slot context{FakeBackend::slot_of(Commitment::processed)};

    std::uint64_t at(Commitment commitment)
    {
        context = Slot{FakeBackend::slot_of(commitment)};
        return context.value;
    }
    ReplyBody operator()(const GetSlot& q) { return NumberAnswer{at(q.commitment)}; }
    ReplyBody operator()(const GetBlockHeight& q) { return NumberAnswer{at(q.commitment) - 10}; }
    ReplyBody operator()(const GetTransactionCount& q)
    {
        return NumberAnswer{at(q.commitment) * 1000};
    }
    ReplyBody operator()(const GetEpochInfo& q)
    {
        const std::uint64_t slot = at(q.commitment);
        return EpochInfoAnswer{Slot{slot}, Height{slot - 10}, Epoch{0}, slot, 10'000, slot * 1000};
    }
    ReplyBody operator()(const GetStakeMinimum& q)
    {
        at(q.commitment);
        return BalanceAnswer{Lamports{1}};
    }
    ReplyBody operator()(const GetBalance& q)
    {
        const std::uint64_t slot = at(q.commitment);
        return BalanceAnswer{Lamports{q.account == filled<Pubkey>(9) ? UINT64_MAX : slot * 7}};
    }
    ReplyBody operator()(const GetLatestBlockhash& q)
    {
        const std::uint64_t slot = at(q.commitment);
        return BlockhashAnswer{filled<Hash>(static_cast<std::uint8_t>(slot / 100)),
                               Height{slot + 140}};
    }
    ReplyBody operator()(const IsBlockhashValid& q)
    {
        at(q.commitment);
        return ValidAnswer{q.blockhash == filled<Hash>(1)};
    }
    ReplyBody operator()(const GetFeeForMessage& q)
    {
        at(q.commitment);
        return FeeAnswer{Lamports{5000}};
    }
    ReplyBody operator()(const GetSignatureStatuses& q)
    {
        StatusesAnswer answer;
        for (const Signature& signature : q.signatures) {
            using Error = exec::TransactionError;
            switch (signature.bytes[0]) {
            case 1:
                answer.statuses.push_back(
                    SignatureStatus{Slot{90}, std::nullopt, {}, Commitment::finalized});
                break;
            case 2:
                answer.statuses.push_back(SignatureStatus{
                    Slot{250}, 3,
                    Error::of_instruction(1, exec::InstructionErrorKind::custom, 6000),
                    Commitment::processed});
                break;
            default:
                answer.statuses.push_back(std::nullopt);
            }
        }
        return answer;
    }
    ReplyBody operator()(const GetSlotLeaders& q)
    {
        const Slot first = q.first.value_or(Slot{at(q.commitment)});
        LeadersAnswer answer{first, {}};
        for (std::uint64_t i = 0; i < q.slot_count && first < Slot{10'000}; ++i) {
            answer.leaders.push_back(
                filled<Pubkey>(static_cast<std::uint8_t>((first.value + i) / 4 % 2 + 1)));
        }
        return answer;
    }
    ReplyBody operator()(const GetLeaderSchedule& q)
    {
        if (q.slot && *q.slot > Slot{20'000}) {
            return LeadersAnswer{};
        }
        return LeadersAnswer{Slot{0}, {filled<Pubkey>(1), filled<Pubkey>(1), filled<Pubkey>(2)}};
    }
    ReplyBody operator()(const SendTransaction& q)
    {
        if (q.min_context_slot && Slot{at(q.preflight_commitment)} < *q.min_context_slot) {
            return MinContextSlotNotReached{};
        }
        return SentAnswer{};
    }
    ReplyBody operator()(const GetHealth& /*q*/) { return HealthyAnswer{}; }
    ReplyBody operator()(const GetBlockSummary& q)
    {
        if (q.slot == Slot{13}) {
            return BlockSummaryAnswer{};
        }
        return BlockSummaryAnswer{BlockSummary{q.slot, Slot{q.slot.value - 1}, Height{5},
                                               filled<Hash>(3), filled<Hash>(4), filled<Hash>(5),
                                               filled<Pubkey>(6), 77}};
    }
    static AccountView account_view(const DataSlice& slice)
    {
        const Bytes data{1, 2, 3, 4, 5, 6, 7, 8};
        const ByteView wanted =
            ByteView(data).subspan(slice.offset, std::min<std::uint64_t>(slice.length, 4));
        return {.lamports = Lamports{700},
                .owner = filled<Pubkey>(2),
                .executable = false,
                .space_bytes = 8,
                .data = Bytes(wanted.begin(), wanted.end())};
    }
    ReplyBody operator()(const GetAccounts& q)
    {
        at(q.commitment);
        AccountsAnswer answer;
        for (const Pubkey& key : q.accounts) {
            answer.accounts.push_back(
                key == filled<Pubkey>(9) ? std::nullopt : std::optional(account_view(q.slice)));
        }
        return answer;
    }
    ReplyBody operator()(const SimulateTransaction& q)
    {
        at(q.commitment);
        SimulationAnswer answer;
        answer.error =
            exec::TransactionError::of_instruction(0, exec::InstructionErrorKind::custom, 1);
        answer.logs = {"Program 11111111111111111111111111111111 invoke [1]"};
        answer.units_consumed = 150;
        answer.fee = Lamports{5000};
        answer.balances = {10, 20, 5, 25};
        for (std::size_t i = 0; i < q.accounts.size(); ++i) {
            answer.accounts.emplace_back(account_view({}));
        }
        if (q.replace_blockhash) {
            answer.replacement = filled<Hash>(1);
            answer.replacement_last_valid = Height{240};
        }
        return answer;
    }
    ReplyBody operator()(const RequestAirdrop& /*q*/)
    {
        return AirdropAnswer{filled<Signature>(1)};
    }
    ReplyBody operator()(const GetSupply& q)
    {
        at(q.commitment);
        return SupplyAnswer{Lamports{12345}};
    }
    ReplyBody operator()(const GetRecentPerformanceSamples& q)
    {
        PerformanceAnswer answer;
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(q.count_max, 2); ++i) {
            answer.samples.push_back({Slot{300 - 100 * i}, 100, 42});
        }
        return answer;
    }
    ReplyBody operator()(const GetProofs& q)
    {
        return JsonAnswer{q.slot ? R"([{"slot":7,"kind":2,"about":0,"bytes":"00ff"}])" : "[]"};
    }
    ReplyBody operator()(const GetVoteAccounts& q)
    {
        VoteAccountsAnswer answer;
        answer.voters.push_back({filled<Pubkey>(1), Stake{1000}, Slot{299}, Slot{250},
                                 300 - 299 > q.delinquent_distance});
        if (!q.only) {
            answer.voters.push_back({filled<Pubkey>(2), Stake{500}, std::nullopt, Slot{}, true});
        }
        return answer;
    }
    /// What the ledger says, as text.
    template <class Question>
    ReplyBody operator()(const Question& /*q*/)
    {
        return JsonAnswer{R"({"from":"ledger"})"};
    }
    ReplyBody operator()(const GetReadiness& /*q*/)
    {
        ReadinessAnswer answer;
        answer.peers_total = 3;
        return answer;
    }
    ReplyBody operator()(const GetNodeStatus& /*q*/)
    {
        NodeStatus status;
        status.identity = filled<Pubkey>(2);
        status.clock_slot = Slot{302};
        status.processed = Slot{300};
        status.confirmed = Slot{200};
        status.finalized = Slot{100};
        status.root = Slot{110};
        status.leader = filled<Pubkey>(1);
        status.facts = {{"kernel.ed25519", "avx2"}};
        status.peers = {{"first", filled<Pubkey>(1), Stake{1000}, Slot{299}, 12},
                        {"second", filled<Pubkey>(2), Stake{1000}, std::nullopt, std::nullopt}};
        status.tiles = {{"verify", {{"in", 17}}, {{"bad_signature", 3}}}};
        return status;
    }
};

} // namespace

std::optional<SignatureStatus> FakeBackend::look_at_sent()
{
    const std::uint64_t level = look_count_++;
    if (level == 0) {
        return std::nullopt;
    }
    return SignatureStatus{
        Slot{301}, std::nullopt, sent_error,
        Commitment{static_cast<std::uint8_t>(std::min<std::uint64_t>(level, 3) - 1)}};
}

Reply FakeBackend::answer(RequestId id, const Request& request)
{
    Answers answers;
    ReplyBody body = std::visit(answers, request);
    if (const auto* const sending = std::get_if<SendTransaction>(&request)) {
        sent_ = Signature::from(ByteView(sending->wire).subspan(1, Signature::size_bytes));
    }
    const auto* const looking = std::get_if<GetSignatureStatuses>(&request);
    if (looking != nullptr && sent_ && looking->signatures.size() == 1 &&
        looking->signatures.front() == *sent_) {
        std::get<StatusesAnswer>(body).statuses.front() = look_at_sent();
    }
    if (std::holds_alternative<GetTransactionTrail>(request)) {
        body = JsonAnswer{trail};
    }
    return Reply{id, answers.context, forced.value_or(std::move(body))};
}

} // namespace belfry::node

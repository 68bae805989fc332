// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/checker.hpp"

#include "consensus/tower/tower_journal.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace belfry::consensus::sim {

namespace {
constexpr std::size_t violations_max = 100; // more say nothing new
constexpr std::size_t shallow_depth = 4;
constexpr std::size_t deep_depth = 8;
constexpr Fraction few_breakers{.numerator = 5, .denominator = 100};
} // namespace

Checker::Checker(const BlockWorld& world, const StakeTable& stakes,
                 std::vector<ValidatorIndex> validator_of_machine)
    : world_(world)
    , stakes_(stakes)
    , validator_of_machine_(std::move(validator_of_machine))
    , watched_(validator_of_machine_.size())
    , certificates_(stakes, validator_of_machine_.size())
{
    for (Watched& watched : watched_) {
        watched.heard.resize(stakes.count());
    }
}

void Checker::excuse(std::size_t machine)
{
    watched_.at(machine).honest = false;
    excused_.insert(validator_of_machine_.at(machine));
}

void Checker::broken(const std::string& what)
{
    const bool watched = unwatched_.empty() || !what.starts_with(unwatched_);
    if (watched && violations_.size() < violations_max) {
        violations_.push_back(what);
    }
}

bool Checker::saw(std::string_view rule) const
{
    return std::ranges::any_of(violations_,
                               [&](const std::string& what) { return what.starts_with(rule); });
}

// ---- Statements ---------------------------------------------------------------------------------

void Checker::statement_asked(std::size_t machine, StatementKind kind, ByteView body)
{
    if (kind == StatementKind::tower_vote) {
        const auto vote = decode_tower_vote(body);
        std::optional<TowerVote>& asked = watched_[machine].asked;
        const bool again = vote && asked && asked->block() == vote->block();
        if (vote && !again && watched_[machine].honest) {
            check_support(machine, *vote, asked ? &*asked : nullptr);
        }
        asked = vote ? std::optional{*vote} : std::nullopt;
    }
}

void Checker::duplicate_known(std::size_t machine, Slot slot)
{
    watched_[machine].duplicates.insert(slot);
}

Stake Checker::heard_above(std::size_t machine, BlockNumber block) const
{
    const Watched& watched = watched_[machine];
    ValidatorSet all;
    all.insert(validator_of_machine_[machine]); // what it said itself it need not hear
    for (BlockNumber above = block; above < watched.voters.size(); ++above) {
        if (!watched.voters[above].empty() && world_.descends(above, block)) {
            all.insert_all(watched.voters[above]);
        }
    }
    return stakes_.of(all);
}

void Checker::check_support(std::size_t machine, const TowerVote& vote, const TowerVote* before)
{
    const std::optional<BlockNumber> number = world_.find(vote.block());
    const BlockNumber final_block = watched_[machine].final_block;
    if (!number || !world_.descends(*number, final_block)) {
        return; // told elsewhere
    }
    const Slot final_slot = world_.get(final_block).name.slot;
    for (const Slot slot : watched_[machine].duplicates) {
        const BlockNumber version = ancestor_at(*number, slot);
        if (slot > final_slot && world_.get(version).name.slot == slot &&
            !stakes_.is_more_than(heard_above(machine, version), duplicate_share)) {
            broken(fmt::format("T-S7 node {} votes for slot {} above a block of slot {}, of which "
                               "it knows two, and which too few voted for",
                               machine, vote.block().slot.value, slot.value));
        }
    }
    for (const std::size_t depth : {shallow_depth, deep_depth}) {
        const std::optional<Lockout> entry = vote.tower.below_top(depth);
        if (before == nullptr || !entry || entry->slot <= final_slot) {
            continue;
        }
        const bool granted = entry->confirmations > depth &&
                             std::ranges::count(before->tower.entries(), *entry) != 0;
        const Stake support = heard_above(machine, ancestor_at(*number, entry->slot));
        const Fraction share = depth == deep_depth ? two_thirds : switch_share;
        if (!granted && !stakes_.is_more_than(support, share)) {
            broken(fmt::format("T-S9 node {} deepens its vote for slot {} with {} of {} behind it",
                               machine, entry->slot.value, support.value, stakes_.total().value));
        }
    }
}

void Checker::vote_heard(std::size_t machine, ValidatorIndex voter, BlockNumber block)
{
    std::vector<ValidatorSet>& voters = watched_[machine].voters;
    if (voters.size() <= block) {
        voters.resize(block + 64);
    }
    voters[block].insert(voter);
    auto& heard = watched_[machine].heard[voter.value];
    if (std::ranges::find(heard, block) == heard.end()) {
        *std::ranges::min_element(heard) = block; // the oldest made
    }
}

void Checker::check_proof(std::size_t machine, const ForkSwitch& recorded, const Course& course)
{
    // A vote on another branch of the own side of the fork says nothing against that side.
    const auto proves = [&](BlockNumber block) {
        return block != 0 && !world_.descends(block, course.from) &&
               (world_.descends(course.from, course.to) ||
                world_.descends(course.to, world_.common_ancestor(block, course.from)));
    };
    const Watched& watched = watched_[machine];
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < stakes_.count(); ++i) {
        const ValidatorIndex voter{static_cast<std::uint16_t>(i)};
        if (!recorded.proof.voters.contains(voter)) {
            continue;
        }
        sum += stakes_.stake(voter).value;
        if (std::ranges::none_of(watched.heard[i], proves)) {
            broken(fmt::format("T-S3 node {} counts validator {} against slot {}, of whom it heard "
                               "no vote elsewhere",
                               machine, i, recorded.from.slot.value));
        }
    }
    if (!stakes_.is_more_than(Stake{sum}, switch_share)) {
        broken(fmt::format("T-S3 node {} leaves slot {} with {} of {} against it", machine,
                           recorded.from.slot.value, sum, stakes_.total().value));
    }
}

void Checker::fork_chosen(std::size_t machine, ByteView vote_body,
                          const std::optional<ForkSwitch>& recorded)
{
    const Watched& watched = watched_[machine];
    const auto vote = decode_tower_vote(vote_body);
    if (!watched.honest || !watched.asked || !vote || watched.asked->block() == vote->block()) {
        return;
    }
    const BlockName before = watched.asked->block();
    const std::optional<BlockNumber> from = world_.find(before);
    const std::optional<BlockNumber> to = world_.find(vote->block());
    if (!from || !to || world_.descends(*to, *from)) {
        return;
    }
    if (!recorded || recorded->from != before || recorded->to != vote->block()) {
        broken(fmt::format("T-S3 node {} leaves the fork of slot {} for slot {} and says not why",
                           machine, before.slot.value, vote->block().slot.value));
        return;
    }
    if (recorded->reason == SwitchReason::proof) {
        check_proof(machine, *recorded, {.from = *from, .to = *to});
    }
    if (recorded->reason == SwitchReason::final_elsewhere &&
        world_.descends(*from, watched.final_block)) {
        broken(fmt::format("T-S3 node {} leaves slot {}, which no final block is against", machine,
                           before.slot.value));
    }
}

void Checker::hard_forked(std::size_t machine, Slot slot)
{
    Watched& watched = watched_[machine];
    std::erase_if(watched.votes, [&](const auto& item) { return item.first > slot; });
    std::erase_if(watched.rooted, [&](const auto& item) { return item.first > slot; });
    watched.newest.reset();
    watched.newest_root = std::min(watched.newest_root, slot);
    watched.asked.reset();
    watched.fork = slot;
    for (Chains* const chains : {&confirmed_, &rooted_}) {
        for (BlockNumber& end : chains->ends) {
            end = ancestor_at(end, slot);
        }
    }
}

void Checker::statement_counted(std::size_t machine, StatementKind kind, ByteView body)
{
    const auto said = decode_statement(kind, body);
    const bool judges_all = !stakes_.is_more_than(excused(), one_third);
    if (!said) {
        return;
    }
    if (const auto what =
            certificates_.said(machine, *said, watched_[machine].honest, judges_all)) {
        broken(*what);
    }
}

void Checker::statement_sent(std::size_t machine, const Sent& statement)
{
    if (statement.kind != StatementKind::tower_vote) {
        statement_counted(machine, statement.kind, statement.body); // true ones are counted alike
    }
    if (!watched_[machine].honest) {
        return;
    }
    if (statement.record.empty()) {
        broken(fmt::format("T-S4 node {} sent a statement before record {} was durable", machine,
                           statement.after.value()));
    }
    if (statement.kind == StatementKind::tower_vote) {
        const auto vote = decode_tower_vote(statement.body);
        if (!vote || vote->voter != validator_of_machine_[machine]) {
            broken(fmt::format("T-S1 node {} sent a malformed tower", machine));
            return;
        }
        check_record(machine, *vote, statement.record);
        check_tower_vote(machine, *vote);
    }
}

void Checker::check_record(std::size_t machine, const TowerVote& vote, ByteView record)
{
    const std::optional<TowerRecord> decoded = decode_tower_record(record);
    const auto* const cast = decoded ? std::get_if<VoteRecord>(&*decoded) : nullptr;
    if (cast != nullptr && cast->vote != vote) {
        broken(fmt::format("T-S4 node {} sent for slot {} another tower than is durable", machine,
                           vote.block().slot.value));
    }
}

BlockNumber Checker::ancestor_at(BlockNumber block, Slot slot) const
{
    while (world_.get(block).name.slot > slot) {
        block = world_.get(block).parent;
    }
    return block;
}

void Checker::check_tower_vote(std::size_t machine, const TowerVote& vote)
{
    Watched& watched = watched_[machine];
    const BlockName block = vote.block();
    const std::optional<BlockNumber> number = world_.find(block);
    if (!number) {
        broken(fmt::format("T-S1 node {} voted for a block of slot {} that nobody made", machine,
                           block.slot.value));
        return;
    }
    if (watched.newest && *watched.newest == block) {
        return; // a refresh
    }
    if (watched.newest && watched.newest->slot >= block.slot) {
        broken(fmt::format("T-S2 node {} voted for slot {} after its vote for slot {}", machine,
                           block.slot.value, watched.newest->slot.value));
    }
    watched.newest = block;
    watched.newest_root = vote.tower.root();
    if (watched.root && !world_.descends(*number, *watched.root)) {
        broken(fmt::format("T-S2 node {} voted for slot {} off its own root", machine,
                           block.slot.value));
    }
    if (certificates_release_) {
        release_votes(watched, vote.tower.root());
    }
    for (const auto& [slot, earlier] : watched.votes) {
        if (block.slot <= earlier.expiry && !world_.descends(*number, earlier.block)) {
            broken(fmt::format("T-S2 node {} voted for slot {} although its vote for slot {} "
                               "on another fork binds until {}",
                               machine, block.slot.value, slot.value, earlier.expiry.value));
        }
    }
    watched.votes[block.slot] = {.block = *number, .expiry = block.slot};
    const auto entries = vote.tower.entries();
    for (const Lockout& entry : entries) {
        const auto spoken = watched.votes.find(entry.slot);
        if (spoken != watched.votes.end()) {
            spoken->second.expiry = std::max(spoken->second.expiry, entry.expiry());
        }
    }
    for (const auto& [slot, spoken] : watched.votes) { // what is rooted binds for ever
        if (slot <= vote.tower.root() && world_.descends(*number, spoken.block)) {
            watched.root = std::max(watched.root.value_or(0), spoken.block);
        }
    }
    // An entry can be deepened only while it is in the tower; one that is gone binds to its expiry.
    std::erase_if(watched.votes, [&](const auto& item) {
        const bool in_tower = std::ranges::binary_search(entries, item.first, {}, &Lockout::slot);
        return !in_tower && item.second.expiry < block.slot;
    });
    root_votes(watched);
}

/// What a certificate has overruled and a sent tower has left below its root binds no more, also
/// when the machine forgets that block in a crash.
void Checker::release_votes(Watched& watched, Slot root) const
{
    const Slot decided = std::min(root, world_.get(watched.final_block).name.slot);
    std::erase_if(watched.votes, [&](const auto& item) {
        return item.first <= decided && !world_.descends(watched.final_block, item.second.block);
    });
}

void Checker::root_votes(Watched& watched) const
{
    if (!watched.root) {
        return;
    }
    const Slot root = world_.get(*watched.root).name.slot;
    for (auto spoken = watched.votes.begin();
         spoken != watched.votes.end() && spoken->first <= root;) {
        const bool below = world_.descends(*watched.root, spoken->second.block);
        const auto next = std::next(spoken);
        if (below) {
            watched.rooted.insert(watched.votes.extract(spoken));
        }
        spoken = next;
    }
}

void Checker::unroot(Watched& watched)
{
    watched.root.reset();
    watched.newest_root = Slot{};
    std::erase_if(watched.rooted, [&](const auto& item) { // as if it had stayed among the votes
        return watched.newest && item.second.expiry < watched.newest->slot;
    });
    watched.votes.merge(watched.rooted);
}

void Checker::record_durable(std::size_t machine, ByteView record)
{
    certificates_.durable(machine, record);
    const std::optional<TowerRecord> decoded = decode_tower_record(record);
    const auto* const cast = decoded ? std::get_if<VoteRecord>(&*decoded) : nullptr;
    const auto* const fork = decoded ? std::get_if<ForkRecord>(&*decoded) : nullptr;
    Watched& watched = watched_[machine];
    if (cast != nullptr) {
        watched.durable = cast->vote;
    } else if (fork != nullptr && watched.fork == fork->slot) {
        watched.durable.reset();
        watched.fork.reset();
    }
}

void Checker::restarted(std::size_t machine, const EngineStatus& status)
{
    Watched& watched = watched_[machine];
    const std::optional<BlockName>& last_vote = status.last_vote;
    // What was only asked for is forgotten: the engine may say again what it said before.
    const bool kept = watched.durable && last_vote && watched.durable->block() == *last_vote &&
                      (!watched.fork || last_vote->slot <= *watched.fork);
    watched.asked = kept ? watched.durable : std::nullopt;
    if (!watched.honest || !watched.newest) {
        return;
    }
    const BlockName newest = *watched.newest;
    if (!last_vote || last_vote->slot < newest.slot ||
        (last_vote->slot == newest.slot && *last_vote != newest)) {
        broken(fmt::format("T-S4 node {} restarted below its vote for slot {}", machine,
                           newest.slot.value));
    }
    if (status.rooted.slot < watched.newest_root) {
        broken(fmt::format("T-S4 node {} restarted below its root, slot {}", machine,
                           watched.newest_root.value));
    }
}

// ---- Blocks -------------------------------------------------------------------------------------

void Checker::block_begun(std::size_t machine, Slot slot, bool durable)
{
    Watched& watched = watched_[machine];
    if (watched.honest && !durable) {
        broken(fmt::format("T-S4 node {} begins slot {} before its record is durable", machine,
                           slot.value));
    }
    if (watched.honest && slot <= watched.begun) {
        broken(fmt::format("T-S8 node {} builds slot {} after slot {}", machine, slot.value,
                           watched.begun.value));
    }
    watched.begun = slot;
}

void Checker::block_asked(std::size_t machine, Slot slot, const BlockName& parent, bool holds_vote)
{
    const Watched& watched = watched_[machine];
    if (!watched.honest || !watched.asked || !holds_vote) {
        return;
    }
    const std::optional<BlockNumber> last = world_.find(watched.asked->block());
    const std::optional<BlockNumber> on = world_.find(parent);
    if (!last || !on) {
        return;
    }
    const BlockName final_name = world_.get(watched.final_block).name;
    const bool lost = world_.get(*last).name.slot <= final_name.slot ||
                      !world_.descends(*last, watched.final_block);
    if (lost || world_.descends(*on, *last) || world_.descends(*last, *on)) {
        return;
    }
    const Tower& tower = watched.asked->tower;
    const std::size_t binding = tower.binding_count(parent.slot);
    for (std::size_t i = 0; i < binding; ++i) {
        const Slot entry = tower.entries()[i].slot;
        if (!world_.descends(*on, ancestor_at(*last, entry))) {
            broken(fmt::format("T-L1 node {} builds slot {} away from the fork of slot {} that "
                               "it is bound to",
                               machine, slot.value, entry.value));
            return;
        }
    }
}

// ---- Levels -------------------------------------------------------------------------------------

bool Checker::extend(Chains& chains, BlockNumber block)
{
    for (BlockNumber& end : chains.ends) {
        if (world_.descends(end, block)) {
            return true;
        }
        if (world_.descends(block, end)) {
            end = block;
            return true;
        }
    }
    chains.ends.push_back(block);
    if (chains.ends.size() == 1) {
        return true;
    }
    ++chains.conflicts;
    return false;
}

void Checker::committed(std::size_t machine, Level level, const BlockName& block)
{
    const std::optional<BlockNumber> number = world_.find(block);
    if (!watched_[machine].honest || level == Level::processed) {
        return;
    }
    if (!number) {
        broken(fmt::format("T-S5 node {} commits a block of slot {} that nobody made", machine,
                           block.slot.value));
        return;
    }
    if (level == Level::rooted) {
        (void)extend(rooted_, *number);
        return;
    }
    const bool alone = level == Level::super_rooted || extend(confirmed_, *number);
    if (!alone && watches_confirmed_ && !stakes_.is_more_than(excused(), few_breakers)) {
        broken(fmt::format("T-S5' node {} {} slot {} on another fork than a confirmed block",
                           machine, level == Level::confirmed ? "confirmed" : "finalised",
                           block.slot.value));
    }
    if (level == Level::finalized) {
        finalized(machine, *number);
    }
}

void Checker::finalized(std::size_t machine, BlockNumber block)
{
    if (world_.descends(block, final_)) {
        final_ = block;
    } else if (!world_.descends(final_, block)) {
        broken(fmt::format("T-S5 node {} finalised slot {} on another chain than slot {}", machine,
                           world_.get(block).name.slot.value, world_.get(final_).name.slot.value));
    }
    Watched& watched = watched_[machine];
    watched.final_block = block;
    if (watched.root && !world_.descends(*watched.root, block) &&
        !world_.descends(block, *watched.root)) {
        unroot(watched); // a certificate decided against it: rolled back
    }
}

void Checker::accused(ValidatorIndex who)
{
    if (!excused_.contains(who)) {
        broken(fmt::format("EV validator {} is accused and broke no rule", who.value));
    }
    accused_.insert(who);
}

} // namespace belfry::consensus::sim

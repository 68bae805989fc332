// SPDX-License-Identifier: Apache-2.0
// bank_forks_fuzz: blocks of any transactions on any parent, questions and finality as the bytes
// say: every block has the accounts that a slow bank in a map has there, whatever the bank did on
// other forks before, and a second bank with two threads replays each to the same state.
#include "base/check.hpp"
#include "exec/bank.hpp"
#include "tests/exec/model.hpp"
#include "tests/fuzz/gtest_aborts.hpp"

#include <algorithm>
#include <map>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

constexpr std::size_t wallet_count = 6;
constexpr std::size_t funded_count = 4;

const IntentWriter& writer()
{
    static const IntentWriter only(wallet_count);
    return only;
}

ledger::Genesis genesis()
{
    auto funded = writer().keys();
    funded.resize(funded_count);
    ledger::Genesis made = small_genesis(funded);
    made.ticks_per_slot = 1;
    made.hashes_per_tick = 20;
    made.accounts[0].account.lamports = Lamports{5'000'000}; // soon short of money
    made.accounts[1].account.lamports = Lamports{20'000};    // below the rent minimum
    return made;
}

/// What a block left behind, by the slow bank.
struct Left {
    Model model;
    std::uint64_t leader_lamports = 0;
    std::uint64_t slot = 0;
    Hash parent;
};

class Tree {
public:
    explicit Tree(Choices choices)
        : choices_(choices)
        , bank_(genesis(), Bank::Options{.verify_signatures = false})
        , follower_(genesis(), Bank::Options{.threads = 2, .verify_signatures = false})
    {
        Left& left = blocks_[bank_.genesis_hash()];
        const ledger::Genesis all = genesis();
        for (std::size_t i = 0; i < funded_count; ++i) {
            left.model.accounts[i] = {all.accounts[i].account.lamports.value, 0, 0};
        }
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void change()
    {
        const std::uint64_t draw = choices_();
        auto at = blocks_.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(choices_() % blocks_.size()));
        const Hash block = at->first;
        if (draw < 200) {
            add(block);
        } else if (draw < 225) {
            check(block);
        } else {
            finalize(block);
        }
    }
    void check_all() const
    {
        for (const auto& [block, left] : blocks_) {
            check(block);
        }
    }

private:
    void add(const Hash& parent)
    {
        Left left = blocks_.at(parent);
        left.parent = parent;
        left.slot = ++newest_slot_;
        std::vector<Intent> intents;
        std::vector<ledger::Transaction> wires;
        for (std::uint64_t count = choices_() % 4; count > 0; --count) {
            const Intent intent = random_intent(choices_, wallet_count);
            if (const auto wire = writer().write(intent, bank_.find(parent)->blockhash())) {
                intents.push_back(intent);
                wires.push_back(*wire);
            }
        }
        const BuiltBlock built = build(
            bank_, {.parent = parent, .slot = Slot{left.slot}, .transactions = wires, .batch = 2});
        left.model.base_fees = left.model.priority_fees = 0;
        std::set<Hash> offered;
        for (std::size_t i = 0; i < wires.size(); ++i) {
            if (!offered.insert(wires[i].message_hash()).second &&
                built.outcomes[i].result == PackResult::duplicate) {
                continue; // a copy, even if the first one could not pay
            }
            const Model::Result expected = left.model.apply(intents[i], wires[i], writer().keys());
            BELFRY_CHECK((built.outcomes[i].result == PackResult::included) == expected.included);
            BELFRY_CHECK(built.outcomes[i].error == expected.error);
            BELFRY_CHECK(!expected.included || built.outcomes[i].fee.value == expected.fee);
        }
        const std::uint64_t reward =
            left.model.priority_fees + left.model.base_fees - left.model.base_fees / 2;
        left.leader_lamports += left.leader_lamports + reward >= rent_minimum ? reward : 0;
        const Hash id = built.block.ref.id;
        blocks_[id] = std::move(left);
        const auto replayed = follower_.replay(built.block, leader());
        BELFRY_CHECK(replayed && (*replayed)->anchor == built.anchor);
        BELFRY_CHECK((*replayed)->statuses == built.statuses);
        check(id);
    }
    void check(const Hash& block) const
    {
        const Left& left = blocks_.at(block);
        for (std::size_t i = 0; i < wallet_count; ++i) {
            const auto expected = left.model.accounts.find(i);
            const Model::Account is =
                expected != left.model.accounts.end() ? expected->second : Model::Account{};
            for (const Bank* bank : {&bank_, &follower_}) {
                const auto account = bank->account(block, writer().keys()[i].pubkey);
                BELFRY_CHECK(account && account->lamports.value == is.lamports);
                BELFRY_CHECK(account->data.size() == is.bytes);
                BELFRY_CHECK(account->owner == program_of(is.owner));
            }
        }
        BELFRY_CHECK(balance(bank_, block, leader()) == left.leader_lamports);
    }
    void finalize(const Hash& block)
    {
        BELFRY_CHECK(bank_.set_finalized(block) && follower_.set_finalized(block));
        std::map<Hash, Left> kept;
        for (const auto& [id, left] : blocks_) {
            for (Hash at = id;; at = blocks_.at(at).parent) {
                if (at == block) {
                    kept[id] = left;
                }
                if (at == block || !blocks_.contains(blocks_.at(at).parent)) {
                    break;
                }
            }
        }
        for (const auto& [id, left] : blocks_) {
            BELFRY_CHECK((bank_.find(id) != nullptr) == kept.contains(id));
        }
        blocks_ = std::move(kept);
        blocks_.at(block).parent = {};
        check_all();
        const auto flush = bank_.take_flush();
        if (flush) { // in order, and what the block has
            BELFRY_CHECK(flush->anchor.block.id == block);
            BELFRY_CHECK(std::ranges::is_sorted(flush->accounts, {},
                                                [](const auto& entry) { return entry.first; }));
        }
    }

    Choices choices_;
    Bank bank_;
    Bank follower_;
    std::map<Hash, Left> blocks_; // finalized and above
    std::uint64_t newest_slot_ = 0;
};

} // namespace
} // namespace belfry::exec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    exec::Tree tree{Choices(ByteView(data, size))};
    for (int step = 0; tree.more() && step < 24; ++step) {
        tree.change();
    }
    tree.check_all();
    return 0;
}

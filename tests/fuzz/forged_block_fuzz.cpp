// SPDX-License-Identifier: Apache-2.0
// forged_block_fuzz: blocks written by hand, nearly right: wrong ticks, parents, slots, chains,
// signatures, footers, transactions of another fork or time or in quarantine. Two banks, of one
// thread and of two, and one of them with what it knew before (ticks, good signatures), give the
// same verdict for the same reason; a refused block leaves nothing behind: the honest one after it
// is still accepted.
//
// Input    choices: what is wrong, and where.
#include "base/check.hpp"
#include "exec/bank.hpp"
#include "exec/state_hash.hpp"
#include "tests/base/choices.hpp"
#include "tests/exec/support.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace {

using namespace belfry;             // NOLINT(google-build-using-namespace)
using namespace belfry::exec;       // NOLINT(google-build-using-namespace)
using namespace belfry::exec::test; // NOLINT(google-build-using-namespace)

constexpr std::uint32_t tick_hashes = 20;
constexpr std::size_t blocks_max = 6;

const std::vector<crypto::InsecureSigningKey>& keys()
{
    static const std::vector<crypto::InsecureSigningKey> only = wallets(4); // the last has nothing
    return only;
}

ledger::Genesis genesis()
{
    ledger::Genesis made = small_genesis({keys().begin(), keys().begin() + 3});
    made.ticks_per_slot = 2;
    made.hashes_per_tick = tick_hashes;
    made.compute.block_units_max = 30'000; // few transactions fit
    made.accounts[0].account.lamports = Lamports{fee + rent_minimum};
    return made;
}

Bytes transfer_wire(std::size_t from, std::size_t to, std::uint64_t lamports, const Hash& blockhash)
{
    return signed_wire({&keys()[from]}, blockhash,
                       {ledger::system_transfer({.from = keys()[from].pubkey,
                                                 .to = keys()[to].pubkey,
                                                 .lamports = Lamports{lamports}})});
}

const Bytes& deadly()
{
    static const Bytes only =
        transfer_wire(1, 2, 2, Bank(genesis(), {.threads = 1}).genesis_hash());
    return only;
}

bool holds_deadly(const ledger::Block& block)
{
    const auto entries = ledger::decode_entries(block.stream);
    return entries && std::ranges::any_of(*entries, [](const ledger::Entry& entry) {
               return std::ranges::any_of(entry.transactions, [](ByteView wire) {
                   return std::ranges::equal(wire, deadly());
               });
           });
}

Bank::Options options(std::size_t threads)
{
    const Hash message = ledger::parse_transaction(deadly())->message_hash();
    return {.threads = threads,
            .blocks_max = blocks_max,
            .quarantine = Quarantine({.blocks = {}, .messages = {message}})};
}

class Judges {
public:
    explicit Judges(Choices choices)
        : choices_(choices)
        , one_(genesis(), options(1))
        , two_(genesis(), options(2))
    {
        places_.push_back(one_.genesis_hash());
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void judge()
    {
        const ledger::Block block = forged();
        const BlockState* const parent = one_.find(block.parent.id);
        std::vector<Hash> ticks; // of the silence above the parent
        Hash chain = parent == nullptr ? Hash{} : parent->blockhash();
        for (std::uint64_t count = choices_() % 4; count > 0; --count) {
            chain = crypto::poh_append(chain, tick_hashes);
            ticks.push_back(chain);
        }
        const auto verified = [this](const ledger::Transaction& transaction) {
            return good_.contains({transaction.message_hash(), transaction.signature(0)});
        };
        const auto mine = one_.replay({.block = &block,
                                       .leader = leader(),
                                       .verified_before = verified,
                                       .known_ticks = ticks});
        const auto other = two_.replay(block, leader());
        BELFRY_CHECK(mine.has_value() == other.has_value());
        const bool executed = mine || mine.error() == BlockError::wrong_state_hash;
        BELFRY_CHECK(!executed || !holds_deadly(block));
        if (!mine) {
            BELFRY_CHECK(mine.error() == other.error() && !to_string(mine.error()).empty());
            if (mine.error() == BlockError::wrong_state_hash) {
                honest(*parent, block.ref.slot);
            }
            return;
        }
        BELFRY_CHECK((*mine)->state_hash() == (*other)->state_hash());
        hold(block);
    }

private:
    void hold(const ledger::Block& block)
    {
        places_.push_back(block.ref.id);
        blocks_.emplace(block.ref.id, block);
    }
    /// What a leader builds there who saw nothing but the chain below; later blocks may stand on
    /// it, and repeat its transaction.
    void honest(const BlockState& parent, Slot slot)
    {
        Bank builder(genesis(), Bank::Options{.threads = 1});
        std::vector<const ledger::Block*> chain; // parent first
        for (Hash at = parent.ref().id; at != builder.genesis_hash();) {
            chain.push_back(&blocks_.at(at));
            at = chain.back()->parent.id;
        }
        for (auto block = chain.rbegin(); block != chain.rend(); ++block) {
            BELFRY_CHECK(builder.replay(**block, leader()));
        }
        const crypto::InsecureSigningKey& from = keys()[1 + choices_() % 2];
        const ledger::Transaction gift =
            transfer({from, keys().back().pubkey, rent_minimum, parent.blockhash()});
        const BuiltBlock built =
            build(builder, {.parent = parent.ref().id, .slot = slot, .transactions = {gift}});
        const auto mine = one_.replay(built.block, leader());
        const auto other = two_.replay(built.block, leader());
        BELFRY_CHECK(mine.has_value() == other.has_value());
        BELFRY_CHECK(mine || mine.error() == BlockError::too_many_blocks);
        if (mine) {
            hold(built.block);
        }
    }
    Bytes wire()
    {
        const std::uint64_t how = choices_();
        const Hash hashes[] = {one_.find(places_[choices_() % places_.size()])->blockhash(),
                               one_.genesis_hash(), crypto::sha256(Bytes{9})};
        const std::uint64_t to = choices_() % keys().size();
        Bytes made = transfer_wire(how % keys().size(), to, choices_() % 3, hashes[how / 8 % 3]);
        const auto good = ledger::parse_transaction(made);
        good_.insert({good->message_hash(), good->signature(0)});
        if (how >= 230) {
            made[choices_.up_to(made.size() - 1)] ^= static_cast<std::uint8_t>(1 + choices_());
        }
        return made;
    }
    ledger::Block forged()
    {
        const BlockState& parent = *one_.find(places_[choices_() % places_.size()]);
        const std::uint64_t how = choices_();
        const std::uint64_t slots = how % 8 == 0 ? choices_() % 4 : 1;
        Forge forge(parent, parent.slot().value + slots);
        const std::uint64_t ticks = how % 16 == 1 ? choices_() % 5 : 2 * slots;
        std::uint32_t in_tick = 0;
        for (std::uint64_t tick = 0; tick < ticks; ++tick) {
            for (std::uint64_t entries = choices_() % 3; entries > 0; --entries) {
                const auto hashes = static_cast<std::uint32_t>(1 + choices_() % 4);
                std::vector<Bytes> wires(1 + choices_() % 3);
                std::ranges::generate(wires, [&] { return wire(); });
                forge.transactions(wires, hashes);
                in_tick += hashes;
            }
            const std::uint32_t rest = tick_hashes > in_tick ? tick_hashes - in_tick : 1;
            forge.tick(choices_() >= 250 ? rest + 1 : rest);
            in_tick = 0;
        }
        if (how % 32 == 5) {
            forge.certificate(Bytes{1, 2, 3}); // not a matter of state
        }
        // Right while no transaction changes the accounts.
        return spoilt(forge.close(chain_state_hash(parent.state_hash(), parent.lattice)), how);
    }
    ledger::Block spoilt(ledger::Block block, std::uint64_t how)
    {
        if (how >= 240) {
            block.parent.id.bytes[0] ^= 1;
        } else if (how >= 224) {
            ++block.parent.slot.value;
        } else if (how >= 192) {
            const std::size_t at = choices_.up_to(block.stream.size() - 1);
            block.stream[at] ^= static_cast<std::uint8_t>(1 + choices_() % 255);
        }
        block.ref.id = id_of(block);
        return block;
    }

    Choices choices_;
    Bank one_;
    Bank two_;
    std::vector<Hash> places_; // blocks that both hold
    std::map<Hash, ledger::Block> blocks_;
    std::set<std::pair<Hash, Signature>> good_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Judges judges{Choices(ByteView(data, size))};
    for (int step = 0; judges.more() && step < 12; ++step) {
        judges.judge();
    }
    return 0;
}

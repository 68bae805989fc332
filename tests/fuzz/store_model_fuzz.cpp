// SPDX-License-Identifier: Apache-2.0
// store_model_fuzz: flushes of accounts, final blocks, proofs, prunes, restarts and a full file as
// the bytes say: the stores hold what maps hold, a batch is there whole or not at all, and after
// the first failed write nothing is written any more until a restart.
#include "base/check.hpp"
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "tests/base/choices.hpp"
#include "tests/fuzz/memory_directory.hpp"
#include "tests/ledger/sample_block.hpp"

#include <map>
#include <memory>

namespace belfry::ledger {
namespace {

constexpr std::uint64_t map_bytes = 512U << 10;

class Stores {
public:
    explicit Stores(Choices choices)
        : choices_(choices)
        , env_(open())
    {
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void change()
    {
        switch (choices_() % 8) {
        case 0:
        case 1:
        case 2:
            flush();
            break;
        case 3:
            put_proofs();
            break;
        case 4:
            finalize();
            break;
        case 5:
            put_block();
            break;
        case 6:
            prune();
            break;
        default:
            restart();
        }
    }
    void compare() const
    {
        const AccountStore accounts(*env_);
        const auto anchor = accounts.anchor().value();
        BELFRY_CHECK(anchor.has_value() == (anchored_ != 0));
        BELFRY_CHECK(!anchor || anchor->block.slot.value == anchored_);
        auto expected = accounts_.begin();
        const auto loaded = accounts.load_all([&](const Pubkey& address, Account&& account) {
            BELFRY_CHECK(expected != accounts_.end() && expected->first == address);
            BELFRY_CHECK(expected->second == account);
            ++expected;
        });
        BELFRY_CHECK(loaded.has_value() && expected == accounts_.end());
        const ProofReader proofs(*env_);
        for (const auto& [key, bytes] : proofs_) {
            const auto found = proofs.find(name_of(key)).value();
            BELFRY_CHECK(found && found->bytes == bytes);
        }
        BELFRY_CHECK(proofs.newest({}, 10'000).value().size() == proofs_.size());
        const BlockReader blocks(*env_);
        for (const auto& [slot, id] : final_) {
            const auto found = blocks.finalized_at(Slot{slot}).value();
            BELFRY_CHECK(found && found->id == filled_hash(id));
        }
        // Genesis is final from the start.
        BELFRY_CHECK(blocks.finalized_from(Slot{}, 1000).value().size() == 1 + final_.size());
        for (const auto& [slot, block] : blocks_) {
            BELFRY_CHECK(blocks.block(block.record.ref).value() == block.record);
            BELFRY_CHECK(blocks.sets_of_block(block.record.ref, {}).value() == block.sets);
        }
    }

private:
    using ProofKey = std::pair<std::uint64_t, std::uint8_t>;

    [[nodiscard]] std::unique_ptr<LmdbEnv> open() const
    {
        return std::make_unique<LmdbEnv>(LmdbEnv::Options{
            .directory = directory_.path(), .genesis_hash = {}, .map_bytes = map_bytes});
    }
    static ProofName name_of(const ProofKey& key)
    {
        return {.slot = Slot{key.first}, .kind = key.second, .about = key.second};
    }
    /// What the model does only when the store did; a failed environment takes nothing.
    [[nodiscard]] bool took(const Result<void, StoreError>& result)
    {
        if (failed_) {
            BELFRY_CHECK(!result && env_->failed() == failed_);
            BELFRY_CHECK(result.error() == *failed_ || result.error() == StoreError::wrong_shape);
            return false;
        }
        if (!result && result.error() != StoreError::wrong_shape) {
            BELFRY_CHECK(result.error() == StoreError::disk_full);
            failed_ = result.error();
        }
        return result.has_value();
    }
    void flush()
    {
        std::vector<AccountChange> changes;
        std::map<Pubkey, Account> after = accounts_;
        for (std::uint64_t count = choices_() % 6; count > 0; --count) {
            const std::uint64_t draw = choices_();
            AccountChange change{.address = Pubkey{{static_cast<std::uint8_t>(draw % 16)}},
                                 .account = {}};
            after.erase(change.address);
            if (draw < 200) {
                change.account = Account{.lamports = Lamports{draw}};
                change.account->data.assign(choices_() * (draw % 5 == 0 ? 400 : 1),
                                            static_cast<std::uint8_t>(draw));
                after[change.address] = *change.account;
            }
            changes.push_back(std::move(change));
        }
        bool twice = false;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                twice |= changes[i].address == changes[k].address;
            }
        }
        Anchor anchor;
        anchor.block = {.slot = Slot{choices_() % 64}, .id = filled_hash(1)};
        const bool forward = anchored_ == 0 || anchor.block.slot.value > anchored_;
        const bool good = !twice && forward && anchor.block.slot.value != 0;
        if (!good && anchor.block.slot.value == 0) {
            return; // that a first anchor may be genesis is not what this is about
        }
        const bool taken = took(AccountStore(*env_).flush(changes, anchor));
        BELFRY_CHECK(failed_ || taken == good);
        if (taken) {
            accounts_ = std::move(after);
            anchored_ = anchor.block.slot.value;
        }
    }
    void put_proofs()
    {
        std::vector<Proof> proofs;
        std::map<ProofKey, Bytes> after = proofs_;
        bool good = true;
        for (std::uint64_t count = choices_() % 4; count > 0; --count) {
            const ProofKey key{choices_() % 8, static_cast<std::uint8_t>(choices_() % 3)};
            const std::size_t bytes = choices_() * (choices_() % 4 == 0 ? 100 : 1);
            proofs.push_back({.name = name_of(key), .bytes = Bytes(bytes, 7)});
            good &= bytes != 0 && bytes <= proof_bytes_max;
            after.emplace(key, proofs.back().bytes); // the first of a name stays
        }
        const bool taken = took(ProofStore(*env_).put(proofs));
        BELFRY_CHECK(failed_ || taken == good);
        if (taken) {
            proofs_ = std::move(after);
        }
    }
    void finalize()
    {
        const std::uint64_t slot = 1 + choices_() % 16;
        const std::uint64_t id = choices_() % 2;
        const BlockRef ref{.slot = Slot{slot}, .id = filled_hash(id)};
        const bool good = !final_.contains(slot) || final_[slot] == id;
        const bool taken = took(BlockStore(*env_).commit({.finalized = std::span(&ref, 1)}));
        BELFRY_CHECK(failed_ || taken == good);
        if (taken) {
            final_[slot] = id;
        }
    }
    void put_block()
    {
        const std::uint64_t slot = 1 + choices_() % 8;
        const SampleBlock block =
            sample_block(Slot{slot}, {.slot = {}, .id = filled_hash(9)}, 1 + choices_() % 3);
        if (blocks_.contains(slot)) {
            return;
        }
        if (took(BlockStore(*env_).commit(
                {.sets = block.sets, .blocks = std::span(&block.record, 1)}))) {
            blocks_[slot] = block;
        }
    }
    void prune()
    {
        const std::uint64_t below = choices_() % 10;
        if (failed_) {
            return;
        }
        if (choices_() % 2 == 0) {
            const auto gone = ProofStore(*env_).prune(Slot{below}, 2, 10'000);
            if (!gone) {
                BELFRY_CHECK(!took(std::unexpected(gone.error())));
                return;
            }
            const std::size_t before = proofs_.size();
            std::erase_if(proofs_, [&](const auto& entry) {
                return entry.first.first < below && entry.first.second < 2;
            });
            BELFRY_CHECK(*gone == before - proofs_.size());
            return;
        }
        const auto gone = BlockStore(*env_).prune(Slot{below}, 10'000);
        if (!gone) {
            BELFRY_CHECK(!took(std::unexpected(gone.error())));
            return;
        }
        std::erase_if(blocks_, [&](const auto& entry) { return entry.first < below; });
    }
    void restart()
    {
        env_.reset();
        env_ = open();
        BELFRY_CHECK(!env_->is_new());
        failed_.reset();
    }

    MemoryDirectory directory_;
    Choices choices_;
    std::unique_ptr<LmdbEnv> env_;
    std::optional<StoreError> failed_;
    std::map<Pubkey, Account> accounts_;
    std::map<ProofKey, Bytes> proofs_;
    std::map<std::uint64_t, std::uint64_t> final_;
    std::map<std::uint64_t, SampleBlock> blocks_;
    std::uint64_t anchored_ = 0;
};

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    ledger::Stores stores{Choices(ByteView(data, size))};
    for (int step = 0; stores.more() && step < 60; ++step) {
        stores.change();
        stores.compare();
    }
    return 0;
}

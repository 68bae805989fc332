// SPDX-License-Identifier: Apache-2.0
// pool_fuzz: arrivals, batches, outcomes, expiry, blocks and windows as the bytes say: the pool
// gives what a list searched from end to end gives, and keeps its bounds.
#include "base/check.hpp"
#include "exec/packer.hpp"
#include "tests/base/choices.hpp"
#include "tests/exec/support.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace belfry::exec {
namespace {

using namespace test; // NOLINT(google-build-using-namespace)

constexpr TransactionPool::Options options{
    .transactions_max = 8, .waiting_max = 2, .conflict_chain_max = 2, .unknown_slots_max = 20};
constexpr std::size_t blockhash_count = 3;
constexpr std::uint64_t fee_max = 3;

struct Sample {
    ledger::Transaction wire;
    std::uint64_t fee = 0;
    std::size_t blockhash = 0;
    std::array<std::size_t, 2> writes{}; // wallets
};

/// Four fees by three blockhashes by a few pairs of wallets; made once.
const std::vector<Sample>& samples()
{
    static const std::vector<Sample> only = [] {
        const auto keys = wallets(8);
        std::vector<Sample> made;
        for (std::size_t n = 0; n < 60; ++n) {
            const std::size_t from = n % 5;
            const std::size_t target = n % 7 < 4 ? 7 : 5 + n % 2;
            const std::uint64_t fee = n / 3 % (fee_max + 1);
            const std::size_t blockhash = n % blockhash_count;
            const Hash hash = crypto::sha256(Bytes{static_cast<std::uint8_t>(blockhash)});
            made.push_back(
                {.wire = transaction({&keys[from]}, hash,
                                     {ledger::compute_unit_limit(1'000'000),
                                      ledger::compute_unit_price(fee),
                                      ledger::system_transfer({.from = keys[from].pubkey,
                                                               .to = keys[target].pubkey,
                                                               .lamports = Lamports{n}})}),
                 .fee = fee,
                 .blockhash = blockhash,
                 .writes = {from, target}});
        }
        return made;
    }();
    return only;
}

enum class Stage : std::uint8_t { ready, waiting, packed };

struct Held {
    std::size_t sample = 0;
    std::uint64_t received = 0;
    bool direct = false;
    bool planned = false; // in this window
    Stage stage = Stage::ready;
};

class Pair {
public:
    explicit Pair(Choices choices)
        : choices_(choices)
        , pool_(options, ExecutionRules::from(small_genesis(wallets(8))))
    {
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void change()
    {
        switch (choices_() % 10) {
        case 0:
        case 1:
        case 2:
        case 3:
            insert();
            break;
        case 4:
        case 5:
            pack();
            break;
        case 6:
            expire();
            break;
        case 7:
            process();
            break;
        case 8:
            forward();
            break;
        default:
            ages_[choices_() % blockhash_count] = static_cast<BlockhashAge>(choices_() % 3);
            if (choices_() % 4 == 0) {
                pool_.release_packed();
                for (Held& held : list_) {
                    held.stage = held.stage == Stage::packed ? Stage::ready : held.stage;
                }
            }
        }
        check();
    }

private:
    [[nodiscard]] TransactionPool::AgeOf age_of() const
    {
        return [this](const Hash& hash) {
            for (std::size_t i = 0; i < blockhash_count; ++i) {
                if (hash == crypto::sha256(Bytes{static_cast<std::uint8_t>(i)})) {
                    return ages_[i];
                }
            }
            return BlockhashAge::unknown;
        };
    }
    [[nodiscard]] BlockhashAge age(const Held& held) const
    {
        return ages_[samples()[held.sample].blockhash];
    }
    [[nodiscard]] std::vector<Held>::iterator find(std::size_t sample)
    {
        return std::ranges::find(list_, sample, &Held::sample);
    }
    [[nodiscard]] std::size_t waiting() const
    {
        return static_cast<std::size_t>(std::ranges::count(list_, Stage::waiting, &Held::stage));
    }
    /// Best first: by fee, then by arrival, which is the order of the list.
    [[nodiscard]] std::vector<std::size_t> ranked() const
    {
        std::vector<std::size_t> ready;
        for (std::uint64_t fee = fee_max + 1; fee-- > 0;) {
            for (const Held& held : list_) {
                if (held.stage == Stage::ready && samples()[held.sample].fee == fee) {
                    ready.push_back(held.sample);
                }
            }
        }
        return ready;
    }
    void wait(std::size_t sample)
    {
        if (waiting() == options.waiting_max) {
            list_.erase(find(sample));
        } else {
            find(sample)->stage = Stage::waiting;
        }
    }
    void insert()
    {
        const std::size_t sample = choices_() % samples().size();
        const bool direct = choices_() % 2 == 0;
        const InsertResult result = pool_.insert(
            samples()[sample].wire, direct ? Origin::direct : Origin::forwarded, Slot{now_});
        if (find(sample) != list_.end()) {
            BELFRY_CHECK(result == InsertResult::duplicate);
            return;
        }
        if (list_.size() == options.transactions_max) {
            const std::vector<std::size_t> ready = ranked();
            if (ready.empty() || samples()[ready.back()].fee >= samples()[sample].fee) {
                BELFRY_CHECK(result == InsertResult::full);
                return;
            }
            list_.erase(find(ready.back()));
        }
        BELFRY_CHECK(result == InsertResult::inserted);
        list_.push_back({.sample = sample, .received = now_, .direct = direct});
    }
    void pack()
    {
        const std::size_t count_max = 1 + choices_() % 4;
        const auto batch = pool_.take_batch({.transactions_max = count_max}, age_of());
        std::vector<std::size_t> expected;
        std::vector<std::size_t> unknown;
        std::vector<std::size_t> expired;
        std::map<std::size_t, std::size_t> locks;
        std::size_t looks = 4 * count_max;
        for (const std::size_t sample : ranked()) {
            if (looks-- == 0 || expected.size() == count_max) {
                break;
            }
            const BlockhashAge is = age(*find(sample));
            if (is != BlockhashAge::valid) {
                (is == BlockhashAge::unknown ? unknown : expired).push_back(sample);
                continue;
            }
            const auto& writes = samples()[sample].writes;
            if (std::ranges::all_of(writes, [&](std::size_t wallet) {
                    return locks[wallet] < options.conflict_chain_max;
                })) {
                for (const std::size_t wallet : writes) {
                    ++locks[wallet];
                }
                expected.push_back(sample);
            }
        }
        for (const std::size_t sample : expired) {
            list_.erase(find(sample));
        }
        for (const std::size_t sample : unknown) {
            wait(sample);
        }
        BELFRY_CHECK(batch.size() == expected.size());
        for (std::size_t i = 0; i < batch.size(); ++i) {
            BELFRY_CHECK(batch[i]->message_hash() == samples()[expected[i]].wire.message_hash());
        }
        settle(expected);
    }
    void settle(const std::vector<std::size_t>& batch)
    {
        constexpr std::array results{PackResult::included,
                                     PackResult::duplicate,
                                     PackResult::payer_cannot_pay,
                                     PackResult::blockhash_expired,
                                     PackResult::blockhash_not_found,
                                     PackResult::block_full};
        std::vector<PackOutcome> outcomes;
        for (const std::size_t sample : batch) {
            const PackResult result = results[choices_() % results.size()];
            outcomes.push_back({.result = result});
            if (result == PackResult::included) {
                find(sample)->stage = Stage::packed;
            } else if (result == PackResult::blockhash_not_found) {
                wait(sample);
            } else if (result != PackResult::block_full) {
                list_.erase(find(sample));
            }
        }
        pool_.settle(outcomes);
    }
    void expire()
    {
        now_ += choices_() % 12;
        pool_.expire(Slot{now_}, age_of());
        std::erase_if(list_, [&](const Held& held) {
            return age(held) == BlockhashAge::expired ||
                   (age(held) == BlockhashAge::unknown &&
                    now_ - held.received > options.unknown_slots_max);
        });
        for (Held& held : list_) {
            held.stage = held.stage == Stage::waiting ? Stage::ready : held.stage;
        }
    }
    void process()
    {
        std::vector<TransactionStatus> block;
        for (std::uint64_t count = choices_() % 4; count > 0; --count) {
            const std::size_t sample = choices_() % samples().size();
            block.push_back({.message_hash = samples()[sample].wire.message_hash(),
                             .first_signature = {},
                             .error = {},
                             .fee = {}});
            if (find(sample) != list_.end()) {
                list_.erase(find(sample));
            }
        }
        pool_.on_block_processed(block);
    }
    void forward()
    {
        const std::uint64_t draw = choices_();
        if (draw % 3 == 0) {
            ++window_;
        }
        if (planned_window_ != window_) {
            planned_window_ = window_;
            for (Held& held : list_) {
                held.planned = false;
            }
        }
        const std::size_t count_max = draw % 5;
        std::vector<Hash> expected;
        for (Held& held : list_) {
            if (!held.direct || held.planned || expected.size() == count_max) {
                continue;
            }
            held.planned = true; // one that is packed loses its turn
            if (held.stage != Stage::packed) {
                expected.push_back(samples()[held.sample].wire.message_hash());
            }
        }
        std::vector<Hash> visited;
        const std::size_t count =
            pool_.plan_forwards(window_, count_max, [&](const ledger::Transaction& one) {
                visited.push_back(one.message_hash());
            });
        BELFRY_CHECK(visited == expected && count == visited.size());
    }
    void check() const
    {
        BELFRY_CHECK(pool_.size() == list_.size() && list_.size() <= options.transactions_max);
        BELFRY_CHECK(pool_.waiting_count() == waiting());
        BELFRY_CHECK(pool_.ready_count() == ranked().size());
        for (std::size_t i = 0; i < samples().size(); ++i) {
            const bool held = std::ranges::find(list_, i, &Held::sample) != list_.end();
            BELFRY_CHECK(pool_.holds_exactly(samples()[i].wire) == held);
        }
    }

    Choices choices_;
    TransactionPool pool_;
    std::vector<Held> list_; // by arrival
    std::array<BlockhashAge, blockhash_count> ages_{BlockhashAge::valid, BlockhashAge::valid,
                                                    BlockhashAge::unknown};
    std::uint64_t now_ = 100;
    std::uint64_t window_ = 0;
    std::optional<std::uint64_t> planned_window_;
};

} // namespace
} // namespace belfry::exec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    exec::Pair pair{Choices(ByteView(data, size))};
    for (int step = 0; pair.more() && step < 300; ++step) {
        pair.change();
    }
    return 0;
}

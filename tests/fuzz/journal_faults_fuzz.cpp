// SPDX-License-Identifier: Apache-2.0
// journal_faults_fuzz: appends, failing operations, power cuts and restarts as the bytes say: what
// was acknowledged is there after every one of them, nothing is written after a failure.
#include "base/check.hpp"
#include "ledger/store/vote_journal.hpp"
#include "tests/base/choices.hpp"
#include "tests/ledger/simulated_disk.hpp"

#include <memory>

namespace belfry::ledger {
namespace {

const VoteJournal::Options options{
    .genesis_hash = {}, .identity = {}, .file_bytes = 8192, .keep_per_kind = 4};

/// A body says which record it is, so that a wrong one is seen.
Bytes body_of(std::uint64_t sequence, std::size_t length)
{
    Bytes body;
    ByteWriter(body).u64(sequence);
    body.resize(std::max<std::size_t>(length, 8), static_cast<std::uint8_t>(sequence));
    return body;
}

class Life {
public:
    explicit Life(Choices choices)
        : choices_(choices)
        , disk_(std::make_unique<SimulatedDisk>())
        , journal_(VoteJournal::create(*disk_, options))
    {
        BELFRY_CHECK(journal_ != nullptr);
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void change()
    {
        const std::uint64_t draw = choices_();
        if (draw < 170) {
            append(1 + draw % 3);
        } else if (draw < 190) {
            const std::size_t wait = choices_() % 12;
            disk_->fail_from(disk_->operation_count() + wait,
                             draw % 2 == 0 ? DiskError::io : DiskError::full);
            may_fail_ = true;
        } else if (draw < 220) {
            start_from(disk_->files());
        } else {
            cut_power();
        }
    }

private:
    void append(std::uint64_t count)
    {
        std::vector<Bytes> bodies;
        std::vector<JournalEntry> entries;
        for (std::uint64_t i = 0; i < count; ++i) {
            bodies.push_back(body_of(last_ + 1 + i, choices_() % journal_->body_bytes_max()));
        }
        for (const Bytes& body : bodies) {
            entries.push_back({.kind = 1, .body = body});
        }
        const auto appended = journal_->append(entries);
        if (failed_) {
            BELFRY_CHECK(!appended && appended.error() == *failed_);
            return;
        }
        if (!appended) {
            BELFRY_CHECK(may_fail_ && appended.error() != JournalError::too_large);
            failed_ = appended.error();
            unsure_ = count; // the disk may have them all the same
            return;
        }
        last_ += count;
        BELFRY_CHECK(*appended == last_ && journal_->durable_sequence() == last_);
    }
    void cut_power()
    {
        std::mt19937 random(static_cast<std::uint32_t>(choices_()));
        start_from(disk_->after_power_cut(disk_->operation_count(), random));
    }
    void start_from(const SimulatedDisk::Files& files)
    {
        journal_.reset();
        disk_ = std::make_unique<SimulatedDisk>(files);
        journal_ = VoteJournal::open(*disk_, options);
        BELFRY_CHECK(journal_ != nullptr);
        const std::vector<JournalRecord> records = journal_->take_recovered();
        const std::uint64_t held = records.empty() ? 0 : records.back().sequence;
        BELFRY_CHECK(held >= last_ && held <= last_ + unsure_);
        BELFRY_CHECK(records.size() >= std::min<std::uint64_t>(held, options.keep_per_kind));
        for (std::size_t i = 0; i < records.size(); ++i) {
            BELFRY_CHECK(records[i].sequence == held - (records.size() - 1 - i));
            ByteReader body(records[i].body);
            BELFRY_CHECK(body.u64() == records[i].sequence);
        }
        last_ = held;
        failed_.reset();
        may_fail_ = false;
        unsure_ = 0;
    }

    Choices choices_;
    std::unique_ptr<SimulatedDisk> disk_;
    std::unique_ptr<VoteJournal> journal_;
    std::uint64_t last_ = 0;   // acknowledged, or found
    std::uint64_t unsure_ = 0; // of the append that failed
    std::optional<JournalError> failed_;
    bool may_fail_ = false;
};

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    ledger::Life life{Choices(ByteView(data, size))};
    for (int step = 0; life.more() && step < 120; ++step) {
        life.change();
    }
    return 0;
}

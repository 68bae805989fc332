// SPDX-License-Identifier: Apache-2.0
#include "node/demo/load_generator.hpp"

#include "crypto/base58.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/sha256.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "node/cli/exit_code.hpp"
#include "node/demo/json_file.hpp"
#include "node/demo/local_cluster.hpp"
#include "node/rpc/rpc_client.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

namespace belfry::node {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t level_count = 3;
constexpr std::array<const char*, level_count> level_names{"processed", "confirmed", "finalized"};
constexpr milliseconds bulk_interval{250};
constexpr milliseconds bulk_age{600}; // younger ones are left to the sample

struct Sent {
    Signature signature;
    Hash message_hash;
    Height last_valid;
    Bytes wire; // emptied once processed
    Clock::time_point first_send;
    Clock::time_point last_send;
    Slot slot;                  // where it was seen processed
    std::uint32_t receiver = 0; // validator of the first send
    std::uint32_t next_receiver = 0;
    bool sampled = false;
    bool processed = false;
    bool confirmed = false;
    bool finalized = false;
    std::size_t levels_seen = 0; // of a sampled one
};

/// Sends datagrams to the validators' transaction sockets.
class UdpSender {
public:
    explicit UdpSender(const std::vector<ValidatorEntry>& validators)
    {
        for (const ValidatorEntry& validator : validators) {
            Target target;
            target.length = validator.transactions.to(target.address);
            target.fd = socket(target.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            if (target.fd < 0) {
                throw std::runtime_error("load: no UDP socket can be made");
            }
            targets_.push_back(target);
        }
    }
    ~UdpSender()
    {
        for (const Target& target : targets_) {
            (void)close(target.fd);
        }
    }
    UdpSender(const UdpSender&) = delete;
    UdpSender& operator=(const UdpSender&) = delete;

    void send(std::uint32_t validator, ByteView bytes)
    {
        const Target& target = targets_[validator];
        // What a dead validator's kernel refuses is sent again later: no error to handle here.
        (void)sendto(target.fd, bytes.data(), bytes.size(), 0,
                     reinterpret_cast<const sockaddr*>(&target.address), target.length);
    }

private:
    struct Target {
        sockaddr_storage address{};
        unsigned length = 0;
        int fd = -1;
    };
    std::vector<Target> targets_;
};

class LoadGenerator {
public:
    explicit LoadGenerator(const LoadOptions& options)
        : options_(options)
        , keys_(load_account_keys(options.account_count))
        , sender_(options.validators)
        , alive_(options.validators.size(), true)
        , random_(std::random_device{}())
    {
    }

    int run();

private:
    void refresh_blockhash();
    void send_due(Clock::time_point begun);
    void make_batch(std::size_t count);
    void resend_late();
    void drain();
    void poll_node(std::uint32_t node);
    [[nodiscard]] bool is_turn_of(std::uint32_t node, Clock::time_point now) const;
    bool poll_samples(std::uint32_t node, RpcClient& client);
    bool poll_bulk(std::uint32_t node, RpcClient& client);
    bool poll_finalized(RpcClient& client);
    std::vector<std::size_t> pick_samples(std::uint32_t node);
    std::vector<std::size_t> pick_bulk(std::uint32_t node);
    void take_status(std::size_t index, const std::optional<RpcClient::Status>& status,
                     Clock::time_point now);
    std::uint32_t observer_of(const Sent& sent, std::size_t index) const;
    boost::json::object summary() const;
    void write_progress();
    void write_results();

    LoadOptions options_;
    std::vector<crypto::InsecureSigningKey> keys_;
    UdpSender sender_;

    mutable std::mutex mutex_; // everything below
    std::condition_variable stopping_;
    bool stop_ = false;
    std::deque<Sent> sent_;
    std::size_t first_unprocessed_ = 0; // all before it are processed
    std::size_t first_unfinalized_ = 0; // all before it are finalized
    std::vector<std::size_t> samples_open_;
    std::vector<bool> alive_;
    std::optional<RpcClient::LatestBlockhash> blockhash_;
    std::array<Histogram, level_count> latency_us_;
    std::uint64_t resent_count_ = 0;
    std::uint64_t processed_count_ = 0;
    std::uint64_t confirmed_count_ = 0;
    std::uint64_t finalized_count_ = 0;
    std::minstd_rand random_;
};

std::uint32_t LoadGenerator::observer_of(const Sent& sent, std::size_t index) const
{
    const auto count = static_cast<std::uint32_t>(alive_.size());
    for (std::uint32_t step = 0; step < count; ++step) {
        const auto node = static_cast<std::uint32_t>((index + step) % count);
        if (alive_[node] && (node != sent.receiver || count == 1)) {
            return node;
        }
    }
    return count; // nobody: try again later
}

void LoadGenerator::refresh_blockhash()
{
    for (const ValidatorEntry& validator : options_.validators) {
        RpcClient client(validator.rpc.to_string(), {milliseconds(300), milliseconds(1000)});
        // A confirmed one may be of a block that is given up, and its transactions with it.
        const auto latest = client.latest_blockhash(Commitment::finalized);
        if (latest) {
            const std::scoped_lock lock(mutex_);
            blockhash_ = *latest;
            if (options_.blockhash) {
                blockhash_->blockhash = *options_.blockhash;
            }
            return;
        }
    }
}

void LoadGenerator::make_batch(std::size_t count)
{
    // (payer, amount) never repeats within a run, so no two messages are equal.
    const std::scoped_lock lock(mutex_);
    if (!blockhash_) {
        return;
    }
    const RpcClient::LatestBlockhash& latest = *blockhash_;
    const auto now = Clock::now();
    const std::size_t first = sent_.size();
    std::vector<Bytes> messages;
    std::vector<Signature> signatures(count);
    std::vector<crypto::InsecureSignJob> jobs;
    messages.reserve(count);
    for (std::size_t i = first; i < first + count; ++i) {
        const crypto::InsecureSigningKey& from = keys_[i % keys_.size()];
        const std::size_t hop = 1 + (i / keys_.size() + i) % (keys_.size() - 1);
        const crypto::InsecureSigningKey& to = keys_[(i + hop) % keys_.size()];
        const ledger::Instruction transfer = ledger::system_transfer(
            {.from = from.pubkey, .to = to.pubkey, .lamports = Lamports{1 + i / keys_.size()}});
        messages.push_back(
            ledger::build_message({.fee_payer = from.pubkey, .recent_blockhash = latest.blockhash},
                                  std::span(&transfer, 1)));
        jobs.push_back({&from, messages.back(), &signatures[i - first]});
    }
    crypto::insecure_sign_many(jobs);
    for (std::size_t i = 0; i < count; ++i) {
        Sent sent;
        sent.signature = signatures[i];
        sent.message_hash = crypto::sha256(messages[i]);
        sent.last_valid = latest.last_valid;
        sent.wire = ledger::assemble_transaction(std::span(&signatures[i], 1), messages[i]);
        sent.first_send = sent.last_send = now;
        sent.receiver = static_cast<std::uint32_t>((first + i) % alive_.size());
        sent.next_receiver = static_cast<std::uint32_t>((sent.receiver + 1) % alive_.size());
        sent.sampled = random_() % 1000 < options_.sample_per_mille;
        if (sent.sampled) {
            samples_open_.push_back(first + i);
        }
        sender_.send(sent.receiver, sent.wire);
        sent_.push_back(std::move(sent));
    }
}

void LoadGenerator::send_due(Clock::time_point begun)
{
    const double elapsed = std::chrono::duration<double>(Clock::now() - begun).count();
    const double seconds = std::min(elapsed, static_cast<double>(options_.seconds));
    const auto due = static_cast<std::size_t>(seconds * options_.rate);
    constexpr std::size_t batch_max = 256;
    for (std::size_t done = sent_.size(); done < due; done = sent_.size()) {
        make_batch(std::min(batch_max, due - done));
    }
}

void LoadGenerator::resend_late()
{
    const std::scoped_lock lock(mutex_);
    const auto now = Clock::now();
    while (first_unprocessed_ < sent_.size() && sent_[first_unprocessed_].processed) {
        ++first_unprocessed_;
    }
    for (std::size_t i = first_unprocessed_; i < sent_.size(); ++i) {
        Sent& sent = sent_[i];
        if (now - sent.first_send < milliseconds(options_.resend_ms)) {
            break; // in order of first_send
        }
        if (sent.processed || now - sent.last_send < milliseconds(options_.resend_ms)) {
            continue;
        }
        sender_.send(sent.next_receiver, sent.wire);
        sent.next_receiver = static_cast<std::uint32_t>((sent.next_receiver + 1) % alive_.size());
        sent.last_send = now;
        ++resent_count_;
    }
}

void LoadGenerator::take_status(std::size_t index, const std::optional<RpcClient::Status>& status,
                                Clock::time_point now)
{
    Sent& sent = sent_[index];
    if (!status) {
        if (sent.processed && !sent.finalized) {
            // Its fork lost and no other block has it yet: it counts as late again.
            sent.processed = false;
            --processed_count_;
            first_unprocessed_ = std::min(first_unprocessed_, index);
        }
        return;
    }
    if (!sent.processed) {
        sent.processed = true;
        ++processed_count_;
    }
    sent.slot = status->slot;
    const std::size_t levels = 1 + static_cast<std::size_t>(status->level);
    if (sent.sampled) {
        const auto us =
            std::chrono::duration_cast<std::chrono::microseconds>(now - sent.first_send);
        for (; sent.levels_seen < levels; ++sent.levels_seen) {
            latency_us_[sent.levels_seen].record(static_cast<std::uint64_t>(us.count()));
        }
    }
    if (levels > 1 && !sent.confirmed) {
        sent.confirmed = true;
        ++confirmed_count_;
    }
    if (levels == level_count && !sent.finalized) {
        sent.finalized = true;
        ++finalized_count_;
        sent.wire = {};
    }
}

std::vector<std::size_t> LoadGenerator::pick_samples(std::uint32_t node)
{
    std::vector<std::size_t> picked;
    const std::scoped_lock lock(mutex_);
    std::erase_if(samples_open_,
                  [this](std::size_t index) { return sent_[index].levels_seen == level_count; });
    for (const std::size_t index : samples_open_) {
        if (observer_of(sent_[index], index) == node) {
            picked.push_back(index);
        }
    }
    return picked;
}

std::vector<std::size_t> LoadGenerator::pick_bulk(std::uint32_t node)
{
    std::vector<std::size_t> picked;
    const std::scoped_lock lock(mutex_);
    const auto now = Clock::now();
    for (std::size_t i = first_unprocessed_; i < sent_.size(); ++i) {
        const Sent& sent = sent_[i];
        if (now - sent.first_send < bulk_age) {
            break;
        }
        if (!sent.processed && observer_of(sent, i) == node) {
            picked.push_back(i);
        }
    }
    return picked;
}

/// Asks one node for these and takes what it says. False: the node did not answer.
template <class Take>
bool ask_statuses(RpcClient& client, std::mutex& mutex, const std::deque<Sent>& sent,
                  std::span<const std::size_t> indexes, const Take& take)
{
    for (std::size_t begin = 0; begin < indexes.size(); begin += signatures_per_request_max) {
        const std::span<const std::size_t> part =
            indexes.subspan(begin, std::min(signatures_per_request_max, indexes.size() - begin));
        std::vector<Signature> signatures;
        {
            const std::scoped_lock lock(mutex);
            for (const std::size_t index : part) {
                signatures.push_back(sent[index].signature);
            }
        }
        const auto statuses = client.signature_statuses(signatures);
        if (!statuses || statuses->size() != part.size()) {
            return false;
        }
        const auto now = Clock::now();
        const std::scoped_lock lock(mutex);
        for (std::size_t i = 0; i < part.size(); ++i) {
            take(part[i], (*statuses)[i], now);
        }
    }
    return true;
}

bool LoadGenerator::poll_samples(std::uint32_t node, RpcClient& client)
{
    const std::vector<std::size_t> picked = pick_samples(node);
    return ask_statuses(client, mutex_, sent_, picked,
                        [this](const auto&... values) { take_status(values...); });
}

bool LoadGenerator::poll_bulk(std::uint32_t node, RpcClient& client)
{
    const std::vector<std::size_t> picked = pick_bulk(node);
    return ask_statuses(client, mutex_, sent_, picked,
                        [this](const auto&... values) { take_status(values...); });
}

/// Everything processed at or below the finalized slot must be final by now, or its fork has lost.
bool LoadGenerator::poll_finalized(RpcClient& client)
{
    const auto finalized = client.slot(Commitment::finalized);
    if (!finalized) {
        return false;
    }
    std::vector<std::size_t> picked;
    {
        const std::scoped_lock lock(mutex_);
        while (first_unfinalized_ < sent_.size() && sent_[first_unfinalized_].finalized) {
            ++first_unfinalized_;
        }
        for (std::size_t i = first_unfinalized_; i < sent_.size(); ++i) {
            const Sent& sent = sent_[i];
            if (sent.processed && !sent.finalized && !sent.sampled && sent.slot <= *finalized) {
                picked.push_back(i);
            }
        }
    }
    return ask_statuses(client, mutex_, sent_, picked,
                        [this](const auto&... values) { take_status(values...); });
}

/// One node at a time is asked what is final.
bool LoadGenerator::is_turn_of(std::uint32_t node, Clock::time_point now) const
{
    const auto turn = static_cast<std::uint64_t>(now.time_since_epoch() / bulk_interval);
    return turn % options_.validators.size() == node;
}

void LoadGenerator::poll_node(std::uint32_t node)
{
    RpcClient client(options_.validators[node].rpc.to_string(),
                     {milliseconds(300), milliseconds(1500)});
    auto next_bulk = Clock::now();
    bool was_alive = true;
    while (true) {
        const auto begun = Clock::now();
        bool alive = was_alive || client.call("getHealth").has_value();
        if (alive) {
            alive = poll_samples(node, client);
            if (alive && begun >= next_bulk) {
                next_bulk = begun + bulk_interval;
                alive =
                    poll_bulk(node, client) && (!is_turn_of(node, begun) || poll_finalized(client));
            }
        }
        was_alive = alive;
        std::unique_lock lock(mutex_);
        alive_[node] = alive;
        const auto next = begun + (alive ? milliseconds(options_.poll_ms) : milliseconds(200));
        if (stopping_.wait_until(lock, next, [this] { return stop_; })) {
            return;
        }
    }
}

boost::json::object LoadGenerator::summary() const
{
    const std::scoped_lock lock(mutex_);
    boost::json::object latency;
    for (std::size_t level = 0; level < level_count; ++level) {
        const Histogram& us = latency_us_[level];
        const auto ms = [](std::uint64_t value) {
            return (value + 500) / 1000;
        };
        latency[level_names[level]] = {{"p50", ms(us.percentile(50))},
                                       {"p90", ms(us.percentile(90))},
                                       {"p99", ms(us.percentile(99))},
                                       {"max", ms(us.max())},
                                       {"samples", us.count()}};
    }
    const std::string first = // for `belfry tx why`
        sent_.empty() ? "" : crypto::to_base58(sent_.front().signature);
    return {{"sent", sent_.size()},          {"resent", resent_count_},
            {"processed", processed_count_}, {"confirmed", confirmed_count_},
            {"finalized", finalized_count_}, {"latency_ms", latency},
            {"first_signature", first}};
}

void LoadGenerator::write_progress()
{
    if (!options_.progress.empty()) {
        replace_json_file(options_.progress, summary());
    }
}

void LoadGenerator::write_results()
{
    if (!options_.sent.empty()) {
        Bytes bytes;
        ByteWriter writer(bytes);
        for (const Sent& sent : sent_) {
            writer.bytes(sent.message_hash.view());
            writer.u64(sent.last_valid.value);
        }
        std::ofstream out(options_.sent, std::ios::binary | std::ios::trunc);
        out.write(reinterpret_cast<const char*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()));
        out.flush();
        if (!out) {
            throw std::runtime_error(options_.sent.string() + ": cannot be written");
        }
    }
    if (!options_.report.empty()) {
        replace_json_file(options_.report, summary());
    }
}

void LoadGenerator::drain()
{
    const auto end = Clock::now() + std::chrono::seconds(options_.drain_seconds);
    while (Clock::now() < end) {
        {
            const std::scoped_lock lock(mutex_);
            if (finalized_count_ == sent_.size()) {
                return;
            }
        }
        resend_late();
        write_progress();
        std::this_thread::sleep_for(milliseconds(100));
    }
}

int LoadGenerator::run()
{
    for (int tries = 0; tries < 50 && !blockhash_; ++tries) {
        refresh_blockhash();
        if (!blockhash_) {
            std::this_thread::sleep_for(milliseconds(200));
        }
    }
    if (!blockhash_) {
        throw std::runtime_error("load: no validator answers at its RPC address");
    }
    std::vector<std::jthread> pollers;
    pollers.reserve(options_.validators.size());
    for (std::uint32_t node = 0; node < options_.validators.size(); ++node) {
        pollers.emplace_back([this, node] { poll_node(node); });
    }
    const auto begun = Clock::now();
    auto next_refresh = begun + std::chrono::seconds(2);
    auto next_progress = begun;
    const auto end = begun + std::chrono::seconds(options_.seconds);
    for (auto now = begun; now < end; now = Clock::now()) {
        send_due(begun);
        resend_late();
        if (now >= next_refresh) {
            next_refresh = now + std::chrono::seconds(2);
            refresh_blockhash();
        }
        if (now >= next_progress) {
            next_progress = now + milliseconds(500);
            write_progress();
        }
        std::this_thread::sleep_for(milliseconds(5));
    }
    send_due(begun);
    drain();
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    stopping_.notify_all();
    pollers.clear();
    write_results();
    return exit_ok;
}

} // namespace

int run_load(const LoadOptions& options)
{
    if (options.account_count < 2 || options.rate == 0) {
        throw std::runtime_error("load: needs at least 2 accounts and a rate of 1");
    }
    return LoadGenerator(options).run();
}

} // namespace belfry::node

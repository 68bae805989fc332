// SPDX-License-Identifier: Apache-2.0
#include "node/node.hpp"

#include "base/log.hpp"
#include "crypto/kernels.hpp"
#include "crypto/keypair.hpp"
#include "ledger/store/disk.hpp"
#include "ledger/store/hard_fork.hpp"
#include "ledger/store/read_fault.hpp"
#include "ledger/store/vote_journal.hpp"
#include "node/chain_pace.hpp"
#include "node/cli/exit_code.hpp"
#include "node/crash_notes.hpp"
#include "node/fault_switches.hpp"
#include "node/proof_kind.hpp"
#include "node/restore.hpp"
#include "node/rpc/http_server.hpp"
#include "node/rpc_port.hpp"
#include "tune/machine.hpp"
#include "tune/process_guard.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>

namespace belfry::node {
namespace {

// Twice the slots that may be open: what was said of any of them must be known after a restart.
constexpr std::size_t journal_keep_records = 2048;
constexpr std::uint64_t journal_file_bytes = std::uint64_t{16} << 20;

belfry::LogLevel log_level(LogLevel level)
{
    switch (level) {
    case LogLevel::debug:
        return belfry::LogLevel::debug;
    case LogLevel::info:
        return belfry::LogLevel::info;
    case LogLevel::warn:
        return belfry::LogLevel::warning;
    case LogLevel::error:
        break;
    }
    return belfry::LogLevel::error;
}

dataplane::NetPort::Options port_options(const NodeConfig& config, const ValidatorEntry& own)
{
    using dataplane::Lane;
    dataplane::NetPort::Options options;
    const auto here = [&config](const Endpoint& reached_at) {
        Endpoint local = config.listen.value_or(reached_at);
        local.port = reached_at.port;
        return local;
    };
    options.lanes = {{.lane = Lane::transactions, .local = here(own.transactions)},
                     {.lane = Lane::forwards, .local = here(own.forwards)},
                     {.lane = Lane::shreds, .local = here(own.shreds)},
                     {.lane = Lane::votes, .local = here(own.votes), .buffer_count = 8},
                     {.lane = Lane::repair, .local = here(own.repair)}};
    if (config.idle.policy == IdlePolicy::spin) {
        options.spin = std::chrono::hours(1);
    }
    options.faults.drop_share[static_cast<std::size_t>(Lane::shreds)] = config.faults.drop_shreds;
    options.faults.drop_share[static_cast<std::size_t>(Lane::votes)] = config.faults.drop_votes;
    options.faults.seed = config.faults.seed;
    return options;
}

/// A validator has one address per lane; any of them is its own.
dataplane::Admission::Options admission_options(const NodeConfig& config)
{
    dataplane::Admission::Options options;
    options.clients = {.packets_per_second = config.ingress.packets_per_second,
                       .burst_packets = config.ingress.burst_packets};
    options.strangers_per_second = config.ingress.strangers_per_second;
    for (const ValidatorEntry& validator : config.validators) {
        for (const Endpoint& lane : {validator.transactions, validator.forwards, validator.shreds,
                                     validator.votes, validator.repair}) {
            options.validators.push_back(lane);
        }
    }
    return options;
}

/// The sequence of repair requests rises over restarts; the wall clock is only its source.
std::uint64_t first_repair_sequence()
{
    return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

std::uint64_t random_nonce()
{
    std::random_device source;
    return std::uint64_t{source()} << 32U | source();
}

} // namespace

struct Node::State final : NodeStop {
    State(const NodeConfig& config, const Options& node_options);
    ~State() override { (void)close(signals); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void stop_node(int code, std::string_view reason) noexcept override;
    std::unique_ptr<ledger::VoteJournal> open_journal(const Options& node_options);
    RestoredLedger restore(const Options& node_options);
    std::vector<NamedText> facts() const;
    void say_guard();
    int run();
    void wait_for_end();
    std::jthread start(TileName tile, const std::function<void()>& body);
    template <class Tile>
    std::jthread start_tile(TileName name, Tile& tile, dataplane::Doorbell& bell);
    void stop(TileName tile, dataplane::Doorbell& bell, std::jthread& thread);

    int signals;              // first: every thread made later inherits the blocked signals
    tune::ProcessGuard guard; // before the first key is read
    NodeConfig config;
    FaultSwitches faults;
    Logger logger;
    ledger::Genesis genesis;
    crypto::Keypair identity;
    bool identity_is_locked;
    Roster roster;
    Hash genesis_hash;
    consensus::LeaderSchedule schedule;
    ChainPace pace; // before the data directory is touched
    ledger::LmdbEnv env;
    CrashNotes crashes; // before the first block is executed
    std::unique_ptr<ledger::Disk> disk;
    std::unique_ptr<ledger::VoteJournal> journal;
    RestoredLedger restored;

    std::array<Latch, tile_count> stops;
    Bells bells;
    dataplane::NetPort port;
    Links links;
    NetTile net;
    VerifyTile verify;
    BankTile bank;
    ShredTile shred;
    StoreTile store;
    HistoryTile history;
    ConsensusTile consensus;
    RpcPort rpc_port;
    HttpServer rpc;

    std::mutex end_mutex;
    int end_code = exit_ok;
    std::string end_reason;
    bool ended = false;

    [[nodiscard]] const Latch& stop_of(TileName tile) const
    {
        return stops[static_cast<std::size_t>(tile)];
    }
};

namespace {

ChainPace own_pace(const ledger::Genesis& genesis)
{
    const ChainPace pace = chain_pace(genesis, measure_chain_hashes_per_second());
    require_chain_pace(pace);
    return pace;
}

/// Blocked in every thread, so that they arrive at the main thread's descriptor alone.
int open_signals()
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &set, nullptr);
    (void)std::signal(SIGPIPE, SIG_IGN); // a client that hangs up is no event for a node
    ledger::exit_on_read_fault(exit_io);
    const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        throw std::runtime_error("signals: no signalfd can be made");
    }
    return fd;
}

HttpServer::Options rpc_options(const NodeConfig& config, const ValidatorEntry& own)
{
    HttpServer::Options options;
    options.listen = config.rpc.listen_given ? config.rpc.listen : own.rpc;
    options.connections_max = config.rpc.connections_max;
    options.body_bytes_max = config.rpc.body_bytes_max;
    options.idle_ms = std::chrono::seconds(config.rpc.idle_seconds);
    if (config.rpc.websocket_given) {
        options.websocket.listen = config.rpc.websocket;
    }
    options.websocket.connections_max = config.rpc.connections_max;
    return options;
}

std::vector<ClusterNode> cluster_nodes(const NodeConfig& config, const Pubkey& own)
{
    std::vector<ClusterNode> nodes;
    for (const ValidatorEntry& entry : config.validators) {
        ClusterNode& node = nodes.emplace_back();
        node = {.pubkey = entry.pubkey,
                .transactions = entry.transactions,
                .forwards = entry.forwards,
                .shreds = entry.shreds,
                .votes = entry.votes,
                .repair = entry.repair,
                .rpc = entry.rpc,
                .websocket = std::nullopt};
        if (entry.pubkey == own && config.rpc.websocket_given) {
            node.websocket = config.rpc.websocket;
        }
    }
    return nodes;
}

std::optional<Faucet> open_faucet(const NodeConfig& config)
{
    if (config.rpc.faucet.empty()) {
        return std::nullopt;
    }
    return Faucet{.key = crypto::Keypair::load(config.rpc.faucet),
                  .lamports_max = Lamports{config.rpc.faucet_lamports_max}};
}

std::optional<PartitionFile> partition_of(const FaultSwitches& faults, const Roster& roster)
{
    if (faults.partition_file.empty()) {
        return std::nullopt;
    }
    return PartitionFile(faults.partition_file, roster);
}

/// Before anything is restored: what a declared hard fork forgets.
void forget_above(ledger::LmdbEnv& env, Slot slot, Logger& logger)
{
    const auto forgotten = ledger::declare_hard_fork(env, slot, evidence_kinds_begin);
    if (!forgotten && forgotten.error() == ledger::StoreError::wrong_shape) {
        throw std::runtime_error("--hard-fork: a block above slot " + std::to_string(slot.value) +
                                 " is final here, and what is final is never undone; name a slot "
                                 "that is not below the finalized one of `belfry status`");
    }
    if (!forgotten) {
        throw std::runtime_error("ledger: the hard fork cannot be written: " +
                                 std::string(ledger::to_string(forgotten.error())));
    }
    if (*forgotten > 0) {
        logger.write(belfry::LogLevel::warning, "node", "hard_fork",
                     "forgot " + std::to_string(*forgotten) + " blocks and sets above slot " +
                         std::to_string(slot.value));
    }
}

std::vector<ledger::BlockRef> refs_of(const std::vector<ReplayedBlock>& blocks)
{
    std::vector<ledger::BlockRef> refs;
    refs.reserve(blocks.size());
    for (const ReplayedBlock& block : blocks) {
        refs.push_back(block.ref);
    }
    return refs;
}

} // namespace

Node::State::State(const NodeConfig& node_config, const Options& node_options)
    : signals(open_signals())
    , guard(tune::guard_this_process())
    , config(node_config)
    , faults(load_fault_switches(config))
    , logger({.level = log_level(config.log.level), .file = {}})
    , genesis(ledger::load_genesis(config.genesis))
    , identity(crypto::Keypair::load(config.identity_key))
    , identity_is_locked(identity.is_locked())
    , roster(make_roster(genesis, config, identity.pubkey()))
    , genesis_hash(ledger::genesis_hash(genesis))
    , schedule(make_leader_schedule(genesis))
    , pace(own_pace(genesis))
    , env({.directory = config.data_directory,
           .genesis_hash = genesis_hash,
           .map_bytes = config.store.map_size_mb << 20})
    , crashes(config.data_directory)
    , disk(ledger::open_disk(config.data_directory))
    , journal(open_journal(node_options))
    , restored(restore(node_options))
    , port(port_options(config, own_entry(config, identity.pubkey())))
    , links(bells, port.bell())
    , net(port, admission_options(config), links, partition_of(faults, roster))
    , verify(genesis_hash, links)
    , bank({.genesis = genesis,
            .roster = roster,
            .account_flush_blocks = config.store.account_flush_blocks,
            .tip = restored.tip,
            .history = restored.history,
            .faucet = open_faucet(config)},
           std::move(restored.bank), schedule, links, logger, stop_of(TileName::bank))
    , shred({.genesis = genesis_hash,
             .roster = roster,
             .fanout = config.turbine.fanout,
             .equivocate = faults.equivocate,
             .repair_requests_per_second = config.repair.requests_per_second,
             .first_repair_sequence = first_repair_sequence(),
             .finalized = restored.finalized,
             .tip = restored.tip,
             .known = refs_of(restored.replayed)},
            schedule, crypto::Keypair::load(config.identity_key), links, stop_of(TileName::shred))
    , store({.genesis = genesis_hash,
             .roster = roster,
             .retention = {.keep_slots = config.store.keep_slots,
                           .map_bytes = config.store.map_size_mb << 20},
             .repair_replies_per_second = config.repair.replies_per_second},
            env, links, *this, stop_of(TileName::store))
    , history({.queries = {.genesis = genesis, .validators = roster.keys()},
               .index_directory = config.data_directory / "history",
               .index_map_bytes = 2 * (config.store.map_size_mb << 20)},
              env, links)
    , consensus({.genesis = genesis,
                 .roster = roster,
                 .finalized = restored.finalized,
                 .tip = restored.tip,
                 .replayed = restored.replayed,
                 .final_chain = restored.final_chain,
                 .hard_fork = node_options.hard_fork,
                 .first_nonce = random_nonce()},
                std::move(journal), std::move(identity), links, *this, logger,
                stop_of(TileName::consensus))
    , rpc_port({.roster = roster,
                .port = port,
                .net = net,
                .verify = verify,
                .bank = bank,
                .shred = shred,
                .consensus = consensus,
                .store = store,
                .history = history,
                .facts = facts(),
                .started_ns = monotonic_ns()},
               links, bells)
    , rpc(rpc_options(config, own_entry(config, roster.validators[roster.me].key)),
          NodeFacts{.genesis_hash = genesis_hash,
                    .identity = roster.validators[roster.me].key,
                    .slots_per_epoch = genesis.slots_per_epoch,
                    .rent = genesis.rent,
                    .cluster = cluster_nodes(config, roster.validators[roster.me].key)},
          rpc_port)
{
}

std::unique_ptr<ledger::VoteJournal> Node::State::open_journal(const Options& node_options)
{
    const ledger::VoteJournal::Options options{.genesis_hash = genesis_hash,
                                               .identity = identity.pubkey(),
                                               .file_bytes = journal_file_bytes,
                                               .keep_per_kind = journal_keep_records};
    std::unique_ptr<ledger::VoteJournal> found = ledger::VoteJournal::open(*disk, options);
    if (found == nullptr && node_options.new_identity) {
        return ledger::VoteJournal::create(*disk, options);
    }
    return found;
}

RestoredLedger Node::State::restore(const Options& node_options)
{
    if (node_options.hard_fork) {
        forget_above(env, *node_options.hard_fork, logger);
    }
    return restore_ledger(env, {.genesis = genesis,
                                .roster = roster,
                                .schedule = schedule,
                                .threads = config.threads.execution,
                                .quarantine = crashes.quarantine(),
                                .dies_of = faults.dies_of});
}

std::vector<NamedText> Node::State::facts() const
{
    std::vector<NamedText> all;
    for (const crypto::KernelInUse& kernel : crypto::kernels_in_use()) {
        all.push_back({"kernel." + std::string(kernel.work), std::string(kernel.kernel)});
    }
    all.push_back({"chain", in_words(pace)});
    all.push_back({"net", port.description()});
    if (!crashes.deaths().empty()) {
        const exec::Quarantine quarantine = crashes.quarantine();
        all.push_back({"crashes", std::to_string(crashes.deaths().size()) +
                                      " noted, the newest: " + in_words(crashes.deaths().back())});
        all.push_back({"quarantine",
                       std::to_string(quarantine.names().blocks.size()) + " blocks, " +
                           std::to_string(quarantine.names().messages.size()) + " transactions"});
    }
    const tune::Machine machine = tune::this_machine();
    all.push_back({"machine", machine.cpu_model + ", " + std::to_string(machine.core_count) +
                                  " cores, Linux " + machine.kernel});
    return all;
}

void Node::State::stop_node(int code, std::string_view reason) noexcept
{
    {
        const std::scoped_lock lock(end_mutex);
        if (ended) {
            return;
        }
        ended = true;
        end_code = code;
        end_reason = reason;
    }
    if (code != exit_ok) {
        // What failed may be what the next vote rests on: nothing is signed while the rest stops.
        stops[static_cast<std::size_t>(TileName::consensus)].set();
        bells.consensus.ring();
    }
    (void)kill(getpid(), SIGTERM); // wakes the main thread the way an operator would
}

void Node::State::wait_for_end()
{
    pollfd wait{.fd = signals, .events = POLLIN, .revents = 0};
    while (::poll(&wait, 1, -1) < 0) {
    }
    signalfd_siginfo info{};
    (void)!read(signals, &info, sizeof(info));
}

std::jthread Node::State::start(TileName tile, const std::function<void()>& body)
{
    const auto place = static_cast<std::size_t>(tile);
    return std::jthread([this, tile, place, body] {
        tune::name_this_thread("belfry-" + std::string(to_string(tile)));
        if (config.threads.pin) {
            const std::vector<std::uint32_t>& cores = config.threads.cores;
            const auto core =
                cores.empty() ? static_cast<std::uint32_t>(place) : cores[place % cores.size()];
            if (!tune::pin_this_thread(core)) {
                logger.write(belfry::LogLevel::warning, to_string(tile), "pin.refused",
                             "core " + std::to_string(core) + " cannot be had; not pinned");
            }
        }
        body();
    });
}

template <class Tile>
std::jthread Node::State::start_tile(TileName name, Tile& tile, dataplane::Doorbell& bell)
{
    const std::chrono::microseconds spin = config.idle.policy == IdlePolicy::spin
                                               ? std::chrono::hours(1)
                                               : std::chrono::microseconds(config.idle.spin_us);
    return start(name,
                 [this, name, &tile, &bell, spin] { run_tile(tile, bell, stop_of(name), spin); });
}

void Node::State::stop(TileName tile, dataplane::Doorbell& bell, std::jthread& thread)
{
    stops[static_cast<std::size_t>(tile)].set();
    bell.ring();
    thread.join();
}

void Node::State::say_guard()
{
    logger.write(guard.complete() ? belfry::LogLevel::info : belfry::LogLevel::warning, "node",
                 "process.guard", guard.description());
    for (const Death& death : crashes.deaths()) {
        logger.write(belfry::LogLevel::warning, "node", "crash.noted", in_words(death));
    }
    const exec::Quarantine quarantine = crashes.quarantine();
    if (!quarantine.names().blocks.empty() || !quarantine.names().messages.empty()) {
        logger.write(belfry::LogLevel::error, "node", "quarantine",
                     "what this node died of more than once is not touched: " +
                         std::to_string(quarantine.names().blocks.size()) + " blocks, " +
                         std::to_string(quarantine.names().messages.size()) +
                         " transactions; to lift that, remove the file `crashes` of the data "
                         "directory and start again");
    }
    if (pace.share > chain_share_high) {
        logger.write(belfry::LogLevel::warning, "node", "chain.slow", in_words(pace));
    }
    if (!identity_is_locked) {
        logger.write(belfry::LogLevel::warning, "node", "key.not_locked",
                     "the identity's secret may be swapped out; raise RLIMIT_MEMLOCK");
    }
}

int Node::State::run()
{
    say_guard();
    std::jthread history_thread = start_tile(TileName::history, history, bells.history);
    std::jthread store_thread = start_tile(TileName::store, store, bells.store);
    std::jthread shred_thread = start_tile(TileName::shred, shred, bells.shred);
    std::jthread bank_thread = start_tile(TileName::bank, bank, bells.bank);
    std::jthread verify_thread = start_tile(TileName::verify, verify, bells.verify);
    std::jthread consensus_thread = start_tile(TileName::consensus, consensus, bells.consensus);
    std::jthread net_thread = start(TileName::net, [this] { net.run(stop_of(TileName::net)); });
    std::jthread rpc_thread([this] {
        tune::name_this_thread("belfry-rpc");
        rpc.run();
    });
    logger.write(belfry::LogLevel::info, "node", "running",
                 "RPC on " + rpc.endpoint().to_string() + ", " + port.description());
    if (const std::string text = faults_in_words(config.faults, faults); !text.empty()) {
        logger.write(belfry::LogLevel::warning, "node", "faults", text);
    }
    wait_for_end();
    rpc.stop();
    rpc_thread.join();
    stop(TileName::net, port.bell(), net_thread);
    stop(TileName::consensus, bells.consensus, consensus_thread);
    stop(TileName::verify, bells.verify, verify_thread);
    stop(TileName::shred, bells.shred, shred_thread);
    stop(TileName::bank, bells.bank, bank_thread);
    stop(TileName::store, bells.store, store_thread);
    stop(TileName::history, bells.history, history_thread);
    const std::scoped_lock lock(end_mutex);
    if (!end_reason.empty()) {
        logger.write(belfry::LogLevel::error, "node", "stopped", end_reason);
    }
    logger.flush();
    return end_code;
}

Node::Node(const NodeConfig& config, const Options& options)
    : state_(std::make_unique<State>(config, options))
{
}

Node::~Node() = default;

int Node::run()
{
    return state_->run();
}

} // namespace belfry::node

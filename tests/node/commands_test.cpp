// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "crypto/keypair.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/model/transaction.hpp"
#include "node/cli/commands.hpp"
#include "node/config.hpp"
#include "node/transaction_trail.hpp"
#include "tests/node/running_server.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace belfry::node {
namespace {

namespace fs = std::filesystem;

/// What a command printed, without the last line break.
struct Outcome {
    int exit_code = 0;
    std::string out;
    std::string err;
};

template <class Run>
Outcome capture(const Run& run)
{
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.exit_code = run();
    (void)std::fflush(stdout);
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
}

void expect_one_line(const std::string& text)
{
    EXPECT_TRUE(text.starts_with("belfry: ")) << text;
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
}

class Commands : public testing::Test {
public:
    Commands()
    {
        std::string name = (fs::temp_directory_path() / "belfry-commands-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~Commands() override
    {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

protected:
    /// A new key file; returns its public key.
    Pubkey make_key(const std::string& name)
    {
        const crypto::Keypair keypair = crypto::Keypair::generate();
        keypair.save(folder_ / name);
        return keypair.pubkey();
    }
    fs::path folder_;
};

std::string base58(const Pubkey& key)
{
    return crypto::to_base58(key);
}

TEST_F(Commands, keygen_writes_a_private_file_and_never_overwrites)
{
    const fs::path file = folder_ / "key.json";
    const Outcome first = capture([&] { return run_keygen({file}); });
    EXPECT_EQ(first.exit_code, exit_ok);
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    const crypto::Keypair loaded = crypto::Keypair::load(file);
    EXPECT_EQ(first.out, base58(loaded.pubkey()) + "\n");
    const Outcome second = capture([&] { return run_keygen({file}); });
    EXPECT_EQ(second.exit_code, exit_cannot_create);
    EXPECT_EQ(second.out, "");
    expect_one_line(second.err);
    EXPECT_EQ(crypto::Keypair::load(file).pubkey(), loaded.pubkey());
    const Outcome nowhere = capture([&] { return run_keygen({folder_ / "no" / "key.json"}); });
    EXPECT_EQ(nowhere.exit_code, exit_cannot_create);
    expect_one_line(nowhere.err);
}

TEST_F(Commands, genesis_writes_a_file_that_reads_back_with_the_printed_hash)
{
    const Pubkey first = make_key("1.json");
    const Pubkey second = make_key("2.json");
    GenesisOptions options;
    options.out = folder_ / "genesis.toml";
    options.validators = {base58(first), fmt::format("vera={}:77", base58(second))};
    options.accounts = {fmt::format("{}:5000000000", base58(first))};
    options.slot_ms = 150;
    options.hashes_per_slot = 6400;
    options.slots_per_epoch = 64;
    const Outcome outcome = capture([&] { return run_genesis(options); });
    EXPECT_EQ(outcome.exit_code, exit_ok) << outcome.err;
    const ledger::Genesis genesis = ledger::load_genesis(options.out);
    EXPECT_EQ(outcome.out,
              fmt::format("genesis hash {}\n", crypto::to_base58(ledger::genesis_hash(genesis))));
    ASSERT_EQ(genesis.validators.size(), 2U);
    EXPECT_EQ(genesis.validators[0].name, "validator-1");
    EXPECT_EQ(genesis.validators[1].name, "vera");
    EXPECT_EQ(genesis.validators[1].identity, second);
    EXPECT_EQ(genesis.validators[1].stake, Stake{77});
    EXPECT_EQ(genesis.slot_ms, 150U);
    EXPECT_EQ(genesis.hashes_per_tick, 100U);
    EXPECT_EQ(genesis.slots_per_epoch, 64U);
    EXPECT_EQ(genesis.accounts[0].account.lamports, Lamports{5'000'000'000});

    const Outcome again = capture([&] { return run_genesis(options); });
    EXPECT_EQ(again.exit_code, exit_cannot_create);
    expect_one_line(again.err);

    GenesisOptions changed;
    changed.from = options.out;
    changed.out = folder_ / "second.toml";
    changed.slot_ms = 200;
    EXPECT_EQ(capture([&] { return run_genesis(changed); }).exit_code, exit_ok);
    ledger::Genesis expected = genesis;
    expected.slot_ms = 200;
    EXPECT_EQ(ledger::load_genesis(changed.out), expected);
}

TEST_F(Commands, genesis_says_what_is_wrong_with_its_arguments)
{
    const std::string key = base58(make_key("1.json"));
    const auto exit_code = [&](const GenesisOptions& options) {
        const Outcome outcome = capture([&] { return run_genesis(options); });
        expect_one_line(outcome.err);
        return outcome.exit_code;
    };
    GenesisOptions options;
    options.out = folder_ / "genesis.toml";
    EXPECT_EQ(exit_code(options), exit_bad_data); // no validators
    for (const std::string& bad : {std::string("x"), key + ":", key + ":1x", key + ":-1"}) {
        options.validators = {bad};
        EXPECT_EQ(exit_code(options), exit_usage) << bad;
    }
    options.validators = {key};
    options.hashes_per_slot = 65;
    EXPECT_EQ(exit_code(options), exit_usage);
    options.hashes_per_slot.reset();
    options.accounts = {key};
    EXPECT_EQ(exit_code(options), exit_usage);
    options.accounts = {key + ":1"}; // less than rent asks for
    EXPECT_EQ(exit_code(options), exit_bad_data);
    options.accounts.clear();
    options.slots_per_epoch = 3;
    EXPECT_EQ(exit_code(options), exit_bad_data);
    options.from = folder_ / "nothing.toml";
    EXPECT_EQ(exit_code(options), exit_bad_data);
    EXPECT_FALSE(fs::exists(options.out));
}

TEST_F(Commands, balance_reads_the_level_that_was_asked_for)
{
    RunningServer server;
    server.start();
    BalanceOptions options;
    options.node.rpc_url = server.url();
    options.account = base58(filled<Pubkey>(1));
    EXPECT_EQ(capture([&] { return run_balance(options); }).out, "700 lamports\n");
    options.commitment = Commitment::processed;
    EXPECT_EQ(capture([&] { return run_balance(options); }).out, "2100 lamports\n");
    options.account = "nonsense";
    const Outcome bad = capture([&] { return run_balance(options); });
    EXPECT_EQ(bad.exit_code, exit_usage);
    expect_one_line(bad.err);
}

TEST_F(Commands, status_prints_for_people_and_for_programs)
{
    RunningServer server;
    server.start();
    StatusOptions options;
    options.node.rpc_url = server.url();
    const Outcome people = capture([&] { return run_status(options); });
    EXPECT_EQ(people.exit_code, exit_ok);
    for (const std::string_view words :
         {"clockSlot            302", "finalized            100", "second", "never", "tile verify",
          "dropped: bad_signature", "tile rpc"}) {
        EXPECT_NE(people.out.find(words), std::string::npos) << words << " in\n" << people.out;
    }
    options.json = true;
    const Outcome programs = capture([&] { return run_status(options); });
    EXPECT_TRUE(programs.out.starts_with("{\"version\":\"")) << programs.out;
}

TEST_F(Commands, transfer_signs_sends_and_waits_for_the_level)
{
    const Pubkey payer = make_key("payer.json");
    RunningServer server;
    server.start();
    TransferOptions options;
    options.node.rpc_url = server.url();
    options.key = folder_ / "payer.json";
    options.to = base58(filled<Pubkey>(1));
    options.lamports = 42;
    const Outcome outcome = capture([&] { return run_transfer(options); });
    EXPECT_EQ(outcome.exit_code, exit_ok) << outcome.err;
    for (const std::string_view words :
         {"signature ", "processed in slot 301 after ", "confirmed in slot 301 after ",
          "finalized in slot 301 after "}) {
        EXPECT_NE(outcome.out.find(words), std::string::npos) << outcome.out;
    }
    server.stop();
    const auto sent = std::ranges::find_if(server.backend.asked, [](const Request& request) {
        return std::holds_alternative<SendTransaction>(request);
    });
    ASSERT_NE(sent, server.backend.asked.end());
    const auto transaction = ledger::parse_transaction(std::get<SendTransaction>(*sent).wire);
    ASSERT_TRUE(transaction);
    EXPECT_EQ(transaction->fee_payer(), payer);
    EXPECT_EQ(transaction->account(1), filled<Pubkey>(1));
    EXPECT_EQ(transaction->recent_blockhash(), filled<Hash>(2)); // the confirmed one
    EXPECT_EQ(transaction->instruction(0).data[4], 42);
}

TEST_F(Commands, transfer_tells_failures_apart_by_exit_code)
{
    (void)make_key("payer.json");
    TransferOptions options;
    options.key = folder_ / "payer.json";
    options.to = base58(filled<Pubkey>(1));
    options.lamports = 42;
    const auto exit_code = [&options](const std::function<void(FakeBackend&)>& prepare) {
        RunningServer server;
        prepare(server.backend);
        server.start();
        options.node.rpc_url = server.url();
        const Outcome outcome = capture([&] { return run_transfer(options); });
        expect_one_line(outcome.err);
        return outcome.exit_code;
    };
    EXPECT_EQ(exit_code([](FakeBackend& node) {
                  node.sent_error = exec::TransactionError::of_instruction(
                      0, exec::InstructionErrorKind::custom, 1);
              }),
              exit_failed);
    EXPECT_EQ(exit_code([](FakeBackend& node) { node.full = true; }), exit_unavailable);
    options.timeout_seconds = 0;
    EXPECT_EQ(exit_code([](FakeBackend& /*node*/) {}), exit_try_again);
    options.to = "nonsense";
    EXPECT_EQ(exit_code([](FakeBackend& /*node*/) {}), exit_usage);
    options.to = base58(filled<Pubkey>(1));
    options.key = folder_ / "nothing.json";
    EXPECT_EQ(exit_code([](FakeBackend& /*node*/) {}), exit_bad_data);
}

TEST_F(Commands, tx_why_tells_the_last_thing_that_is_certain)
{
    TxWhyOptions options;
    std::string trail;
    const auto ask = [&options, &trail] {
        RunningServer server;
        server.backend.trail = trail;
        server.start();
        options.node.rpc_url = server.url();
        return capture([&] { return run_tx_why(options); });
    };
    const auto why = [&](std::uint8_t first_byte, std::vector<TrailEvent> events) {
        for (std::size_t i = 0; i < events.size(); ++i) {
            events[i].time_ns = i * 1'000'000;
        }
        trail = trail_json(events, 5'000'000);
        options.signature = crypto::to_base58(filled<Signature>(first_byte));
        return ask();
    };
    const TrailEvent pooled{.stage = TrailStage::pooled, .slot = Slot{7}};
    const TrailEvent forged{.stage = TrailStage::bad_signature};

    // The chain's word comes first, whatever this node remembers.
    const Outcome done = why(1, {pooled, {.stage = TrailStage::blockhash_expired}, forged});
    EXPECT_EQ(done.exit_code, exit_ok);
    EXPECT_TRUE(done.out.starts_with("finalized in slot 90, and took effect\n")) << done.out;
    EXPECT_NE(done.out.find("5 ms ago  pooled               slot 7\n"), std::string::npos)
        << done.out;
    const Outcome failed = why(2, {pooled});
    EXPECT_EQ(failed.exit_code, exit_failed);
    EXPECT_TRUE(failed.out.starts_with("processed in slot 250, and failed: {\"Instr"))
        << failed.out;

    struct Case {
        std::vector<TrailEvent> events;
        std::string_view said;
        int exit_code;
    };
    const std::vector<Case> cases{
        {{}, "unknown to this node: ", exit_try_again},
        {{forged}, explanation(TrailStage::bad_signature), exit_ok},
        {{pooled, forged}, explanation(TrailStage::pooled), exit_ok}, // a copy says nothing of it
        {{forged, pooled}, explanation(TrailStage::pooled), exit_ok},
        {{pooled, {.stage = TrailStage::forwarded, .detail = 3}},
         explanation(TrailStage::forwarded),
         exit_ok},
        {{pooled, {.stage = TrailStage::evicted_by_fee}, {.stage = TrailStage::duplicate_datagram}},
         explanation(TrailStage::evicted_by_fee),
         exit_failed},
        {{pooled, {.stage = TrailStage::processed, .slot = Slot{9}}},
         "a block executed it that this node's fork does not hold any more",
         exit_ok}};
    for (const Case& tried : cases) {
        const Outcome outcome = why(9, tried.events);
        EXPECT_EQ(outcome.exit_code, tried.exit_code) << outcome.out;
        EXPECT_TRUE(outcome.out.starts_with(tried.said)) << outcome.out;
        EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(outcome.out, '\n')),
                  1 + tried.events.size());
    }
    EXPECT_NE(why(9, cases[4].events).out.find(", to 3 leaders"), std::string::npos);

    trail = R"({"events":[{"stage":"pooled"}]})"; // another version's
    expect_one_line(ask().err);
    options.signature = "nonsense";
    EXPECT_EQ(ask().exit_code, exit_usage);
}

TEST_F(Commands, a_node_is_found_by_url_by_its_configuration_or_on_the_usual_port)
{
    EXPECT_EQ(rpc_url_of({"http://x:1", {}}), "http://x:1");
    EXPECT_EQ(rpc_url_of({}), rpc_url_default);
    NodeConfig config = parse_config(default_config_text(), folder_ / "node.toml");
    config.validators.push_back(config.validators.front());
    ValidatorEntry& second = config.validators.back();
    second.name = "second";
    second.pubkey = make_key("identity.json");
    std::uint16_t port = 9000;
    for (Endpoint* const endpoint : {&second.transactions, &second.forwards, &second.shreds,
                                     &second.votes, &second.repair, &second.rpc}) {
        endpoint->port = port++;
    }
    const auto url = [&] {
        std::ofstream(folder_ / "node.toml") << to_toml(config);
        return rpc_url_of({"", folder_ / "node.toml"});
    };
    EXPECT_EQ(url(), "http://127.0.0.1:9005");
    config.identity_key = folder_ / "nothing.json";
    EXPECT_EQ(url(), "http://127.0.0.1:8899");
    config.rpc.listen = *Endpoint::parse("[::1]:7");
    config.rpc.listen_given = true;
    EXPECT_EQ(url(), "http://[::1]:7");
}

TEST_F(Commands, config_prints_the_commented_default)
{
    const Outcome outcome = capture([] { return run_config(); });
    EXPECT_EQ(outcome.exit_code, exit_ok);
    std::ifstream file(BELFRY_SOURCE_DIR "/node/default.toml");
    EXPECT_EQ(outcome.out, (std::string{std::istreambuf_iterator<char>(file), {}}));
    EXPECT_EQ(capture([] { return run_version(); }).out,
              fmt::format("belfry {}\n", BELFRY_VERSION));
}

} // namespace
} // namespace belfry::node

// SPDX-License-Identifier: Apache-2.0
// flood.cpp: sends hostile datagrams of chosen kinds to one node, at a steady pace, from several
// loopback addresses, and says what it sent and what came back.
//   flood --config node.toml --send malformed=1000 --send bad_signature=100 --seconds 10
//   flood --list          every kind: name, lane, tile and counter that tells of it
// Rule     kinds are mixed in proportion all the time; each lane's datagrams go to its own port of
//          the node whose configuration is given (--node: that of another validator of its roster).
// Output   one JSON object: {"seconds", "sent": {kind: count}, "failed", "bytes", "replies",
//          "reply_bytes"}
#include "crypto/base58.hpp"
#include "ledger/model/genesis.hpp"
#include "node/config.hpp"
#include "tests/cluster/hostile_kinds.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace belfry::hostile {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch_max = 32;

struct Options {
    std::string config;
    std::vector<std::string> send; // kind=count
    double seconds = 10;
    std::uint32_t source_count = 16;
    std::uint32_t first_source = 2; // the last byte of 127.0.0.x
    std::uint32_t node = 0;
    std::uint64_t seed = 1;
    std::string blockhash;
    bool list = false;
};

struct Stream {
    const Kind* kind = nullptr;
    std::vector<Bytes> pool;
    std::uint64_t wanted = 0;
    std::uint64_t sent = 0;
    sockaddr_storage to{};
    socklen_t to_bytes = 0;
};

class Flood {
public:
    explicit Flood(const Options& options);
    ~Flood();
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

    void run();
    void print() const;

private:
    void add(const std::string& text, const node::NodeConfig& config, const World& world,
             Random& random);
    void open_sources(bool ipv6);
    [[nodiscard]] Stream& most_behind();
    void send_batch(std::size_t count);
    void read_replies();

    Options options_;
    std::vector<Stream> streams_;
    std::vector<int> sockets_;
    std::uint64_t sent_ = 0;
    std::uint64_t wanted_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t reply_bytes_ = 0;
    std::size_t next_socket_ = 0;
    std::array<std::array<std::uint8_t, 2048>, batch_max> scratch_{};
    double seconds_ = 0;
};

Flood::Flood(const Options& options)
    : options_(options)
{
    const node::NodeConfig config = node::load_config(options.config);
    if (options.node >= config.validators.size()) {
        throw std::runtime_error("flood: --node is not in the roster");
    }
    World world{.genesis = ledger::genesis_hash(ledger::load_genesis(config.genesis)),
                .target = static_cast<std::uint16_t>(options.node)};
    if (!options.blockhash.empty()) {
        const auto blockhash = crypto::fixed_from_base58<Hash>(options.blockhash);
        if (!blockhash) {
            throw std::runtime_error("flood: --blockhash is not 32 bytes in base58");
        }
        world.blockhash = *blockhash;
    }
    Random random(options.seed);
    for (const std::string& text : options.send) {
        add(text, config, world, random);
    }
    if (streams_.empty()) {
        throw std::runtime_error("flood: nothing to send; give --send kind=count");
    }
    open_sources(streams_.front().to.ss_family == AF_INET6);
}

Flood::~Flood()
{
    for (const int fd : sockets_) {
        (void)close(fd);
    }
}

void Flood::add(const std::string& text, const node::NodeConfig& config, const World& world,
                Random& random)
{
    const std::size_t equals = text.find('=');
    Stream stream;
    stream.kind = find_kind(text.substr(0, equals));
    if (stream.kind == nullptr || equals == std::string::npos) {
        throw std::runtime_error("flood: --send " + text + " is not kind=count; see --list");
    }
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + equals + 1, end, stream.wanted);
    if (error != std::errc{} || rest != end) {
        throw std::runtime_error("flood: --send " + text + ": not a number");
    }
    const node::ValidatorEntry& target = config.validators[world.target];
    const std::array<const node::Endpoint*, dataplane::lane_count> ports{
        &target.transactions, &target.forwards, &target.shreds, &target.votes, &target.repair};
    stream.to_bytes = ports[static_cast<std::size_t>(stream.kind->lane)]->to(stream.to);
    stream.pool = stream.kind->make(
        world, std::min<std::uint64_t>(stream.kind->pool_max, stream.wanted), random);
    wanted_ += stream.wanted;
    streams_.push_back(std::move(stream));
}

void Flood::open_sources(bool ipv6)
{
    for (std::uint32_t i = 0; i < options_.source_count; ++i) {
        const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw std::runtime_error("flood: no socket");
        }
        sockets_.push_back(fd);
        sockaddr_in from{}; // IPv6 has one loopback address
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = htonl(0x7f00'0000U + options_.first_source + i);
        if (!ipv6 && bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) != 0) {
            throw std::runtime_error("flood: a loopback address cannot be bound");
        }
    }
}

Stream& Flood::most_behind()
{
    // The share of its own number that each has sent, compared without division.
    return *std::ranges::min_element(streams_, [](const Stream& a, const Stream& b) {
        return a.sent * b.wanted < b.sent * a.wanted;
    });
}

void Flood::send_batch(std::size_t count)
{
    std::array<mmsghdr, batch_max> headers{};
    std::array<iovec, batch_max> pieces{};
    for (std::size_t i = 0; i < count; ++i) {
        Stream& stream = most_behind();
        const Bytes& original = stream.pool[stream.sent % stream.pool.size()];
        std::ranges::copy(original, scratch_[i].begin());
        if (stream.kind->numbered) {
            std::memcpy(scratch_[i].data() + original.size() - 8, &stream.sent, 8);
        }
        pieces[i] = {.iov_base = scratch_[i].data(), .iov_len = original.size()};
        headers[i].msg_hdr.msg_name = &stream.to;
        headers[i].msg_hdr.msg_namelen = stream.to_bytes;
        headers[i].msg_hdr.msg_iov = &pieces[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        ++stream.sent;
        ++sent_;
        bytes_ += original.size();
    }
    const int fd = sockets_[next_socket_++ % sockets_.size()];
    for (std::size_t done = 0; done < count;) {
        const int now = sendmmsg(fd, &headers[done], static_cast<unsigned>(count - done), 0);
        if (now <= 0) {
            ++failed_;
            ++done;
        } else {
            done += static_cast<std::size_t>(now);
        }
    }
}

void Flood::read_replies()
{
    std::array<std::uint8_t, 65'536> buffer{};
    for (const int fd : sockets_) {
        for (;;) {
            const ssize_t bytes = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (bytes < 0) {
                break;
            }
            ++replies_;
            reply_bytes_ += static_cast<std::uint64_t>(bytes);
        }
    }
}

void Flood::run()
{
    const Clock::time_point begun = Clock::now();
    const auto elapsed = [&begun] {
        return std::chrono::duration<double>(Clock::now() - begun).count();
    };
    while (sent_ < wanted_) {
        const double share = std::min(1.0, elapsed() / options_.seconds);
        const auto due = static_cast<std::uint64_t>(share * static_cast<double>(wanted_));
        while (sent_ < due) {
            send_batch(std::min<std::uint64_t>(batch_max, due - sent_));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    seconds_ = elapsed();
    std::this_thread::sleep_for(std::chrono::milliseconds(300)); // for what may come back
    read_replies();
}

void Flood::print() const
{
    std::string sent;
    for (const Stream& stream : streams_) {
        sent +=
            fmt::format("{}\"{}\": {}", sent.empty() ? "" : ", ", stream.kind->name, stream.sent);
    }
    fmt::print("{{\"seconds\": {:.3f}, \"sent\": {{{}}}, \"failed\": {}, \"bytes\": {}, "
               "\"replies\": {}, \"reply_bytes\": {}}}\n",
               seconds_, sent, failed_, bytes_, replies_, reply_bytes_);
}

void list_kinds()
{
    for (const Kind& kind : kinds()) {
        fmt::print("{} {} {} {}\n", kind.name, dataplane::kind_of(kind.lane).name,
                   kind.tile.empty() ? "-" : kind.tile, kind.counter.empty() ? "-" : kind.counter);
    }
}

} // namespace
} // namespace belfry::hostile

int main(int argc, char** argv)
{
    belfry::hostile::Options options;
    CLI::App app("Sends hostile datagrams to a node", "flood");
    app.add_option("--config", options.config, "node.toml of any validator of the cluster");
    app.add_option("--send", options.send, "kind=count, any number of times");
    app.add_option("--seconds", options.seconds, "The time over which they are spread");
    app.add_option("--sources", options.source_count, "Addresses that they come from")
        ->check(CLI::Range(1, 200));
    app.add_option("--first-source", options.first_source, "x of the first address 127.0.0.x")
        ->check(CLI::Range(1, 50));
    app.add_option("--node", options.node, "Number of the validator in the roster");
    app.add_option("--seed", options.seed);
    app.add_option("--blockhash", options.blockhash, "A recent one, for transactions that name it");
    app.add_flag("--list", options.list, "Name every kind and stop");
    CLI11_PARSE(app, argc, argv);
    try {
        if (options.list) {
            belfry::hostile::list_kinds();
            return 0;
        }
        belfry::hostile::Flood flood(options);
        flood.run();
        flood.print();
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
    return 0;
}

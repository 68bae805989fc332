// SPDX-License-Identifier: Apache-2.0
#include "node/cli/commands.hpp"
#include "node/rpc/rpc_client.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <cstdio>

namespace belfry::node {

namespace json = boost::json;

namespace {

/// A string without its quotes; null as a dash; anything else as JSON.
std::string plain(const json::value& value)
{
    if (value.is_null()) {
        return "-";
    }
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

void print_pairs(const json::object& pairs, std::string_view prefix)
{
    for (const auto& pair : pairs) {
        fmt::print("  {}{:<28} {}\n", prefix, std::string_view(pair.key()), plain(pair.value()));
    }
}

void print_peers(const json::array& peers)
{
    fmt::print("\npeers\n  {:<16} {:<44} {:>20} {:>12} {:>10}\n", "name", "pubkey", "stake",
               "last vote", "heard ago");
    for (const json::value& value : peers) {
        const json::object& peer = value.as_object();
        const std::string heard =
            peer.at("heardMsAgo").is_null() ? "never" : plain(peer.at("heardMsAgo")) + " ms";
        fmt::print("  {:<16} {:<44} {:>20} {:>12} {:>10}\n", plain(peer.at("name")),
                   plain(peer.at("pubkey")), plain(peer.at("stake")), plain(peer.at("lastVote")),
                   heard);
    }
}

void print_status(const json::object& status)
{
    for (const auto& pair : status) {
        if (!pair.value().is_structured()) {
            fmt::print("{:<20} {}\n", std::string_view(pair.key()), plain(pair.value()));
        }
    }
    print_pairs(status.at("facts").as_object(), "");
    print_peers(status.at("peers").as_array());
    for (const json::value& value : status.at("tiles").as_array()) {
        const json::object& tile = value.as_object();
        fmt::print("\ntile {}\n", plain(tile.at("name")));
        print_pairs(tile.at("counters").as_object(), "");
        print_pairs(tile.at("drops").as_object(), "dropped: ");
    }
}

} // namespace

int run_status(const StatusOptions& options)
{
    return guarded([&options]() -> int {
        RpcClient client(rpc_url_of(options.node));
        const auto text = client.status_json();
        if (!text) {
            throw CommandError(exit_unavailable, client.last_failure().text);
        }
        if (options.json) {
            fmt::print("{}\n", *text);
            return exit_ok;
        }
        try {
            print_status(json::parse(*text).as_object());
        } catch (const std::exception&) { // at() and as_...() of another shape
            throw CommandError(exit_unavailable,
                               fmt::format("{}: this is not the status of a Belfry node of this "
                                           "version; --json prints it as it came",
                                           client.url()));
        }
        return exit_ok;
    });
}

} // namespace belfry::node

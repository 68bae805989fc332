// SPDX-License-Identifier: Apache-2.0
// tx_why.cpp: `belfry tx why`: what the chain says of a transaction, and what the asked node did
// with it.
#include "crypto/base58.hpp"
#include "node/cli/commands.hpp"
#include "node/rpc/rpc_client.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <cstdio>

namespace belfry::node {

namespace json = boost::json;

namespace {

constexpr std::string_view nothing_known =
    "unknown to this node: it never arrived, could not be read as a transaction, was dropped "
    "unread, or was forgotten; `belfry status` counts what was dropped unread";

/// What it came to, by the newest event that is not of a copy only.
struct Verdict {
    std::string text;
    ExitCode exit_code = exit_ok;
};

Verdict of_status(const RpcClient::Status& status)
{
    const std::string place =
        fmt::format("{} in slot {}", to_string(status.level), status.slot.value);
    if (status.error_json.empty()) {
        return {place + ", and took effect", exit_ok};
    }
    return {place + ", and failed: " + status.error_json, exit_failed};
}

bool is_of_a_copy(std::string_view stage)
{
    return stage == "duplicate" || stage == "badSignature" || stage == "duplicateInPool";
}

Verdict of_events(const json::array& events)
{
    const json::object* last = nullptr;
    for (const json::value& value : events) {
        const json::object& event = value.as_object();
        const bool weaker = last != nullptr && is_of_a_copy(event.at("stage").as_string()) &&
                            !is_of_a_copy(last->at("stage").as_string());
        last = weaker ? last : &event;
    }
    if (last == nullptr) {
        return {std::string(nothing_known), exit_try_again};
    }
    std::string text(last->at("text").as_string());
    if (last->at("stage").as_string() == "processed") {
        text = "a block executed it that this node's fork does not hold any more";
    }
    return {std::move(text), last->at("dropped").as_bool() ? exit_failed : exit_ok};
}

void print_event(const json::object& event)
{
    const auto slot = event.at("slot").to_number<std::uint64_t>();
    const auto leaders = event.at("leaders").to_number<std::uint64_t>();
    fmt::print("  {:>8} ms ago  {:<20}{}{}\n", event.at("msAgo").to_number<std::uint64_t>(),
               std::string_view(event.at("stage").as_string()),
               slot == 0 ? "" : fmt::format(" slot {}", slot),
               leaders == 0 ? "" : fmt::format(", to {} leaders", leaders));
}

} // namespace

int run_tx_why(const TxWhyOptions& options)
{
    return guarded([&options]() -> int {
        const auto signature = crypto::fixed_from_base58<Signature>(options.signature);
        if (!signature) {
            throw CommandError(exit_usage, fmt::format("signature: '{}' is not 64 bytes in base58",
                                                       options.signature));
        }
        RpcClient client(rpc_url_of(options.node));
        const auto trail =
            client.call("belfryTransactionTrail", fmt::format("[\"{}\"]", options.signature));
        const auto statuses = client.signature_statuses({&*signature, std::size_t{1}}, true);
        if (!trail || !statuses) {
            throw CommandError(exit_unavailable, client.last_failure().text);
        }
        try {
            const json::value parsed = json::parse(*trail);
            const json::array& events = parsed.as_object().at("events").as_array();
            const Verdict verdict =
                statuses->front() ? of_status(*statuses->front()) : of_events(events);
            fmt::print("{}\n", verdict.text);
            for (const json::value& event : events) {
                print_event(event.as_object());
            }
            return verdict.exit_code;
        } catch (const std::exception&) { // at(), as_...() and to_number() of another shape
            throw CommandError(exit_unavailable,
                               fmt::format("{}: this is not the answer of a Belfry node of this "
                                           "version",
                                           client.url()));
        }
    });
}

} // namespace belfry::node

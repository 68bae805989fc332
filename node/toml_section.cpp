// SPDX-License-Identifier: Apache-2.0
#include "node/toml_section.hpp"

#include "base/nearest_name.hpp"
#include "base/one_line.hpp"
#include "crypto/base58.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace belfry::node {

TomlSection::TomlSection(const toml::table& table, std::string_view file, std::string name,
                         std::vector<std::string_view> known_keys)
    : table_(table)
    , file_(file)
    , name_(std::move(name))
{
    for (const auto& [key, node] : table_) {
        if (std::ranges::find(known_keys, key.str()) == known_keys.end()) {
            const std::string_view what = name_.empty() ? "table or key" : "key";
            throw ConfigError(one_line(
                fmt::format("{}:{}: {}{}", file_, key.source().begin.line,
                            unknown_name_text(what, key.str(), known_keys),
                            name_.empty() ? std::string() : fmt::format(" (in {})", name_))));
        }
    }
}

std::uint32_t TomlSection::line(std::string_view key) const
{
    const toml::node* const node = table_.get(key);
    return node == nullptr ? table_.source().begin.line : node->source().begin.line;
}

void TomlSection::fail(std::string_view key, const std::string& what) const
{
    throw ConfigError(
        one_line(fmt::format("{}:{}: {} {}{}", file_, std::max(line(key), 1U), key, what,
                             name_.empty() ? std::string() : fmt::format(" (in {})", name_))));
}

void TomlSection::fail_at(const toml::node& node, const std::string& what) const
{
    throw ConfigError(fmt::format("{}:{}: {}{}", file_, node.source().begin.line, what,
                                  name_.empty() ? std::string() : fmt::format(" (in {})", name_)));
}

void TomlSection::require(std::string_view key) const
{
    if (!has(key)) {
        fail(key, "is missing; `belfry config` shows a complete file");
    }
}

std::string TomlSection::text(std::string_view key) const
{
    require(key);
    const auto value = table_.get(key)->value_exact<std::string>();
    if (!value) {
        fail(key, "must be a text in quotes");
    }
    return *value;
}

Endpoint TomlSection::endpoint(std::string_view key) const
{
    const std::string value = text(key);
    const std::optional<Endpoint> endpoint = Endpoint::parse(value);
    if (!endpoint) {
        fail(key, fmt::format("is '{}'; it must be \"ip:port\" or \"[ipv6]:port\", without names",
                              value));
    }
    return *endpoint;
}

Pubkey TomlSection::pubkey(std::string_view key) const
{
    const std::string value = text(key);
    const std::optional<Pubkey> pubkey = crypto::fixed_from_base58<Pubkey>(value);
    if (!pubkey) {
        fail(key, fmt::format("is '{}'; it must be 32 bytes in base58, as `belfry keygen` prints",
                              value));
    }
    return *pubkey;
}

std::size_t TomlSection::choice(std::string_view key,
                                const std::vector<std::string_view>& choices) const
{
    const std::string value = text(key);
    const auto found = std::ranges::find(choices, value);
    if (found == choices.end()) {
        fail(key, fmt::format("is \"{}\"; it must be one of: {}", value, fmt::join(choices, ", ")));
    }
    return static_cast<std::size_t>(found - choices.begin());
}

void TomlSection::flag(std::string_view key, bool& target) const
{
    if (const toml::node* const node = table_.get(key)) {
        const auto value = node->value_exact<bool>();
        if (!value) {
            fail(key, "must be true or false");
        }
        target = *value;
    }
}

void TomlSection::share(std::string_view key, double& target) const
{
    if (const toml::node* const node = table_.get(key)) {
        const auto value = node->is_number() ? node->value<double>() : std::nullopt;
        if (!value || !(*value >= 0 && *value <= 1)) {
            fail(key, "must be a share from 0.0 to 1.0");
        }
        target = *value;
    }
}

void TomlSection::numbers(std::string_view key, std::vector<std::uint32_t>& target) const
{
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return;
    }
    if (!node->is_array()) {
        fail(key, "must be a list of numbers: [0, 1]");
    }
    target.clear();
    for (const toml::node& item : *node->as_array()) {
        constexpr std::uint64_t cores_max = 4095;
        target.push_back(static_cast<std::uint32_t>(to_number(item, key, {0, cores_max})));
    }
}

std::uint64_t TomlSection::to_number(const toml::node& node, std::string_view key,
                                     Range range) const
{
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < range.least ||
        static_cast<std::uint64_t>(*value) > range.most) {
        fail_at(node,
                fmt::format("{} must be an integer from {} to {}", key, range.least, range.most));
    }
    return static_cast<std::uint64_t>(*value);
}

const toml::table& TomlSection::table(std::string_view key) const
{
    static const toml::table none;
    const toml::node* const node = table_.get(key);
    if (node != nullptr && !node->is_table()) {
        fail(key, fmt::format("must be a table: [{}]", key));
    }
    return node == nullptr ? none : *node->as_table();
}

std::vector<const toml::table*> TomlSection::tables(std::string_view key) const
{
    std::vector<const toml::table*> out;
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return out;
    }
    if (!node->is_array_of_tables()) {
        fail(key, fmt::format("must be a list of tables: [[{}]]", key));
    }
    for (const toml::node& item : *node->as_array()) {
        out.push_back(item.as_table());
    }
    return out;
}

} // namespace belfry::node

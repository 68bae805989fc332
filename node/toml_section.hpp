// SPDX-License-Identifier: Apache-2.0
#pragma once
// toml_section.hpp: reads one table of a TOML file strictly. Private to config.cpp.
// Errors   ConfigError "file:line: what is wrong; what to do". An unknown key names the nearest
//          known one; an absent key leaves the default in its target.

#include "base/toml.hpp"
#include "node/config.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace belfry::node {

struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};

class TomlSection {
public:
    /// name as in the file, e.g. "[rpc]"; empty: the file itself. All must outlive this object.
    TomlSection(const toml::table& table, std::string_view file, std::string name,
                std::vector<std::string_view> known_keys);

    [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
    /// Throws when the key is absent.
    void require(std::string_view key) const;
    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] Endpoint endpoint(std::string_view key) const;
    [[nodiscard]] Pubkey pubkey(std::string_view key) const;
    /// The place of a text among the choices.
    [[nodiscard]] std::size_t choice(std::string_view key,
                                     const std::vector<std::string_view>& choices) const;
    void flag(std::string_view key, bool& target) const;
    void share(std::string_view key, double& target) const;
    void numbers(std::string_view key, std::vector<std::uint32_t>& target) const;
    template <class Integer>
    void number(std::string_view key, Integer& target, Range range) const
    {
        if (const toml::node* const node = table_.get(key)) {
            target = static_cast<Integer>(to_number(*node, key, range));
        }
    }
    /// The table under a key; an empty one when it is absent.
    [[nodiscard]] const toml::table& table(std::string_view key) const;
    /// The tables of [[key]].
    [[nodiscard]] std::vector<const toml::table*> tables(std::string_view key) const;

    [[noreturn]] void fail(std::string_view key, const std::string& what) const;
    [[nodiscard]] std::uint32_t line(std::string_view key) const;

private:
    [[noreturn]] void fail_at(const toml::node& node, const std::string& what) const;
    [[nodiscard]] std::uint64_t to_number(const toml::node& node, std::string_view key,
                                          Range range) const;

    const toml::table& table_;
    std::string_view file_;
    std::string name_;
};

} // namespace belfry::node

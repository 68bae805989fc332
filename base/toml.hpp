// SPDX-License-Identifier: Apache-2.0
#pragma once
// toml.hpp: toml++ made safe against malformed files.
// Why      with NDEBUG it tells the compiler to take for granted what it asserts otherwise, and
// "[)"
//          breaks that; and what it takes for unreachable is reached by U+00A1 to U+0499 outside of
//          strings. Both are undefined behaviour. So the assumptions are taken out, and text is
//          ASCII (in strings \u00E9 says what a byte may not).
// Rule     the one place that includes <toml++/toml.h>: two ways to compile it do not mix.
// Errors   std::runtime_error, one line: "source:line: what is wrong".
// Source   toml++ 3.3: TOML_ASSERT_ASSUME in preprocessor.h, is_non_ascii_horizontal_whitespace().

#include "base/one_line.hpp"

#pragma push_macro("NDEBUG")
#undef NDEBUG
// Used instead of the assumption.
// NOLINTNEXTLINE(readability-identifier-naming): theirs
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h> // IWYU pragma: export
#pragma pop_macro("NDEBUG")

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace belfry {

/// source names the text in errors.
inline toml::table parse_toml(std::string_view text, std::string_view source)
{
    const auto fail = [source](std::size_t line, std::string_view what) {
        throw std::runtime_error(
            one_line(std::string(source) + ":" + std::to_string(line) + ": " + std::string(what)));
    };
    const auto strange =
        std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) > 0x7F; });
    if (strange != text.end()) {
        const auto line = 1 + std::count(text.begin(), strange, '\n');
        fail(static_cast<std::size_t>(line),
             "not ASCII; leave the character out, or write it as \\u00E9 in a string");
    }
    try {
        return toml::parse(text, source);
    } catch (const toml::parse_error& error) {
        fail(error.source().begin.line, "not TOML: " + std::string(error.description()));
    }
    return {};
}

} // namespace belfry

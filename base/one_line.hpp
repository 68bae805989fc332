// SPDX-License-Identifier: Apache-2.0
#pragma once
// one_line.hpp: a text that others wrote, as part of a line of ours.

#include <algorithm>
#include <string>

namespace belfry {

[[nodiscard]] inline bool is_control(char character)
{
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
}

/// Control characters, the ends of lines among them, become '?'.
[[nodiscard]] inline std::string one_line(std::string text)
{
    std::replace_if(text.begin(), text.end(), is_control, '?');
    return text;
}

} // namespace belfry

// SPDX-License-Identifier: Apache-2.0
#include "tune/machine.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

namespace belfry::tune {
namespace {

TEST(Machine, says_at_least_one_core_and_a_kernel_release)
{
    const Machine machine = this_machine();
    EXPECT_GE(machine.core_count, 1u);
    EXPECT_FALSE(machine.cpu_model.empty());
    EXPECT_NE(machine.kernel.find('.'), std::string::npos);
}

TEST(Machine, pins_a_thread_to_the_core_it_is_on_and_refuses_one_that_does_not_exist)
{
    std::thread([] {
        const auto core = static_cast<unsigned>(sched_getcpu());
        EXPECT_TRUE(pin_this_thread(core));
        EXPECT_EQ(static_cast<unsigned>(sched_getcpu()), core);
        EXPECT_FALSE(pin_this_thread(1023));
    }).join();
}

TEST(Machine, resident_memory_is_known_for_itself_and_zero_for_nobody)
{
    EXPECT_GT(resident_kib(getpid()), 100u);
    EXPECT_EQ(resident_kib(-1), 0u);
}

} // namespace
} // namespace belfry::tune

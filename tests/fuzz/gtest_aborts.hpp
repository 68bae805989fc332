// SPDX-License-Identifier: Apache-2.0
#pragma once
// gtest_aborts.hpp: for a target whose model speaks with GoogleTest's assertions: the first that
// fails is printed and ends the process, so that the fuzzer keeps the input. Included once.

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerInitialize(int*, char***)
{
    GTEST_FLAG_SET(break_on_failure, true);
    return 0;
}

# Execution: its own program, so that the kernels can be measured without oneTBB.
set(BENCH_EXEC_SOURCES exec_bench.cpp)
belfry_bench(exec LINK belfry_exec SOURCES ${BENCH_EXEC_SOURCES})

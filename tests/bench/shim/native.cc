// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other side of the comparison in shim.c: an empty benchmark written
 * as Google Benchmark's own users would.
 */
#include <benchmark/benchmark.h>

extern "C" void register_native(int64_t iterations, int repetitions);

static void empty(benchmark::State &state)
{
	for (auto _ : state)
		benchmark::ClobberMemory();
}

void register_native(int64_t iterations, int repetitions)
{
	benchmark::RegisterBenchmark("native", empty)
		->Iterations(iterations)
		->Repetitions(repetitions);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only C++: collect what Google Benchmark's flags select, and replay
 * stored times through it, so that its reports are its own.
 */
#include "bench/gbench.h"

#include <benchmark/benchmark.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace
{

class NullReporter : public benchmark::BenchmarkReporter
{
      public:
	bool ReportContext(const Context &) override
	{
		return true;
	}
	void ReportRuns(const std::vector<Run> &) override
	{
	}
};

/* Without iterations set, its name is what the filter was written for. */
void collect(benchmark::State &state, struct gbench *b)
{
	b->selected = true;
	state.SkipWithError("collected");
}

class Replay
{
      public:
	explicit Replay(const struct gbench *b) : b_(b)
	{
	}

	void operator()(benchmark::State &state)
	{
		if (b_->error) {
			state.SkipWithError(b_->error);
			return;
		}
		while (state.KeepRunningBatch(b_->iterations))
			;
		state.SetIterationTime(b_->seconds[*next_]);
		*next_ = (*next_ + 1) % b_->repetitions;
		if (b_->label)
			state.SetLabel(b_->label);
		for (unsigned int i = 0; i < b_->nr_counters; i++)
			state.counters[b_->counters[i].name] =
				b_->counters[i].value;
	}

      private:
	const struct gbench *b_;
	/* The library copies the functor. */
	std::shared_ptr<unsigned int> next_ = std::make_shared<unsigned int>(0);
};

benchmark::TimeUnit unit_of(enum gbench_unit unit)
{
	switch (unit) {
	case GBENCH_US:
		return benchmark::kMicrosecond;
	case GBENCH_MS:
		return benchmark::kMillisecond;
	default:
		return benchmark::kNanosecond;
	}
}

void register_replay(const struct gbench *b)
{
	bool failed = b->error || !b->repetitions;

	benchmark::RegisterBenchmark(b->name, Replay(b))
		->Unit(unit_of(b->unit))
		->Iterations(failed ? 1 : b->iterations)
		->Repetitions(failed ? 1 : b->repetitions)
		->DisplayAggregatesOnly(!failed && b->repetitions > 1)
		->UseManualTime();
}

} // namespace

int gbench_init(int argc, char **argv, const char **bad)
{
	std::vector<char *> args(argv, argv + argc);

	args.push_back(nullptr);
	benchmark::Initialize(&argc, args.data());
	if (argc <= 1)
		return 0;
	*bad = args[1];
	return -EINVAL;
}

void gbench_context(const char *key, const char *value)
{
	benchmark::AddCustomContext(key, value);
}

size_t gbench_collect(struct gbench *benchmarks, size_t nr, char *why,
		      size_t why_size)
{
	NullReporter reporter;
	std::ostringstream errors;
	std::string line;
	size_t found;

	reporter.SetErrorStream(&errors);
	benchmark::ClearRegisteredBenchmarks();
	for (size_t i = 0; i < nr; i++) {
		struct gbench *b = &benchmarks[i];

		b->selected = false;
		benchmark::RegisterBenchmark(b->name,
					     [b](benchmark::State &state) {
						     collect(state, b);
					     });
	}
	found = benchmark::RunSpecifiedBenchmarks(&reporter);
	benchmark::ClearRegisteredBenchmarks();
	line = errors.str();
	snprintf(why, why_size, "%s",
		 line.substr(0, line.find('\n')).c_str());
	return found;
}

void gbench_replay(struct gbench *benchmarks, size_t nr, bool console)
{
	NullReporter null;

	benchmark::ClearRegisteredBenchmarks();
	for (size_t i = 0; i < nr; i++)
		if (benchmarks[i].selected)
			register_replay(&benchmarks[i]);
	/* The filter has spoken: names have suffixes now. */
	if (console)
		benchmark::RunSpecifiedBenchmarks(".");
	else
		benchmark::RunSpecifiedBenchmarks(&null, ".");
	benchmark::ClearRegisteredBenchmarks();
}

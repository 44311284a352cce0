// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only C++: what gbench.h promises, by Google Benchmark 1.7.
 */
#include "bench/gbench.h"

#include <benchmark/benchmark.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

struct gbench_family {
	benchmark::internal::Benchmark *benchmark;
	gbench_fn *run, *setup, *teardown;
	void *arg;
};

namespace
{

/* The library keeps none of what is registered for us. */
std::vector<std::unique_ptr<gbench_family>> families;

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

gbench_state *to_c(benchmark::State &state)
{
	return reinterpret_cast<gbench_state *>(&state);
}

benchmark::State &to_cc(gbench_state *state)
{
	return *reinterpret_cast<benchmark::State *>(state);
}

const benchmark::State &to_cc(const gbench_state *state)
{
	return *reinterpret_cast<const benchmark::State *>(state);
}

/* The library's own set-up and teardown are not told of whom. */
void run_family(const gbench_family *f, benchmark::State &state)
{
	if (f->setup)
		f->setup(to_c(state), f->arg);
	if (!state.error_occurred())
		f->run(to_c(state), f->arg);
	if (f->teardown)
		f->teardown(to_c(state), f->arg);
}

std::unique_ptr<benchmark::BenchmarkReporter>
reporter_of(enum gbench_display display)
{
	switch (display) {
	case GBENCH_CONSOLE:
		return std::make_unique<benchmark::ConsoleReporter>();
	case GBENCH_JSON:
		return std::make_unique<benchmark::JSONReporter>();
	case GBENCH_NOTHING:
		return std::make_unique<NullReporter>();
	default:
		return nullptr;
	}
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

static const char *host;

void gbench_host(const char *name)
{
	host = name;
}

/* In place of libc's: the library has no other way to be told. */
extern "C" int gethostname(char *name, size_t size) noexcept
{
	struct utsname uts;

	if (uname(&uts))
		return -1;
	snprintf(name, size, "%s", host ? host : uts.nodename);
	return 0;
}

void gbench_context(const char *key, const char *value)
{
	benchmark::AddCustomContext(key, value);
}

/* --- registering ------------------------------------------------------- */

struct gbench_family *gbench_register(const char *name, gbench_fn *run,
				      void *arg)
{
	auto f = std::make_unique<gbench_family>();
	gbench_family *p = f.get();

	p->run = run;
	p->arg = arg;
	p->benchmark = benchmark::RegisterBenchmark(
		name, [p](benchmark::State &state) { run_family(p, state); });
	families.push_back(std::move(f));
	return p;
}

void gbench_clear(void)
{
	benchmark::ClearRegisteredBenchmarks();
	families.clear();
}

void gbench_around(struct gbench_family *f, gbench_fn *setup,
		   gbench_fn *teardown)
{
	f->setup = setup;
	f->teardown = teardown;
}

void gbench_args(struct gbench_family *f, size_t nr, const int64_t *args)
{
	f->benchmark->Args({ args, args + nr });
}

void gbench_ranges(struct gbench_family *f, size_t nr,
		   const struct gbench_range *ranges, int multiplier)
{
	std::vector<std::pair<int64_t, int64_t>> v;

	for (size_t i = 0; i < nr; i++)
		v.emplace_back(ranges[i].first, ranges[i].last);
	f->benchmark->RangeMultiplier(multiplier)->Ranges(v);
}

void gbench_product(struct gbench_family *f, size_t nr,
		    const struct gbench_list *lists)
{
	std::vector<std::vector<int64_t>> v;

	for (size_t i = 0; i < nr; i++)
		v.emplace_back(lists[i].values, lists[i].values + lists[i].nr);
	f->benchmark->ArgsProduct(v);
}

void gbench_arg_names(struct gbench_family *f, size_t nr,
		      const char *const *names)
{
	f->benchmark->ArgNames({ names, names + nr });
}

void gbench_unit(struct gbench_family *f, enum gbench_unit unit)
{
	static const benchmark::TimeUnit units[] = {
		benchmark::kNanosecond,
		benchmark::kMicrosecond,
		benchmark::kMillisecond,
		benchmark::kSecond,
	};

	f->benchmark->Unit(units[unit]);
}

void gbench_iterations(struct gbench_family *f, uint64_t nr)
{
	f->benchmark->Iterations(nr);
}

void gbench_min_time(struct gbench_family *f, double seconds)
{
	f->benchmark->MinTime(seconds);
}

void gbench_repetitions(struct gbench_family *f, unsigned int nr)
{
	f->benchmark->Repetitions(nr)->DisplayAggregatesOnly(nr > 1);
}

void gbench_manual_time(struct gbench_family *f)
{
	f->benchmark->UseManualTime();
}

void gbench_real_time(struct gbench_family *f)
{
	f->benchmark->UseRealTime();
}

/* --- while it runs ----------------------------------------------------- */

int64_t gbench_arg(const struct gbench_state *state, size_t i)
{
	return to_cc(state).range(i);
}

bool gbench_keep_running_batch(struct gbench_state *state, uint64_t nr)
{
	return to_cc(state).KeepRunningBatch(nr);
}

struct gbench_loop gbench_loop_start(struct gbench_state *state)
{
	uint64_t nr = to_cc(state).max_iterations;

	return { state, to_cc(state).KeepRunningBatch(nr) ? nr : 0 };
}

bool gbench_loop_end(struct gbench_state *state)
{
	/* The loop did not start because of an error: it has ended. */
	return !to_cc(state).error_occurred() &&
	       to_cc(state).KeepRunningBatch(1);
}

void gbench_pause(struct gbench_state *state)
{
	to_cc(state).PauseTiming();
}

void gbench_resume(struct gbench_state *state)
{
	to_cc(state).ResumeTiming();
}

void gbench_set_time(struct gbench_state *state, double seconds)
{
	to_cc(state).SetIterationTime(seconds);
}

uint64_t gbench_iterations_done(const struct gbench_state *state)
{
	return to_cc(state).iterations();
}

void gbench_label(struct gbench_state *state, const char *label)
{
	to_cc(state).SetLabel(label);
}

void gbench_skip(struct gbench_state *state, const char *why)
{
	to_cc(state).SkipWithError(why);
}

void gbench_counter(struct gbench_state *state, const char *name, double value,
		    unsigned int flags)
{
	using benchmark::Counter;
	int f = Counter::kDefaults;

	if (flags & GBENCH_PER_SECOND)
		f |= Counter::kIsRate;
	if (flags & GBENCH_TIMES_ITERATIONS)
		f |= Counter::kIsIterationInvariant;
	if (flags & GBENCH_AVERAGE)
		f |= Counter::kAvgIterations;
	if (flags & GBENCH_INVERT)
		f |= Counter::kInvert;
	to_cc(state).counters[name] =
		Counter(value, static_cast<Counter::Flags>(f),
			flags & GBENCH_1024 ? Counter::kIs1024 :
					      Counter::kIs1000);
}

/* --- running all of it -------------------------------------------------- */

size_t gbench_run(const char *filter, enum gbench_display display, char *why,
		  size_t why_size)
{
	std::string spec = filter ? filter : benchmark::GetBenchmarkFilter();
	auto reporter = reporter_of(display);
	benchmark::BenchmarkReporter *shown = reporter.get();
	std::ostringstream errors;
	std::string line;
	size_t found;

	if (!shown)
		shown = benchmark::CreateDefaultDisplayReporter();
	shown->SetErrorStream(&errors);
	found = benchmark::RunSpecifiedBenchmarks(shown, spec);
	shown->SetErrorStream(&std::cerr);
	line = errors.str();
	snprintf(why, why_size, "%s", line.substr(0, line.find('\n')).c_str());
	return found;
}

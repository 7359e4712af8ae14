// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a namespace, see stats.h.
 */
#include <linux/cpumask.h>
#include "stats.h"

#define COUNTER_NAME(n)	#n,

const char * const weft_counter_names[WEFT_C_MAX] = {
	WEFT_COUNTERS(COUNTER_NAME)
};

/**
 * weft_stats_sum() - one counter over all CPUs
 * @stats: the namespace's
 * @c: which
 *
 * Exact when nothing counts meanwhile. Context: any.
 */
u64 weft_stats_sum(const struct weft_stats __percpu *stats, enum weft_counter c)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats, cpu)->c[c]);
	return sum;
}

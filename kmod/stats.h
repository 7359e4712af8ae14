/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a namespace, per CPU, by name. Any context.
 */
#ifndef WEFT_STATS_H
#define WEFT_STATS_H

#include <linux/percpu.h>
#include "types.h"

#define WEFT_COUNTERS(C)						\
	C(early_made)		/* sockets that have not yet connected ... */ \
	C(early_decided)	/* ... and that did, or listened, or closed */ \
	C(conns_created)						\
	C(conns_destroyed)						\
	C(connects_steered)	/* connect() calls that were ours */	\
	C(connects_refused)	/* of these refused at once */		\
	C(attempts)		/* endpoints tried */			\
	C(failovers)		/* went on to another endpoint */	\
	C(accepted)		/* children held */			\
	C(trapped)		/* children caught by the trap proto */	\
	C(listeners_marked)						\
	C(handshakes_wanted)						\
	C(handshakes_requeued)						\
	C(live)								\
	C(pass)			/* permissive plaintext */		\
	C(denied)							\
	C(failed)							\
	C(cut)			/* in use, and not allowed any more */	\
	C(audited)		/* an AUDIT policy matched */		\
	C(timeouts)		/* deadline passed before the verdict */ \
	C(eof_clean)							\
	C(eof_truncated)						\
	C(alerts)							\
	C(bad_records)		/* none at all, or not the peer's */	\
	C(records_discarded)	/* post-handshake messages */		\
	C(keys_updated_tx)						\
	C(keys_updated_rx)						\
	C(plaintext_dropped)	/* by the netfilter net */		\
	C(slipped)		/* reached a meshed destination unmarked */ \
	C(upcall_lost)		/* no memory for, or no room at, a worker */ \
	C(event_lost)

#define WEFT_COUNTER_ENUM_(n) WEFT_C_##n,

enum weft_counter {
	WEFT_COUNTERS(WEFT_COUNTER_ENUM_)
	WEFT_C_MAX
};

#undef WEFT_COUNTER_ENUM_

struct weft_stats {
	u64 c[WEFT_C_MAX];
};

extern const char * const weft_counter_names[WEFT_C_MAX];

#define weft_count(wn, name) this_cpu_inc((wn)->stats->c[WEFT_C_##name])

u64 weft_stats_sum(const struct weft_stats __percpu *stats,
		   enum weft_counter c);

#endif

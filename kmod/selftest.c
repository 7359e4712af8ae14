// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests of the pure layers, see selftest.h: runs the claims.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include "selftest.h"

static const struct weft_claims * const all[] = {
	&weft_claims_names,
	&weft_claims_workload,
	&weft_claims_service,
	&weft_claims_policy,
	&weft_claims_revocation,
	&weft_claims_peer,
	&weft_claims_generation,
	&weft_claims_trial,
	&weft_claims_steer,
	&weft_claims_rekey,
	&weft_claims_event,
};

/* One run at a time, so that the log can be read. */
static DEFINE_MUTEX(running);

static bool claim_holds(const struct weft_claim *claim)
{
	struct weft_tables t;
	const char *wrong;

	weft_tables_init(&t, NULL);
	wrong = claim->check(&t);
	weft_tables_uninit(&t);
	if (wrong)
		pr_err("weft: selftest: %s: FAILED: %s\n", claim->name, wrong);
	else
		pr_info("weft: selftest: %s: ok\n", claim->name);
	return !wrong;
}

int weft_selftest(void)
{
	unsigned int passed = 0, failed = 0, i, k;

	mutex_lock(&running);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (k = 0; k < all[i]->n; k++) {
			if (claim_holds(&all[i]->claims[k]))
				passed++;
			else
				failed++;
			cond_resched();
		}
	}
	pr_info("weft: selftest: %u passed, %u failed\n", passed, failed);
	mutex_unlock(&running);
	return failed ? -EIO : 0;
}

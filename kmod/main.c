// SPDX-License-Identifier: GPL-2.0
/*
 * weft: a service mesh without sidecars. Loading and unloading.
 *
 * The order of init is: what the hooks use, then the hooks, then the netlink
 * family (nothing is configured before). Unloading is refused by the module's
 * reference count while any socket has our ops; so at exit only calls that are
 * on their way out are left, and the grace periods at the end wait for them.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include "conn.h"
#include "generation.h"
#include "genl.h"
#include "genl_conn.h"
#include "hkdf.h"
#include "hook_proto.h"
#include "hook_state.h"
#include "ktls.h"
#include "listen.h"
#include "netns_ops.h"
#include "selftest.h"

static bool selftest;
module_param(selftest, bool, 0444);
MODULE_PARM_DESC(selftest, "run the self-tests of the pure layers when loading");

static int __init weft_init(void)
{
	int err;

	err = weft_generation_init();
	if (err)
		return err;
	err = weft_hkdf_init();
	if (err)
		goto generation;
	if (selftest) {
		err = weft_selftest();
		if (err)
			goto hkdf;
	}
	err = weft_base_init();
	if (err) {
		pr_err("weft: cannot load (%d): no TCP over IPv4 and IPv6, or no memory\n",
		       err);
		goto hkdf;
	}
	err = weft_ktls_init();
	if (err) {
		pr_err("weft: cannot load (%d): no kTLS (CONFIG_TLS), or the loopback device is down\n",
		       err);
		goto base;
	}
	weft_genl_conn_init();
	weft_listen_init();
	weft_hook_proto_init();
	err = weft_netns_init();
	if (err)
		goto ktls;
	err = weft_hook_state_start();
	if (err)
		goto netns;
	weft_hook_proto_start();
	err = weft_genl_init();
	if (err)
		goto hooks;
	return 0;
hooks:
	weft_hook_proto_stop();
	weft_hook_state_stop();
	synchronize_rcu_tasks();
netns:
	weft_netns_deaf();
	weft_netns_uninit();
ktls:
	weft_ktls_uninit();
base:
	weft_base_uninit();
hkdf:
	weft_hkdf_uninit();
generation:
	weft_generation_uninit();
	return err;
}

static void __exit weft_exit(void)
{
	weft_netns_deaf();
	weft_genl_uninit();
	weft_hook_proto_stop();
	weft_hook_state_stop();
	synchronize_rcu_tasks();
	weft_netns_uninit();
	rcu_barrier();			/* conns put what they held */
	weft_generation_uninit();
	weft_ktls_uninit();
	weft_base_uninit();
	weft_hkdf_uninit();
}

module_init(weft_init);
module_exit(weft_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("service mesh without sidecars: mutual TLS in the application's own socket");
MODULE_AUTHOR("The weft authors");
MODULE_VERSION(WEFT_VERSION);
MODULE_SOFTDEP("pre: tls");
MODULE_ALIAS_GENL_FAMILY(WEFT_GENL_NAME);

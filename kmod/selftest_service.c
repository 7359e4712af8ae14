// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: what an address means, which endpoint is picked, whom a service
 * may be.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include "lb_weighted.h"
#include "selftest.h"

#define TEXTS(...)	((const char * const []){ __VA_ARGS__, NULL })
#define PORTS(...)	((const struct weft_st_ports[]){ __VA_ARGS__, {} })

static bool service(struct weft_tables *t, const char *name,
		    const char * const *addresses,
		    const struct weft_st_ports *ports)
{
	return !weft_st_service(t, 0, name, addresses, ports, NULL, NULL);
}

static bool endpoint(struct weft_tables *t, const char *name, const char *addr,
		     u16 port, u32 weight)
{
	return !weft_st_endpoint(t, 0, name, addr, port, weight);
}

/* Is the address this service's, with that target, that endpoint or none? */
static bool means(struct weft_tables *t, const char *ip, u16 port,
		  const char *name, u16 target, const char *pinned)
{
	struct weft_addr addr = weft_st_addr(ip, port);
	struct weft_service_match m;

	if (!weft_service_lookup(weft_st_gen(t), &addr, &m))
		return !name;
	if (!name || strcmp(m.service->name, name) || m.target != target)
		return false;
	if (!pinned || m.pinned < 0)
		return !pinned && m.pinned == -1;
	addr = weft_st_addr(pinned, 0);
	return ipv6_addr_equal(&m.service->endpoints[m.pinned].addr.ip,
			       &addr.ip);
}

#define EXPECT_SERVICE(ip, port, name, target) \
	WEFT_EXPECT(means(t, ip, port, name, target, NULL))
#define EXPECT_PINNED(ip, port, name, target) \
	WEFT_EXPECT(means(t, ip, port, name, target, ip))
#define EXPECT_NOBODY(ip, port) \
	WEFT_EXPECT(means(t, ip, port, NULL, 0, NULL))

static const char *address_and_port_find_the_service(struct weft_tables *t)
{
	EXPECT_NOBODY("240.0.0.1", 80);
	WEFT_EXPECT(service(t, "web", TEXTS("240.0.0.1", "fd00::1"),
			    PORTS({ 80, 8080 }, { 443 })));
	EXPECT_SERVICE("240.0.0.1", 80, "web", 8080);
	EXPECT_SERVICE("240.0.0.1", 443, "web", 443);
	EXPECT_SERVICE("fd00::1", 80, "web", 8080);
	EXPECT_NOBODY("240.0.0.1", 8080);
	EXPECT_NOBODY("240.0.0.1", 0);
	EXPECT_NOBODY("240.0.0.2", 80);
	EXPECT_NOBODY("fd00::2", 80);
	return NULL;
}

static const char *ipv4_is_the_same_as_v4_mapped_only(struct weft_tables *t)
{
	WEFT_EXPECT(service(t, "web", TEXTS("240.0.0.1"), PORTS({ 80 })));
	EXPECT_SERVICE("::ffff:240.0.0.1", 80, "web", 80);
	EXPECT_NOBODY("::240.0.0.1", 80);
	EXPECT_NOBODY("64:ff9b::240.0.0.1", 80);
	return NULL;
}

static const char *endpoint_address_finds_just_it(struct weft_tables *t)
{
	WEFT_EXPECT(service(t, "web", TEXTS("240.0.0.1"),
			    PORTS({ 80, 8080 }, { 443 })));
	WEFT_EXPECT(endpoint(t, "web", "10.0.0.1", 7000, 1));
	WEFT_EXPECT(endpoint(t, "web", "fd00::7", 7000, 1));
	EXPECT_PINNED("10.0.0.1", 7000, "web", 7000);
	EXPECT_PINNED("fd00::7", 7000, "web", 7000);
	EXPECT_NOBODY("10.0.0.1", 80);
	EXPECT_NOBODY("10.0.0.1", 8080);
	EXPECT_SERVICE("240.0.0.1", 80, "web", 8080);
	return NULL;
}

static const char *endpoint_without_port_has_all_targets(struct weft_tables *t)
{
	WEFT_EXPECT(service(t, "web", TEXTS("240.0.0.1"),
			    PORTS({ 80, 8080 }, { 81, 8080 }, { 443 })));
	WEFT_EXPECT(endpoint(t, "web", "10.0.0.1", 0, 1));
	EXPECT_PINNED("10.0.0.1", 8080, "web", 8080);
	EXPECT_PINNED("10.0.0.1", 443, "web", 443);
	EXPECT_NOBODY("10.0.0.1", 80);
	EXPECT_NOBODY("10.0.0.1", 0);
	return NULL;
}

static const char *service_address_goes_before_endpoint(struct weft_tables *t)
{
	WEFT_EXPECT(service(t, "z", TEXTS("10.0.0.1"), PORTS({ 80 })));
	WEFT_EXPECT(service(t, "a", NULL, PORTS({ 80 })));
	WEFT_EXPECT(endpoint(t, "z", "10.0.0.1", 0, 1));
	WEFT_EXPECT(endpoint(t, "a", "10.0.0.1", 0, 1));
	EXPECT_SERVICE("10.0.0.1", 80, "z", 80);
	return NULL;
}

static const char *first_name_gets_a_shared_endpoint(struct weft_tables *t)
{
	WEFT_EXPECT(service(t, "b", TEXTS("240.0.0.1"), PORTS({ 80 })));
	WEFT_EXPECT(service(t, "a", TEXTS("240.0.0.2"), PORTS({ 80 })));
	WEFT_EXPECT(endpoint(t, "b", "10.0.0.1", 80, 1));
	EXPECT_PINNED("10.0.0.1", 80, "b", 80);
	WEFT_EXPECT(endpoint(t, "a", "10.0.0.1", 0, 1));
	EXPECT_PINNED("10.0.0.1", 80, "a", 80);
	return NULL;
}

/* Every one of many addresses is found, and none beside them. */
static const char *lookup_finds_each_of_many(struct weft_tables *t)
{
	char name[16], ip[16];
	u32 txn = weft_st_begin(t);
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		snprintf(ip, sizeof(ip), "240.0.%u.%u", i / 200, i % 200);
		WEFT_EXPECT(!weft_st_service(t, txn, name, TEXTS(ip),
					     PORTS({ 80, 8080 }), NULL, NULL));
	}
	WEFT_EXPECT(weft_st_commit(t, txn));
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		snprintf(ip, sizeof(ip), "240.0.%u.%u", i / 200, i % 200);
		EXPECT_SERVICE(ip, 80, name, 8080);
		EXPECT_NOBODY(ip, 81);
		WEFT_EXPECT(weft_service_find(weft_st_gen(t), name));
	}
	EXPECT_NOBODY("240.0.0.200", 80);
	return NULL;
}

static const struct weft_families both = { .v4 = true, .v6 = true };

static int pick(struct weft_tables *t, const u16 *tried, unsigned int n_tried,
		const struct weft_families *families, u32 random)
{
	return weft_lb_weighted_pick(weft_service_find(weft_st_gen(t), "web"),
				     tried, n_tried, families, random);
}

/* Endpoints 0, 1, 2 with weights 1, 2, 5: the bounds are at 1/8 and 3/8. */
static bool weighted(struct weft_tables *t)
{
	return service(t, "web", NULL, PORTS({ 80 })) &&
	       endpoint(t, "web", "10.0.0.1", 0, 1) &&
	       endpoint(t, "web", "10.0.0.2", 0, 2) &&
	       endpoint(t, "web", "10.0.0.3", 0, 5);
}

static const char *random_bits_decide_by_weight(struct weft_tables *t)
{
	WEFT_EXPECT(weighted(t));
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0) == 0);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0x1fffffff) == 0);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0x20000000) == 1);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0x5fffffff) == 1);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0x60000000) == 2);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0xffffffff) == 2);
	return NULL;
}

/* An odd step spreads the picks evenly over all 2^32: no chance in it. */
static const char *picks_are_spread_as_the_weights(struct weft_tables *t)
{
	unsigned int hits[3] = {}, i;

	WEFT_EXPECT(weighted(t));
	for (i = 0; i < 80000; i++)
		hits[pick(t, NULL, 0, &both, i * 2654435769u)]++;
	WEFT_EXPECT(abs((int)hits[0] - 10000) < 80);
	WEFT_EXPECT(abs((int)hits[1] - 20000) < 80);
	WEFT_EXPECT(abs((int)hits[2] - 50000) < 80);
	return NULL;
}

static const char *tried_endpoints_are_not_picked(struct weft_tables *t)
{
	static const u16 tried[] = { 2, 0, 1 };

	WEFT_EXPECT(weighted(t));
	WEFT_EXPECT(pick(t, tried, 1, &both, 0xffffffff) == 1);
	WEFT_EXPECT(pick(t, tried, 1, &both, 0x50000000) == 0);
	WEFT_EXPECT(pick(t, tried, 2, &both, 0) == 1);
	WEFT_EXPECT(pick(t, tried, 3, &both, 0) == -1);
	return NULL;
}

static const char *other_families_are_passed_over(struct weft_tables *t)
{
	static const struct weft_families v4 = { .v4 = true };
	static const struct weft_families v6 = { .v6 = true };
	static const struct weft_families none;

	WEFT_EXPECT(weighted(t));
	WEFT_EXPECT(endpoint(t, "web", "fd00::1", 0, 65535));
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0xffffffff) == 3);
	WEFT_EXPECT(pick(t, NULL, 0, &v4, 0xffffffff) == 2);
	WEFT_EXPECT(pick(t, NULL, 0, &v6, 0) == 3);
	WEFT_EXPECT(pick(t, NULL, 0, &none, 0) == -1);
	return NULL;
}

static const char *largest_weights_do_not_overflow(struct weft_tables *t)
{
	unsigned int i;
	char ip[16];
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!weft_st_service(t, txn, "web", NULL, PORTS({ 80 }), NULL,
				     NULL));
	for (i = 0; i < WEFT_SERVICE_ENDPOINTS_MAX; i++) {
		snprintf(ip, sizeof(ip), "10.0.%u.%u", i / 256, i % 256);
		WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", ip, 0,
					      WEFT_WEIGHT_MAX));
	}
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0) == 0);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0x80000000) == 512);
	WEFT_EXPECT(pick(t, NULL, 0, &both, 0xffffffff) == 1023);
	return NULL;
}

static bool may_be(struct weft_tables *t, const char *identity,
		   const char *caller)
{
	return weft_service_identity_ok(weft_service_find(weft_st_gen(t),
							  "web"),
					identity, caller);
}

#define ME	"spiffe://td.test/me"

static const char *service_is_of_the_callers_trust_domain(struct weft_tables *t)
{
	WEFT_EXPECT(service(t, "web", NULL, PORTS({ 80 })));
	WEFT_EXPECT(may_be(t, "spiffe://td.test/anything", ME));
	WEFT_EXPECT(!may_be(t, "spiffe://td.test.evil/anything", ME));
	WEFT_EXPECT(!may_be(t, "spiffe://td.tes/anything", ME));
	WEFT_EXPECT(!may_be(t, "spiffe://other.test/anything", ME));
	WEFT_EXPECT(!may_be(t, NULL, ME));
	WEFT_EXPECT(!may_be(t, "spiffe://td.test/anything", NULL));
	return NULL;
}

static const char *service_is_nobody_else_than_listed(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_service(t, 0, "web", NULL, PORTS({ 80 }),
				     TEXTS("spiffe://td.test/web",
					   "spiffe://two.test/web/*"),
				     NULL));
	WEFT_EXPECT(may_be(t, "spiffe://td.test/web", ME));
	WEFT_EXPECT(may_be(t, "spiffe://two.test/web/1", ME));
	WEFT_EXPECT(!may_be(t, "spiffe://td.test/web2", ME));
	WEFT_EXPECT(!may_be(t, "spiffe://td.test/other", ME));
	WEFT_EXPECT(!may_be(t, "spiffe://two.test/web", ME));
	WEFT_EXPECT(!may_be(t, NULL, ME));
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(address_and_port_find_the_service),
	WEFT_CLAIM(ipv4_is_the_same_as_v4_mapped_only),
	WEFT_CLAIM(endpoint_address_finds_just_it),
	WEFT_CLAIM(endpoint_without_port_has_all_targets),
	WEFT_CLAIM(service_address_goes_before_endpoint),
	WEFT_CLAIM(first_name_gets_a_shared_endpoint),
	WEFT_CLAIM(lookup_finds_each_of_many),
	WEFT_CLAIM(random_bits_decide_by_weight),
	WEFT_CLAIM(picks_are_spread_as_the_weights),
	WEFT_CLAIM(tried_endpoints_are_not_picked),
	WEFT_CLAIM(other_families_are_passed_over),
	WEFT_CLAIM(largest_weights_do_not_overflow),
	WEFT_CLAIM(service_is_of_the_callers_trust_domain),
	WEFT_CLAIM(service_is_nobody_else_than_listed),
};

WEFT_CLAIMS(weft_claims_service, claims);

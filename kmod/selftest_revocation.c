// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: what of a peer is revoked, and by which revocation.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "names.h"
#include "selftest.h"

#define WEB	"spiffe://td.test/web"
#define BATCH	"spiffe://td.test/batch"
#define MANY	1000

#define TEXTS(...)	((const char * const []){ __VA_ARGS__, NULL })
#define REVOKE(name, identities, serials) \
	(!weft_st_revocation(t, 0, name, identities, serials, NULL))

static u8 find(struct weft_tables *t, const char *identity,
	       const char *serial, const char **name)
{
	const struct weft_revocation *by = NULL;
	u8 what;

	what = weft_revoked_find(&weft_st_gen(t)->revoked, identity, serial,
				 &by);
	*name = by ? by->name : "";
	return what;
}

static bool is(struct weft_tables *t, u8 want, const char *identity,
	       const char *serial, const char *revocation)
{
	const char *name;

	return find(t, identity, serial, &name) == want &&
	       !strcmp(name, revocation);
}

#define EXPECT_IDENTITY(...) \
	WEFT_EXPECT(is(t, WEFT_REVOKED_IDENTITY, __VA_ARGS__))
#define EXPECT_SERIAL(...) \
	WEFT_EXPECT(is(t, WEFT_REVOKED_SERIAL, __VA_ARGS__))
#define EXPECT_NOTHING(...) \
	WEFT_EXPECT(is(t, WEFT_REVOKED_NOTHING, __VA_ARGS__, ""))

static const char *nothing_revokes_nobody(struct weft_tables *t)
{
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	EXPECT_NOTHING(WEB, "01");
	EXPECT_NOTHING(WEB, "");
	EXPECT_NOTHING(NULL, "");
	return NULL;
}

static const char *identity_is_revoked_as_a_whole(struct weft_tables *t)
{
	WEFT_EXPECT(REVOKE("r", TEXTS(WEB), NULL));
	EXPECT_IDENTITY(WEB, "01", "r");
	EXPECT_IDENTITY(WEB, "", "r");
	EXPECT_NOTHING(BATCH, "01");
	EXPECT_NOTHING(BATCH, "");
	EXPECT_NOTHING(WEB "/a", "01");
	EXPECT_NOTHING("spiffe://td.test/we", "01");
	return NULL;
}

static const char *serial_is_revoked_of_any_identity(struct weft_tables *t)
{
	WEFT_EXPECT(REVOKE("r", NULL, TEXTS("0a1b", "ff")));
	EXPECT_SERIAL(WEB, "0a1b", "r");
	EXPECT_SERIAL(BATCH, "ff", "r");
	EXPECT_NOTHING(WEB, "0a");
	EXPECT_NOTHING(WEB, "0a1b00");
	return NULL;
}

static const char *unknown_serial_counts_where_any_is(struct weft_tables *t)
{
	WEFT_EXPECT(REVOKE("a", TEXTS(BATCH), NULL));
	EXPECT_NOTHING(WEB, "");
	WEFT_EXPECT(REVOKE("b", NULL, TEXTS("01")));
	EXPECT_SERIAL(WEB, "", "");
	EXPECT_NOTHING(NULL, "");	/* plaintext: the mode says */
	return NULL;
}

static const char *revocations_add_up_and_are_lifted(struct weft_tables *t)
{
	WEFT_EXPECT(REVOKE("b", TEXTS(WEB), TEXTS("01")));
	WEFT_EXPECT(REVOKE("a", TEXTS(WEB, BATCH), NULL));
	EXPECT_IDENTITY(WEB, "01", "a");	/* the first by name */
	EXPECT_IDENTITY(BATCH, "02", "a");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_REVOCATION, "a", NULL));
	EXPECT_IDENTITY(WEB, "01", "b");
	EXPECT_SERIAL(BATCH, "01", "b");
	EXPECT_NOTHING(BATCH, "02");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_REVOCATION, "b", NULL));
	EXPECT_NOTHING(WEB, "01");
	return NULL;
}

static const char *daemons_are_replaced_as_a_whole(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!weft_st_revocation(t, txn, "r", TEXTS(WEB), NULL, NULL));
	WEFT_EXPECT(weft_st_commit(t, txn));
	EXPECT_IDENTITY(WEB, "01", "r");
	txn = weft_st_begin(t);
	WEFT_EXPECT(weft_st_commit(t, txn));
	EXPECT_NOTHING(WEB, "01");
	return NULL;
}

static const char *namesakes_add_up(struct weft_tables *t)
{
	u32 txn;

	WEFT_EXPECT(REVOKE("r", TEXTS(BATCH), NULL));
	txn = weft_st_begin(t);
	WEFT_EXPECT(!weft_st_revocation(t, txn, "r", TEXTS(WEB), NULL, NULL));
	WEFT_EXPECT(weft_st_commit(t, txn));
	EXPECT_IDENTITY(WEB, "01", "r");
	EXPECT_IDENTITY(BATCH, "01", "r");
	return NULL;
}

/* One revocation of @n serials, from 80000000 and @base on. */
static int revoke_many(struct weft_tables *t, const char *name, u32 base,
		       unsigned int n)
{
	char (*digits)[9] = kcalloc(n, sizeof(*digits), GFP_KERNEL);
	const char **texts = kcalloc(n + 1, sizeof(*texts), GFP_KERNEL);
	int err = -ENOMEM;
	unsigned int i;

	for (i = 0; digits && texts && i < n; i++) {
		/* odd steps: not in the order they are sorted in */
		snprintf(digits[i], sizeof(digits[i]), "%08x",
			 (base + i * 7919 % n) | 0x80000000);
		texts[i] = digits[i];
	}
	if (digits && texts)
		err = weft_st_revocation(t, 0, name, NULL, texts, NULL);
	kfree(texts);
	kfree(digits);
	return err;
}

static const char *each_of_thousands_is_found(struct weft_tables *t)
{
	const char *name;
	char serial[9];
	u32 i;

	WEFT_EXPECT(!revoke_many(t, "a", 0, MANY));
	WEFT_EXPECT(!revoke_many(t, "b", 2 * MANY, MANY));
	for (i = 0; i < 3 * MANY; i++) {
		bool revoked = i < MANY || i >= 2 * MANY;

		snprintf(serial, sizeof(serial), "%08x", i | 0x80000000);
		WEFT_EXPECT(find(t, WEB, serial, &name) ==
			    (revoked ? WEFT_REVOKED_SERIAL :
				       WEFT_REVOKED_NOTHING));
		WEFT_EXPECT(!revoked ||
			    !strcmp(name, i < MANY ? "a" : "b"));
	}
	return NULL;
}

static const char *too_many_change_nothing(struct weft_tables *t)
{
	const unsigned int full = WEFT_REVOKED_TOTAL_MAX / WEFT_REVOKED_MAX;
	struct weft_fault f;
	unsigned int i;
	char name[8];

	for (i = 0; i < full; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		WEFT_EXPECT(!revoke_many(t, name, i * WEFT_REVOKED_MAX,
					 WEFT_REVOKED_MAX));
	}
	weft_fault_init(&f);
	WEFT_EXPECT(weft_st_revocation(t, 0, "one", TEXTS(WEB), NULL, &f) ==
		    -ENOSPC);
	WEFT_EXPECT(strstr(f.text, "65537"));
	EXPECT_NOTHING(WEB, "01");
	EXPECT_SERIAL(WEB, "80000000", "r0");
	return NULL;
}

static const char *serial_is_written_in_one_way(struct weft_tables *t)
{
	static const char * const good[] = { "00", "01", "0a1b", "80000000" };
	static const char * const bad[] = {
		"", "0", "1", "abc", "0A", "0x01", "01:02", "0001", "zz",
		" 01", "01 ", "-1",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		WEFT_EXPECT(!weft_serial_wrong(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		WEFT_EXPECT(weft_serial_wrong(bad[i]));
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(nothing_revokes_nobody),
	WEFT_CLAIM(identity_is_revoked_as_a_whole),
	WEFT_CLAIM(serial_is_revoked_of_any_identity),
	WEFT_CLAIM(unknown_serial_counts_where_any_is),
	WEFT_CLAIM(revocations_add_up_and_are_lifted),
	WEFT_CLAIM(daemons_are_replaced_as_a_whole),
	WEFT_CLAIM(namesakes_add_up),
	WEFT_CLAIM(each_of_thousands_is_found),
	WEFT_CLAIM(too_many_change_nothing),
	WEFT_CLAIM(serial_is_written_in_one_way),
};

WEFT_CLAIMS(weft_claims_revocation, claims);

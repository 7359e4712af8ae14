/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit tests of join/ share: a temporary directory with a CA in it, and
 * tokens of it.
 */
#ifndef WEFT_TEST_JOIN_FIXTURE_H
#define WEFT_TEST_JOIN_FIXTURE_H

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include "base/file.h"
#include "join/registry.h"
#include "join/token.h"
#include "pki/cert.h"

#define DOMAIN "example.org"
#define CART "spiffe://example.org/shop/cart"
#define NODE "spiffe://example.org/weft/node/n1"

static char dir[64];

static inline const char *in_dir(const char *name)
{
	static char path[8][160];
	static unsigned int next;
	char *p = path[next++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static inline int make_dir(void **state)
{
	strcpy(dir, "/tmp/weft-test-join-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int remove_dir(void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void assert_says(const struct weft_error *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

static inline struct weft_ca *open_ca(const char *name)
{
	struct weft_error err = { 0 };
	struct weft_ca *ca = NULL;

	if (weft_ca_open_or_create(in_dir(name), DOMAIN, &ca, &err))
		fail_msg("%s", err.text);
	return ca;
}

/* Words separated by blanks. */
static inline struct weft_strv words(const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;
	struct weft_strv list = { 0 };

	while ((word = strsep(&rest, " ")))
		assert_int_equal(weft_strv_add(&list, word), 0);
	free(copy);
	return list;
}

/* A token for @node, into file @file. Its id is in @id. */
static inline int add_token(const struct weft_ca *ca, const char *ca_name, const char *node,
			    const char *identities, const char *file, char *id,
			    struct weft_error *err)
{
	struct weft_strv list = words(identities);
	int r = weft_token_create(ca, in_dir(ca_name), node, &list, 0, in_dir(file), id, err);

	weft_strv_uninit(&list);
	return r;
}

static inline struct weft_ticket new_ticket(const struct weft_ca *ca, const char *node,
					    const char *identities, const char *file)
{
	struct weft_ticket ticket = { 0 };
	struct weft_error err = { 0 };

	if (add_token(ca, "ca", node, identities, file, NULL, &err) ||
	    weft_ticket_read(in_dir(file), &ticket, &err))
		fail_msg("%s", err.text);
	return ticket;
}

static inline size_t count_nodes(void)
{
	struct weft_join_nodes nodes;
	size_t n;

	assert_int_equal(weft_registry_list(in_dir("ca"), &nodes, NULL), 0);
	n = nodes.count;
	weft_join_nodes_uninit(&nodes);
	return n;
}

static inline size_t count_tokens(int64_t now)
{
	struct weft_tokens tokens;
	size_t n;

	assert_int_equal(weft_token_list(in_dir("ca"), now, &tokens, NULL), 0);
	n = tokens.count;
	weft_tokens_uninit(&tokens);
	return n;
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

#endif

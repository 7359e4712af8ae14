/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of conf/ share: reading documents from strings, and asserting on
 * the one error that comes instead.
 */
#ifndef WEFT_TESTS_CONF_TEXT_H
#define WEFT_TESTS_CONF_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "conf/conf.h"

#define _cleanup_conf_ _cleanup_(weft_conf_destroy_ptr)

#define DOC(kind, name, spec) \
	"---\napiVersion: weft/v1\nkind: " kind "\nmetadata: {name: " name "}\nspec: " spec "\n"
#define WORKLOAD(name, spec) DOC("Workload", name, spec)
#define SERVICE(name, spec) DOC("Service", name, spec)
#define POLICY(name, spec) DOC("AuthorizationPolicy", name, spec)
#define REVOCATION(name, spec) DOC("Revocation", name, spec)
#define PEER(name, spec) DOC("Peer", name, spec)

/* The configuration, or a failed test. The caller's. */
static inline struct weft_conf *conf_of(const char *text)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;

	if (weft_conf_parse("t.yaml", text, strlen(text), "example.org", &conf, &err))
		fail_msg("%s\n%s", err.text, text);
	return conf;
}

static inline void assert_refused_len(const char *text, size_t len, const char *error)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;

	assert_true(weft_conf_parse("t.yaml", text, len, "example.org", &conf, &err) < 0);
	assert_string_equal(err.text, error);
	assert_null(conf);
}

static inline void assert_refused(const char *text, const char *error)
{
	assert_refused_len(text, strlen(text), error);
}

#endif

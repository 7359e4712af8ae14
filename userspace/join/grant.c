// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a node may obtain. See grant.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/name.h"
#include "join/grant.h"

#define OWN_PATH "/weft/"
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

const char *weft_join_node_problem(const char *name)
{
	if (strlen(name) > WEFT_JOIN_NODE_MAX)
		return "longer than " STRINGIFY(WEFT_JOIN_NODE_MAX) " characters";
	return weft_name_problem(name);
}

static bool is_of(const char *trust_domain, const char *identity)
{
	const char *domain;
	int len;

	domain = weft_identity_trust_domain(identity, &len);
	return domain && strlen(trust_domain) == (size_t)len && !memcmp(domain, trust_domain, len);
}

bool weft_grant_is_reserved(const char *identity)
{
	const char *domain;
	int len;

	domain = weft_identity_trust_domain(identity, &len);
	return domain && !strncmp(domain + len, OWN_PATH, strlen(OWN_PATH));
}

static const char *problem_of(const char *trust_domain, const char *pattern)
{
	const char *problem = weft_identity_pattern_problem(pattern);
	size_t len = strlen(pattern);

	if (problem)
		return problem;
	if (pattern[len - 1] == '*' && (len < 2 || pattern[len - 2] != '/'))
		return "what a node may obtain is an identity, or ends in \"/*\"";
	if (!is_of(trust_domain, pattern))
		return "it is of another trust domain than the CA";
	if (weft_grant_is_reserved(pattern))
		return "what is below /weft/ is weft's own";
	return NULL;
}

int weft_grant_add(struct weft_strv *grants, const char *trust_domain, const char *text,
		   struct weft_error *err)
{
	_cleanup_free_ char *pattern = weft_identity_expand(trust_domain, text);
	const char *problem;

	if (!pattern)
		return weft_error_nomem(err);
	problem = problem_of(trust_domain, pattern);
	if (problem)
		return weft_error_set(err, EINVAL, "identity \"%.200s\": %s", text, problem);
	if (weft_strv_contains(grants, pattern))
		return 0;
	if (grants->count == WEFT_GRANTS_MAX)
		return weft_error_set(err, ENOSPC,
				      "more than %d identities for one node: use a prefix "
				      "(spiffe://%s/.../*)",
				      WEFT_GRANTS_MAX, trust_domain);
	return weft_strv_take(grants, weft_steal_ptr(pattern)) ? weft_error_nomem(err) : 0;
}

bool weft_grant_allows(const struct weft_strv *grants, const char *identity)
{
	if (weft_grant_is_reserved(identity))
		return false;
	for (size_t i = 0; i < grants->count; i++)
		if (weft_identity_match(grants->items[i], identity))
			return true;
	return false;
}

char *weft_join_ca_identity(const char *trust_domain)
{
	return weft_identity_expand(trust_domain, "weft/ca");
}

char *weft_join_node_identity(const char *trust_domain, const char *node)
{
	char *identity;

	return asprintf(&identity, "spiffe://%s/weft/node/%s", trust_domain, node) < 0 ? NULL
										       : identity;
}

const char *weft_join_node_of(const char *trust_domain, const char *identity)
{
	static const char path[] = OWN_PATH "node/";
	const char *domain;
	int len;

	if (!is_of(trust_domain, identity))
		return NULL;
	domain = weft_identity_trust_domain(identity, &len);
	if (strncmp(domain + len, path, strlen(path)))
		return NULL;
	return weft_join_node_problem(domain + len + strlen(path)) ? NULL
								   : domain + len + strlen(path);
}

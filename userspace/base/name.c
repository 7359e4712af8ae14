// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names and identities. See name.h.
 */
#include "base/name.h"

#include <linux/weft.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63	     /* RFC 1035, 2.3.4 */
#define TRUST_DOMAIN_MAX 255 /* SPIFFE-ID, 2.1 */
#define SCHEME "spiffe://"

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_dots(const char *part, size_t len)
{
	return part[0] == '.' && (len == 1 || (len == 2 && part[1] == '.'));
}

static const char *label_problem(const char *label, size_t len)
{
	size_t i;

	if (!len)
		return "a label between dots is empty";
	if (len > LABEL_MAX)
		return "a label is longer than " STRINGIFY(LABEL_MAX) " characters";
	if (label[0] == '-' || label[len - 1] == '-')
		return "a label begins or ends with '-'";
	for (i = 0; i < len; i++)
		if (!is_lower(label[i]) && !is_digit(label[i]) && label[i] != '-')
			return "not a DNS name (a-z, 0-9, '-' and '.')";
	return NULL;
}

const char *weft_name_problem(const char *name)
{
	const char *problem;
	size_t len;

	if (!*name)
		return "empty";
	if (strlen(name) > WEFT_NAME_MAX)
		return "longer than " STRINGIFY(WEFT_NAME_MAX) " characters";
	for (;; name += len + 1) {
		len = strcspn(name, ".");
		problem = label_problem(name, len);
		if (problem || !name[len])
			return problem;
	}
}

static const char *domain_problem(const char *domain, size_t len)
{
	size_t i;

	if (!len)
		return "the trust domain is empty";
	if (len > TRUST_DOMAIN_MAX)
		return "the trust domain is longer than " STRINGIFY(TRUST_DOMAIN_MAX)
		       " characters";
	for (i = 0; i < len; i++)
		if (!is_lower(domain[i]) && !is_digit(domain[i]) && !strchr(".-_", domain[i]))
			return "a trust domain has only a-z, 0-9, '.', '-' and '_'";
	return NULL;
}

const char *weft_trust_domain_problem(const char *domain)
{
	return domain_problem(domain, strlen(domain));
}

static const char *segment_problem(const char *segment, size_t len)
{
	size_t i;

	if (!len)
		return "a part of the path is empty";
	if (is_dots(segment, len))
		return "a part of the path is '.' or '..'";
	for (i = 0; i < len; i++) {
		if (is_lower(segment[i]) || is_digit(segment[i]) || strchr(".-_", segment[i]))
			continue;
		if (segment[i] < 'A' || segment[i] > 'Z')
			return "a path has only a-z, A-Z, 0-9, '.', '-', '_' and '/'";
	}
	return NULL;
}

/* @path begins with '/' */
static const char *path_problem(const char *path)
{
	const char *problem;
	size_t len;

	for (; *path; path += len) {
		path++;
		len = strcspn(path, "/");
		problem = segment_problem(path, len);
		if (problem)
			return problem;
	}
	return NULL;
}

static const char *length_problem(const char *identity)
{
	if (!*identity)
		return "empty";
	if (strlen(identity) > WEFT_IDENTITY_MAX)
		return "longer than " STRINGIFY(WEFT_IDENTITY_MAX) " characters";
	return NULL;
}

const char *weft_identity_problem(const char *identity)
{
	const char *problem = length_problem(identity), *domain, *path;

	if (problem)
		return problem;
	if (strncmp(identity, SCHEME, strlen(SCHEME)))
		return "not a SPIFFE ID (spiffe://TRUST-DOMAIN/PATH)";
	domain = identity + strlen(SCHEME);
	path = domain + strcspn(domain, "/");
	problem = domain_problem(domain, path - domain);
	if (problem)
		return problem;
	if (!*path)
		return "a SPIFFE ID without a path is a trust domain, not a workload";
	return path_problem(path);
}

/* @prefix, @len characters, is the beginning of an identity when "a" can end it. */
static const char *prefix_problem(const char *prefix, size_t len)
{
	char whole[WEFT_IDENTITY_MAX + 2];

	if (len >= strlen(SCHEME) && !memchr(prefix + strlen(SCHEME), '/', len - strlen(SCHEME)))
		return "a prefix holds the whole trust domain and a '/' (spiffe://TRUST-DOMAIN/*)";
	snprintf(whole, sizeof(whole), "%.*sa", (int)len, prefix);
	return weft_identity_problem(whole);
}

const char *weft_identity_pattern_problem(const char *pattern)
{
	const char *problem = length_problem(pattern);
	size_t len = strlen(pattern);

	if (problem)
		return problem;
	if (!strcmp(pattern, "*"))
		return NULL;
	if (pattern[len - 1] == '*')
		return prefix_problem(pattern, len - 1);
	if (strchr(pattern, '*'))
		return "'*' may only be the last character";
	return weft_identity_problem(pattern);
}

bool weft_identity_match(const char *pattern, const char *identity)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, identity, len - 1);
	return !strcmp(pattern, identity);
}

char *weft_identity_expand(const char *trust_domain, const char *text)
{
	char *identity;

	if (strstr(text, "://"))
		return strdup(text);
	return asprintf(&identity, SCHEME "%s/%s", trust_domain, text) < 0 ? NULL : identity;
}

const char *weft_identity_trust_domain(const char *identity, int *len)
{
	const char *domain = identity + strlen(SCHEME);

	if (strncmp(identity, SCHEME, strlen(SCHEME)))
		return NULL;
	*len = strcspn(domain, "/");
	return domain;
}

const char *weft_path_problem(const char *path)
{
	size_t len;

	if (path[0] != '/')
		return "not an absolute path";
	if (strlen(path) > WEFT_SELECTOR_MAX)
		return "longer than " STRINGIFY(WEFT_SELECTOR_MAX) " characters";
	if (!path[1])
		return NULL;
	for (; *path; path += len) {
		path++;
		len = strcspn(path, "/");
		if (!len || is_dots(path, len))
			return "a path with an empty, '.' or '..' part or a final '/'";
	}
	return NULL;
}

const char *weft_unit_problem(const char *unit)
{
	if (!*unit)
		return "empty";
	if (strlen(unit) > WEFT_SELECTOR_MAX)
		return "longer than " STRINGIFY(WEFT_SELECTOR_MAX) " characters";
	if (strchr(unit, '/') || is_dots(unit, strlen(unit)))
		return "not the last part of a cgroup path (nginx.service)";
	return NULL;
}

const char *weft_container_problem(const char *id)
{
	size_t len = strspn(id, "0123456789abcdef");

	if (id[len] || len < WEFT_CONTAINER_MIN || len > WEFT_CONTAINER_MAX)
		return "not the first " STRINGIFY(WEFT_CONTAINER_MIN) " to " STRINGIFY(
			WEFT_CONTAINER_MAX) " lower-case hexadecimal digits of a container's id";
	return NULL;
}

const char *weft_sha256_problem(const char *text)
{
	if (strlen(text) != 2 * WEFT_SHA256_SIZE || text[strspn(text, "0123456789abcdef")])
		return "not 64 lower-case hexadecimal digits, as sha256sum writes them";
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What names, identities, paths and addresses may look like, see names.h.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <net/ipv6.h>
#include "names.h"

#define SPIFFE_SCHEME		"spiffe://"
#define SPIFFE_SCHEME_LEN	(sizeof(SPIFFE_SCHEME) - 1)
#define DNS_LABEL_MAX		63
#define TRUST_DOMAIN_MAX	255	/* SPIFFE-ID section 2.1 */

/* Ends of sentences. */
enum rule {
	NAME,
	ID_CHARS,
	ID_PARTS,
	SCHEME,
	TRUST_DOMAIN,
	PREFIX,
	NO_PATH,
	PATH,
	UNIT,
	CONTAINER,
	SERIAL,
	NOT_A_HOST,
	NOT_MAPPED,
	HOST_BITS,
	NO_PREFIX,
};

static const char * const wrong[] = {
	[NAME] =
		"a name must be made of labels of 1 to 63 lower-case letters, digits and inner '-', joined by '.'",
	[ID_CHARS] =
		"a SPIFFE ID's path must be made of letters, digits, '.', '-' and '_'",
	[ID_PARTS] =
		"a SPIFFE ID's path must have no empty, '.' or '..' part and no final '/'",
	[SCHEME] =
		"a SPIFFE ID must start with 'spiffe://'",
	[TRUST_DOMAIN] =
		"a SPIFFE ID must name a trust domain of 1 to 255 lower-case letters, digits, '.', '-' and '_' behind 'spiffe://'",
	[PREFIX] =
		"a prefix must hold the whole trust domain and a '/', as in 'spiffe://example.org/*'",
	[NO_PATH] =
		"a SPIFFE ID must have a path behind its trust domain, as in 'spiffe://example.org/web'",
	[PATH] =
		"it must be an absolute path without empty, '.' or '..' parts and without a final '/'",
	[UNIT] =
		"a unit must be the last part of a cgroup path, as in 'nginx.service'",
	[CONTAINER] =
		"a container's id must be its first 12 to 64 lower-case hexadecimal digits",
	[SERIAL] =
		"a serial must be whole bytes of two digits each, 0 to 9 and a to f, without zero bytes in front",
	[NOT_A_HOST] =
		"it must be the address of one host",
	[NOT_MAPPED] =
		"IPv4 must be written v4-mapped, as ::ffff:a.b.c.d",
	[HOST_BITS] =
		"the bits behind the prefix must be 0",
	[NO_PREFIX] =
		"a prefix must have 0 to 128 bits, of IPv4 96 more than written",
};

static bool lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool label_ok(const char *label, size_t len)
{
	size_t i;

	if (!len || len > DNS_LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!lower_or_digit(label[i]) && label[i] != '-')
			return false;
	return true;
}

const char *weft_name_wrong(const char *name)
{
	for (;;) {
		size_t len = strcspn(name, ".");

		if (!label_ok(name, len))
			return wrong[NAME];
		if (!name[len])
			return NULL;
		name += len + 1;
	}
}

/* Characters of a trust domain at the start of @s. */
static size_t trust_domain_len(const char *s)
{
	size_t n = 0;

	while (lower_or_digit(s[n]) || s[n] == '.' || s[n] == '-' ||
	       s[n] == '_')
		n++;
	return n;
}

static bool path_char(char c)
{
	return isascii(c) && (isalnum(c) || c == '.' || c == '-' || c == '_');
}

static bool dots(const char *part, size_t len)
{
	return (len == 1 && part[0] == '.') ||
	       (len == 2 && part[0] == '.' && part[1] == '.');
}

/* @path begins with '/'; what is wrong with the @len characters of it? */
static const char *id_path_wrong(const char *path, size_t len, bool prefix)
{
	size_t at = 0;

	while (at < len) {
		size_t start = ++at;	/* behind the '/' */

		while (at < len && path[at] != '/') {
			if (!path_char(path[at]))
				return wrong[ID_CHARS];
			at++;
		}
		if (prefix && at == len)
			return NULL;	/* the last part may be half a word */
		if (at == start || dots(path + start, at - start))
			return wrong[ID_PARTS];
	}
	return NULL;
}

/* The checks an identity and a prefix share, for the first @len characters. */
static const char *id_wrong(const char *id, size_t len, bool prefix)
{
	const char *path;
	size_t td;

	if (len < SPIFFE_SCHEME_LEN ||
	    memcmp(id, SPIFFE_SCHEME, SPIFFE_SCHEME_LEN))
		return wrong[SCHEME];
	td = trust_domain_len(id + SPIFFE_SCHEME_LEN);
	if (!td || td > TRUST_DOMAIN_MAX)
		return wrong[TRUST_DOMAIN];
	path = id + SPIFFE_SCHEME_LEN + td;
	if (*path != '/' || path + 1 - id > len)
		return wrong[prefix ? PREFIX : NO_PATH];
	return id_path_wrong(path, len - (path - id), prefix);
}

const char *weft_identity_wrong(const char *id)
{
	return id_wrong(id, strlen(id), false);
}

const char *weft_pattern_wrong(const char *pattern)
{
	size_t len = strlen(pattern);

	if (!len || pattern[len - 1] != '*')
		return weft_identity_wrong(pattern);
	if (len == 1)
		return NULL;		/* "*": whoever has an identity */
	return id_wrong(pattern, len - 1, true);
}

const char *weft_path_wrong(const char *path)
{
	if (path[0] != '/')
		return wrong[PATH];
	if (!path[1])
		return NULL;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (!len || dots(path, len))
			return wrong[PATH];
		path += len;
	}
	return NULL;
}

const char *weft_unit_wrong(const char *unit)
{
	if (!unit[0] || strchr(unit, '/') || dots(unit, strlen(unit)))
		return wrong[UNIT];
	return NULL;
}

const char *weft_container_wrong(const char *id)
{
	size_t len = strspn(id, "0123456789abcdef");

	if (id[len] || len < WEFT_CONTAINER_MIN || len > WEFT_CONTAINER_MAX)
		return wrong[CONTAINER];
	return NULL;
}

const char *weft_serial_wrong(const char *serial)
{
	size_t len = strspn(serial, "0123456789abcdef");

	if (!len || len % 2 || serial[len])
		return wrong[SERIAL];
	if (len > 2 && serial[0] == '0' && serial[1] == '0')
		return wrong[SERIAL];
	return NULL;
}

const char *weft_ip_wrong(const struct in6_addr *ip)
{
	__be32 v4 = ip->s6_addr32[3];

	if (ipv6_addr_v4mapped(ip)) {
		if (ipv4_is_zeronet(v4) || ipv4_is_multicast(v4) ||
		    ipv4_is_lbcast(v4))
			return wrong[NOT_A_HOST];
		return NULL;
	}
	if (ipv6_addr_any(ip) || ipv6_addr_is_multicast(ip))
		return wrong[NOT_A_HOST];
	if (!ip->s6_addr32[0] && !ip->s6_addr32[1] && !ip->s6_addr32[2] &&
	    !ipv6_addr_loopback(ip))
		return wrong[NOT_MAPPED];
	return NULL;
}

static bool network_is_v4(const struct weft_network *n)
{
	return n->len >= 96 && ipv6_addr_v4mapped(&n->ip);
}

const char *weft_network_wrong(const struct weft_network *n)
{
	struct in6_addr prefix;

	if (n->len > 128)
		return wrong[NO_PREFIX];
	ipv6_addr_prefix(&prefix, &n->ip, n->len);
	return ipv6_addr_equal(&prefix, &n->ip) ? NULL : wrong[HOST_BITS];
}

bool weft_network_match(const struct weft_network *n, const struct in6_addr *ip)
{
	return network_is_v4(n) == ipv6_addr_v4mapped(ip) &&
	       ipv6_prefix_equal(&n->ip, ip, n->len);
}

bool weft_identity_match(const char *pattern, const char *identity)
{
	size_t len = strlen(pattern);

	if (!identity || !identity[0])
		return false;
	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, identity, len - 1);
	return !strcmp(pattern, identity);
}

bool weft_identity_same_domain(const char *a, const char *b)
{
	size_t n;

	if (!a || !b || strncmp(a, SPIFFE_SCHEME, SPIFFE_SCHEME_LEN) ||
	    strncmp(b, SPIFFE_SCHEME, SPIFFE_SCHEME_LEN))
		return false;
	a += SPIFFE_SCHEME_LEN;
	b += SPIFFE_SCHEME_LEN;
	n = strcspn(a, "/");
	return n && n == strcspn(b, "/") && !memcmp(a, b, n);
}

const char *weft_addr_text(const struct weft_addr *a, char *buf)
{
	bool v4 = ipv6_addr_v4mapped(&a->ip);

	if (v4 && a->port)
		snprintf(buf, WEFT_ADDR_TEXT, "%pI4:%u", &a->ip.s6_addr32[3],
			 a->port);
	else if (v4)
		snprintf(buf, WEFT_ADDR_TEXT, "%pI4", &a->ip.s6_addr32[3]);
	else if (a->port)
		snprintf(buf, WEFT_ADDR_TEXT, "[%pI6c]:%u", &a->ip, a->port);
	else
		snprintf(buf, WEFT_ADDR_TEXT, "%pI6c", &a->ip);
	return buf;
}

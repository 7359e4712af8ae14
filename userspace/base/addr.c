// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses: reading, writing, comparing. See addr.h.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool weft_addr_is_v4(const struct weft_addr *addr)
{
	return !memcmp(addr->ip, v4_prefix, sizeof(v4_prefix));
}

bool weft_addr_is_any(const struct weft_addr *addr)
{
	static const uint8_t zero[16];

	if (weft_addr_is_v4(addr))
		return !memcmp(addr->ip + 12, zero, 4);
	return !memcmp(addr->ip, zero, 16);
}

bool weft_addr_is_multicast(const struct weft_addr *addr)
{
	if (weft_addr_is_v4(addr))
		return (addr->ip[12] & 0xf0) == 0xe0;
	return addr->ip[0] == 0xff;
}

const char *weft_addr_problem(const struct weft_addr *addr)
{
	static const uint8_t zero[12], loopback[16] = { [15] = 1 };
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	static const char *const no_host = "not the address of one host";

	if (weft_addr_is_multicast(addr) || weft_addr_is_any(addr))
		return no_host;
	if (weft_addr_is_v4(addr)) {
		if (!addr->ip[12] || !memcmp(addr->ip + 12, broadcast, 4))
			return no_host;
		return NULL;
	}
	if (!memcmp(addr->ip, zero, 12) && memcmp(addr->ip, loopback, 16))
		return "an IPv4-compatible IPv6 address; write the IPv4 address";
	return NULL;
}

bool weft_addr_equal(const struct weft_addr *a, const struct weft_addr *b)
{
	return !weft_addr_compare(a, b);
}

int weft_addr_compare(const struct weft_addr *a, const struct weft_addr *b)
{
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));

	return order ? order : (a->port > b->port) - (a->port < b->port);
}

/* Exactly @len characters of @text, whatever follows them. */
static int parse_ip(uint8_t ip[16], const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, ip + 12) == 1) {
		memcpy(ip, v4_prefix, sizeof(v4_prefix));
		return 0;
	}
	return inet_pton(AF_INET6, copy, ip) == 1 ? 0 : -EINVAL;
}

int weft_addr_parse_port(uint16_t *port, const char *text)
{
	unsigned int value = 0;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 5)
			return -EINVAL;
		value = value * 10 + (text[i] - '0');
	}
	if (value < 1 || value > 65535)
		return -EINVAL;
	*port = value;
	return 0;
}

int weft_addr_parse_ip(struct weft_addr *addr, const char *text)
{
	struct weft_addr out = { 0 };

	if (parse_ip(out.ip, text, strlen(text)))
		return -EINVAL;
	*addr = out;
	return 0;
}

/* "[IPv6]" or "[IPv6]:PORT" */
static int parse_bracketed(struct weft_addr *addr, const char *text)
{
	const char *end = strchr(text, ']');

	if (!end || !memchr(text, ':', end - text))
		return -EINVAL;
	if (parse_ip(addr->ip, text + 1, end - text - 1))
		return -EINVAL;
	if (!end[1])
		return 0;
	return end[1] == ':' ? weft_addr_parse_port(&addr->port, end + 2) : -EINVAL;
}

int weft_addr_parse(struct weft_addr *addr, const char *text)
{
	const char *colon = strchr(text, ':');
	struct weft_addr out = { 0 };
	int r;

	if (text[0] == '[') {
		r = parse_bracketed(&out, text);
	} else if (colon && colon == strrchr(text, ':')) {
		r = parse_ip(out.ip, text, colon - text);
		if (!r)
			r = weft_addr_parse_port(&out.port, colon + 1);
	} else {
		r = parse_ip(out.ip, text, strlen(text));
	}
	if (!r)
		*addr = out;
	return r;
}

const char *weft_addr_format_ip(const struct weft_addr *addr, char *buf)
{
	if (weft_addr_is_v4(addr))
		inet_ntop(AF_INET, addr->ip + 12, buf, WEFT_ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr->ip, buf, WEFT_ADDR_TEXT_MAX);
	return buf;
}

const char *weft_addr_format(const struct weft_addr *addr, char *buf)
{
	char ip[WEFT_ADDR_TEXT_MAX];

	weft_addr_format_ip(addr, ip);
	if (!addr->port)
		return strcpy(buf, ip);
	snprintf(buf, WEFT_ADDR_TEXT_MAX, weft_addr_is_v4(addr) ? "%.46s:%u" : "[%.46s]:%u", ip,
		 addr->port);
	return buf;
}

/* Of @text, which follows a '/'; without a leading zero. */
static int parse_prefix(const char *text, unsigned int max, unsigned int *len)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 3 || text[digits] || (*text == '0' && digits > 1))
		return -EINVAL;
	*len = strtoul(text, NULL, 10);
	return *len <= max ? 0 : -EINVAL;
}

static bool has_bits_behind(const struct weft_network *net)
{
	for (unsigned int bit = net->len; bit < 128; bit++)
		if (net->ip[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

int weft_network_parse(struct weft_network *net, const char *text)
{
	const char *slash = strchrnul(text, '/');
	struct weft_network out = { 0 };
	unsigned int max, len;
	bool v4;

	if (parse_ip(out.ip, text, slash - text))
		return -EINVAL;
	v4 = !memchr(text, ':', slash - text);
	max = len = v4 ? 32 : 128;
	if (*slash && parse_prefix(slash + 1, max, &len))
		return -EINVAL;
	out.len = v4 ? 96 + len : len;
	if (has_bits_behind(&out))
		return -EDOM;
	*net = out;
	return 0;
}

const char *weft_network_format(const struct weft_network *net, char *buf)
{
	struct weft_addr addr = { 0 };
	char ip[WEFT_ADDR_TEXT_MAX];
	bool v4;

	memcpy(addr.ip, net->ip, sizeof(addr.ip));
	v4 = net->len >= 96 && weft_addr_is_v4(&addr);
	snprintf(buf, WEFT_ADDR_TEXT_MAX, "%.46s/%u", weft_addr_format_ip(&addr, ip),
		 v4 ? net->len - 96 : net->len);
	return buf;
}

int weft_addr_from_sockaddr(struct weft_addr *addr, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (len >= sizeof(in) && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		memcpy(addr->ip, v4_prefix, sizeof(v4_prefix));
		memcpy(addr->ip + 12, &in.sin_addr, 4);
		addr->port = ntohs(in.sin_port);
		return 0;
	}
	if (len >= sizeof(in6) && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(addr->ip, &in6.sin6_addr, 16);
		addr->port = ntohs(in6.sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

socklen_t weft_addr_to_sockaddr(const struct weft_addr *addr, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (weft_addr_is_v4(addr)) {
		in->sin_family = AF_INET;
		in->sin_port = htons(addr->port);
		memcpy(&in->sin_addr, addr->ip + 12, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(addr->port);
	memcpy(&in6->sin6_addr, addr->ip, 16);
	return sizeof(*in6);
}

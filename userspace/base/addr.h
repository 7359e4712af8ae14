/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as the kernel interface has them: 16 bytes, IPv4 v4-mapped, the
 * port in host order; and as people write them: "10.0.0.1", "10.0.0.1:80",
 * "fd00::1", "[fd00::1]:80".
 *
 * Pure values: no allocation, no name lookup, any thread.
 */
#ifndef WEFT_BASE_ADDR_H
#define WEFT_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct weft_addr {
	uint8_t ip[16];
	uint16_t port; /* 0: none */
};

/* The first bits of an address; those behind them are 0. */
struct weft_network {
	uint8_t ip[16];
	uint8_t len; /* bits, of IPv4 96 more than people write */
};

/* "[xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255]:65535" and the NUL */
#define WEFT_ADDR_TEXT_MAX 64

/**
 * weft_addr_parse() - read an address with or without a port
 * @addr: written on success; port 0 when @text has none
 * @text: IPv4, IPv4:PORT, IPv6, [IPv6] or [IPv6]:PORT; no zone, no host name
 *
 * Return: 0; -EINVAL when @text is nothing of the kind or the port is not in
 * 1..65535.
 */
int weft_addr_parse(struct weft_addr *addr, const char *text);

/**
 * weft_addr_parse_ip() - read an address that must not have a port
 *
 * Return: 0 (port is 0 then), -EINVAL.
 */
int weft_addr_parse_ip(struct weft_addr *addr, const char *text);

/**
 * weft_addr_parse_port() - read a port number, 1 to 65535
 *
 * Return: 0, -EINVAL.
 */
int weft_addr_parse_port(uint16_t *port, const char *text);

/**
 * weft_addr_format() - write an address, with its port unless that is 0
 * @buf: WEFT_ADDR_TEXT_MAX bytes
 *
 * Return: @buf.
 */
const char *weft_addr_format(const struct weft_addr *addr, char *buf);

/* The same without the port. */
const char *weft_addr_format_ip(const struct weft_addr *addr, char *buf);

/*
 * Can it be the address of a service or an endpoint: one host's? NULL when it
 * can, else a static phrase that completes "ADDRESS: ...".
 */
const char *weft_addr_problem(const struct weft_addr *addr);

bool weft_addr_is_v4(const struct weft_addr *addr);
bool weft_addr_is_any(const struct weft_addr *addr); /* 0.0.0.0, :: */
bool weft_addr_is_multicast(const struct weft_addr *addr);
bool weft_addr_equal(const struct weft_addr *a, const struct weft_addr *b);

/* Order by address, then port, as memcmp() does. */
int weft_addr_compare(const struct weft_addr *a, const struct weft_addr *b);

/**
 * weft_network_parse() - read "10.0.0.0/8", "fd00::/8", or one address
 * @net: written on success
 *
 * Return: 0; -EINVAL nothing of the kind; -EDOM bits behind the prefix are not 0.
 */
int weft_network_parse(struct weft_network *net, const char *text);

/* @buf of WEFT_ADDR_TEXT_MAX: always with its prefix. Return: @buf. */
const char *weft_network_format(const struct weft_network *net, char *buf);

/**
 * weft_addr_from_sockaddr() - take over what getpeername() and the like gave
 *
 * Return: 0; -EAFNOSUPPORT neither AF_INET nor AF_INET6 (or @len too short).
 */
int weft_addr_from_sockaddr(struct weft_addr *addr, const struct sockaddr *sa, socklen_t len);

/**
 * weft_addr_to_sockaddr() - AF_INET for v4-mapped addresses, else AF_INET6
 *
 * Return: how long it is.
 */
socklen_t weft_addr_to_sockaddr(const struct weft_addr *addr, struct sockaddr_storage *ss);

#endif

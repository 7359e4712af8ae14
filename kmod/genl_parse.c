// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes in and out: what genl_<object>.c have in common. Declared in
 * genl.h. The core has validated types and nesting by the commands' policies
 * before any of this; ranges, texts and numbers of items are checked here, so
 * that the error can name object and value.
 */
#include <linux/slab.h>
#include "genl.h"
#include "limits.h"
#include "names.h"

/* A text too long for the message is cut in it. */
#define QUOTE		"%.200s"

int weft_fault_attr(struct weft_fault *f, const struct nlattr *attr, int err,
		    const char *fmt, ...)
{
	va_list args;

	f->attr = attr;
	va_start(args, fmt);
	weft_fault_format(f, fmt, args);
	va_end(args);
	return err;
}

int weft_nla_peek(const struct nlattr *nla, const char *what, size_t max,
		  const char **out, struct weft_fault *f)
{
	size_t len;

	if (!nla)
		return weft_fault_attr(f, f->nest, -EINVAL, "%s is missing",
				       what);
	len = strnlen(nla_data(nla), nla_len(nla));
	if (!len)
		return weft_fault_attr(f, nla, -EINVAL, "%s is empty", what);
	if (len + 1 != nla_len(nla))
		return weft_fault_attr(f, nla, -EINVAL,
				       "%s must end with its only NUL; one is at %zu of %d bytes",
				       what, len, nla_len(nla));
	if (len > max)
		return weft_fault_attr(f, nla, -ERANGE,
				       "%s has %zu characters, at most %zu are allowed",
				       what, len, max);
	*out = nla_data(nla);
	return 0;
}

static int text_check(const struct nlattr *nla, const char *what,
		      const char *(*wrong)(const char *text),
		      const char *text, struct weft_fault *f)
{
	const char *why = wrong(text);

	if (!why)
		return 0;
	return weft_fault_attr(f, nla, -EINVAL, "%s is '" QUOTE "': %s", what,
			       text, why);
}

int weft_nla_name(const struct nlattr *nla, const char *what, const char **out,
		  struct weft_fault *f)
{
	int err = weft_nla_peek(nla, what, WEFT_NAME_MAX, out, f);

	return err ? err : text_check(nla, what, weft_name_wrong, *out, f);
}

int weft_nla_identity(const struct nlattr *nla, const char *what,
		      const char **out, struct weft_fault *f)
{
	int err = weft_nla_peek(nla, what, WEFT_IDENTITY_MAX, out, f);

	return err ? err : text_check(nla, what, weft_identity_wrong, *out, f);
}

int weft_nla_serial(const struct nlattr *nla, const char *what,
		    const char **out, struct weft_fault *f)
{
	int err = weft_nla_peek(nla, what, WEFT_SERIAL_MAX, out, f);

	return err ? err : text_check(nla, what, weft_serial_wrong, *out, f);
}

int weft_nla_dup(const struct nlattr *nla, const char *what, size_t max,
		 const char *(*wrong)(const char *text), const char **out,
		 struct weft_fault *f)
{
	const char *text;
	int err;

	err = weft_nla_peek(nla, what, max, &text, f);
	if (!err)
		err = text_check(nla, what, wrong, text, f);
	if (err)
		return err;
	text = kstrdup(text, GFP_KERNEL_ACCOUNT);
	if (!text)
		return weft_fault_nomem(f);
	*out = text;
	return 0;
}

int weft_nla_name_dup(const struct nlattr *nla, const char *what,
		      const char **out, struct weft_fault *f)
{
	return weft_nla_dup(nla, what, WEFT_NAME_MAX, weft_name_wrong, out, f);
}

int weft_nla_count(const struct nlattr *list, const char *what,
		   unsigned int max, struct weft_fault *f)
{
	const struct nlattr *item;
	unsigned int n = 0;
	int rest;

	if (!list)
		return 0;
	nla_for_each_nested(item, list, rest)
		n++;
	if (n > max)
		return weft_fault_attr(f, list, -ERANGE,
				       "%u %s, at most %u are allowed", n,
				       what, max);
	return n;
}

int weft_nla_texts(const struct nlattr *list, const char *what,
		   const struct weft_nla_texts *limits, const char ***out,
		   u16 *n, struct weft_fault *f)
{
	const struct nlattr *item;
	int count, rest, err;

	count = weft_nla_count(list, what, limits->max, f);
	if (count <= 0)
		return count;
	*out = kcalloc(count, sizeof(**out), GFP_KERNEL_ACCOUNT);
	if (!*out)
		return weft_fault_nomem(f);
	nla_for_each_nested(item, list, rest) {
		err = weft_nla_dup(item, what, limits->len, limits->wrong,
				   &(*out)[*n], f);
		if (err)
			return err;
		(*n)++;
	}
	return 0;
}

int weft_nla_patterns(const struct nlattr *list, const char *what,
		      const char ***out, u16 *n, struct weft_fault *f)
{
	static const struct weft_nla_texts patterns = {
		.max = WEFT_IDENTITIES_MAX, .len = WEFT_IDENTITY_MAX,
		.wrong = weft_pattern_wrong,
	};

	return weft_nla_texts(list, what, &patterns, out, n, f);
}

int weft_nla_addr(const struct nlattr *nla, const char *what,
		  struct in6_addr *out, struct weft_fault *f)
{
	char text[WEFT_ADDR_TEXT];
	struct weft_addr addr = {};
	const char *why;

	if (!nla)
		return weft_fault_attr(f, f->nest, -EINVAL, "%s is missing",
				       what);
	addr.ip = nla_get_in6_addr(nla);
	why = weft_ip_wrong(&addr.ip);
	if (why)
		return weft_fault_attr(f, nla, -EINVAL, "%s is %s: %s", what,
				       weft_addr_text(&addr, text), why);
	*out = addr.ip;
	return 0;
}

int weft_nla_port(struct nlattr **port, const struct nlattr *nest,
		  const char *what, u16 *out, struct weft_fault *f)
{
	const struct nlattr *nla = port[WEFT_PORT_A_PORT];

	if (!nla)
		return weft_fault_attr(f, nest, -EINVAL, "%s has no number",
				       what);
	if (!nla_get_u16(nla))
		return weft_fault_attr(f, nla, -ERANGE,
				       "%s is 0, 1 to 65535 is allowed", what);
	*out = nla_get_u16(nla);
	return 0;
}

int weft_nla_u32(const struct nlattr *nla, const char *what, u32 max, u32 *out,
		 struct weft_fault *f)
{
	u32 value = nla ? nla_get_u32(nla) : 0;

	if (value > max)
		return weft_fault_attr(f, nla, -ERANGE,
				       "%s is %u, 0 to %u is allowed", what,
				       value, max);
	*out = value;
	return 0;
}

static const struct nla_policy network_policy[WEFT_NETWORK_A_MAX + 1] = {
	[WEFT_NETWORK_A_ADDRESS] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[WEFT_NETWORK_A_PREFIX] = { .type = NLA_U32 },
};

const struct nla_policy weft_networks_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_NESTED(network_policy),
};

static int network_wrong(const struct nlattr *nla, const char *whose,
			 const struct weft_network *n, const char *why,
			 struct weft_fault *f)
{
	bool v4 = n->len >= 96 && ipv6_addr_v4mapped(&n->ip);
	struct weft_addr a = { .ip = n->ip };
	char text[WEFT_ADDR_TEXT];

	return weft_fault_attr(f, nla, -EINVAL, "network of %s is %s/%u: %s",
			       whose, weft_addr_text(&a, text),
			       v4 ? n->len - 96 : n->len, why);
}

static int network_parse(const struct nlattr *nest, const char *whose,
			 struct weft_network *n, struct weft_fault *f)
{
	struct nlattr *tb[WEFT_NETWORK_A_MAX + 1];
	const char *why;
	char what[48];
	u32 len;
	int err;

	err = nla_parse_nested_deprecated(tb, WEFT_NETWORK_A_MAX, nest, NULL,
					  NULL);
	if (err)
		return err;
	if (!tb[WEFT_NETWORK_A_ADDRESS] || !tb[WEFT_NETWORK_A_PREFIX])
		return weft_fault_attr(f, nest, -EINVAL,
				       "network of %s needs an address and a prefix",
				       whose);
	snprintf(what, sizeof(what), "prefix of a network of %s", whose);
	err = weft_nla_u32(tb[WEFT_NETWORK_A_PREFIX], what, 128, &len, f);
	if (err)
		return err;
	n->ip = nla_get_in6_addr(tb[WEFT_NETWORK_A_ADDRESS]);
	n->len = len;
	why = weft_network_wrong(n);
	return why ? network_wrong(tb[WEFT_NETWORK_A_ADDRESS], whose, n, why,
				   f) : 0;
}

int weft_nla_networks(const struct nlattr *list, const char *whose,
		      struct weft_network **out, u16 *n, struct weft_fault *f)
{
	const struct nlattr *item;
	int count, rest, err;
	char what[48];

	snprintf(what, sizeof(what), "networks of %s", whose);
	count = weft_nla_count(list, what, WEFT_NETWORKS_MAX, f);
	if (count <= 0)
		return count;
	*out = kcalloc(count, sizeof(**out), GFP_KERNEL_ACCOUNT);
	if (!*out)
		return weft_fault_nomem(f);
	nla_for_each_nested(item, list, rest) {
		err = network_parse(item, whose, &(*out)[*n], f);
		if (err)
			return err;
		(*n)++;
	}
	return 0;
}

int weft_nla_put_addr(struct sk_buff *skb, int attr, const struct in6_addr *ip)
{
	return nla_put_in6_addr(skb, attr, ip);
}

int weft_nla_put_strings(struct sk_buff *skb, int attr, const char **strings,
			 unsigned int n)
{
	struct nlattr *list;
	unsigned int i;

	if (!n)
		return 0;
	list = nla_nest_start(skb, attr);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < n; i++)
		if (nla_put_string(skb, WEFT_LIST_A_ITEM, strings[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int network_put(struct sk_buff *skb, const struct weft_network *n)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item || weft_nla_put_addr(skb, WEFT_NETWORK_A_ADDRESS, &n->ip) ||
	    nla_put_u32(skb, WEFT_NETWORK_A_PREFIX, n->len))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

int weft_nla_put_networks(struct sk_buff *skb, int attr,
			  const struct weft_network *networks, unsigned int n)
{
	struct nlattr *list;
	unsigned int i;

	if (!n)
		return 0;
	list = nla_nest_start(skb, attr);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < n; i++)
		if (network_put(skb, &networks[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * "I speak mesh" as a TCP option on the SYN, so that a permissive server knows
 * before the first byte. Experimental kind 253 with an ExID (RFC 6994): unlike
 * TCP-ENO, which promises a negotiation of its own (RFC 8547), it cannot be
 * mistaken for anything else.
 *
 * A listener keeps its children's SYN (TCP_SAVE_SYN) until they are accepted.
 * A child made by a SYN cookie has none; it is looked at as one without the
 * option.
 */
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <net/tcp.h>
#include "synopt.h"

#define KIND	253
#define LEN	4

/* "wf" */
static const u8 option[LEN] = { KIND, LEN, 0x77, 0x66 };

/**
 * weft_synopt_add() - put the option on a SYN that leaves
 * @skb: a TCP SYN without data from the local stack, the network header set
 * @hdrlen: of the network header
 *
 * When it does not fit, or without memory, the SYN goes without. Softirq.
 */
void weft_synopt_add(struct sk_buff *skb, unsigned int hdrlen)
{
	unsigned int len = skb->len - hdrlen;
	struct tcphdr *th = (void *)skb_network_header(skb) + hdrlen;
	__be16 old;

	if (th->doff > 14 || len != th->doff * 4 || skb_is_nonlinear(skb))
		return;
	/* a clone of what waits in the retransmit queue: never write into it */
	if ((skb_cloned(skb) || skb_tailroom(skb) < LEN) &&
	    pskb_expand_head(skb, 0, LEN, GFP_ATOMIC))
		return;
	th = (void *)skb_network_header(skb) + hdrlen;
	skb_put_data(skb, option, LEN);
	old = ((__be16 *)th)[6];
	th->doff++;
	inet_proto_csum_replace2(&th->check, skb, htons(len), htons(len + LEN),
				 true);
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return;
	inet_proto_csum_replace2(&th->check, skb, old, ((__be16 *)th)[6],
				 false);
	inet_proto_csum_replace4(&th->check, skb, 0,
				 *(const __be32 *)option, false);
}

/**
 * weft_synopt_save() - let a listener keep its children's SYN
 * @sk: the listener, locked
 *
 * Return: true if that was our wish alone.
 */
bool weft_synopt_save(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->save_syn)
		return false;
	tp->save_syn = 1;
	return true;
}

static bool has_option(const u8 *p, const u8 *end)
{
	while (p < end && *p != TCPOPT_EOL) {
		if (*p == TCPOPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return false;
		if (p[1] == LEN && !memcmp(p, option, LEN))
			return true;
		p += p[1];
	}
	return false;
}

/**
 * weft_synopt_seen() - did the peer say it speaks mesh?
 * @sk: an accepted child
 *
 * Return: true if its SYN carried the option.
 */
bool weft_synopt_seen(const struct sock *sk)
{
	const struct saved_syn *syn = tcp_sk(sk)->saved_syn;
	const u8 *th;

	if (!syn || syn->tcp_hdrlen < sizeof(struct tcphdr))
		return false;
	th = syn->data + syn->mac_hdrlen + syn->network_hdrlen;
	return has_option(th + sizeof(struct tcphdr), th + syn->tcp_hdrlen);
}

/**
 * weft_synopt_forget() - free a child's saved SYN
 * @sk: an accepted child, locked; nobody else wanted its SYN
 */
void weft_synopt_forget(struct sock *sk)
{
	tcp_saved_syn_free(tcp_sk(sk));
	tcp_sk(sk)->save_syn = 0;
}

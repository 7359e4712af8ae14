// SPDX-License-Identifier: GPL-2.0
/*
 * Netfilter LOCAL_OUT, in namespaces that have a configuration. Two nets under
 * the socket layer, and the mesh option:
 *  - the SYN of a conn gets the option (synopt.c);
 *  - a SYN to a meshed destination from a socket that is no conn (it slipped
 *    past our connect(): MPTCP's subflows, sockets inside somebody else's
 *    struct proto) is dropped with ECONNREFUSED;
 *  - payload of a conn that is not LIVE, other than its worker's, is dropped: a
 *    thread may have been inside tcp_sendmsg() when the socket became a conn.
 * Softirq or process context; the socket may be in use elsewhere, everything
 * is read under RCU.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/sched.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>
#include "conn.h"
#include "handshake.h"
#include "hook_nf.h"
#include "ktls.h"
#include "steer.h"
#include "synopt.h"
#include "task.h"
#include "upcall.h"

static struct weft_conn *conn_of_sk(const struct sock *sk)
{
	struct socket *sock = READ_ONCE(sk->sk_socket);

	if (!sock)
		return NULL;
	return weft_conn_of(sock) ?: weft_ktls_shadowed(sock, sk);
}

/*
 * A SYN of a socket that is no conn. The first one, in connect()'s context,
 * tells who it is. Others come from the timer, in nobody's, or from
 * release_sock(), with the socket's spinlock held: no place to look at a task.
 */
static bool slipped(struct weft_net *wn, const struct sock *sk,
		    const struct weft_addr *dst)
{
	struct weft_steer steer;
	struct weft_task task;
	bool ours;

	if (!weft_steer_wants(&wn->tables, dst) || in_softirq() ||
	    current->flags & PF_KTHREAD || weft_worker_current(wn))
		return false;
	if (sk->sk_kern_sock && !sk_is_mptcp(sk))
		return false;
	if (weft_task_current(&task, GFP_ATOMIC))
		return true;
	weft_steer_connect(&wn->tables, dst, &task, &steer);
	weft_task_uninit(&task);
	ours = steer.verdict != WEFT_STEER_PASS;
	weft_steer_uninit(&steer);
	return ours;
}

static unsigned int filter_syn(struct weft_net *wn, struct sk_buff *skb,
			       const struct sock *sk, unsigned int hdrlen,
			       const struct weft_addr *dst)
{
	struct weft_conn *c = conn_of_sk(sk);

	if (IS_ERR(c))
		return NF_DROP;
	if (c && c->role == WEFT_ROLE_CLIENT) {
		if (weft_conn_state(c) == WEFT_CONN_CONNECTING)
			weft_synopt_add(skb, hdrlen);
		return NF_ACCEPT;
	}
	if (c || !slipped(wn, sk, dst))
		return NF_ACCEPT;
	weft_count(wn, slipped);
	return NF_DROP_ERR(-ECONNREFUSED);
}

static unsigned int filter_data(struct weft_net *wn, const struct sock *sk,
				const struct tcphdr *th, unsigned int len)
{
	struct weft_conn *c = conn_of_sk(sk);

	if (IS_ERR(c))
		return NF_DROP;		/* TCP sends it again */
	if (!c || weft_handshake_may_send(c, ntohl(th->seq) + len))
		return NF_ACCEPT;
	weft_count(wn, plaintext_dropped);
	return NF_DROP;
}

static const struct sock *tcp_sender(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	return sk && sk_fullsock(sk) && sk->sk_protocol == IPPROTO_TCP &&
	       sk->sk_type == SOCK_STREAM ? sk : NULL;
}

static unsigned int filter(struct sk_buff *skb, const struct sock *sk,
			   unsigned int hdrlen, struct weft_addr *dst,
			   void (*resized)(struct sk_buff *skb))
{
	struct weft_net *wn = weft_net(sock_net(sk));
	unsigned int len = skb->len, head, verdict;
	const struct tcphdr *th;

	if (skb_headlen(skb) < hdrlen + sizeof(*th))
		return NF_ACCEPT;
	th = (void *)skb_network_header(skb) + hdrlen;
	head = hdrlen + th->doff * 4;
	if (likely(!th->syn))
		return len > head ? filter_data(wn, sk, th, len - head) :
				    NF_ACCEPT;
	if (th->ack)
		return NF_ACCEPT;
	dst->port = ntohs(th->dest);
	verdict = filter_syn(wn, skb, sk, hdrlen, dst);
	if (skb->len != len)
		resized(skb);
	return verdict;
}

static void resized4(struct sk_buff *skb)
{
	ip_hdr(skb)->tot_len = htons(skb->len);
	ip_send_check(ip_hdr(skb));
}

static void resized6(struct sk_buff *skb)
{
	ipv6_hdr(skb)->payload_len = htons(skb->len - sizeof(struct ipv6hdr));
}

static unsigned int out4(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
	const struct sock *sk = tcp_sender(skb);
	struct weft_addr dst;

	if (!sk || ip_hdr(skb)->protocol != IPPROTO_TCP)
		return NF_ACCEPT;
	ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &dst.ip);
	return filter(skb, sk, ip_hdrlen(skb), &dst, resized4);
}

static unsigned int out6(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
	const struct sock *sk = tcp_sender(skb);
	struct weft_addr dst;

	if (!sk || ipv6_hdr(skb)->nexthdr != IPPROTO_TCP)
		return NF_ACCEPT;
	dst.ip = ipv6_hdr(skb)->daddr;
	return filter(skb, sk, sizeof(struct ipv6hdr), &dst, resized6);
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = out4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_LAST,
	}, {
		.hook = out6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_LAST,
	},
};

/**
 * weft_hook_nf_start() - hook a namespace that gets its first configuration
 * @wn: the namespace; wn->tables.lock held
 *
 * Return: 0 or -errno; hooking twice is fine.
 */
int weft_hook_nf_start(struct weft_net *wn)
{
	int err;

	if (wn->hooked)
		return 0;
	err = nf_register_net_hooks(wn->net, hooks, ARRAY_SIZE(hooks));
	wn->hooked = !err;
	return err;
}

/**
 * weft_hook_nf_stop() - unhook, at namespace exit or unload
 * @wn: the namespace
 */
void weft_hook_nf_stop(struct weft_net *wn)
{
	if (wn->hooked)
		nf_unregister_net_hooks(wn->net, hooks, ARRAY_SIZE(hooks));
	wn->hooked = false;
}

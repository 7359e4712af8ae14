/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct weft_conn: one meshed socket.
 *
 * It embeds a private copy of the socket's proto_ops; sock->ops points at it
 * from attach until release(). So the state is found by container_of(), lives
 * as long as the socket (freed by RCU after release), and ops->owner holds the
 * module. sk->sk_prot is never ours on a conn.
 *
 * Locks, outer first:
 *   ->mu       the connect driver against connect(), and all fields marked (mu)
 *   lock_sock  of the socket; (sk) below
 *   ->ctl      who reads control records, see ktls_control.c
 *   ->tx       who writes when LIVE, see ktls_send.c; outside lock_sock
 * ->state moves by cmpxchg or under ->mu; everybody reads it with
 * smp_load_acquire().
 *
 * Whoever uses a conn holds it by a reference on its file (weft_conn_get(), or
 * being inside a call of the socket), or is in an RCU section and only reads.
 */
#ifndef WEFT_CONN_H
#define WEFT_CONN_H

#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include "messages.h"
#include "netns.h"
#include "steer.h"

/* One endpoint that was tried. */
struct weft_attempt {
	struct weft_addr addr;
	u16 endpoint;			/* index in the service */
	u16 err;
	u8 reason;			/* enum weft_reason */
};

/* What keys are renewed with, see ktls_rekey.c. Wiped with them. */
struct weft_rekey {
	u8 len;				/* of a secret; 0: none were given */
	u8 tx[WEFT_TLS_SECRET_MAX];	/* (tx) */
	u8 rx[WEFT_TLS_SECRET_MAX];	/* (sk) */
	bool asked;			/* the peer wants our key renewed */
	int idle;			/* kTLS counts encryptions: none */
	/* the peer's (sk) */
	struct weft_messages messages;
	u64 next_record;		/* where a split message goes on */
	unsigned int debt;		/* updates that nothing made up for */
	unsigned long since;		/* jiffies, till when time did */
};

/* Whose calls may be in TCP by way of former ops, see stale.c. */
enum weft_strangers {
	WEFT_STRANGERS_NONE,
	WEFT_STRANGERS_KNOWN,		/* those that stale.c has in its list */
	WEFT_STRANGERS_ANY,
};

struct weft_conn {
	struct proto_ops ops;
	const struct proto_ops *base;	/* TCP's */
	const struct proto_ops *tls;	/* the TLS ULP's, once it is there */
	struct socket *sock;
	struct weft_net *wn;
	u64 id;

	u8 state;			/* enum weft_conn_state */
	u8 role;			/* enum weft_role */
	u8 mode;			/* enum weft_mode */
	u8 keys;			/* in place: bit 0 TX, bit 1 RX (mu) */
	bool mesh_peer;			/* a child: option, or registered */
	bool by_registry;		/* the latter alone */
	bool reported;			/* its verdict was announced (mu) */
	bool open;			/* was LIVE or PASS since CONNECTING */

	/* established, see ktls_control.c */
	bool rx_eof;			/* close_notify was read */
	bool tx_closed;			/* close_notify was sent */
	u32 end_seq;			/* of our data, when all is sent (sk) */
	int end_err;			/* a reset after it, positive (sk) */
	bool end_known;			/* (sk) */
	int reset_err;			/* what TCP said at CLOSE, positive */
	bool first_sent;
	bool rx_data;			/* the application has read some */
	bool closing;			/* ->sock is ours, see ktls_close.c */
	u32 closing_una;		/* snd_una when ->deadline was set */
	void (*ready)(struct sock *sk);	/* what kTLS tells of a record */
	unsigned int rx_taken;		/* control records (sk) */
	int rx_err;			/* negative, what every read gets */
	struct mutex ctl;
	struct mutex tx;		/* who writes, see ktls_send.c */
	struct weft_rekey rekey;

	/* the connect driver, see connect.c */
	struct mutex mu;
	struct weft_steer steer;	/* (mu) */
	struct weft_addr asked;		/* what connect() named; port 0: none */
	u32 flowinfo;
	struct weft_attempt attempts[WEFT_ATTEMPTS_MAX];	/* (mu) */
	u16 tried[WEFT_ATTEMPTS_MAX];	/* (mu) */
	u8 n_tried;			/* (mu) */
	bool dead;			/* release() has begun (sk) */
	bool switching;			/* our own disconnect, no event (sk) */
	bool tcp_closed;		/* the connection went to CLOSE (sk) */
	bool aborting;			/* the worker must give up (mu) */
	bool spent;			/* no connect() on it any more (mu) */
	u8 strangers;			/* enum weft_strangers (mu) */
	struct task_struct *connecting;	/* who is in TCP's connect() for us */
	bool endpoint_active;		/* counted at the endpoint (mu) */
	int tcp_err;			/* why, positive */
	u8 fail_reason;			/* the worker's word (mu) */
	u16 fail_err;			/* (mu) */
	/* sk_error_report and sk_state_change, while others are there (sk) */
	void (*report)(struct sock *sk);
	void (*change)(struct sock *sk);
	u32 user_clamp;			/* the user's TCP_WINDOW_CLAMP */
	int user_peek_off;		/* SO_PEEK_OFF, while muted */
	int user_lowat;			/* SO_RCVLOWAT, 0: TCP has it (sk) */
	u8 shut;			/* RCV_, SEND_SHUTDOWN to do (sk) */
	bool user_fastopen;		/* TCP_FASTOPEN_CONNECT, while muted */
	unsigned long attempt_end;	/* jiffies */
	unsigned long deadline;		/* jiffies, of the handshake */
	bool offer_lost;		/* no worker heard of it: offer again */

	/* the handshake, see handshake.c */
	struct pid *daemon;		/* tgid of the worker, HANDSHAKE */
	u32 worker;			/* its portid */
	u32 write_seq;			/* when the worker got it */
	u32 sent_seq;			/* end of what it wrote (sk) */
	u32 may_send_seq;		/* nothing beyond leaves (sk) */
	u32 copied_seq;
	bool stale;			/* the application had sent (mu) */
	bool judged;			/* and allowed (mu) */
	bool cut;			/* and no more: ->work resets it (mu) */
	bool resumed;			/* no certificate was shown (mu) */

	/* the verdict and who it is about (mu) */
	u8 reason;
	u16 err;
	u64 generation;
	char *peer_identity;
	char peer_serial[WEFT_SERIAL_MAX + 1];	/* "": not known */
	u8 revoked;			/* enum weft_revoked */
	char *revocation;		/* the one that says so */
	char *registered;		/* the peer that made it fail */
	char *policy;
	char *audit;			/* the AUDIT policy that matches */
	char *detail;
	char *cipher;
	char *cgroup;
	u32 pid;
	u32 uid;
	char comm[TASK_COMM_LEN];
	u64 started;			/* ktime_get_ns() */

	wait_queue_head_t wq;		/* holds and connect() */
	struct delayed_work work;	/* driver or deadline; LIVE: flush */
	struct llist_node grave;	/* released, see conn.c */
};

/* TCP's own, per family: [0] IPv4, [1] IPv6. Set once, before any hook. */
extern const struct proto_ops *weft_base_ops[2];
extern struct proto *weft_base_prot[2];

static inline int weft_family(const struct sock *sk)
{
	return sk->sk_family == AF_INET6;
}

/* The peer's address, which outlives the connection. */
static inline void weft_addr_remote(const struct sock *sk, struct weft_addr *a)
{
	if (sk->sk_family == AF_INET6)
		a->ip = sk->sk_v6_daddr;
	else
		ipv6_addr_set_v4mapped(sk->sk_daddr, &a->ip);
	a->port = ntohs(inet_sk(sk)->inet_dport);
}

static inline u8 weft_conn_state(const struct weft_conn *c)
{
	/* pairs with xchg and cmpxchg in conn.c: what came before is seen */
	return smp_load_acquire(&c->state);
}

/* LIVE, PASS or DEAD: nothing to wait for. */
static inline bool weft_conn_settled(const struct weft_conn *c)
{
	return weft_conn_state(c) >= WEFT_CONN_LIVE;
}

/*
 * ->mu, for a system call: who has it may wait for other threads that use the
 * socket, see stale.c. Return: 0, -EINTR.
 */
static inline int weft_conn_lock(struct weft_conn *c)
{
	return mutex_lock_interruptible(&c->mu);
}

int weft_release(struct socket *sock);

/*
 * The conn behind a socket, or NULL. The socket, or RCU, must be held. accept()
 * copies the ops pointer to its new socket before it asks us: that one is none.
 */
static inline struct weft_conn *weft_conn_of(const struct socket *sock)
{
	const struct proto_ops *o = READ_ONCE(sock->ops);
	struct weft_conn *c;

	if (!o || o->release != weft_release)
		return NULL;
	c = container_of(o, struct weft_conn, ops);
	return c->sock == sock ? c : NULL;
}

int weft_base_init(void);
void weft_base_uninit(void);

/* What a conn's ops start as; hook_proto.c fills them in before any hook. */
extern struct proto_ops weft_conn_ops[2];

/*
 * What a socket has that was made in a governed namespace and neither connected
 * nor listened yet; hook_proto.c fills them in.
 */
extern struct proto_ops weft_early_ops[2];

static inline bool weft_is_early(const struct socket *sock)
{
	const struct proto_ops *o = READ_ONCE(sock->ops);

	return o == &weft_early_ops[0] || o == &weft_early_ops[1];
}

/* Around poll() on a LIVE conn, where epoll does not hold the file. */
extern struct srcu_struct weft_poll_srcu;

/* Where every conn's work runs: one queue, or it could run twice at a time. */
extern struct workqueue_struct *weft_wq;

void weft_set_ops(struct socket *sock, const struct proto_ops *ops);

struct weft_conn *weft_conn_attach(struct socket *sock, u8 role, u8 mode,
				   gfp_t gfp);
int weft_conn_renew(struct weft_conn *c);
void weft_conn_set_task(struct weft_conn *c, struct weft_task *task,
			gfp_t gfp);
void weft_conn_claim(struct weft_conn *c);
void weft_conn_unclaim(struct weft_conn *c);

struct weft_conn *weft_conn_get(struct weft_net *wn, u64 id, struct file **fp);
struct weft_conn *weft_conn_next(struct weft_net *wn, unsigned long *id,
				 bool (*want)(const struct weft_conn *c),
				 struct file **fp);

bool weft_conn_move(struct weft_conn *c, u8 from, u8 to);
void weft_conn_want(struct weft_conn *c);
void weft_conn_settle(struct weft_conn *c, u8 state);
void weft_conn_abort(struct weft_conn *c, int err);
void weft_conn_kick(struct weft_conn *c);
void weft_conn_set_verdict(struct weft_conn *c, u8 reason, int err);
void weft_conn_report(struct weft_conn *c, u32 event);
int weft_conn_set_string(char **p, const char *s, size_t len);
unsigned long weft_conn_deadline(void);

#endif

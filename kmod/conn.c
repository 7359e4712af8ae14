// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a conn: attach, find, settle, release. See conn.h for locks.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <net/inet_common.h>
#include <net/tcp.h>
#include "compat.h"
#include "connect.h"
#include "conn.h"
#include "handshake.h"
#include "ktls.h"
#include "limits.h"
#include "task.h"
#include "upcall.h"

const struct proto_ops *weft_base_ops[2];
struct proto *weft_base_prot[2];
struct proto_ops weft_conn_ops[2];
struct proto_ops weft_early_ops[2];
struct workqueue_struct *weft_wq;
DEFINE_SRCU(weft_poll_srcu);

/* 64 bits: an id is never used twice, so a stale event names nothing else. */
static atomic64_t next_id = ATOMIC64_INIT(0);

static unsigned int handshake_timeout = WEFT_HANDSHAKE_TIMEOUT_DEFAULT;
module_param(handshake_timeout, uint, 0644);
MODULE_PARM_DESC(handshake_timeout,
		 "ms from TCP established to the verdict, waiting for a daemon included");

/**
 * weft_conn_deadline() - when a handshake that begins now must be over
 *
 * Return: jiffies.
 */
unsigned long weft_conn_deadline(void)
{
	return jiffies + msecs_to_jiffies(READ_ONCE(handshake_timeout));
}

/* ------------------------------------------------------------ the dead */

/*
 * A released conn may still be looked at under RCU, and worse: accept() on it
 * copies its ops to the new socket before the LSM is asked. Denied, the new
 * socket is released by a task work, through ops inside this conn, which
 * another thread may have closed meanwhile. Between the copy and that release
 * the task does not sleep of its own accord, so an RCU-tasks grace period
 * covers it. Those are long and look at every task: one for all of a second.
 */
static LLIST_HEAD(graves);

static void conn_free(struct weft_conn *c)
{
	put_pid(c->daemon);
	kfree(c->peer_identity);
	kfree(c->policy);
	kfree(c->audit);
	kfree(c->revocation);
	kfree(c->registered);
	kfree(c->detail);
	kfree(c->cipher);
	kfree(c->cgroup);
	kfree(c);
}

static void bury(struct work_struct *work)
{
	struct llist_node *dead = llist_del_all(&graves);
	struct weft_conn *c, *next;

	synchronize_rcu();
	synchronize_rcu_tasks();
	llist_for_each_entry_safe(c, next, dead, grave)
		conn_free(c);
}

static DECLARE_DELAYED_WORK(burial, bury);

static void conn_entomb(struct weft_conn *c)
{
	if (llist_add(&c->grave, &graves))	/* the first: none is due */
		queue_delayed_work(weft_wq, &burial, HZ);
}

/* ------------------------------------------------------------ TCP's own */

static int base_capture(int ix, int family)
{
	struct socket *s;
	int err;

	err = sock_create_kern(&init_net, family, SOCK_STREAM, IPPROTO_TCP, &s);
	if (err)
		return err;
	weft_base_ops[ix] = s->ops;
	weft_base_prot[ix] = s->sk->sk_prot;
	sock_release(s);
	if (!weft_base_ops[ix]->getsockopt)
		return -EOPNOTSUPP;	/* a kernel we do not know */
	return 0;
}

/**
 * weft_base_init() - learn TCP's own ops and protos
 *
 * inet6_stream_ops is not exported before 7.2, so they come from a socket.
 *
 * Return: 0, or why no TCP socket could be made (no IPv6: -EAFNOSUPPORT).
 */
int weft_base_init(void)
{
	int err = base_capture(0, AF_INET) ?: base_capture(1, AF_INET6);

	if (err)
		return err;
	weft_wq = alloc_workqueue("weft", WQ_HIGHPRI | WQ_UNBOUND, 0);
	return weft_wq ? 0 : -ENOMEM;
}

/**
 * weft_base_uninit() - undo it, when no conn is left
 */
void weft_base_uninit(void)
{
	flush_delayed_work(&burial);
	destroy_workqueue(weft_wq);
}

/**
 * weft_set_ops() - change a socket's ops, module references with them
 * @sock: the caller has it, and no other changes its ops
 * @ops: the new ones; if their owner differs from the old ops' owner, a
 *       reference on it is taken and the old one's dropped
 */
void weft_set_ops(struct socket *sock, const struct proto_ops *ops)
{
	const struct proto_ops *old = sock->ops;

	if (old->owner != ops->owner)
		__module_get(ops->owner);
	/* whoever calls through them sees the conn they are in complete */
	smp_store_release(&sock->ops, ops);
	if (old->owner != ops->owner)
		module_put(old->owner);
}

/* Somebody else may have ended it since: not its next connection. */
static void conn_cut(struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	if (c->cut && (state == WEFT_CONN_LIVE || state == WEFT_CONN_PASS))
		weft_conn_abort(c, ECONNRESET);
}

/* Of settled ones, who connects anew has ->mu as long as strangers let him. */
static void conn_step(struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	if (state == WEFT_CONN_DEAD)
		return;
	if (READ_ONCE(c->cut)) {
		mutex_lock(&c->mu);
		conn_cut(c);
		mutex_unlock(&c->mu);
	} else if (state == WEFT_CONN_LIVE) {
		weft_ktls_flush(c);
	} else if (state != WEFT_CONN_PASS) {
		mutex_lock(&c->mu);
		if (c->role == WEFT_ROLE_CLIENT)
			weft_connect_step(c);
		else
			weft_handshake_step(c);
		mutex_unlock(&c->mu);
	}
}

/*
 * Who has a socket locked keeps it as long as he likes by copying to or from
 * memory that does not come (userfaultfd, FUSE), on as many sockets as he
 * likes, and the workqueue has only so many threads: so few of a namespace, and
 * of all of them together, may wait for such sockets, and the others look
 * again.
 */
static atomic_t waiting = ATOMIC_INIT(0);

static bool may_wait(struct weft_net *wn)
{
	bool here = atomic_inc_return(&wn->waiting) <= WEFT_WAITING_MAX;

	return atomic_inc_return(&waiting) <= WEFT_WAITING_TOTAL_MAX && here;
}

static void conn_work(struct work_struct *work)
{
	struct weft_conn *c = container_of(to_delayed_work(work),
					   struct weft_conn, work);
	struct file *f = c->sock->file;
	bool waits;

	if (c->closing) {
		weft_ktls_closing(c);
		return;
	}
	if (!weft_file_tryget(f))
		return;			/* release() waits for us */
	waits = READ_ONCE(c->sock->sk->sk_lock.owned);
	if (waits && !may_wait(c->wn))
		queue_delayed_work(weft_wq, &c->work,
				   msecs_to_jiffies(WEFT_WAITING_RETRY));
	else
		conn_step(c);
	if (waits) {
		atomic_dec(&c->wn->waiting);
		atomic_dec(&waiting);
	}
	fput(f);		/* the last one of a kworker is deferred */
}

static int conn_publish(struct weft_conn *c)
{
	int err = xa_err(xa_store_bh(&c->wn->conns, c->id, c, GFP_ATOMIC));

	if (!err)
		weft_count(c->wn, conns_created);
	return err;
}

/**
 * weft_conn_renew() - another connection on the same socket: another id
 * @c: the conn, ->mu held, settled
 *
 * Return: 0 or -ENOMEM; then it keeps the old one.
 */
int weft_conn_renew(struct weft_conn *c)
{
	u64 old = c->id, id = atomic64_inc_return(&next_id);
	int err = xa_err(xa_store_bh(&c->wn->conns, id, c, GFP_KERNEL));

	if (err)
		return err;
	c->id = id;
	xa_erase_bh(&c->wn->conns, old);
	return 0;
}

/**
 * weft_conn_attach() - make a socket a conn
 * @sock: a TCP socket with a file; the caller excludes other users of its ops
 *        (it holds the socket lock, or the socket is not yet in a descriptor)
 * @role: enum weft_role
 * @mode: enum weft_mode
 * @gfp: how to allocate
 *
 * The ops are switched at the end; from then on every call comes to us, and
 * release() frees the conn. Its state is CONNECTING.
 *
 * Return: the conn, or NULL without memory; then nothing has changed.
 */
struct weft_conn *weft_conn_attach(struct socket *sock, u8 role, u8 mode,
				   gfp_t gfp)
{
	int ix = weft_family(sock->sk);
	struct weft_conn *c;

	c = kzalloc(sizeof(*c), gfp);
	if (!c)
		return NULL;
	c->base = weft_base_ops[ix];
	c->ops = weft_conn_ops[ix];
	c->sock = sock;
	c->wn = weft_net(sock_net(sock->sk));
	c->id = atomic64_inc_return(&next_id);
	c->role = role;
	c->mode = mode;
	c->state = WEFT_CONN_CONNECTING;
	/* of a child: nothing leaves unless a worker writes it */
	c->may_send_seq = READ_ONCE(tcp_sk(sock->sk)->snd_una);
	c->started = ktime_get_ns();
	mutex_init(&c->mu);
	mutex_init(&c->ctl);
	mutex_init(&c->tx);
	init_waitqueue_head(&c->wq);
	INIT_DELAYED_WORK(&c->work, conn_work);
	if (conn_publish(c)) {
		kfree(c);
		return NULL;
	}
	weft_conn_claim(c);
	weft_set_ops(sock, &c->ops);
	return c;
}

/**
 * weft_conn_claim() - keep sockmap and KCM away from an unsettled conn
 * @c: the conn; its socket is locked or nobody else's
 *
 * They take a socket only when nobody has its sk_user_data; a verdict program
 * would read what was never authenticated, below us. LIVE, the ULP keeps them
 * away.
 */
void weft_conn_claim(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	if (!sk->sk_user_data)
		sk->sk_user_data = (void *)((unsigned long)c |
					    SK_USER_DATA_NOCOPY);
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * weft_conn_unclaim() - the socket may be given to others again
 * @c: the conn, claimed or not
 */
void weft_conn_unclaim(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data == (void *)((unsigned long)c |
					 SK_USER_DATA_NOCOPY))
		sk->sk_user_data = NULL;
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * weft_conn_set_task() - remember whose connection it is
 * @c: the conn, not yet known to others or with ->mu held
 * @task: the facts, copied
 * @gfp: how to allocate
 */
void weft_conn_set_task(struct weft_conn *c, struct weft_task *task, gfp_t gfp)
{
	c->pid = task->pid;
	c->uid = task->uid;
	strscpy(c->comm, task->comm, sizeof(c->comm));
	kfree(c->cgroup);
	c->cgroup = kstrdup(task->cgroup, gfp);
}

/*
 * A reference on the conn's file; RCU is held. struct file is type-safe by RCU
 * only, so it may be another's by the time we have it: look again.
 */
static struct file *conn_file(const struct weft_conn *c)
{
	struct file *f = READ_ONCE(c->sock->file);

	if (!f || !weft_file_tryget(f))
		return NULL;
	if (f == READ_ONCE(c->sock->file))
		return f;
	fput(f);
	return NULL;
}

/**
 * weft_conn_get() - find a conn and hold it by its file
 * @wn: the namespace
 * @id: its id
 * @fp: the file; the caller drops it with fput()
 *
 * Any context. Return: the conn, or NULL when there is none (any more).
 */
struct weft_conn *weft_conn_get(struct weft_net *wn, u64 id, struct file **fp)
{
	struct weft_conn *c;

	rcu_read_lock();
	c = xa_load(&wn->conns, id);
	if (c) {
		*fp = conn_file(c);
		if (!*fp)
			c = NULL;
	}
	rcu_read_unlock();
	return c;
}

/**
 * weft_conn_next() - walk the conns, holding one at a time
 * @wn: the namespace
 * @id: where to begin; set to the found one's. Add one before the next call.
 * @want: which ones, or NULL; called under RCU
 * @fp: the file; the caller drops it with fput()
 *
 * Return: the conn, or NULL at the end.
 */
struct weft_conn *weft_conn_next(struct weft_net *wn, unsigned long *id,
				 bool (*want)(const struct weft_conn *c),
				 struct file **fp)
{
	struct weft_conn *c;

	rcu_read_lock();
	xa_for_each_start(&wn->conns, *id, c, *id) {
		if (want && !want(c))
			continue;
		*fp = conn_file(c);
		if (*fp)
			break;
	}
	rcu_read_unlock();
	return c;
}

/* The counters of WANT and LIVE follow the state, and so does ->open. */
static void conn_moved(struct weft_conn *c, u8 from, u8 to)
{
	if (to != WEFT_CONN_DEAD)
		WRITE_ONCE(c->open,
			   to == WEFT_CONN_LIVE || to == WEFT_CONN_PASS);
	if (from == WEFT_CONN_WANT)
		atomic_dec(&c->wn->parked);
	if (to == WEFT_CONN_WANT)
		atomic_inc(&c->wn->parked);
	if (from == WEFT_CONN_LIVE)
		atomic_dec(&c->wn->live);
	if (to == WEFT_CONN_LIVE)
		atomic_inc(&c->wn->live);
}

/**
 * weft_conn_move() - change the state if it is what the caller thinks
 * @c: the conn
 * @from: expected, enum weft_conn_state
 * @to: new
 *
 * Any context. Return: did it?
 */
bool weft_conn_move(struct weft_conn *c, u8 from, u8 to)
{
	if (cmpxchg(&c->state, from, to) != from)
		return false;
	conn_moved(c, from, to);
	return true;
}

/**
 * weft_conn_want() - the TCP connection is up: ask for a handshake, once
 * @c: a conn in CONNECTING or SNIFF; in any other state nothing happens
 *
 * Any context (the tracepoint calls it in softirq).
 */
void weft_conn_want(struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	if (state != WEFT_CONN_CONNECTING && state != WEFT_CONN_SNIFF)
		return;
	c->deadline = weft_conn_deadline();
	if (!weft_conn_move(c, state, WEFT_CONN_WANT))
		return;
	weft_count(c->wn, handshakes_wanted);
	/* before: a worker that fails, and CLOSE, kick */
	mod_delayed_work(weft_wq, &c->work,
			 READ_ONCE(handshake_timeout) * HZ / 1000 + 1);
	weft_upcall_offer(c);
	if (c->offer_lost)
		mod_delayed_work(weft_wq, &c->work, HZ / 20);
	else if (READ_ONCE(c->tcp_closed))
		weft_conn_kick(c);
}

/**
 * weft_conn_settle() - the verdict is there: LIVE, PASS or DEAD
 * @c: the conn, in any state
 * @state: the new one
 *
 * Wakes whoever is held. Any context.
 */
void weft_conn_settle(struct weft_conn *c, u8 state)
{
	u8 old = xchg(&c->state, state);

	conn_moved(c, old, state);
	wake_up_all(&c->wq);
}

/**
 * weft_conn_kick() - let the driver look at once
 * @c: the conn; any context but the driver itself
 */
void weft_conn_kick(struct weft_conn *c)
{
	mod_delayed_work(weft_wq, &c->work, 0);
}

/**
 * weft_conn_set_string() - replace one of the verdict's texts
 * @p: the field; the old text is freed
 * @s: the new one, copied; NULL: none
 * @len: at most that many bytes of it
 *
 * Return: 0 or -ENOMEM; then the old text stays.
 */
int weft_conn_set_string(char **p, const char *s, size_t len)
{
	char *n = NULL;

	if (s) {
		n = kstrndup(s, len, GFP_KERNEL_ACCOUNT);
		if (!n)
			return -ENOMEM;
	}
	kfree(*p);
	*p = n;
	return 0;
}

/**
 * weft_conn_set_verdict() - note reason and errno for explain and audit
 * @c: the conn, ->mu held
 * @reason: enum weft_reason
 * @err: positive errno, what the application sees
 */
void weft_conn_set_verdict(struct weft_conn *c, u8 reason, int err)
{
	c->reason = reason;
	c->err = err;
}

/**
 * weft_conn_report() - announce the verdict, once per connection
 * @c: the conn, ->mu held, process context
 * @event: enum weft_event
 */
void weft_conn_report(struct weft_conn *c, u32 event)
{
	if (c->reported)
		return;
	c->reported = true;
	if (c->audit)
		weft_count(c->wn, audited);
	switch (event) {
	case WEFT_EVENT_CONN_LIVE:
		weft_count(c->wn, live);
		break;
	case WEFT_EVENT_CONN_PASS:
		weft_count(c->wn, pass);
		break;
	case WEFT_EVENT_CONN_DENIED:
		weft_count(c->wn, denied);
		break;
	default:
		weft_count(c->wn, failed);
	}
	weft_upcall_event(c, event);
}

/**
 * weft_conn_abort() - reset the connection, for good
 * @c: the conn, process context, socket not locked
 * @err: positive errno the application sees
 *
 * Nothing of what the peer sent is ever read by the application afterwards.
 * Pollers are woken after the state has changed: before, they would go back to
 * sleep.
 */
void weft_conn_abort(struct weft_conn *c, int err)
{
	struct sock *sk = c->sock->sk;

	lock_sock(sk);
	c->switching = true;		/* we know: no event of our own abort */
	release_sock(sk);
	tcp_abort(sk, err);
	lock_sock(sk);
	if (!sk->sk_err)	/* closed already, and somebody read it */
		WRITE_ONCE(sk->sk_err, err);
	weft_conn_settle(c, WEFT_CONN_DEAD);
	sk->sk_state_change(sk);
	sk_error_report(sk);
	release_sock(sk);
}

/* Say how it ended: a live one is closed, any other never got its verdict. */
static void conn_last_words(struct weft_conn *c, bool live)
{
	mutex_lock(&c->mu);
	if (live) {
		if (c->reason == WEFT_REASON_NONE)
			c->reason = WEFT_REASON_CLOSED;
		weft_upcall_event(c, WEFT_EVENT_CONN_CLOSED);
	} else if (!c->reported &&
		   (c->asked.port || c->role == WEFT_ROLE_SERVER)) {
		if (c->reason == WEFT_REASON_NONE)
			c->reason = c->tcp_closed ? WEFT_REASON_RESET :
						    WEFT_REASON_CLOSED;
		weft_conn_report(c, WEFT_EVENT_CONN_FAILED);
	}
	weft_upcall_archive(c);
	weft_connect_uninit(c);
	mutex_unlock(&c->mu);
}

/* Nobody finds it, and nobody has anything of it but its memory. */
static int conn_end(struct weft_conn *c, struct socket *sock)
{
	int ret;

	weft_rekey_stop(c);
	xa_erase_bh(&c->wn->conns, c->id);
	weft_count(c->wn, conns_destroyed);
	ret = c->base->release(sock);
	conn_entomb(c);
	return ret;
}

/**
 * weft_release() - the last reference on the socket's file is gone
 * @sock: the socket
 *
 * proto_ops->release of every conn. Nobody else is in a call of this socket;
 * the driver may run until cancel_delayed_work_sync(), netlink and dumps may
 * look at the conn under RCU until the grace period is over. A LIVE conn comes
 * here a second time when it did not end at once, with a socket of ours.
 *
 * Return: what TCP's own release returned.
 */
int weft_release(struct socket *sock)
{
	struct weft_conn *c = container_of(sock->ops, struct weft_conn, ops);
	struct sock *sk = sock->sk;
	bool live;

	if (c->sock != sock)		/* accept() on a conn, which failed */
		return c->base->release(sock);
	if (c->closing)
		return conn_end(c, sock);
	if (sk) {
		lock_sock(sk);		/* the tracepoint runs under it too */
		c->dead = true;
		weft_connect_unmute(c);
		weft_conn_unclaim(c);
		release_sock(sk);
	}
	cancel_delayed_work_sync(&c->work);
	if (sk)
		conn_cut(c);
	live = weft_conn_state(c) == WEFT_CONN_LIVE;
	if (sk && live)
		weft_ktls_close(c);
	conn_last_words(c, live);
	weft_conn_settle(c, WEFT_CONN_DEAD);
	if (sk && live && weft_ktls_close_later(c))
		return 0;
	return conn_end(c, sock);
}

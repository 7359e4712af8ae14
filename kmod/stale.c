// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that began before a socket became a conn.
 *
 * A thread that has seen a socket's former ops may be on its way to TCP's
 * recvmsg() when another one connects. On an unconnected socket it would be
 * told so at once; but if it gets the lock only when an attempt is under way
 * it waits for data, which are not for it: those of the handshake, or what is
 * sent by who is not authenticated at all. So the ops change first, then such
 * calls end, then there is an attempt.
 *
 * Process context, the socket not locked.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/wait.h>
#include <net/tcp.h>
#include "compat.h"
#include "conn.h"
#include "stale.h"

static DEFINE_HASHTABLE(calls, 6);
static DEFINE_SPINLOCK(calls_lock);
static DECLARE_WAIT_QUEUE_HEAD(calls_wq);

/* A call in TCP's ops; on the stack of its thread. */
struct call {
	struct hlist_node node;
	const struct sock *sk;
};

/* A call goes to TCP, if the socket is no conn. Return: it does. */
static bool call_enter(struct call *call, const struct socket *sock)
{
	__module_get(THIS_MODULE);	/* it sleeps; the socket's may go */
	call->sk = sock->sk;
	spin_lock(&calls_lock);
	hash_add(calls, &call->node, (unsigned long)sock->sk);
	spin_unlock(&calls_lock);
	smp_mb();			/* pairs with weft_stale_wait() */
	return !weft_conn_of(sock);
}

static void call_leave(struct call *call)
{
	spin_lock(&calls_lock);
	hash_del(&call->node);
	spin_unlock(&calls_lock);
	if (wq_has_sleeper(&calls_wq))
		wake_up_all(&calls_wq);
}

static const struct proto_ops *base_of(const struct socket *sock)
{
	return weft_base_ops[weft_family(sock->sk)];
}

static const struct proto_ops *ops_of(const struct socket *sock)
{
	return READ_ONCE(sock->ops);
}

/*
 * None stays in the list while a conn holds it: who waits would wait for
 * himself. Exit waits for RCU tasks, and so for what follows module_put().
 */
static int stale_recvmsg(struct socket *sock, struct msghdr *m, size_t len,
			 int flags)
{
	struct call call;
	bool plain = call_enter(&call, sock);
	int r = 0;

	if (plain)
		r = base_of(sock)->recvmsg(sock, m, len, flags);
	call_leave(&call);
	if (!plain)
		r = ops_of(sock)->recvmsg(sock, m, len, flags);
	module_put(THIS_MODULE);
	return r;
}

static ssize_t stale_splice_read(struct socket *sock, loff_t *pos,
				 struct pipe_inode_info *pipe, size_t len,
				 unsigned int flags)
{
	struct call call;
	bool plain = call_enter(&call, sock);
	ssize_t r = 0;

	if (plain)
		r = base_of(sock)->splice_read(sock, pos, pipe, len, flags);
	call_leave(&call);
	if (!plain)
		r = ops_of(sock)->splice_read(sock, pos, pipe, len, flags);
	module_put(THIS_MODULE);
	return r;
}

#if WEFT_HAVE_SENDPAGE
static ssize_t stale_sendpage(struct socket *sock, struct page *page,
			      int offset, size_t size, int flags)
{
	struct call call;
	bool plain = call_enter(&call, sock);
	ssize_t r = 0;

	if (plain)
		r = base_of(sock)->sendpage(sock, page, offset, size, flags);
	call_leave(&call);
	if (!plain)
		r = ops_of(sock)->sendpage(sock, page, offset, size, flags);
	module_put(THIS_MODULE);
	return r;
}
#endif

/**
 * weft_stale_getsockopt() - getsockopt() of a socket that is not connected yet
 * @sock: it
 * @level: as for proto_ops->getsockopt()
 * @opt: likewise; TCP_ZEROCOPY_RECEIVE reads, SOL_TLS would tell keys
 * @val: likewise
 * @len: likewise
 *
 * Return: what TCP, or the conn that it has become, says.
 */
int weft_stale_getsockopt(struct socket *sock, int level, int opt,
			  char __user *val, int __user *len)
{
	struct call call;
	bool plain;
	int r = 0;

	if (level != SOL_TLS &&
	    (level != SOL_TCP || opt != TCP_ZEROCOPY_RECEIVE)) {
		__module_get(THIS_MODULE);
		r = base_of(sock)->getsockopt(sock, level, opt, val, len);
		module_put(THIS_MODULE);
		return r;
	}
	plain = call_enter(&call, sock);
	if (plain)
		r = base_of(sock)->getsockopt(sock, level, opt, val, len);
	call_leave(&call);
	if (!plain)
		r = ops_of(sock)->getsockopt(sock, level, opt, val, len);
	module_put(THIS_MODULE);
	return r;
}

/**
 * weft_stale_ops() - let calls be known that could wait for data
 * @ops: of a socket that is not connected yet and may become a conn
 */
void weft_stale_ops(struct proto_ops *ops)
{
	ops->recvmsg = stale_recvmsg;
	ops->splice_read = stale_splice_read;
	ops->getsockopt = weft_stale_getsockopt;
#if WEFT_HAVE_SENDPAGE
	ops->sendpage = stale_sendpage;
#endif
}

static bool is_in_call(const struct sock *sk)
{
	struct call *call;
	bool found = false;

	spin_lock(&calls_lock);
	hash_for_each_possible(calls, call, node, (unsigned long)sk)
		found |= call->sk == sk;
	spin_unlock(&calls_lock);
	return found;
}

/**
 * weft_stale_wait() - wait for the calls of a socket that had weft_stale_ops()
 * @sk: its ops are others already, and it is unconnected
 *
 * They end as soon as they get the lock, and the caller's memory.
 *
 * Return: 0; -ERESTARTSYS, a signal came first.
 */
int weft_stale_wait(const struct sock *sk)
{
	smp_mb();			/* pairs with call_enter() */
	return wait_event_interruptible(calls_wq, !is_in_call(sk));
}

/**
 * weft_file_alone() - has nobody but the caller the file in use?
 * @f: the file of a descriptor that a system call of his has
 *
 * Return: true if it has no other references than that of the descriptor, and
 * that of the call if other threads could close the descriptor.
 */
bool weft_file_alone(struct file *f)
{
	return file_count(f) <= 1 + (atomic_read(&current->files->count) > 1);
}

/* A thread sleeps in sk_wait_data() or sk_stream_wait_memory(). */
static bool is_slept_in(struct socket *sock)
{
	struct wait_queue_head *wq = &sock->wq.wait;
	struct wait_queue_entry *w;
	bool found = false;

	spin_lock_irq(&wq->lock);
	list_for_each_entry(w, &wq->head, entry)
		found |= w->func == woken_wake_function;
	spin_unlock_irq(&wq->lock);
	return found;
}

/* By somebody who has its lock, waits for it, or for data. */
static bool is_used(struct socket *sock)
{
	struct sock *sk = sock->sk;

	return READ_ONCE(sk->sk_lock.owned) ||
	       /* who was on his way to it has come: no barrier is missing */
	       waitqueue_active(&sk->sk_lock.wq) || is_slept_in(sock);
}

/**
 * weft_stale_drain() - wait for the calls of a socket that had TCP's ops
 * @sock: its ops are others already, and it is unconnected; from a system call
 *	of its own
 *
 * Who has seen the former ops holds the file. He is on his way, and then a
 * grace period of RCU-tasks waits for him; or he waits for the lock, or has it,
 * or waits for data that will not come: a disconnect has woken him. Long, but
 * nobody has to who is alone with his socket, and nobody whose socket was made
 * with weft there.
 *
 * Return: 0; -ERESTARTSYS, a signal came first.
 */
int weft_stale_drain(struct socket *sock)
{
	smp_mb();			/* the ops, then the references */
	if (weft_file_alone(sock->file))
		return 0;
	synchronize_rcu_tasks();
	while (is_used(sock)) {
		if (msleep_interruptible(1))
			return -ERESTARTSYS;
	}
	return 0;
}

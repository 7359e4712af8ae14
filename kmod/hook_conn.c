// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of a conn, connect() aside: each waits for the verdict (hold.c) and
 * then goes to kTLS (LIVE, ktls.c) or TCP (PASS). A DEAD conn reads nothing:
 * what its peer sent was never authenticated. Process context.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/splice.h>
#include <linux/srcu.h>
#include <linux/tls.h>
#include <asm/ioctls.h>
#include <net/tcp.h>
#include "compat.h"
#include "connect.h"
#include "handshake.h"
#include "hold.h"
#include "hook_conn.h"
#include "ktls.h"

static bool is_live(const struct weft_conn *c)
{
	return likely(weft_conn_state(c) == WEFT_CONN_LIVE);
}

static bool is_held(const struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	return state == WEFT_CONN_WANT || (state == WEFT_CONN_HANDSHAKE &&
					   !weft_handshake_mine(c));
}

static bool is_dead(const struct weft_conn *c)
{
	return unlikely(weft_conn_state(c) == WEFT_CONN_DEAD);
}

/* What a reader of a socket that failed gets, once and afterwards. */
static int dead_read(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	int err = sock_error(sk);

	if (err)
		return err;
	return READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN ? 0 : -ENOTCONN;
}

/* A writer: as TCP on a closed socket, and nothing ever goes out. */
static int dead_write(struct weft_conn *c, int flags)
{
	return sk_stream_error(c->sock->sk, flags, -EPIPE);
}

static int conn_recvmsg(struct socket *sock, struct msghdr *m, size_t len,
			int flags)
{
	struct weft_conn *c = weft_conn_of(sock);
	int err;

	if (is_live(c))
		return weft_ktls_recvmsg(c, m, len, flags);
	if (flags & MSG_ERRQUEUE && !weft_handshake_mine(c))
		return weft_conn_state(c) == WEFT_CONN_PASS ?
		       c->base->recvmsg(sock, m, len, flags) : -EAGAIN;
	err = weft_hold_read(c, flags);
	if (err)
		return err;
	if (is_live(c))
		return weft_ktls_recvmsg(c, m, len, flags);
	if (is_dead(c))
		return dead_read(c);
	if (weft_handshake_mine(c))
		flags |= MSG_DONTWAIT;
	return c->base->recvmsg(sock, m, len, flags);
}

/* sendto(MSG_FASTOPEN) on a conn that is reused: connect first. */
static int fastopen(struct socket *sock, struct msghdr *m)
{
	int err = READ_ONCE(sock->ops)->connect(sock, m->msg_name,
			m->msg_namelen,
			m->msg_flags & MSG_DONTWAIT ? O_NONBLOCK : 0);

	m->msg_flags &= ~MSG_FASTOPEN;
	m->msg_name = NULL;
	m->msg_namelen = 0;
	return err;
}

static int conn_sendmsg(struct socket *sock, struct msghdr *m, size_t len)
{
	struct weft_conn *c = weft_conn_of(sock);
	int err;

	if (is_live(c))
		return weft_ktls_sendmsg(c, m, len);
	if (m->msg_flags & MSG_FASTOPEN && m->msg_name) {
		err = fastopen(sock, m);
		if (err)
			return err;
	}
	if (unlikely(c->shut & SEND_SHUTDOWN) && is_held(c))
		return dead_write(c, m->msg_flags);
	err = weft_hold_write(c, m->msg_flags);
	if (err)
		return err;
	if (is_live(c))
		return weft_ktls_sendmsg(c, m, len);
	if (is_dead(c))
		return dead_write(c, m->msg_flags);
	if (weft_handshake_mine(c))
		return weft_handshake_sendmsg(c, m, len);
	return c->base->sendmsg(sock, m, len);
}

#if WEFT_HAVE_SENDPAGE
static ssize_t conn_sendpage(struct socket *sock, struct page *page, int offset,
			     size_t size, int flags)
{
	struct weft_conn *c = weft_conn_of(sock);
	int err = weft_hold_write(c, flags);

	if (err)
		return err;
	if (is_live(c))
		return weft_ktls_sendpage(c, page, offset, size, flags);
	if (is_dead(c))
		return dead_write(c, flags);
	return c->base->sendpage(sock, page, offset, size, flags);
}
#endif

#ifdef WEFT_HAVE_SPLICE_EOF
static void conn_splice_eof(struct socket *sock)
{
	struct weft_conn *c = weft_conn_of(sock);

	if (is_live(c))
		weft_ktls_flush(c);
	else if (weft_conn_settled(c) && c->base->splice_eof)
		c->base->splice_eof(sock);
}
#endif

static ssize_t conn_splice_read(struct socket *sock, loff_t *pos,
				struct pipe_inode_info *pipe, size_t len,
				unsigned int flags)
{
	struct weft_conn *c = weft_conn_of(sock);
	bool nonblock = sock->file->f_flags & O_NONBLOCK;
	int err;

	if (!is_live(c)) {
		err = weft_hold_read(c, nonblock ? MSG_DONTWAIT : 0);
		if (err)
			return err;
	}
	if (is_live(c))
		return weft_ktls_splice_read(c, pipe, len, nonblock);
	if (is_dead(c))
		return dead_read(c);
	return c->base->splice_read(sock, pos, pipe, len, flags);
}

/* Silent until the verdict; in SNIFF, writable and then what the bytes say. */
static __poll_t held_poll(struct weft_conn *c, struct file *file,
			  struct poll_table_struct *wait)
{
	const __poll_t in = EPOLLIN | EPOLLRDNORM;
	__poll_t mask;

	if (weft_conn_state(c) != WEFT_CONN_SNIFF) {
		sock_poll_wait(file, c->sock, wait);
		return 0;
	}
	mask = c->base->poll(file, c->sock, wait);
	if (!(mask & in) || !weft_hold_sniff(c))
		return mask & ~in;
	return weft_conn_settled(c) ? mask : 0;
}

/* False, if the conn is not LIVE (any more), see dissolve() in connect.c. */
static bool live_poll(struct weft_conn *c, struct file *file,
		      struct poll_table_struct *wait, __poll_t *mask)
{
	int ix = WEFT_EPOLL_HOLDS ? 0 : srcu_read_lock(&weft_poll_srcu);
	bool live = is_live(c);

	if (live)
		*mask = weft_ktls_poll(c, file, wait);
	if (!WEFT_EPOLL_HOLDS)
		srcu_read_unlock(&weft_poll_srcu, ix);
	return live;
}

static __poll_t conn_poll(struct file *file, struct socket *sock,
			  struct poll_table_struct *wait)
{
	struct weft_conn *c = weft_conn_of(sock);
	__poll_t mask;

	if (live_poll(c, file, wait, &mask))
		return mask;
	if (weft_handshake_mine(c)) {
		weft_handshake_park(c);
		mask = c->base->poll(file, sock, wait);
		return READ_ONCE(c->aborting) ? mask | EPOLLIN | EPOLLERR :
						mask;
	}
	if (!weft_conn_settled(c)) {
		mask = held_poll(c, file, wait);
		if (!weft_conn_settled(c))
			return mask;
		wait = NULL;		/* settled meanwhile */
	}
	if (live_poll(c, file, wait, &mask))
		return mask;
	return c->base->poll(file, sock, wait);
}

/* The state may be what it was when the caller looked, or settled. */
static bool shutdown_later(struct weft_conn *c, int how)
{
	struct sock *sk = c->sock->sk;
	bool later;

	lock_sock(sk);
	later = is_held(c);
	if (later)
		c->shut |= how + 1;	/* RCV_SHUTDOWN, SEND_SHUTDOWN */
	release_sock(sk);
	return later;
}

/* close_notify, then FIN. A peer that is gone already resets in between. */
static int live_shutdown(struct weft_conn *c, int how)
{
	bool connected = c->sock->sk->sk_state != TCP_CLOSE, corked;
	int err;

	if (how == SHUT_RD)
		return c->base->shutdown(c->sock, how);
	corked = weft_ktls_cork(c);
	weft_ktls_close_notify(c);
	err = c->base->shutdown(c->sock, how);
	if (corked)
		weft_ktls_uncork(c);
	return err == -ENOTCONN && connected ? 0 : err;
}

/* Of a held child: the application gives it up, and so do we. Was it held? */
static bool give_up(struct weft_conn *c)
{
	bool held;

	mutex_lock(&c->mu);
	held = is_held(c);		/* not LIVE meanwhile */
	if (held)
		weft_conn_abort(c, ECONNRESET);
	mutex_unlock(&c->mu);
	return held;
}

/* Of a held child it is remembered: shutdown() does not wait. */
static int conn_shutdown(struct socket *sock, int how)
{
	struct weft_conn *c = weft_conn_of(sock);
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (c->role == WEFT_ROLE_SERVER && is_held(c)) {
		if (how == SHUT_RDWR ? give_up(c) : shutdown_later(c, how))
			return 0;
	}
	if (!is_live(c)) {
		err = weft_hold_write(c, sock->file->f_flags & O_NONBLOCK ?
					 MSG_DONTWAIT : 0);
		if (err)
			return err;
	}
	if (is_live(c))
		return live_shutdown(c, how);
	return c->base->shutdown(sock, how);
}

static int conn_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct weft_conn *c = weft_conn_of(sock);

	if (cmd != SIOCINQ || weft_handshake_mine(c) ||
	    weft_conn_state(c) == WEFT_CONN_PASS)
		return c->base->ioctl(sock, cmd, arg);
	return put_user(is_live(c) ? weft_ktls_unread(c) : 0,
			(int __user *)arg);
}

/* What would take the socket out of our hands is refused. */
static bool is_ours(const struct sock *sk, int level, int opt)
{
	return (level == SOL_TCP && opt == TCP_ULP) ||
	       (level == SOL_IPV6 && opt == IPV6_ADDRFORM &&
		sk->sk_family == AF_INET6);
}

static int conn_setsockopt(struct socket *sock, int level, int opt,
			   sockptr_t val, unsigned int len)
{
	struct weft_conn *c = weft_conn_of(sock);

	if (level == SOL_TLS)		/* there is none without a ULP */
		return weft_handshake_mine(c) ?
		       weft_ktls_key(c, opt, val, len) : -ENOPROTOOPT;
	if (is_ours(sock->sk, level, opt))
		return -EBUSY;
	if (level == SOL_TCP && (opt == TCP_CORK || opt == TCP_NODELAY) &&
	    is_live(c))
		return weft_ktls_setsockopt(c, opt, val, len);
	return c->base->setsockopt(sock, level, opt, val, len);
}

static int conn_getsockopt(struct socket *sock, int level, int opt,
			   char __user *val, int __user *len)
{
	struct weft_conn *c = weft_conn_of(sock);

	if (weft_conn_state(c) == WEFT_CONN_PASS)
		return c->base->getsockopt(sock, level, opt, val, len);
	/* would hand out the keys; ip(v6)_getsockopt() of an unknown level */
	if (level == SOL_TLS)
		return sock->sk->sk_family == AF_INET6 ? -ENOPROTOOPT :
							 -EOPNOTSUPP;
	if (level == SOL_TCP && opt == TCP_ZEROCOPY_RECEIVE)
		return -ENOPROTOOPT;
	if (level == SOL_TCP && opt == TCP_ULP)
		return put_user(0, len);	/* as without one: it is ours */
	return c->base->getsockopt(sock, level, opt, val, len);
}

/* Called by SO_RCVLOWAT, with the socket locked. */
static int conn_set_rcvlowat(struct sock *sk, int val)
{
	struct weft_conn *c = weft_conn_of(sk->sk_socket);

	if (is_live(c))
		return weft_ktls_set_rcvlowat(c, val);
	if (c->user_lowat || weft_conn_state(c) == WEFT_CONN_HANDSHAKE) {
		c->user_lowat = val ?: 1;
		return 0;
	}
	return c->base->set_rcvlowat(sk, val);
}

/* The peer is who connect() asked for. */
static void fill_asked(const struct weft_conn *c, struct sockaddr *addr)
{
	struct sockaddr_in *a4 = (void *)addr;
	struct sockaddr_in6 *a6 = (void *)addr;

	if (addr->sa_family == AF_INET) {
		a4->sin_addr.s_addr = c->asked.ip.s6_addr32[3];
		a4->sin_port = htons(c->asked.port);
	} else {
		a6->sin6_addr = c->asked.ip;
		a6->sin6_port = htons(c->asked.port);
	}
}

static int conn_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	struct weft_conn *c = weft_conn_of(sock);
	int len;

	if (c->role == WEFT_ROLE_CLIENT && peer && !weft_conn_settled(c))
		return -ENOTCONN;
	len = c->base->getname(sock, addr, peer);
	if (len >= 0 && peer && c->role == WEFT_ROLE_CLIENT && c->asked.port)
		fill_asked(c, addr);
	return len;
}

/* A socket that has or had a ULP cannot listen: as inet_ulp_can_listen(). */
static int conn_listen(struct socket *sock, int backlog)
{
	return -EINVAL;
}

static int conn_accept(struct socket *sock, struct socket *newsock,
		       WEFT_ACCEPT_PARAMS)
{
	if (newsock->ops)		/* may outlive the conn */
		weft_set_ops(newsock, weft_conn_of(sock)->base);
	return -EINVAL;
}

static int conn_mmap(struct file *file, struct socket *sock,
		     struct vm_area_struct *vma)
{
	return -ENODEV;
}

/**
 * weft_conn_ops_init() - the ops every conn starts with
 * @ops: to fill in; connect() stays TCP's
 * @base: TCP's
 */
void weft_conn_ops_init(struct proto_ops *ops, const struct proto_ops *base)
{
	*ops = *base;
	ops->owner = THIS_MODULE;
	ops->release = weft_release;
	ops->recvmsg = conn_recvmsg;
	ops->sendmsg = conn_sendmsg;
#if WEFT_HAVE_SENDPAGE
	ops->sendpage = conn_sendpage;
#endif
#ifdef WEFT_HAVE_SPLICE_EOF
	ops->splice_eof = conn_splice_eof;
#endif
	ops->splice_read = conn_splice_read;
	ops->poll = conn_poll;
	ops->shutdown = conn_shutdown;
	ops->ioctl = conn_ioctl;
	ops->setsockopt = conn_setsockopt;
	ops->getsockopt = conn_getsockopt;
	ops->getname = conn_getname;
	ops->set_rcvlowat = conn_set_rcvlowat;
	ops->listen = conn_listen;
	ops->accept = conn_accept;
	ops->mmap = conn_mmap;
}

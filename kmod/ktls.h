/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kTLS on the application's own socket, and what shields the application from
 * it: control records, close_notify, truncation.
 */
#ifndef WEFT_KTLS_H
#define WEFT_KTLS_H

#include <linux/fs.h>
#include <linux/pipe_fs_i.h>
#include <linux/sockptr.h>
#include "compat.h"
#include "conn.h"

int weft_ktls_init(void);
void weft_ktls_uninit(void);
int weft_ktls_prepare(struct weft_conn *c);
struct weft_conn *weft_ktls_shadowed(const struct socket *sock,
				     const struct sock *sk);
void weft_ktls_detach(struct weft_conn *c);
int weft_ktls_key(struct weft_conn *c, int opt, sockptr_t val,
		  unsigned int len);

int weft_ktls_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len);
#if WEFT_HAVE_SENDPAGE
ssize_t weft_ktls_sendpage(struct weft_conn *c, struct page *page, int offset,
			   size_t size, int flags);
#endif
void weft_ktls_flush(struct weft_conn *c);
int weft_ktls_setsockopt(struct weft_conn *c, int opt, sockptr_t val,
			 unsigned int len);
int weft_ktls_recvmsg(struct weft_conn *c, struct msghdr *m, size_t len,
		      int flags);
ssize_t weft_ktls_splice_read(struct weft_conn *c, struct pipe_inode_info *pipe,
			      size_t len, bool nonblock);
__poll_t weft_ktls_poll(struct weft_conn *c, struct file *file,
			struct poll_table_struct *wait);
int weft_ktls_inq(struct weft_conn *c);
int weft_ktls_unread(struct weft_conn *c);
void weft_ktls_start(struct weft_conn *c);
int weft_ktls_set_rcvlowat(struct weft_conn *c, int val);
bool weft_ktls_cork(struct weft_conn *c);
void weft_ktls_uncork(struct weft_conn *c);
void weft_ktls_close_notify(struct weft_conn *c);
void weft_ktls_closed(struct weft_conn *c);

void weft_ktls_close(struct weft_conn *c);
bool weft_ktls_close_later(struct weft_conn *c);
void weft_ktls_closing(struct weft_conn *c);

void weft_rekey_stop(struct weft_conn *c);

#endif

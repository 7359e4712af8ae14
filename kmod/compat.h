/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels weft supports: 6.1, 6.12 and 7.2. Layer 0.
 */
#ifndef WEFT_COMPAT_H
#define WEFT_COMPAT_H

#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/version.h>
#include <net/sock.h>

#define WEFT_KERNEL(a, b) (LINUX_VERSION_CODE >= KERNEL_VERSION(a, b, 0))

/* A reference on a file that may be on its way out; f_ref came in 6.13. */
static inline bool weft_file_tryget(struct file *f)
{
#if WEFT_KERNEL(6, 13)
	return file_ref_get(&f->f_ref);
#else
	return atomic_long_inc_not_zero(&f->f_count);
#endif
}

/* What keeps the directories of a fs_struct; a seqlock since 7.0 */
static inline void weft_fs_lock(struct fs_struct *fs)
{
#if WEFT_KERNEL(7, 0)
	read_seqlock_excl(&fs->seq);
#else
	spin_lock(&fs->lock);
#endif
}

static inline void weft_fs_unlock(struct fs_struct *fs)
{
#if WEFT_KERNEL(7, 0)
	read_sequnlock_excl(&fs->seq);
#else
	spin_unlock(&fs->lock);
#endif
}

/* inode->i_mtime went behind functions in 6.7 */
static inline struct timespec64 weft_inode_mtime(const struct inode *inode)
{
#if WEFT_KERNEL(6, 7)
	return inode_get_mtime(inode);
#else
	return inode->i_mtime;
#endif
}

/* proto_ops and proto: sockaddr_unsized came in 7.0 */
#if WEFT_KERNEL(7, 0)
#define weft_sockaddr		sockaddr_unsized
#else
#define weft_sockaddr		sockaddr
#endif

/* proto_ops->accept(): struct proto_accept_arg came in 6.10 */
#if WEFT_KERNEL(6, 10)
#define WEFT_ACCEPT_PARAMS	struct proto_accept_arg *arg
#define WEFT_ACCEPT_ARGS	arg
#else
#define WEFT_ACCEPT_PARAMS	int flags, bool kern
#define WEFT_ACCEPT_ARGS	flags, kern
#endif

/* proto->recvmsg() lost addr_len in 7.0; before, inet_recvmsg() stored it */
static inline int weft_prot_recvmsg(struct proto *prot, struct sock *sk,
				    struct msghdr *m, size_t len, int flags)
{
#if WEFT_KERNEL(7, 0)
	return prot->recvmsg(sk, m, len, flags);
#else
	int addr_len = 0, n = prot->recvmsg(sk, m, len, flags, &addr_len);

	if (n >= 0)
		m->msg_namelen = addr_len;
	return n;
#endif
}

/* kTLS has a poll() of its own, which knows records: in 6.12, not in 6.1 */
#define WEFT_KTLS_POLLS		WEFT_KERNEL(6, 12)

/* kTLS takes the socket's error although it returns data: in 6.1 */
#define WEFT_KTLS_EATS_ERRORS	(!WEFT_KERNEL(6, 12))

/* kTLS marks a KeyUpdate and reads no further, poll() included, since 6.14 */
#define WEFT_KTLS_MARKS_UPDATE	WEFT_KERNEL(6, 14)

/* epoll holds the file while it polls since 6.9 */
#define WEFT_EPOLL_HOLDS	WEFT_KERNEL(6, 9)

/* proto_ops->sendpage() went in 6.5; splice_eof(): see Kbuild */
#define WEFT_HAVE_SENDPAGE	(!WEFT_KERNEL(6, 5))

/* msg_zerocopy_realloc() got devmem in 6.16 */
#if WEFT_KERNEL(6, 16)
#define weft_zerocopy_alloc(sk, len) msg_zerocopy_realloc(sk, len, NULL, false)
#else
#define weft_zerocopy_alloc(sk, len) msg_zerocopy_realloc(sk, len, NULL)
#endif

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * splice() and sendfile() from a LIVE conn. Process context; the pipe is locked
 * by the caller, or private to it.
 *
 * tls_sw_splice_read() loses the rest of a record when the pipe takes less of
 * it than was asked for (mended upstream in the course of 6.12), and answers a
 * control record with an error. So we read into pages of our own, as
 * copy_splice_read() does for files: one copy, and none of its special cases.
 */
#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/splice.h>
#include <net/sock.h>
#include "ktls.h"
#include "ktls_priv.h"

static void page_put(struct splice_pipe_desc *spd, unsigned int i)
{
	put_page(spd->pages[i]);
}

/* Pages for @len bytes at most; fewer without memory. Returns their number. */
static unsigned int pages_get(struct page **pages, struct bio_vec *bv,
			      unsigned int max, size_t len)
{
	unsigned int n;

	for (n = 0; n < max && len > n * PAGE_SIZE; n++) {
		pages[n] = alloc_page(GFP_USER);
		if (!pages[n])
			break;
		bv[n].bv_page = pages[n];
		bv[n].bv_offset = 0;
		bv[n].bv_len = min_t(size_t, PAGE_SIZE, len - n * PAGE_SIZE);
	}
	return n;
}

/* What can be had at once, into the pipe. -EAGAIN: nothing, or no slot free. */
static ssize_t splice_now(struct weft_conn *c, struct pipe_inode_info *pipe,
			  size_t len)
{
	struct partial_page partial[PIPE_DEF_BUFFERS] = {};
	struct page *pages[PIPE_DEF_BUFFERS];
	struct bio_vec bv[PIPE_DEF_BUFFERS];
	struct splice_pipe_desc spd = {
		.pages = pages,
		.partial = partial,
		.nr_pages_max = PIPE_DEF_BUFFERS,
		.ops = &nosteal_pipe_buf_ops,
		.spd_release = page_put,
	};
	unsigned int got, free, used = pipe_occupancy(pipe->head, pipe->tail);
	struct msghdr m = {};
	ssize_t n;

	free = used < pipe->max_usage ? pipe->max_usage - used : 0;
	if (!free)
		return -EAGAIN;
	len = min_t(size_t, len, max(weft_ktls_inq(c), 1));
	got = pages_get(pages, bv, min_t(unsigned int, free, PIPE_DEF_BUFFERS),
			len);
	if (!got)
		return -ENOMEM;
	len = min_t(size_t, len, got * PAGE_SIZE);
	iov_iter_bvec(&m.msg_iter, ITER_DEST, bv, got, len);
	n = weft_ktls_read(c, &m, len, MSG_DONTWAIT);
	for (; spd.nr_pages * PAGE_SIZE < max_t(ssize_t, n, 0); spd.nr_pages++)
		partial[spd.nr_pages].len = min_t(size_t, PAGE_SIZE,
						  n - spd.nr_pages * PAGE_SIZE);
	while (got > spd.nr_pages)
		put_page(pages[--got]);
	/* takes the pages; there are slots for all, nobody else adds any */
	return n > 0 ? splice_to_pipe(pipe, &spd) : n;
}

/**
 * weft_ktls_splice_read() - splice_read() on a LIVE conn
 * @c: the conn
 * @pipe: of the call
 * @len: of the call
 * @nonblock: of the socket; as with TCP, SPLICE_F_NONBLOCK is for the pipe
 *
 * Return: as tcp_splice_read(); 0 after close_notify, -ECONNRESET as
 * weft_ktls_recvmsg().
 */
ssize_t weft_ktls_splice_read(struct weft_conn *c, struct pipe_inode_info *pipe,
			      size_t len, bool nonblock)
{
	struct msghdr m = {};
	ssize_t n;

	if (!len)
		return 0;
	if (!pipe->readers) {		/* before anything is taken */
		send_sig(SIGPIPE, current, 0);
		return -EPIPE;
	}
	for (;;) {
		n = splice_now(c, pipe, len);
		if (n != -EAGAIN || nonblock ||
		    pipe_full(pipe->head, pipe->tail, pipe->max_usage))
			break;
		iov_iter_discard(&m.msg_iter, ITER_DEST, 1);
		n = weft_ktls_read(c, &m, 1, MSG_PEEK);
		if (n <= 0)
			break;
	}
	if (n > 0)
		WRITE_ONCE(c->rx_data, true);
	return n;
}

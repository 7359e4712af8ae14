/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the ktls files: how a LIVE conn learns that its stream is over or
 * broken, how its keys are renewed, and the errors of kTLS that an application
 * must not see.
 */
#ifndef WEFT_KTLS_PRIV_H
#define WEFT_KTLS_PRIV_H

#include <linux/sockptr.h>
#include <net/strparser.h>
#include <net/tls.h>
#include "compat.h"
#include "conn.h"

/* ContentType and alerts, RFC 8446, 5.1 and 6 */
#define WEFT_RECORD_ALERT	21
#define WEFT_RECORD_HANDSHAKE	22
#define WEFT_RECORD_DATA	23
#define WEFT_ALERT_WARNING	1
#define WEFT_ALERT_CLOSE_NOTIFY	0
#define WEFT_ALERT_SIZE		2

/*
 * What kTLS says, and leaves in sk_err, when a record does not decrypt
 * (EBADMSG) or cannot be one (tls_rx_msg_size(): EINVAL, EMSGSIZE).
 */
static inline bool weft_ktls_is_bad(int err)
{
	return err == -EBADMSG || err == -EINVAL || err == -EMSGSIZE;
}

/*
 * What cannot be a record stops kTLS's parser for good; another call may have
 * taken the sk_err that told of it.
 */
static inline bool weft_ktls_is_stopped(const struct weft_conn *c)
{
	return tls_sw_ctx_rx(tls_get_ctx(c->sock->sk))->strp.stopped;
}

static inline bool weft_ktls_is_broken(const struct weft_conn *c, int err)
{
	return weft_ktls_is_bad(err) ||
	       (err == -EAGAIN && weft_ktls_is_stopped(c));
}

/* The number of the next record. */
static inline u64 weft_ktls_seq(const struct cipher_context *ctx)
{
	return get_unaligned_be64(ctx->rec_seq);
}

/* What a decrypted record is; kTLS keeps it in the control buffer. */
static inline u8 weft_ktls_type(const struct sk_buff *skb)
{
	return ((const struct sk_skb_cb *)skb->cb)->tls.control;
}

/* Does kTLS refuse to read on because of a KeyUpdate? */
static inline bool weft_ktls_waits(const struct tls_sw_context_rx *rx)
{
#if WEFT_KTLS_MARKS_UPDATE
	return READ_ONCE(rx->key_update_pending);
#else
	return false;
#endif
}

int weft_ktls_read(struct weft_conn *c, struct msghdr *m, size_t len,
		   int flags);
int weft_ktls_bad_record(struct weft_conn *c);
void weft_ktls_lost_record(struct weft_conn *c);
void weft_ktls_check_err(struct weft_conn *c);
int weft_ktls_take_queued(struct weft_conn *c);
int weft_ktls_take_control(struct weft_conn *c);
bool weft_ktls_drain(struct weft_conn *c);
int weft_ktls_truncated(struct weft_conn *c);
int weft_ktls_send_record(struct weft_conn *c, u8 type, void *data,
			  size_t len);

int weft_rekey_start(struct weft_conn *c, sockptr_t val, unsigned int len);
int weft_rekey_receive(struct weft_conn *c, bool requested);
int weft_rekey_send(struct weft_conn *c);

extern unsigned int weft_key_records;

/* Is something to be done about our key before we send? ->tx held. */
static inline bool weft_rekey_is_due(const struct weft_conn *c)
{
	return READ_ONCE(c->rekey.asked) ||
	       weft_ktls_seq(&tls_get_ctx(c->sock->sk)->tx) >=
	       READ_ONCE(weft_key_records);
}

#endif

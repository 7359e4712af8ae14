// SPDX-License-Identifier: GPL-2.0
/*
 * The keys that follow those of the handshake (RFC 8446, sections 4.6.3, 5.5
 * and 7.2): the peer's, when its KeyUpdate says so, and ours, in time and when
 * it asks for it. Process context.
 *
 * kTLS of before 6.14 has no renewal, and that of later ones wants user space
 * to do it. So the key is exchanged in kTLS's own context, under the socket
 * lock, without which nobody encrypts or decrypts there: a transform that is
 * complete before anything changes takes the place of the old one, and IV and
 * sequence number with it. Until then all can fail without harm.
 *
 * Receiving: a KeyUpdate is the last record that was decrypted, for kTLS stops
 * at each record that is not data and nobody reads on before it has left
 * rx_list (ktls_control.c). Decryption is never under way without the lock:
 * kTLS does not use its asynchronous mode with TLS 1.3.
 *
 * Sending: before data, with c->tx held, so that nobody else encrypts between
 * our KeyUpdate and the exchange. What kTLS has queued is encrypted already.
 * Encryption may be under way without the lock (AES-NI where the FPU is in
 * use), but not after a call without MSG_MORE, which waits for it.
 */
#include <crypto/aead.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <net/tcp.h>
#include <net/tls.h>
#include "hkdf.h"
#include "ktls.h"
#include "ktls_priv.h"
#include "limits.h"

static int set_records(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, WEFT_KEY_RECORDS_MIN,
				     WEFT_KEY_RECORDS);
}

static int set_grace(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, WEFT_KEY_GRACE);
}

static const struct kernel_param_ops records_ops = {
	.set = set_records,
	.get = param_get_uint,
};

static const struct kernel_param_ops grace_ops = {
	.set = set_grace,
	.get = param_get_uint,
};

unsigned int weft_key_records = WEFT_KEY_RECORDS;
module_param_cb(key_records, &records_ops, &weft_key_records, 0644);
MODULE_PARM_DESC(key_records,
		 "TLS records after which a connection's sending key is renewed, 16 to 8388608");

static unsigned int key_grace = WEFT_KEY_GRACE;
module_param_cb(key_grace, &grace_ops, &key_grace, 0644);
MODULE_PARM_DESC(key_grace,
		 "TLS records after these, before the connection is reset because its AES-GCM key could not be renewed");

/* ------------------------------------------------------------ secrets */

static unsigned int secret_len(u16 cipher_type)
{
	return cipher_type == TLS_CIPHER_AES_GCM_256 ? 48 : 32;
}

static unsigned int key_len(u16 cipher_type)
{
	return cipher_type == TLS_CIPHER_AES_GCM_128 ? 16 : 32;
}

static int encrypting(const struct tls_context *tls)
{
	return atomic_read(&tls_sw_ctx_tx(tls)->encrypt_pending);
}

/* One of the suites of RFC 8446 that kTLS does itself, no network card. */
static bool can_follow(const struct tls_context *tls)
{
	const struct tls_prot_info *prot = &tls->prot_info;

	if (prot->version != TLS_1_3_VERSION || tls->tx_conf != TLS_SW ||
	    tls->rx_conf != TLS_SW ||
	    prot->salt_size + prot->iv_size != WEFT_HKDF_IV)
		return false;
	return prot->cipher_type == TLS_CIPHER_AES_GCM_128 ||
	       prot->cipher_type == TLS_CIPHER_AES_GCM_256 ||
	       prot->cipher_type == TLS_CIPHER_CHACHA20_POLY1305;
}

/**
 * weft_rekey_start() - the worker hands over the traffic secrets
 * @c: in HANDSHAKE, the caller's; ->mu held
 * @val: struct weft_tls_secrets, the worker's memory
 * @len: its size
 *
 * Return: 0; -EINVAL, not that struct, or not secrets of the cipher's hash;
 * -ENOTCONN, keys are missing; -EBUSY, a second time; -EOPNOTSUPP, the kernel
 * has not got the hash, or the cipher is none of TLS 1.3's; -EFAULT.
 */
int weft_rekey_start(struct weft_conn *c, sockptr_t val, unsigned int len)
{
	struct tls_context *tls = tls_get_ctx(c->sock->sk);
	struct weft_tls_secrets s;
	int err = 0;

	if (len != sizeof(s))
		return -EINVAL;
	if (c->keys != 3)
		return -ENOTCONN;
	if (c->rekey.len)
		return -EBUSY;
	if (!can_follow(tls))
		return -EOPNOTSUPP;
	if (copy_from_sockptr(&s, val, sizeof(s)))
		err = -EFAULT;
	else if (s.len != secret_len(tls->prot_info.cipher_type))
		err = -EINVAL;
	else if (!weft_hkdf_has(s.len))
		err = -EOPNOTSUPP;
	if (!err) {
		memcpy(c->rekey.tx, s.tx, s.len);
		memcpy(c->rekey.rx, s.rx, s.len);
		/* nothing was encrypted yet: what it reads at rest */
		c->rekey.idle = encrypting(tls);
		c->rekey.len = s.len;
	}
	memzero_explicit(&s, sizeof(s));
	return err;
}

/**
 * weft_rekey_stop() - nothing of the secrets stays in memory
 * @c: a conn that is not LIVE (any more): nobody is in a call of kTLS
 */
void weft_rekey_stop(struct weft_conn *c)
{
	memzero_explicit(&c->rekey, sizeof(c->rekey));
}

/* ------------------------------------------------------------ renewal */

/* What takes the place of a key. */
struct renewal {
	struct crypto_aead *aead;
	struct weft_hkdf_keys keys;
};

static void renewal_uninit(struct renewal *r)
{
	if (!IS_ERR_OR_NULL(r->aead))
		crypto_free_aead(r->aead);	/* wipes its key */
	memzero_explicit(r, sizeof(*r));
}

/*
 * The key after that of @secret, for a transform like @old: of the very same
 * driver, since kTLS sizes its requests by the one it has. Return: 0, or an
 * error; then there is nothing in @r.
 */
static int renewal_init(struct renewal *r, const struct weft_conn *c,
			const u8 *secret, struct crypto_aead *old)
{
	const struct tls_prot_info *prot =
		&tls_get_ctx(c->sock->sk)->prot_info;
	unsigned int len = key_len(prot->cipher_type);
	const char *name;
	int err;

	r->aead = NULL;
	err = weft_hkdf_next(secret, c->rekey.len, len, &r->keys);
	if (err)
		return err;
	name = crypto_tfm_alg_driver_name(crypto_aead_tfm(old));
	r->aead = crypto_alloc_aead(name, 0, 0);
	err = PTR_ERR_OR_ZERO(r->aead);
	if (!err)
		err = crypto_aead_setkey(r->aead, r->keys.key, len);
	if (!err)
		err = crypto_aead_setauthsize(r->aead, prot->tag_size);
	if (err)
		renewal_uninit(r);
	return err;
}

/*
 * The exchange, which cannot fail: the old key is in @r afterwards. @copy is
 * what kTLS keeps for getsockopt(), which no conn answers: its head tells the
 * cipher and stays.
 */
static void renewal_swap(struct renewal *r, const struct weft_conn *c,
			 struct crypto_aead **aead, struct cipher_context *ctx,
			 union tls_crypto_context *copy, u8 *secret)
{
	const struct tls_prot_info *prot =
		&tls_get_ctx(c->sock->sk)->prot_info;

	swap(*aead, r->aead);
	memcpy(ctx->iv, r->keys.iv, WEFT_HKDF_IV);
	memset(ctx->rec_seq, 0, prot->rec_seq_size);
	memzero_explicit(&copy->info + 1, sizeof(*copy) - sizeof(copy->info));
	memcpy(secret, r->keys.secret, c->rekey.len);
}

/* ------------------------------------------------------------ receiving */

/* Does it come too often? What follows from it is in @debt and @since. */
static bool is_flood(const struct weft_conn *c, u64 records,
		     unsigned int *debt, unsigned long *since)
{
	unsigned long units = (jiffies - *since) / WEFT_KEY_UPDATE_TIME;
	u64 credit = records / WEFT_KEY_UPDATE_RECORDS + units;

	*since += units * WEFT_KEY_UPDATE_TIME;
	*debt -= min_t(u64, *debt, credit);
	*debt += 1;
	return *debt > WEFT_KEY_UPDATES_MAX;
}

/**
 * weft_rekey_receive() - the peer's KeyUpdate: its next record has a new key
 * @c: a LIVE conn, its socket locked; the KeyUpdate is the last record that was
 *     decrypted, and nobody reads on before the caller has taken it off rx_list
 * @requested: it wants ours renewed, too
 *
 * Return: 0; -EPROTO, it cannot be followed: there are no secrets, or it is one
 * too many; else there was no memory, nothing has changed, try again.
 */
int weft_rekey_receive(struct weft_conn *c, bool requested)
{
	struct tls_context *tls = tls_get_ctx(c->sock->sk);
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls);
	u64 records = weft_ktls_seq(&tls->rx) - 1;
	unsigned long since = c->rekey.since;
	unsigned int debt = c->rekey.debt;
	struct renewal r;
	int err;

	if (!c->rekey.len || is_flood(c, records, &debt, &since))
		return -EPROTO;
	err = renewal_init(&r, c, c->rekey.rx, rx->aead_recv);
	if (err)
		return err == -ENOMEM || err == -EINTR ? err : -EPROTO;
	renewal_swap(&r, c, &rx->aead_recv, &tls->rx, &tls->crypto_recv,
		     c->rekey.rx);
	renewal_uninit(&r);
	c->rekey.debt = debt;
	c->rekey.since = since;
	if (requested)
		WRITE_ONCE(c->rekey.asked, true);
	weft_count(c->wn, keys_updated_rx);
	return 0;
}

/* ------------------------------------------------------------ sending */

static bool encrypts(const struct weft_conn *c)
{
	return encrypting(tls_get_ctx(c->sock->sk)) != c->rekey.idle;
}

/*
 * Our KeyUpdate; the peer's is not asked for, it has its own limits. An open
 * record (MSG_MORE) goes first, in a call of its own: in kTLS of before 7.0 a
 * rest of one would take on the type of ours. Return: 0, it is encrypted and on
 * its way, for kTLS keeps what TCP has no room for; else it is not.
 */
static int send_update(struct weft_conn *c)
{
	const struct tls_context *tls = tls_get_ctx(c->sock->sk);
	u8 update[WEFT_KEY_UPDATE_LEN] = { WEFT_KEY_UPDATE_TYPE, 0, 0, 1 };
	u64 before;
	int err;

	if (tls->pending_open_record_frags) {
		err = weft_ktls_send_record(c, WEFT_RECORD_DATA, NULL, 0);
		if (err && err != -EAGAIN)
			return err;
	}
	if (tls->pending_open_record_frags)
		return -EAGAIN;
	before = weft_ktls_seq(&tls->tx);
	err = weft_ktls_send_record(c, WEFT_RECORD_HANDSHAKE, update,
				    sizeof(update));
	if (err)
		return err;
	return weft_ktls_seq(&tls->tx) == before + 1 &&
	       !tls->pending_open_record_frags ? 0 : -EAGAIN;
}

/* 0, or why not: then the key is the old one, or the connection is over. */
static int renew(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct tls_context *tls = tls_get_ctx(sk);
	struct tls_sw_context_tx *tx = tls_sw_ctx_tx(tls);
	bool asked = xchg(&c->rekey.asked, false);
	struct renewal r;
	int err;

	err = renewal_init(&r, c, c->rekey.tx, tx->aead_send);
	if (!err) {
		err = encrypts(c) ? -EBUSY : send_update(c);
		if (!err) {
			lock_sock(sk);
			renewal_swap(&r, c, &tx->aead_send, &tls->tx,
				     &tls->crypto_send, c->rekey.tx);
			release_sock(sk);
			c->first_sent = false;	/* Nagle: ktls_send.c */
			weft_count(c->wn, keys_updated_tx);
		}
		renewal_uninit(&r);
	}
	if (err && asked)
		WRITE_ONCE(c->rekey.asked, true);
	return err;
}

static bool is_worn_out(const struct weft_conn *c)
{
	const struct tls_context *tls = tls_get_ctx(c->sock->sk);

	return tls->prot_info.cipher_type != TLS_CIPHER_CHACHA20_POLY1305 &&
	       weft_ktls_seq(&tls->tx) >=
	       (u64)READ_ONCE(weft_key_records) + READ_ONCE(key_grace);
}

static void reset(struct weft_conn *c)
{
	WRITE_ONCE(c->reason, WEFT_REASON_KEY_UPDATE);	/* release() tells */
	WRITE_ONCE(c->rx_err, -ECONNRESET);
	tcp_abort(c->sock->sk, ECONNRESET);
}

/**
 * weft_rekey_send() - data is about to be sent, and the key is due
 * @c: a LIVE conn; ->tx held
 *
 * A renewal that fails is tried again before the next data, until the grace is
 * over.
 *
 * Return: 0, go on; -ECONNRESET, the connection was reset: nothing is sent with
 * this key any more.
 */
int weft_rekey_send(struct weft_conn *c)
{
	lockdep_assert_held(&c->tx);
	if (c->rekey.len && !renew(c))
		return 0;
	if (likely(!is_worn_out(c)))
		return 0;
	reset(c);
	return -ECONNRESET;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions of the daemon. See nl_generation.h.
 */
#include "nl/nl_generation.h"

#include <errno.h>
#include "nl/nl_wire.h"

static int take_transaction(struct nlattr **tb, void *data)
{
	uint32_t *txn = data;

	*txn = weft_nl_get_u32(tb[WEFT_A_TRANSACTION]);
	return *txn ? 0 : -EPROTO;
}

static int take_generation(struct nlattr **tb, void *data)
{
	uint64_t *generation = data;

	if (!tb[WEFT_A_GENERATION])
		return -EPROTO;
	*generation = nla_get_u64(tb[WEFT_A_GENERATION]);
	return 0;
}

static int call(struct weft_nl *nl, uint8_t cmd, uint32_t txn, weft_nl_reply_fn *fn, void *data,
		struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg = weft_nl_msg(nl, cmd, 0, WEFT_NL_ROOM_SMALL);

	if (!msg || weft_nl_put_u32_set(msg, WEFT_A_TRANSACTION, txn))
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, fn, data, err);
}

int weft_nl_generation_begin(struct weft_nl *nl, uint32_t *txn, struct weft_error *err)
{
	return call(nl, WEFT_CMD_GENERATION_BEGIN, 0, take_transaction, txn, err);
}

int weft_nl_generation_commit(struct weft_nl *nl, uint32_t txn, uint64_t *generation,
			      struct weft_error *err)
{
	return call(nl, WEFT_CMD_GENERATION_COMMIT, txn, take_generation, generation, err);
}

int weft_nl_generation_abort(struct weft_nl *nl, uint32_t txn, struct weft_error *err)
{
	return call(nl, WEFT_CMD_GENERATION_ABORT, txn, NULL, NULL, err);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that every kind of object has. See nl_object.h.
 */
#include "nl/nl_object.h"

#include "nl/nl_wire.h"

/* What a reply's attributes are taken into. */
struct taking {
	const struct weft_nl_kind *kind;
	void *out; /* one that is fetched, or scratch */
	weft_nl_object_fn *fn;
	void *data;
};

int weft_nl_object_add(struct weft_nl *nl, const struct weft_nl_kind *kind, const void *object,
		       uint32_t txn, bool replace, struct weft_error *err)
{
	int flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, kind->cmd_new, flags, WEFT_NL_ROOM_OBJECT);

	if (!msg)
		return weft_error_nomem(err);
	if (weft_nl_put_u32_set(msg, WEFT_A_TRANSACTION, txn) || kind->put(msg, object))
		return weft_nl_too_big(err);
	return weft_nl_call(nl, msg, NULL, NULL, err);
}

/* GET or DEL of one by name. */
static int call_name(struct weft_nl *nl, const struct weft_nl_kind *kind, uint8_t cmd,
		     const char *name, weft_nl_reply_fn *fn, void *data, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg = weft_nl_msg(nl, cmd, 0, WEFT_NL_ROOM_SMALL);

	if (!msg)
		return weft_error_nomem(err);
	if (weft_nl_put_name(msg, kind->nest, kind->key, name))
		return weft_nl_too_big(err);
	return weft_nl_call(nl, msg, fn, data, err);
}

int weft_nl_object_del(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
		       struct weft_error *err)
{
	return call_name(nl, kind, kind->cmd_del, name, NULL, NULL, err);
}

static int take(struct nlattr **tb, void *data)
{
	struct taking *taking = data;

	return taking->kind->parse(tb[taking->kind->nest], taking->out);
}

int weft_nl_object_get(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
		       void *out, struct weft_error *err)
{
	struct taking taking = { .kind = kind, .out = out };

	return call_name(nl, kind, kind->cmd_get, name, take, &taking, err);
}

static int take_each(struct nlattr **tb, void *data)
{
	struct taking *taking = data;
	int r = take(tb, taking);

	if (r)
		return r;
	r = taking->fn(taking->out, taking->data);
	taking->kind->uninit(taking->out);
	return r;
}

int weft_nl_object_dump(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
			weft_nl_object_fn *fn, void *data, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg = weft_nl_msg(nl, kind->cmd_get, 0, WEFT_NL_ROOM_SMALL);
	_cleanup_free_ void *scratch = calloc(1, kind->size);
	struct taking taking = { kind, scratch, fn, data };

	if (!msg || !scratch)
		return weft_error_nomem(err);
	if (name && weft_nl_put_name(msg, kind->nest, kind->key, name))
		return weft_nl_too_big(err);
	return weft_nl_call_dump(nl, msg, false, take_each, &taking, err);
}

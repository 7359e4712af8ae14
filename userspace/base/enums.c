// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Enumerations as words. See enums.h.
 */
#include "base/enums.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/array.h"

static const char *const modes[] = {
	[WEFT_MODE_DEFAULT] = "default",
	[WEFT_MODE_DISABLED] = "disabled",
	[WEFT_MODE_PERMISSIVE] = "permissive",
	[WEFT_MODE_STRICT] = "strict",
};
_Static_assert(WEFT_ARRAY_SIZE(modes) == WEFT_MODE_MAX + 1, "a mode without a name");

static const char *const actions[] = {
	[WEFT_ACTION_ALLOW] = "allow",
	[WEFT_ACTION_DENY] = "deny",
	[WEFT_ACTION_AUDIT] = "audit",
};
_Static_assert(WEFT_ARRAY_SIZE(actions) == WEFT_ACTION_MAX + 1, "an action without a name");

static const char *const owners[] = {
	[WEFT_OWNER_DAEMON] = "daemon",
	[WEFT_OWNER_STATIC] = "static",
};

static const char *const revoked[] = {
	[WEFT_REVOKED_NOTHING] = "nothing",
	[WEFT_REVOKED_IDENTITY] = "identity",
	[WEFT_REVOKED_SERIAL] = "serial",
};

static const char *const roles[] = {
	[WEFT_ROLE_CLIENT] = "client",
	[WEFT_ROLE_SERVER] = "server",
};

static const char *const states[] = {
	[WEFT_CONN_CONNECTING] = "connecting",
	[WEFT_CONN_SNIFF] = "sniff",
	[WEFT_CONN_WANT] = "want",
	[WEFT_CONN_HANDSHAKE] = "handshake",
	[WEFT_CONN_LIVE] = "live",
	[WEFT_CONN_PASS] = "pass",
	[WEFT_CONN_DEAD] = "dead",
};

static const char *const events[] = {
	[WEFT_EVENT_UNSPEC] = "unspec",
	[WEFT_EVENT_CONN_LIVE] = "conn-live",
	[WEFT_EVENT_CONN_PASS] = "conn-pass",
	[WEFT_EVENT_CONN_DENIED] = "conn-denied",
	[WEFT_EVENT_CONN_FAILED] = "conn-failed",
	[WEFT_EVENT_CONN_CLOSED] = "conn-closed",
	[WEFT_EVENT_ENDPOINT_FAILED] = "endpoint-failed",
	[WEFT_EVENT_GENERATION] = "generation",
	[WEFT_EVENT_WORKER_UP] = "worker-up",
	[WEFT_EVENT_WORKER_DOWN] = "worker-down",
	[WEFT_EVENT_CONN_AUDIT] = "conn-audit",
};
_Static_assert(WEFT_ARRAY_SIZE(events) == WEFT_EVENT_MAX + 1, "an event without a name");

/*
 * The reasons come from the interface's own list: "POLICY_DENIED" there is
 * "policy-denied" here, made once before main().
 */
#define REASON_NAME(n) #n,
static char reasons[][24] = { WEFT_REASONS(REASON_NAME) };
#undef REASON_NAME

static void __attribute__((constructor)) make_reasons(void)
{
	size_t i;
	char *p;

	for (i = 0; i < WEFT_ARRAY_SIZE(reasons); i++)
		for (p = reasons[i]; *p; p++)
			*p = *p == '_' ? '-' : tolower((unsigned char)*p);
}

static const char *name(const char *const *table, size_t count, unsigned int value)
{
	return value < count ? table[value] : "unknown";
}

static int parse(const char *const *table, size_t count, const char *text)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(table[i], text))
			return i;
	return -EINVAL;
}

const char *weft_mode_name(unsigned int mode)
{
	return name(modes, WEFT_ARRAY_SIZE(modes), mode);
}

const char *weft_action_name(unsigned int action)
{
	return name(actions, WEFT_ARRAY_SIZE(actions), action);
}

const char *weft_owner_name(unsigned int owner)
{
	return name(owners, WEFT_ARRAY_SIZE(owners), owner);
}

const char *weft_revoked_name(unsigned int what)
{
	return name(revoked, WEFT_ARRAY_SIZE(revoked), what);
}

const char *weft_role_name(unsigned int role)
{
	return name(roles, WEFT_ARRAY_SIZE(roles), role);
}

const char *weft_state_name(unsigned int state)
{
	return name(states, WEFT_ARRAY_SIZE(states), state);
}

const char *weft_event_name(unsigned int event)
{
	return name(events, WEFT_ARRAY_SIZE(events), event);
}

const char *weft_reason_name(unsigned int reason)
{
	return reason < WEFT_ARRAY_SIZE(reasons) ? reasons[reason] : "unknown";
}

int weft_mode_parse(const char *text, enum weft_mode *mode)
{
	int value = parse(modes, WEFT_ARRAY_SIZE(modes), text);

	if (value < 0)
		return value;
	*mode = value;
	return 0;
}

int weft_action_parse(const char *text, enum weft_action *action)
{
	int value = parse(actions, WEFT_ARRAY_SIZE(actions), text);

	if (value < 0)
		return value;
	*action = value;
	return 0;
}

int weft_reason_parse(const char *text, enum weft_reason *reason)
{
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(reasons); i++) {
		if (!strcmp(reasons[i], text)) {
			*reason = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *weft_errno_name(int error)
{
	static _Thread_local char unknown[24];
	const char *known;

	if (error < 0)
		error = -error;
	known = strerrorname_np(error);
	if (known)
		return known;
	snprintf(unknown, sizeof(unknown), "errno %d", error);
	return unknown;
}

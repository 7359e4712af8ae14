// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The systemd unit in a cgroup path. Pure; any thread.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "audit/audit.h"
#include "base/array.h"

static bool ends_with(const char *name, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(name + len - n, suffix, n);
}

/* Those of systemd's unit types that processes run in. */
static bool is_unit(const char *name, size_t len)
{
	static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount",
						".swap" };

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(suffixes); i++)
		if (ends_with(name, len, suffixes[i]))
			return len < WEFT_AUDIT_UNIT_MAX;
	return false;
}

int weft_audit_unit(const char *cgroup, char *unit)
{
	size_t len;

	for (const char *part = cgroup; part && *part; part += len) {
		part += strspn(part, "/");
		len = strcspn(part, "/");
		if (ends_with(part, len, ".slice"))
			continue;
		/* systemd puts '_' before names that the kernel could mistake. */
		if (*part == '_') {
			part++;
			len--;
		}
		if (!is_unit(part, len))
			return -ENXIO;
		snprintf(unit, WEFT_AUDIT_UNIT_MAX, "%.*s", (int)len, part);
		return 0;
	}
	return -ENXIO;
}

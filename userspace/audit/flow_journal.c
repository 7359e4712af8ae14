// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Audit records out of journald's files. See flow.h.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "audit/audit.h"
#include "audit/flow.h"
#include "base/array.h"
#include "base/cleanup.h"

static void journal_close(sd_journal **j)
{
	sd_journal_close(*j);
}

static int open_source(const struct weft_flow_source *source, sd_journal **j)
{
	const char *files[] = { source->file, NULL };

	if (source->file)
		return sd_journal_open_files(j, files, 0);
	if (source->dir)
		return sd_journal_open_directory(j, source->dir, 0);
	return sd_journal_open(j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
}

static const char *source_name(const struct weft_flow_source *source)
{
	if (source->file)
		return source->file;
	return source->dir ? source->dir : "the journal of this machine";
}

static int open_journal(const struct weft_flow_source *source, sd_journal **j,
			struct weft_error *err)
{
	int r = open_source(source, j);

	if (r < 0)
		return weft_error_set(err, r, "%s: cannot read it: %s", source_name(source),
				      strerror(-r));
	/* what may not be read is passed over in silence */
	if (!source->file && !source->dir && sd_journal_has_runtime_files(*j) <= 0 &&
	    sd_journal_has_persistent_files(*j) <= 0)
		return weft_error_set(err, EACCES,
				      "%s: there is none, or it may not be read: this needs root or "
				      "the group systemd-journal, or another with --journal DIR",
				      source_name(source));
	return 0;
}

static int add_match(sd_journal *j, const char *field, const char *value)
{
	_cleanup_free_ char *match = NULL;

	if (asprintf(&match, "%s=%s", field, value) < 0) {
		match = NULL;
		return -ENOMEM;
	}
	return sd_journal_add_match(j, match, 0);
}

/* One field's values are alternatives, different fields must all match. */
static int select_records(sd_journal *j, const struct weft_flow_source *source)
{
	static const char *const ids[] = { WEFT_AUDIT_ID_LIVE, WEFT_AUDIT_ID_PASS,
					   WEFT_AUDIT_ID_DENIED, WEFT_AUDIT_ID_FAILED,
					   WEFT_AUDIT_ID_CLOSED };
	int r = add_match(j, "_SYSTEMD_UNIT", source->unit);

	for (size_t i = 0; r >= 0 && i < WEFT_ARRAY_SIZE(ids); i++)
		r = add_match(j, "MESSAGE_ID", ids[i]);
	return r < 0 ? r : sd_journal_seek_realtime_usec(j, source->since);
}

/* The text of a field of the current record; NULL: it has none. */
static int get_field(sd_journal *j, const char *name, char **text)
{
	size_t len, skip = strlen(name) + 1;
	const void *data;
	int r;

	*text = NULL;
	r = sd_journal_get_data(j, name, &data, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*text = strndup((const char *)data + skip, len - skip);
	return *text ? 0 : -ENOMEM;
}

static int take_record(sd_journal *j, struct weft_flows *flows, struct weft_error *err)
{
	char *texts[WEFT_FLOW_FIELDS] = { 0 };
	uint64_t time = 0;
	int i, r;

	r = sd_journal_get_realtime_usec(j, &time);
	for (i = 0; r >= 0 && i < WEFT_FLOW_FIELDS; i++)
		r = get_field(j, weft_flow_fields[i], &texts[i]);
	if (r < 0 && r != -ENOMEM) {
		/* a record that is cut off or damaged */
		flows->unreadable++;
		r = 0;
	} else {
		r = r < 0 ? weft_error_nomem(err)
			  : weft_flows_take(flows, (const char *const *)texts, time, err);
	}
	for (i = 0; i < WEFT_FLOW_FIELDS; i++)
		free(texts[i]);
	return r < 0 ? r : 0;
}

/* What was before is not in the journal, be it vacuumed or new. */
static int read_begin(sd_journal *j, struct weft_flows *flows)
{
	uint64_t from;
	int r = sd_journal_get_cutoff_realtime_usec(j, &from, NULL);

	if (r > 0)
		flows->begins = from;
	return r;
}

int weft_flows_read(const struct weft_flow_source *source, struct weft_flows *flows,
		    struct weft_error *err)
{
	_cleanup_(journal_close) sd_journal *j = NULL;
	int r = open_journal(source, &j, err);

	if (r)
		return r;
	flows->since = source->since;
	r = read_begin(j, flows);
	if (r >= 0)
		r = select_records(j, source);
	while (r >= 0 && (r = sd_journal_next(j)) > 0) {
		int ret = take_record(j, flows, err);

		if (ret)
			return ret;
	}
	if (r < 0)
		return weft_error_set(err, r, "%s: reading it: %s", source_name(source),
				      strerror(-r));
	weft_flows_sort(flows);
	return 0;
}

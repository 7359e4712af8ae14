// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: which workload a process belongs to, what its listeners accept.
 */
#include <linux/kernel.h>
#include "selftest.h"

#define SELECTOR(...)	((const struct weft_selector[]){ { __VA_ARGS__ }, {} })
#define UID(u)		.has_uid = true, .uid = (u)
#define GID(g)		.has_gid = true, .gid = (g)

/*
 * Name of the workload a process with these facts belongs to; "" none. Its
 * group's id is @uid + 100.
 */
static const char *match(struct weft_tables *t, const char *cgroup,
			 const char *exe, u32 uid)
{
	struct weft_task task = { .cgroup = cgroup, .exe = exe, .uid = uid,
				  .gid = uid + 100 };
	const struct weft_workload *w;
	enum weft_width width;

	w = weft_workload_match(weft_st_gen(t), &task, &width);
	return w ? w->name : "";
}

#define EXPECT_MATCH(cgroup, exe, uid, name) \
	WEFT_EXPECT(!strcmp(match(t, cgroup, exe, uid), name))

static const char *no_tables_match_nobody(struct weft_tables *t)
{
	EXPECT_MATCH("/", "/bin/sh", 0, "");
	return NULL;
}

static const char *cgroup_selector_ends_at_slash(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w", SELECTOR(.cgroup = "/a/b")));
	EXPECT_MATCH("/a/b", "", 0, "w");
	EXPECT_MATCH("/a/b/c", "", 0, "w");
	EXPECT_MATCH("/a/bc", "", 0, "");
	EXPECT_MATCH("/a", "", 0, "");
	EXPECT_MATCH("/a/", "", 0, "");
	EXPECT_MATCH("/x/a/b", "", 0, "");
	EXPECT_MATCH("", "", 0, "");
	return NULL;
}

static const char *cgroup_root_selects_all_known(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w", SELECTOR(.cgroup = "/")));
	EXPECT_MATCH("/", "", 0, "w");
	EXPECT_MATCH("/a", "", 0, "w");
	EXPECT_MATCH("", "", 0, "");
	return NULL;
}

static const char *unit_selector_is_one_whole_part(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w",
				      SELECTOR(.unit = "n.service")));
	EXPECT_MATCH("/system.slice/n.service", "", 0, "w");
	EXPECT_MATCH("/n.service", "", 0, "w");
	EXPECT_MATCH("/system.slice/n.service/worker", "", 0, "w");
	EXPECT_MATCH("/system.slice/n.service2", "", 0, "");
	EXPECT_MATCH("/system.slice/xn.service", "", 0, "");
	EXPECT_MATCH("/system.slice", "", 0, "");
	EXPECT_MATCH("/", "", 0, "");
	EXPECT_MATCH("", "", 0, "");
	return NULL;
}

static const char *unit_of_a_users_manager_is_none(struct weft_tables *t)
{
	const char *own = "/user.slice/user-7.slice/user@7.service/a/n.service";

	WEFT_EXPECT(!weft_st_workload(t, 0, "w",
				      SELECTOR(.unit = "n.service")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "u",
				      SELECTOR(.unit = "user-7.slice")));
	EXPECT_MATCH(own, "", 7, "u");
	EXPECT_MATCH("/system.slice/x.scope/n.service", "", 7, "");
	EXPECT_MATCH("/system.slice/n.service/x.scope", "", 7, "w");
	return NULL;
}

#define ID	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"

#define OTHER	"ffffffffffffffffffffffffffffffff" \
		"ffffffffffffffffffffffffffffffff"

static const char *container_is_known_by_its_cgroup(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w",
				      SELECTOR(.container = "0123456789ab")));
	EXPECT_MATCH("/docker/" ID, "", 0, "w");
	EXPECT_MATCH("/docker/" ID "/init", "", 0, "w");
	EXPECT_MATCH("/system.slice/docker-" ID ".scope", "", 0, "w");
	EXPECT_MATCH("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID
		     ".scope", "", 0, "w");
	EXPECT_MATCH("/kubepods/burstable/pod1/" ID, "", 0, "w");
	EXPECT_MATCH("/machine.slice/libpod-" ID ".scope/container", "", 0,
		     "w");
	EXPECT_MATCH("/machine.slice/libpod-conmon-" ID ".scope", "", 0, "");
	EXPECT_MATCH("/docker/1" ID, "", 0, "");
	EXPECT_MATCH("/docker/0123456789ab", "", 0, "");
	EXPECT_MATCH("/docker/x" ID ".scope", "", 0, "");
	EXPECT_MATCH("/docker/-" ID "0.scope", "", 0, "");
	EXPECT_MATCH("/docker/g" ID, "", 0, "");
	EXPECT_MATCH("/docker/" OTHER "/" ID, "", 0, "");
	return NULL;
}

static const char *container_of_a_user_is_none(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w", SELECTOR(.container = ID)));
	EXPECT_MATCH("/user.slice/user-7.slice/user@7.service/libpod-" ID
		     ".scope", "", 7, "");
	return NULL;
}

static const char *container_beats_its_slice(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a",
				      SELECTOR(.cgroup = "/system.slice")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", SELECTOR(.container = ID)));
	EXPECT_MATCH("/system.slice/docker-" ID ".scope", "", 0, "b");
	EXPECT_MATCH("/system.slice/docker-x.scope", "", 0, "a");
	return NULL;
}

/* By what kind of selector a process is in its workload. */
static enum weft_width width(struct weft_tables *t, const char *cgroup,
			     const char *exe, u32 uid)
{
	struct weft_task task = { .cgroup = cgroup, .exe = exe, .uid = uid,
				  .gid = uid + 100 };
	enum weft_width out;

	weft_workload_match(weft_st_gen(t), &task, &out);
	return out;
}

#define EXPECT_WIDTH(cgroup, exe, uid, w) \
	WEFT_EXPECT(width(t, cgroup, exe, uid) == WEFT_WIDTH_##w)

static const char *root_alone_is_the_last_resort(struct weft_tables *t)
{
	EXPECT_WIDTH("/", "", 0, NAMED);
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(.cgroup = "/")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b",
				      SELECTOR(.cgroup = "/", UID(7))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "c", SELECTOR(.cgroup = "/c")));
	EXPECT_WIDTH("/", "", 0, ALL);
	EXPECT_WIDTH("/x", "", 0, ALL);
	EXPECT_WIDTH("/x", "", 7, MANY);
	EXPECT_WIDTH("/c", "", 0, NAMED);
	return NULL;
}

static const char *slices_and_users_name_nobody(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a",
				      SELECTOR(.cgroup = "/x.slice")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b",
				      SELECTOR(.cgroup = "/x.slice/y.scope")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "c",
				      SELECTOR(.unit = "z.service")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "d",
				      SELECTOR(.container = ID)));
	WEFT_EXPECT(!weft_st_workload(t, 0, "e", SELECTOR(.exe = "/bin/x")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "f", SELECTOR(UID(7))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "g", SELECTOR(GID(108))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "h",
				      SELECTOR(.cgroup = "/x.slicer")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "i",
				      SELECTOR(.unit = "u.slice")));
	EXPECT_WIDTH("/x.slice", "", 0, MANY);
	EXPECT_WIDTH("/x.slice/else.service", "", 0, MANY);
	EXPECT_WIDTH("/x.slice/y.scope", "", 0, NAMED);
	EXPECT_WIDTH("/x.slice/z.service", "", 0, NAMED);
	EXPECT_WIDTH("/x.slice/docker-" ID ".scope", "", 0, NAMED);
	EXPECT_WIDTH("/x.slice/else.service", "/bin/x", 0, NAMED);
	WEFT_EXPECT(!weft_st_workload(t, 0, "j",
				      SELECTOR(.cgroup = "/v.scope/w.slice")));
	EXPECT_WIDTH("/v.scope/w.slice/x", "", 0, NAMED);
	EXPECT_WIDTH("/u.slice/else.service", "", 0, MANY);
	EXPECT_WIDTH("/", "", 7, MANY);
	EXPECT_WIDTH("/", "", 8, MANY);
	EXPECT_WIDTH("/x.slicer", "", 0, NAMED);
	return NULL;
}

static bool is_weft(const char *cgroup)
{
	return weft_workload_is_weft(&(struct weft_task){ .cgroup = cgroup });
}

static const char *weft_is_known_by_its_unit(struct weft_tables *t)
{
	WEFT_EXPECT(is_weft("/system.slice/weftd.service"));
	WEFT_EXPECT(is_weft("/system.slice/s.slice/weftd@a.service"));
	WEFT_EXPECT(is_weft("/system.slice/weft-ca.service"));
	WEFT_EXPECT(!is_weft("/system.slice/weftd@a.slice"));
	WEFT_EXPECT(!is_weft("/system.slice/weftd.service.d"));
	WEFT_EXPECT(!is_weft("/docker/" OTHER "/weftd.service"));
	WEFT_EXPECT(!is_weft("/user.slice/user@7.service/weftd.service"));
	return NULL;
}

static const char *selector_needs_all_its_parts(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w",
				      SELECTOR(.cgroup = "/a", UID(7),
					       .exe = "/bin/x",
					       .unit = "u")));
	EXPECT_MATCH("/a/u", "/bin/x", 7, "w");
	EXPECT_MATCH("/b/u", "/bin/x", 7, "");
	EXPECT_MATCH("/a/v", "/bin/x", 7, "");
	EXPECT_MATCH("/a/u", "/bin/y", 7, "");
	EXPECT_MATCH("/a/u", "/bin/x", 8, "");
	return NULL;
}

static const char *workload_needs_one_of_its_selectors(struct weft_tables *t)
{
	static const struct weft_selector two[] = {
		{ .cgroup = "/a" }, { UID(7) }, {}
	};

	WEFT_EXPECT(!weft_st_workload(t, 0, "w", two));
	EXPECT_MATCH("/a", "", 1, "w");
	EXPECT_MATCH("/b", "", 7, "w");
	EXPECT_MATCH("/b", "", 1, "");
	return NULL;
}

static const char *uid_selector_matches_root(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "w", SELECTOR(UID(0))));
	EXPECT_MATCH("/a", "", 0, "w");
	EXPECT_MATCH("/a", "", 1, "");
	return NULL;
}

static const char *executable_beats_cgroup(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a",
				      SELECTOR(.cgroup = "/a/b/c", UID(7))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", SELECTOR(.exe = "/bin/x")));
	EXPECT_MATCH("/a/b/c", "/bin/x", 7, "b");
	EXPECT_MATCH("/a/b/c", "/bin/y", 7, "a");
	EXPECT_MATCH("/a/b/c", "/bin/x2", 7, "a");
	return NULL;
}

static const char *match_file(struct weft_tables *t,
			      const struct weft_file_id *id)
{
	struct weft_task task = { .cgroup = "/a", .exe = "/bin/x",
				  .has_file = id };
	const struct weft_workload *w;
	enum weft_width width;

	if (id)
		task.file = *id;
	w = weft_workload_match(weft_st_gen(t), &task, &width);
	return w ? w->name : "";
}

#define EXPECT_FILE(id, name) WEFT_EXPECT(!strcmp(match_file(t, id), name))

/* The members of an id, each of which counts. */
static void other_file(struct weft_file_id *id, unsigned int which)
{
	switch (which) {
	case 0:
		id->dev++;
		break;
	case 1:
		id->generation++;
		break;
	case 2:
		id->ino++;
		break;
	case 3:
		id->size++;
		break;
	case 4:
		id->mtime.tv_sec++;
		break;
	case 5:
		id->disk++;
		break;
	default:
		id->mtime.tv_nsec++;
	}
}

static const char *hash_selector_wants_one_of_its_files(struct weft_tables *t)
{
	struct weft_exe_files files = { .sha256 = { 1 } };
	const struct weft_selector with[] = {
		{ .exe = "/bin/x", .files = &files }, {}
	};
	struct weft_file_id id = { .ino = 7, .size = 9 }, other;
	unsigned int i;

	WEFT_EXPECT(!weft_st_workload(t, 0, "w", with));
	EXPECT_FILE(&id, "");		/* none was shown */
	files.ids[files.n++] = (struct weft_file_id){ .ino = 8 };
	files.ids[files.n++] = id;
	WEFT_EXPECT(!weft_st_workload(t, 0, "v", with));
	EXPECT_FILE(&id, "v");
	EXPECT_FILE(NULL, "");		/* others than root can write it */
	for (i = 0; i < 7; i++) {
		other = id;
		other_file(&other, i);
		EXPECT_FILE(&other, "");
	}
	return NULL;
}

static const char *hash_beats_the_path_alone(struct weft_tables *t)
{
	struct weft_file_id id = { .ino = 7 }, other = { .ino = 8 };
	struct weft_exe_files files = { .n = 1, .ids = { id } };

	WEFT_EXPECT(!weft_st_workload(t, 0, "a",
				      SELECTOR(.exe = "/bin/x",
					       .cgroup = "/a")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b",
				      SELECTOR(.exe = "/bin/x",
					       .files = &files)));
	EXPECT_FILE(&id, "b");
	EXPECT_FILE(&other, "a");
	return NULL;
}

/* Inode numbers of @f's files, as digits. */
static u32 file_digits(const struct weft_exe_files *f)
{
	unsigned int i;
	u32 digits = 0;

	for (i = 0; i < f->n; i++)
		digits = digits * 10 + (u32)f->ids[i].ino;
	return digits;
}

static const char *last_files_are_kept(struct weft_tables *t)
{
	struct weft_exe_files files = {};
	struct weft_selector s = { .exe = "/bin/x", .files = &files };
	struct weft_file_id id = {};

	for (id.ino = 1; id.ino <= 5; id.ino++)
		weft_workload_add_file(&s, &id);
	WEFT_EXPECT(file_digits(&files) == 5432);
	id.ino = 3;
	weft_workload_add_file(&s, &id);
	WEFT_EXPECT(file_digits(&files) == 3542);
	return NULL;
}

static const char *files_are_inherited_by_path_and_hash(struct weft_tables *t)
{
	struct weft_exe_files of[] = {
		{ .sha256 = { 1 }, .n = 3, .ids = { { .ino = 1 }, { .ino = 2 },
						    { .ino = 3 } } },
		{ .sha256 = { 2 }, .n = 1, .ids = { { .ino = 4 } } },
		{ .sha256 = { 1 }, .n = 1, .ids = { { .ino = 5 } } },
	};
	struct weft_selector old[] = {
		{ .exe = "/bin/x", .files = &of[0] },
		{ .exe = "/bin/x", .files = &of[1] },
		{ .exe = "/bin/y", .files = &of[2] },
		{ .exe = "/bin/x" },
	};
	struct weft_exe_files files = { .sha256 = { 1 }, .n = 2,
					.ids = { { .ino = 6 }, { .ino = 2 } } };
	struct weft_selector now[] = {
		{ .exe = "/bin/x" }, { .exe = "/bin/x", .files = &files }
	};
	struct weft_workload w = { .selectors = now, .n_selectors = 2 };
	struct weft_workload before = { .selectors = old, .n_selectors = 4 };

	weft_workload_inherit_files(&w, &before);
	WEFT_EXPECT(file_digits(&files) == 6213);
	WEFT_EXPECT(!now[0].files);
	return NULL;
}

static const char *longer_path_beats_shorter(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(.cgroup = "/a")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", SELECTOR(.cgroup = "/a/b")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "c",
				      SELECTOR(.unit = "n.service")));
	EXPECT_MATCH("/a/b/x", "", 0, "b");
	EXPECT_MATCH("/a/x", "", 0, "a");
	EXPECT_MATCH("/a/b/n.service", "", 0, "c");
	EXPECT_MATCH("/n.service", "", 0, "c");
	return NULL;
}

static const char *gid_selector_matches_group(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "g", SELECTOR(GID(107))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "both",
				      SELECTOR(UID(8), GID(107))));
	EXPECT_MATCH("/a", "", 7, "g");
	EXPECT_MATCH("/a", "", 107, "");
	EXPECT_MATCH("/a", "", 8, "");
	return NULL;
}

static const char *cgroup_beats_uid(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(UID(7))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", SELECTOR(.cgroup = "/a")));
	EXPECT_MATCH("/a", "", 7, "b");
	EXPECT_MATCH("/b", "", 7, "a");
	return NULL;
}

static const char *cgroup_root_is_the_last_resort(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(.cgroup = "/")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "g", SELECTOR(GID(107))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "u", SELECTOR(UID(8))));
	EXPECT_MATCH("/x", "", 7, "g");
	EXPECT_MATCH("/x", "", 8, "u");
	EXPECT_MATCH("/x", "", 9, "a");
	return NULL;
}

static const char *uid_beats_gid(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(GID(107))));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", SELECTOR(UID(7))));
	EXPECT_MATCH("/x", "", 7, "b");
	WEFT_EXPECT(!weft_st_workload(t, 0, "c", SELECTOR(UID(7), GID(107))));
	EXPECT_MATCH("/x", "", 7, "c");
	return NULL;
}

static const char *uid_decides_between_equal_paths(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(.cgroup = "/a")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b",
				      SELECTOR(.cgroup = "/a", UID(7))));
	EXPECT_MATCH("/a", "", 7, "b");
	EXPECT_MATCH("/a", "", 8, "a");
	return NULL;
}

static const char *first_name_wins_among_equals(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", SELECTOR(.cgroup = "/a")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "c", SELECTOR(.cgroup = "/a")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(.cgroup = "/a")));
	EXPECT_MATCH("/a", "", 0, "a");
	return NULL;
}

static const char *narrowest_selector_counts(struct weft_tables *t)
{
	static const struct weft_selector two[] = {
		{ UID(7) }, { .cgroup = "/a/b" }, {}
	};

	WEFT_EXPECT(!weft_st_workload(t, 0, "a", SELECTOR(.cgroup = "/a")));
	WEFT_EXPECT(!weft_st_workload(t, 0, "b", two));
	EXPECT_MATCH("/a/b", "", 7, "b");
	EXPECT_MATCH("/a/c", "", 7, "a");
	return NULL;
}

static const char *port_mode_goes_before_workload_mode(struct weft_tables *t)
{
	static const struct weft_port_mode ports[] = {
		{ 80, WEFT_MODE_PERMISSIVE }, { 81, WEFT_MODE_DISABLED },
		{ 82, WEFT_MODE_DEFAULT }, {}
	};
	const struct weft_workload *w;

	WEFT_EXPECT(!weft_st_workload_mode(t, "w", WEFT_MODE_STRICT, ports));
	w = weft_workload_find(weft_st_gen(t), "w");
	WEFT_EXPECT(w);
	WEFT_EXPECT(weft_workload_mode(w, 80) == WEFT_MODE_PERMISSIVE);
	WEFT_EXPECT(weft_workload_mode(w, 81) == WEFT_MODE_DISABLED);
	WEFT_EXPECT(weft_workload_mode(w, 82) == WEFT_MODE_STRICT);
	WEFT_EXPECT(weft_workload_mode(w, 83) == WEFT_MODE_STRICT);
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(no_tables_match_nobody),
	WEFT_CLAIM(cgroup_selector_ends_at_slash),
	WEFT_CLAIM(cgroup_root_selects_all_known),
	WEFT_CLAIM(unit_selector_is_one_whole_part),
	WEFT_CLAIM(unit_of_a_users_manager_is_none),
	WEFT_CLAIM(container_is_known_by_its_cgroup),
	WEFT_CLAIM(container_of_a_user_is_none),
	WEFT_CLAIM(container_beats_its_slice),
	WEFT_CLAIM(root_alone_is_the_last_resort),
	WEFT_CLAIM(slices_and_users_name_nobody),
	WEFT_CLAIM(weft_is_known_by_its_unit),
	WEFT_CLAIM(selector_needs_all_its_parts),
	WEFT_CLAIM(workload_needs_one_of_its_selectors),
	WEFT_CLAIM(uid_selector_matches_root),
	WEFT_CLAIM(executable_beats_cgroup),
	WEFT_CLAIM(hash_selector_wants_one_of_its_files),
	WEFT_CLAIM(hash_beats_the_path_alone),
	WEFT_CLAIM(last_files_are_kept),
	WEFT_CLAIM(files_are_inherited_by_path_and_hash),
	WEFT_CLAIM(longer_path_beats_shorter),
	WEFT_CLAIM(gid_selector_matches_group),
	WEFT_CLAIM(cgroup_beats_uid),
	WEFT_CLAIM(cgroup_root_is_the_last_resort),
	WEFT_CLAIM(uid_beats_gid),
	WEFT_CLAIM(uid_decides_between_equal_paths),
	WEFT_CLAIM(first_name_wins_among_equals),
	WEFT_CLAIM(narrowest_selector_counts),
	WEFT_CLAIM(port_mode_goes_before_workload_mode),
};

WEFT_CLAIMS(weft_claims_workload, claims);

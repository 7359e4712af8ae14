// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of QEMU's TCG: how many instructions the guest executes where, between
 * the marks of load.c.  Of each measurement it writes lines "ADDRESS COUNT TIMES",
 * one a basic block, to "FILE.1", "FILE.2", ..., where it was loaded with "out=FILE";
 * where.py makes functions of them.
 *
 * For one virtual CPU.  QEMU's plugin interface, version 4 (QEMU 9.2 and later),
 * is declared here as far as it is used: Debian packages no header.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

#define API __attribute__((visibility("default")))

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *data), int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *data), int flags,
					    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t len);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

API int qemu_plugin_version = 4;
API int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			    char **argv);

/* A block as often as it is translated: where.py adds them up. Never freed. */
struct block {
	struct block *next;
	uint64_t address;
	uint64_t insns, executed;
};

static struct block *blocks;
static int on;
static unsigned int measured;
static const char *out;

static void finish(void);

static void executed(unsigned int cpu, void *data)
{
	struct block *b = data;

	if (on)
		b->executed++;
}

static void mark(unsigned int cpu, void *data)
{
	if (on && !data)
		finish();
	on = !!data;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const uint8_t begin[] = {0x0f, 0x1f, 0x80, 0x01, 0x46, 0x45, 0x57},
			     end[] = {0x0f, 0x1f, 0x80, 0x00, 0x46, 0x45, 0x57};
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct block *b = calloc(1, sizeof(*b));
	struct qemu_plugin_insn *insn;
	uint8_t code[16];

	b->insns = n;
	b->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	b->next = blocks;
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, b);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (qemu_plugin_insn_data(insn, code, sizeof(code)) < sizeof(begin))
			continue;
		if (!memcmp(code, begin, sizeof(begin)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, 0, (void *)1);
		else if (!memcmp(code, end, sizeof(end)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, 0, NULL);
	}
}

/* The measurement that ends; the next one begins from nothing. */
static void finish(void)
{
	char name[4096];
	struct block *b;
	FILE *f;

	snprintf(name, sizeof(name), "%s.%u", out, ++measured);
	f = fopen(name, "w");
	for (b = blocks; b; b = b->next) {
		if (f && b->executed)
			fprintf(f, "%llx %llu %llu\n", (unsigned long long)b->address,
				(unsigned long long)(b->executed * b->insns),
				(unsigned long long)b->executed);
		b->executed = 0;
	}
	if (f)
		fclose(f);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}

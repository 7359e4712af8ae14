// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects, verbs, their help, and finding them by abbreviation. See command.h.
 */
#include "cli/command.h"

#include <string.h>
#include "cli/ca.h"
#include "cli/object.h"

const char weft_help[] =
	"Usage: weftctl [-j] [OBJECT [VERB] [WORD]...]\n"
	"\n"
	"  status                    the module, its tables and counters (the default)\n"
	"  service|endpoint|workload|policy|revocation|peer show|add|replace|del\n"
	"  apply FILE...|show|confirm|rollback\n"
	"                            documents, undone unless confirmed\n"
	"  simulate FILE...          which recorded connections a change would refuse\n"
	"  suggest [WORKLOAD]...     the least policies that let in what was let in\n"
	"  conn show|del             meshed connections, also those that ended lately\n"
	"  ca show|export|rotate|token|node|serve\n"
	"                            the CA of this host, and the nodes that join it\n"
	"  monitor                   events as they happen\n"
	"  explain CONN              everything known of one connection, and what to do\n"
	"  selftest                  run the module's self-tests\n"
	"\n"
	"  -j, --json     JSON instead of text\n"
	"  -h, --help     this help, or that of an OBJECT\n"
	"  -V, --version  the version of weftctl\n"
	"  --confirm TIME, --state-dir DIR  of apply\n"
	"  --since TIME, --journal DIR, --file FILE, --state-dir DIR\n"
	"                 of simulate and suggest; of suggest also --refused\n"
	"\n"
	"Objects and verbs may be abbreviated. What is added here is \"static\": it applies\n"
	"at once and stays until it is deleted or the module is unloaded.\n";

static const struct weft_verb status_verbs[] = { { "show", weft_status_show }, { 0 } };

static const struct weft_verb object_verbs[] = {
	{ "show", weft_object_show },
	{ "add", weft_object_add },
	{ "replace", weft_object_replace },
	{ "del", weft_object_del },
	{ 0 },
};

static const struct weft_verb endpoint_verbs[] = {
	{ "show", weft_endpoint_show },
	{ "add", weft_object_add },
	{ "replace", weft_object_replace },
	{ "del", weft_endpoint_del },
	{ 0 },
};

static const struct weft_verb conn_verbs[] = {
	{ "show", weft_conn_show },
	{ "del", weft_conn_del },
	{ 0 },
};

static const struct weft_verb apply_verbs[] = {
	{ "show", weft_apply_show },
	{ "confirm", weft_apply_confirm },
	{ "rollback", weft_apply_rollback },
	{ 0 },
};

static const struct weft_verb ca_verbs[] = {
	{ "show", weft_ca_show },
	{ "export", weft_ca_export },
	{ "rotate", weft_ca_rotate },
	{ "token", weft_ca_token },
	{ "node", weft_ca_node },
	{ "serve", weft_ca_serve },
	{ 0 },
};

static const struct weft_verb simulate_verbs[] = { { "", weft_simulate }, { 0 } };
static const struct weft_verb suggest_verbs[] = { { "", weft_suggest_policies }, { 0 } };
static const struct weft_verb monitor_verbs[] = { { "", weft_monitor }, { 0 } };
static const struct weft_verb explain_verbs[] = { { "", weft_explain }, { 0 } };
static const struct weft_verb selftest_verbs[] = { { "", weft_selftest }, { 0 } };

#define OPTIONS_RECORDED \
	(WEFT_OPTION_SINCE | WEFT_OPTION_JOURNAL | WEFT_OPTION_FILE | WEFT_OPTION_STATE_DIR)

const struct weft_object weft_objects[] = {
	{ "status", status_verbs,
	  "Usage: weftctl status [--state-dir DIR]\n"
	  "\n"
	  "The module, what somebody should see to, as weftd knows it (root only), how much\n"
	  "is configured, what is going on, and counters. DIR: weftd's state directory; if\n"
	  "not given, that of the weftd of this network namespace.\n",
	  NULL, NULL, WEFT_OPTION_STATE_DIR },
	{ "service", object_verbs,
	  "Usage: weftctl service [show [NAME]]\n"
	  "       weftctl service add|replace NAME [address ADDRESS]... port PORT[:TARGET]...\n"
	  "                                  [identity ID]... [connect-timeout DURATION]\n"
	  "       weftctl service del NAME\n"
	  "\n"
	  "connect() to an ADDRESS and PORT goes to one of the service's endpoints, there\n"
	  "to port TARGET (the same). ID: the SPIFFE IDs its endpoints may have, a final\n"
	  "'*' makes a prefix; without, any of the caller's trust domain. DURATION, per\n"
	  "endpoint: 10ms to 600s, 2s without. del takes the endpoints along.\n",
	  &weft_cli_kind_service, NULL, 0 },
	{ "endpoint", endpoint_verbs,
	  "Usage: weftctl endpoint [show [service NAME]]\n"
	  "       weftctl endpoint add|replace service NAME address ADDRESS[:PORT] [weight N]\n"
	  "       weftctl endpoint del service NAME address ADDRESS[:PORT]\n"
	  "\n"
	  "Without PORT the endpoint has the target ports of its service. N: 1 to 65535,\n"
	  "1 without.\n",
	  &weft_cli_kind_endpoint, NULL, 0 },
	{ "workload", object_verbs,
	  "Usage: weftctl workload [show [NAME]]\n"
	  "       weftctl workload add|replace NAME identity ID SELECTOR [or SELECTOR]...\n"
	  "                                    [mode MODE] [port PORT:MODE]...\n"
	  "       weftctl workload del NAME\n"
	  "\n"
	  "SELECTOR: one or more of  unit UNIT  cgroup PATH  container ID  uid N  gid N\n"
	  "exe PATH [sha256 HASH],  which must all match; \"or\" begins another. With HASH\n"
	  "the file must be there and have it. MODE, what listeners accept: strict (mutual\n"
	  "TLS only, the default), permissive (plaintext too), disabled (not meshed).\n",
	  &weft_cli_kind_workload, NULL, 0 },
	{ "policy", object_verbs,
	  "Usage: weftctl policy [show [NAME]]\n"
	  "       weftctl policy add|replace NAME action allow|deny|audit [workload NAME]\n"
	  "                                  [scope-identity ID]... [scope-port PORT]...\n"
	  "                                  [RULE [or RULE]...]\n"
	  "       weftctl policy del NAME\n"
	  "\n"
	  "RULE: any, or  [from ID]... [ipblock ADDRESS[/LENGTH]]... [port PORT]...: one of\n"
	  "the IDs (a final '*' makes a prefix), one of the IP blocks and one of the ports.\n"
	  "It is for the workload, for those with one of the scope-identities, at one of the\n"
	  "scope-ports, or all of these together; without, for all workloads at every port.\n"
	  "A policy without rules matches nothing. A deny that matches denies; where no allow\n"
	  "is for workload and port all else is allowed, else only what an allow matches. An\n"
	  "audit decides nothing and is told.\n",
	  &weft_cli_kind_policy, NULL, 0 },
	{ "revocation", object_verbs,
	  "Usage: weftctl revocation [show [NAME]]\n"
	  "       weftctl revocation add|replace NAME [identity ID]... [serial HEX]...\n"
	  "       weftctl revocation del NAME\n"
	  "\n"
	  "Whose SPIFFE ID, or whose certificate's serial number, is named gets no connection,\n"
	  "at either end and whatever the policies say, and loses those that it has. HEX: as\n"
	  "\"openssl x509 -serial\" and \"-text\" print it. del lifts it.\n",
	  &weft_cli_kind_revocation, NULL, 0 },
	{ "peer", object_verbs,
	  "Usage: weftctl peer [show [NAME]]\n"
	  "       weftctl peer add|replace NAME ipblock ADDRESS[/LENGTH]...\n"
	  "       weftctl peer del NAME\n"
	  "\n"
	  "Whoever comes from one of the IP blocks speaks mesh: a permissive port does the\n"
	  "handshake at once, whoever speaks first and whatever became of the mark on the SYN,\n"
	  "and takes no plaintext; what is in use from there ends. It allows nobody anything.\n",
	  &weft_cli_kind_peer, NULL, 0 },
	{ "apply", apply_verbs,
	  "Usage: weftctl apply FILE... [--confirm TIME] [--state-dir DIR]\n"
	  "       weftctl apply [show|confirm|rollback] [--state-dir DIR]\n"
	  "\n"
	  "Puts FILEs into the directory of documents of weftd and waits until they are in\n"
	  "force; when they are not, what was there before is put back. With --confirm, 5s\n"
	  "to 1h, weftd does so, too, unless \"weftctl apply confirm\" comes in TIME. DIR: the\n"
	  "state directory of weftd, without: of the one of this network namespace.\n",
	  NULL, weft_apply_files, WEFT_OPTION_CONFIRM | WEFT_OPTION_STATE_DIR },
	{ "simulate", simulate_verbs,
	  "Usage: weftctl simulate FILE... [--since TIME] [--journal DIR | --file FILE]\n"
	  "                        [--state-dir DIR]\n"
	  "\n"
	  "Which of the connections that weftd has recorded since TIME would be refused if\n"
	  "FILEs were applied, and which that were refused would be let in. The module is\n"
	  "asked; nothing is changed. TIME: \"7d\" (the default), \"-2h\", \"yesterday\",\n"
	  "\"2026-11-27 14:00\". DIR, FILE: of the journal, as journalctl -D and --file; the\n"
	  "last DIR as of apply. Without them, connections that are older and open count, too.\n"
	  "Not judged: selectors, identities of workloads, addresses, ports and endpoints of\n"
	  "services. Exit status: 0 all that was let in would be, 2 not all, 1 an error.\n",
	  NULL, NULL, OPTIONS_RECORDED | WEFT_OBJECT_ANSWERS },
	{ "suggest", suggest_verbs,
	  "Usage: weftctl suggest [WORKLOAD]... [--since TIME] [--refused]\n"
	  "                       [--journal DIR | --file FILE] [--state-dir DIR]\n"
	  "\n"
	  "Documents for weftctl simulate and apply: ALLOW policies that let in exactly what\n"
	  "weftd has recorded as let in since TIME, 7d without, to the WORKLOADs, all without.\n"
	  "With --refused also what policies refused. With another host's journal, workloads\n"
	  "are not compared with the documents of this one, and what is older and open there\n"
	  "is not known. Plaintext is let in by its address: whoever comes from there, also\n"
	  "when the port is strict. See weftctl simulate -h.\n",
	  NULL, NULL, OPTIONS_RECORDED | WEFT_OPTION_REFUSED },
	{ "conn", conn_verbs,
	  "Usage: weftctl conn [show [ID]]\n"
	  "       weftctl conn del ID\n"
	  "\n"
	  "Meshed connections, also those that ended lately. del resets one.\n",
	  NULL, NULL, 0 },
	{ "ca", ca_verbs,
	  "Usage: weftctl ca [show [dir DIR]]\n"
	  "       weftctl ca export [file FILE] [dir DIR]\n"
	  "       weftctl ca rotate [show [dir DIR]]\n"
	  "       weftctl ca rotate prepare|finish|abort [dir DIR]\n"
	  "       weftctl ca rotate activate [without NODE]... [dir DIR]\n"
	  "       weftctl ca token add node NAME identity ID... file FILE [ttl DURATION]\n"
	  "                            [trust-domain NAME] [dir DIR]\n"
	  "       weftctl ca token [show [dir DIR]]\n"
	  "       weftctl ca token del TOKEN [dir DIR]\n"
	  "       weftctl ca node [show [dir DIR]]\n"
	  "       weftctl ca node del NAME [dir DIR]\n"
	  "       weftctl ca serve listen ADDRESS:PORT [lifetime DURATION] [trust-domain NAME]\n"
	  "                        [dir DIR]\n"
	  "\n"
	  "The CA in DIR, " WEFT_CA_DIR " without; it is made only where trust-domain is\n"
	  "given. A token lets node NAME join once, within ttl (1h), and obtain the IDs; a\n"
	  "final '/*' stands for all below. FILE, which must be new, goes to the node and is\n"
	  "a secret. A token for a node that joined changes what it may obtain. lifetime:\n"
	  "the longest of a certificate, 24h without. node del: it obtains nothing more.\n"
	  "\n"
	  "rotate: another root. prepare makes it, trusted beside the one that signs; activate\n"
	  "has it sign, when all nodes trust it (without NODE: but this one); finish drops the\n"
	  "old one, when nothing it signed is valid any more. abort undoes prepare. show says\n"
	  "who is waited for, and what comes next.\n",
	  NULL, NULL, 0 },
	{ "monitor", monitor_verbs,
	  "Usage: weftctl monitor\n"
	  "\n"
	  "Events as they happen, one line each, until interrupted.\n",
	  NULL, NULL, 0 },
	{ "explain", explain_verbs,
	  "Usage: weftctl explain CONN\n"
	  "\n"
	  "What is known of one connection: who made it, where it wanted to go, what was\n"
	  "tried, the identities, the policy that decided, what the application saw, and\n"
	  "what to do about it. \"weftctl conn show\" has the numbers.\n",
	  NULL, NULL, 0 },
	{ "selftest", selftest_verbs,
	  "Usage: weftctl selftest\n"
	  "\n"
	  "Runs the self-tests of the module. The kernel log has the details.\n",
	  NULL, NULL, 0 },
	{ 0 },
};

/*
 * The index of @word among names that are @stride bytes apart: itself, or the
 * only one it begins. -1: none, or several (then @several).
 */
static int find(const void *table, size_t stride, const char *word, bool *several)
{
	const char *name;
	int i, found = -1;

	*several = false;
	for (i = 0;; i++) {
		memcpy(&name, (const char *)table + i * stride, sizeof(name));
		if (!name)
			break;
		if (!strcmp(name, word))
			return i;
		if (strncmp(name, word, strlen(word)) || !*word)
			continue;
		*several |= found >= 0;
		found = i;
	}
	return *several ? -1 : found;
}

/* "show, add, del": the names @word may stand for, all of them without one. */
static void list_names(const void *table, size_t stride, const char *word, char *buf, size_t size)
{
	const char *name;
	size_t len = 0;
	int i;

	buf[0] = '\0';
	for (i = 0;; i++) {
		memcpy(&name, (const char *)table + i * stride, sizeof(name));
		if (!name || len >= size)
			return;
		if (strncmp(name, word, strlen(word)))
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", name);
	}
}

static int find_or_say(struct weft_cli *cli, const void *table, size_t stride, const char *what,
		       const char *word)
{
	char names[160];
	bool several;
	int i = find(table, stride, word, &several);

	if (i >= 0)
		return i;
	list_names(table, stride, several ? word : "", names, sizeof(names));
	if (several)
		weft_cli_usage(cli, "\"%.200s\" is ambiguous: %s", word, names);
	else
		weft_cli_usage(cli, "\"%.200s\": no such %s (%s)", word, what, names);
	return -1;
}

const struct weft_object *weft_object_find(struct weft_cli *cli, const char *word)
{
	int i = find_or_say(cli, weft_objects, sizeof(*weft_objects), "object", word);

	return i < 0 ? NULL : &weft_objects[i];
}

bool weft_object_answers(const char *word)
{
	bool several;
	int i = find(weft_objects, sizeof(*weft_objects), word, &several);

	return i >= 0 && weft_objects[i].options & WEFT_OBJECT_ANSWERS;
}

const struct weft_verb *weft_verb_find(struct weft_cli *cli, const struct weft_object *object,
				       const char *word)
{
	int i;

	snprintf(cli->subject, sizeof(cli->subject), "%s", object->name);
	i = find_or_say(cli, object->verbs, sizeof(*object->verbs), "verb", word);
	cli->subject[0] = '\0';
	return i < 0 ? NULL : &object->verbs[i];
}

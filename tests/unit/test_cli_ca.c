// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl ca: what it prints and does with a CA in a temporary directory. There is no
 * module, and none is needed.
 */
#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include "audit/audit.h"
#include "base/file.h"
#include "cli_run.h"
#include "join/client.h"
#include "join/registry.h"
#include "join/token.h"
#include "pki/cert.h"
#include "pki/pem.h"
#include "pki/serial.h"

static char dir[64];

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/weft-test-ca-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int remove_dir(void **state)
{
	cli_forget();
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

/* "@" in @line stands for the directory. */
static int run(const char *line)
{
	char whole[1024], *to = whole;

	for (; *line; line++) {
		if (*line == '@')
			to = stpcpy(to, dir);
		else
			*to++ = *line;
	}
	*to = '\0';
	return cli_run(whole, cli_no_module);
}

static void expect_done(const char *line)
{
	if (run(line) != WEFT_EXIT_DONE)
		fail_msg("%s: %s", line, cli_err);
}

static void expect_failed(const char *line, const char *says)
{
	assert_int_equal(run(line), WEFT_EXIT_FAILED);
	if (!strstr(cli_err, says))
		fail_msg("\"%s\" does not say \"%s\"", cli_err, says);
	assert_string_equal(cli_out, "");
}

static void assert_prints(const char *words)
{
	if (!strstr(cli_out, words))
		fail_msg("\"%s\" does not say \"%s\"", cli_out, words);
}

#define ADD "ca token add node n1 identity shop/cart identity web/* dir @/ca "

static void no_ca_is_made_by_accident(void **state)
{
	static const char *const lines[] = {
		"ca show dir @/ca", "ca export dir @/ca", "ca token show dir @/ca",
		"ca token del 0123456789abcdef dir @/ca", "ca node show dir @/ca",
		"ca node del n1 dir @/ca", ADD "file @/t", "ca serve listen 127.0.0.1:1 dir @/ca",
		"ca rotate show dir @/ca", "ca rotate prepare dir @/ca", "ca rotate activate dir @/ca",
		"ca rotate finish dir @/ca", "ca rotate abort dir @/ca",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		expect_failed(lines[i], "/ca: there is no CA: name its directory (dir DIR)");
		assert_int_equal(access(in_dir("ca"), F_OK), -1);
		assert_int_equal(access(in_dir("t"), F_OK), -1);
	}
}

static void ca_is_shown_with_its_counts(void **state)
{
	expect_done(ADD "file @/t trust-domain example.org");
	expect_done("ca show dir @/ca");
	assert_prints("trust domain:  example.org\n");
	assert_prints("fingerprint:   ");
	assert_prints("tokens:        1\n");
	assert_prints("nodes:         0\n");
	assert_null(strstr(cli_out, "notice"));
	expect_done("-j ca show dir @/ca");
	assert_prints("\"trust_domain\":\t\"example.org\"");
	assert_prints("\"notice\":\tnull");
	expect_failed(ADD "file @/t2 trust-domain example.com",
		      "this is the CA of trust domain \"example.org\", not of \"example.com\"");
}

/* The root, with another time of validity: days from now. */
static void date_root(int from, int to)
{
	struct weft_cert_spec spec = {
		.uri = "spiffe://example.org",
		.not_before = time(NULL) + from * 86400LL,
		.not_after = time(NULL) + to * 86400LL,
	};
	X509 *cert;

	assert_int_equal(weft_pem_read_key(in_dir("ca/ca.key"), &spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("ca/ca.crt"), cert, NULL, NULL), 0);
	EVP_PKEY_free(spec.key);
	X509_free(cert);
}

/* The last tenth of its life, or less than the longest life of what it signs. */
static void ca_that_is_near_its_end_has_a_notice(void **state)
{
	expect_done(ADD "file @/t trust-domain example.org");
	date_root(-3290, 364);
	expect_done("ca show dir @/ca");
	assert_prints("notice:        the root is near its end: make the next one now");
	date_root(-9, 91);
	expect_done("ca show dir @/ca");
	assert_null(strstr(cli_out, "notice"));
	date_root(-11, 89);
	expect_done("ca show dir @/ca");
	assert_prints("notice:        the root is near its end: make the next one now");
	/* Who rotates it knows. */
	expect_done("ca rotate prepare dir @/ca");
	expect_done("ca show dir @/ca");
	assert_null(strstr(cli_out, "notice"));
}

static void rotation_is_shown_at_each_step(void **state)
{
	expect_done(ADD "file @/t trust-domain example.org");
	expect_done("ca show dir @/ca");
	assert_null(strstr(cli_out, "rotation"));
	expect_done("-j ca show dir @/ca");
	assert_prints("\"rotation\":\tnull");
	expect_done("ca rotate show dir @/ca");
	assert_prints("step:    none\n");
	assert_prints("advice:  no rotation is under way\n");

	expect_done("ca rotate prepare dir @/ca");
	assert_string_equal(cli_out, "");
	expect_done("ca show dir @/ca");
	assert_prints("rotation:\n");
	assert_prints("  step:        prepared\n");
	assert_prints("  since:       20");
	assert_prints("  next root:   ");
	assert_prints("all trust the next root: weftctl ca rotate activate\n");
	expect_done("ca export dir @/ca");
	assert_non_null(strstr(strstr(cli_out, "BEGIN CERTIFICATE") + 1, "BEGIN CERTIFICATE"));

	expect_done("ca rotate activate dir @/ca");
	expect_done("-j ca rotate show dir @/ca");
	assert_prints("\"step\":\t\"activated\"");
	assert_prints("\"next_root\":\tnull");
	assert_prints("\"finish_after\":\tnull"); /* it has signed nothing */
	assert_prints("\"not_trusted_by\":\t");
	expect_done("ca rotate finish dir @/ca");
	expect_done("ca rotate show dir @/ca");
	assert_prints("step:    none\n");
}

static void rotation_that_is_refused_says_why(void **state)
{
	static const struct weft_strv nothing;
	struct weft_join_claim claim = { .address = "192.0.2.1", .now = time(NULL) };
	struct weft_ticket ticket = { 0 };
	struct weft_join_node node = { 0 };

	expect_done(ADD "file @/t trust-domain example.org");
	expect_failed("ca rotate activate dir @/ca", "there is no next root");
	expect_failed("ca rotate finish dir @/ca", "no rotation is under way");
	expect_failed("ca rotate abort dir @/ca", "no rotation is under way");
	assert_int_equal(weft_ticket_read(in_dir("t"), &ticket, NULL), 0);
	assert_int_equal(weft_registry_join_locked(in_dir("ca"), ticket.id, ticket.secret, &claim,
						   &node, NULL),
			 0);
	weft_join_node_uninit(&node);
	assert_int_equal(weft_registry_seen_locked(in_dir("ca"), "n1", &claim, &nothing, &node,
						   NULL),
			 0);
	weft_join_node_uninit(&node);
	weft_ticket_uninit(&ticket);
	expect_done("ca rotate prepare dir @/ca");
	expect_failed("ca rotate activate dir @/ca", "1 node has not said to trust the next root");
	expect_failed("ca rotate activate without n2 dir @/ca", "there is no such node");
	expect_done("ca rotate show dir @/ca");
	assert_prints("not trusted by:  n1 (last seen on 20");
	expect_done("ca rotate activate without n1 dir @/ca");
	expect_failed("ca rotate abort dir @/ca", "the next root signs already");
	assert_int_equal(run("ca rotate frob dir @/ca"), WEFT_EXIT_USAGE);
	assert_int_equal(run("ca rotate prepare without n1 dir @/ca"), WEFT_EXIT_USAGE);
}

static void root_is_exported(void **state)
{
	char *text;
	size_t len;

	expect_done(ADD "file @/t trust-domain example.org");
	assert_int_equal(weft_file_read(in_dir("ca/ca.crt"), 10000, &text, &len, NULL), 0);
	expect_done("ca export dir @/ca");
	assert_string_equal(cli_out, text);
	expect_done("-j ca export dir @/ca");
	assert_prints("{\n\t\"bundle\":\t\"-----BEGIN CERTIFICATE-----\\n");
	free(text);
	expect_done("ca export dir @/ca file @/roots.pem");
	assert_string_equal(cli_out, "");
	assert_int_equal(access(in_dir("roots.pem"), R_OK), 0);
}

static void token_is_added_shown_and_deleted(void **state)
{
	struct weft_ticket ticket;
	char line[128];

	expect_done(ADD "file @/t trust-domain example.org ttl 30m");
	assert_string_equal(cli_out, "");
	assert_int_equal(weft_ticket_read(in_dir("t"), &ticket, NULL), 0);
	expect_done("ca token show dir @/ca");
	assert_prints(ticket.id);
	assert_prints("  n1    new    ");
	assert_prints("spiffe://example.org/shop/cart,spiffe://example.org/web/*\n");
	expect_done("-j ca token show dir @/ca");
	assert_prints("\"state\":\t\"new\"");

	snprintf(line, sizeof(line), "ca token del %s dir @/ca", ticket.id);
	expect_done(line);
	expect_failed(line, "there is none");
	expect_done("ca token show dir @/ca");
	assert_string_equal(cli_out, "");
	expect_failed("ca token del ../x dir @/ca",
		      "weftctl: token \"../x\": not the identifier of a token");
	weft_ticket_uninit(&ticket);
}

static void token_that_makes_no_sense_is_not_added(void **state)
{
	expect_done(ADD "file @/t trust-domain example.org");
	expect_failed(ADD "file @/t", "/t is there already: name a new file");
	expect_failed("ca token add node N identity a file @/t2 dir @/ca",
		      "node \"N\": not a DNS name");
	expect_failed("ca token add node n identity weft/ca file @/t2 dir @/ca",
		      "identity \"weft/ca\": what is below /weft/ is weft's own");
	expect_failed(ADD "file @/t2 ttl 721h", "a token for 2595600 s: allowed are");
	assert_int_equal(access(in_dir("t2"), F_OK), -1);
}

static void node_is_shown_and_deleted(void **state)
{
	const struct weft_join_claim claim = { .address = "192.0.2.7", .now = 1900000000 };
	struct weft_strv trusts = { 0 };
	struct weft_ticket ticket;
	struct weft_join_node node;

	expect_done(ADD "file @/t trust-domain example.org");
	assert_int_equal(weft_ticket_read(in_dir("t"), &ticket, NULL), 0);
	/* Before the token expires, whatever the clock here says. */
	assert_int_equal(weft_registry_join_locked(in_dir("ca"), ticket.id, ticket.secret,
						   &(struct weft_join_claim){
							   .address = "192.0.2.7",
							   .now = time(NULL) },
						   &node, NULL),
			 0);
	weft_join_node_uninit(&node);
	assert_int_equal(weft_strv_add(&trusts, "00ff"), 0);
	assert_int_equal(weft_registry_seen_locked(in_dir("ca"), "n1", &claim, &trusts, &node,
						   NULL),
			 0);
	weft_join_node_uninit(&node);
	weft_strv_uninit(&trusts);
	weft_ticket_uninit(&ticket);

	expect_done("ca node show dir @/ca");
	assert_prints("n1    192.0.2.7  ");
	assert_prints("2030-03-17 17:46:40 UTC  1 ");
	assert_prints("spiffe://example.org/shop/cart,spiffe://example.org/web/*\n");
	expect_done("-j ca node show dir @/ca");
	assert_prints("\"root\":\t\"00ff\"");
	expect_done("ca show dir @/ca");
	assert_prints("nodes:         1\n");
	expect_done("ca node del n1 dir @/ca");
	assert_string_equal(cli_err, "");
	expect_failed("ca node del n1 dir @/ca", "weftctl: node \"n1\": there is none\n");
	expect_done("ca token show dir @/ca");
	assert_string_equal(cli_out, "");
}

/* It is done, and somebody is to see to the token. */
static void node_is_deleted_beside_a_broken_token(void **state)
{
	struct weft_ticket ticket;
	struct weft_join_node node;

	expect_done(ADD "file @/t trust-domain example.org");
	assert_int_equal(weft_ticket_read(in_dir("t"), &ticket, NULL), 0);
	assert_int_equal(weft_registry_join_locked(in_dir("ca"), ticket.id, ticket.secret,
						   &(struct weft_join_claim){
							   .address = "192.0.2.7",
							   .now = time(NULL) },
						   &node, NULL),
			 0);
	weft_join_node_uninit(&node);
	weft_ticket_uninit(&ticket);
	assert_int_equal(weft_file_write(in_dir("ca/tokens/broken.json"), "{", 1, 0600, NULL), 0);
	expect_done("ca node del n1 dir @/ca");
	assert_non_null(strstr(cli_err, "weftctl: node \"n1\" is deleted, but not all tokens"));
	assert_non_null(strstr(cli_err, "/ca/tokens/broken.json: "));
	expect_done(ADD "file @/t2");
	assert_non_null(strstr(cli_err, "/ca/tokens/broken.json: "));
	expect_failed("ca node del n1 dir @/ca", "there is none");
}

/* A port that nobody has, most likely. */
static unsigned int free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	close(fd);
	return ntohs(addr.sin_port);
}

/* The signal waits until serve asks for it. */
static void serve_makes_its_ca_and_ends_with_a_signal(void **state)
{
	sigset_t set, before;
	char line[128];

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	raise(SIGTERM);
	snprintf(line, sizeof(line),
		 "ca serve listen 127.0.0.1:%u dir @/ca trust-domain example.org", free_port());
	expect_done(line);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_non_null(strstr(cli_err, "serving the CA of \"example.org\" on 127.0.0.1:"));
	expect_done("ca show dir @/ca");
}

static unsigned int serve_port;

static void *serve(void *data)
{
	char line[128];

	snprintf(line, sizeof(line), "ca serve listen 127.0.0.1:%u dir @/ca", serve_port);
	return run(line) == WEFT_EXIT_DONE ? NULL : "failed";
}

/* What the journal would have, as lines; of the server's threads, which are at an end when
 * it is read. */
static pthread_mutex_t records_lock = PTHREAD_MUTEX_INITIALIZER;
static char records[8192];
static int record_result;

static int keep_record(const struct iovec *fields, int count, void *data)
{
	pthread_mutex_lock(&records_lock);
	for (int i = 0; i < count; i++) {
		strncat(records, fields[i].iov_base, fields[i].iov_len);
		strcat(records, "\n");
	}
	pthread_mutex_unlock(&records_lock);
	return record_result;
}

static const struct weft_audit_sink record_sink = { .send = keep_record };

/* A node joins, is refused a certificate as often as @refusals, and gets one, of @serial. */
static void serve_a_node(char *serial, int refusals)
{
	struct weft_join_client *client;
	struct weft_svid *svid = NULL;
	char server[32];
	sigset_t set, before;
	pthread_t thread;
	void *problem;
	int r;

	expect_done(ADD "file @/t trust-domain example.org");
	serve_port = free_port();
	snprintf(server, sizeof(server), "127.0.0.1:%u", serve_port);
	assert_int_equal(weft_join_client_open(in_dir("n"), server, "example.org", in_dir("t"),
					       &client, NULL),
			 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	records[0] = '\0';
	cli_audit = &record_sink;
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	do
		r = weft_join_client_join(client, NULL);
	while (r == -ECONNREFUSED); /* it has not come so far */
	assert_int_equal(r, 0);
	for (int i = 0; i < refusals; i++)
		assert_int_equal(weft_join_client_sign(client, "spiffe://example.org/db", 0, &svid,
						       NULL),
				 -EACCES);
	assert_int_equal(weft_join_client_sign(client, "spiffe://example.org/web/a", 0, &svid, NULL),
			 0);
	assert_int_equal(weft_pki_serial(svid->cert, serial, NULL), 0);
	weft_svid_put(svid);
	weft_join_client_close(client);
	pthread_kill(thread, SIGTERM);
	pthread_join(thread, &problem);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	cli_audit = NULL;
	assert_null(problem);
	assert_string_equal(cli_out, "");
}

#define REFUSED_OFTEN 70

static unsigned int occurrences(const char *text, const char *words)
{
	unsigned int n = 0;

	for (; (text = strstr(text, words)); text += strlen(words))
		n++;
	return n;
}

static void serve_counts_those_who_are_refused_too_often(void **state)
{
	char serial[WEFT_SERIAL_SIZE];
	unsigned int told, more = 0;
	const char *at;

	record_result = 0;
	serve_a_node(serial, REFUSED_OFTEN);
	told = occurrences(cli_err, "\nrefused 127.0.0.1: node \"n1\" may not obtain ");
	at = cli_err;
	while ((at = strstr(at, "\nrefused 127.0.0.1/32: "))) {
		at += strlen("\nrefused 127.0.0.1/32: ");
		more += strtoul(at, NULL, 10);
	}
	assert_true(told >= 50 && told < REFUSED_OFTEN);
	assert_int_equal(told + more, REFUSED_OFTEN);
	assert_non_null(strstr(cli_err, " more times\n"));
	assert_non_null(strstr(cli_err, "\nnode \"n1\" at 127.0.0.1 got "
					"spiffe://example.org/web/a until "));
}

static void serve_tells_each_event_in_a_line(void **state)
{
	char serial[WEFT_SERIAL_SIZE], line[100];

	record_result = 0;
	serve_a_node(serial, 1);
	assert_non_null(strstr(cli_err, "\nnode \"n1\" joined from 127.0.0.1\n"));
	assert_non_null(strstr(cli_err, "\nnode \"n1\" at 127.0.0.1 got "
					"spiffe://example.org/web/a until "));
	snprintf(line, sizeof(line), ", serial %s\n", serial);
	assert_non_null(strstr(cli_err, line));
	assert_non_null(strstr(cli_err, "\nrefused 127.0.0.1: node \"n1\" may not obtain "
					"spiffe://example.org/db: "));
	assert_null(strstr(cli_err, "audit"));
}

static void serve_records_what_was_issued(void **state)
{
	char serial[WEFT_SERIAL_SIZE], line[200];

	record_result = 0;
	serve_a_node(serial, 1);
	assert_non_null(strstr(records, "MESSAGE_ID=" WEFT_AUDIT_ID_JOINED "\n"
					"MESSAGE=node \"n1\" joined from 127.0.0.1\n"));
	assert_non_null(strstr(records, "WEFT_IDENTITY=spiffe://example.org/weft/node/n1\n"
					"WEFT_SERIAL="));
	snprintf(line, sizeof(line),
		 "WEFT_NODE=n1\nWEFT_ADDRESS=127.0.0.1\n"
		 "WEFT_IDENTITY=spiffe://example.org/web/a\nWEFT_SERIAL=%s\n", serial);
	assert_non_null(strstr(records, line));
	assert_null(strstr(records, "spiffe://example.org/db")); /* that was not issued */
}

static void serve_tells_when_there_is_no_record(void **state)
{
	char serial[WEFT_SERIAL_SIZE];

	record_result = -EIO;
	serve_a_node(serial, 1);
	assert_non_null(strstr(cli_err, "\naudit record of a certificate: "));
	assert_non_null(strstr(cli_err, serial));
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(no_ca_is_made_by_accident),
		IN_DIR(ca_is_shown_with_its_counts),
		IN_DIR(ca_that_is_near_its_end_has_a_notice),
		IN_DIR(rotation_is_shown_at_each_step),
		IN_DIR(rotation_that_is_refused_says_why),
		IN_DIR(root_is_exported),
		IN_DIR(token_is_added_shown_and_deleted),
		IN_DIR(token_that_makes_no_sense_is_not_added),
		IN_DIR(node_is_shown_and_deleted),
		IN_DIR(node_is_deleted_beside_a_broken_token),
		IN_DIR(serve_makes_its_ca_and_ends_with_a_signal),
		IN_DIR(serve_tells_each_event_in_a_line),
		IN_DIR(serve_counts_those_who_are_refused_too_often),
		IN_DIR(serve_records_what_was_issued),
		IN_DIR(serve_tells_when_there_is_no_record),
	};

	return cmocka_run_group_tests_name("cli_ca", tests, NULL, NULL);
}

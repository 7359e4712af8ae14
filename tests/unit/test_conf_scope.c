// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies for a service: what the module is told to select, and each way in which
 * the Service does not fit.
 */
#include "conf_text.h"

#define VAULT(more) SERVICE("vault", "{ports: [{port: 443, targetPort: 8443}, {port: 9001}], " more "}")
#define AT(line) "t.yaml:" #line ": AuthorizationPolicy \"p\": "

/* "80,443" of the only policy. */
static void assert_ports(const struct weft_conf *conf, const char *expected)
{
	const struct weft_nl_rule *scope = &conf->policies[0].object.scope;
	char text[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < scope->n_ports; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%u", i ? "," : "",
				scope->ports[i]);
	assert_string_equal(text, expected);
}

static void assert_scope(const char *text, const char *identities, const char *ports)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(text);
	const struct weft_conf_policy *p = &conf->policies[0];
	_cleanup_free_ char *joined = weft_strv_join(&p->object.scope.identities, ",");

	assert_string_equal(p->service, "vault");
	assert_null(p->object.workload);
	assert_string_equal(joined, identities);
	assert_ports(conf, ports);
}

static void the_identities_are_those_of_the_service(void **state)
{
	assert_scope(POLICY("p", "{service: vault}")
		     VAULT("identities: [vault, \"old/*\", spiffe://other.org/vault]"),
		     "spiffe://example.org/vault,spiffe://example.org/old/*,"
		     "spiffe://other.org/vault", "8443,9001");
}

static void an_endpoint_without_a_port_has_the_target_ports(void **state)
{
	assert_scope(VAULT("identities: [vault], endpoints: [{address: 10.0.0.1}]")
		     POLICY("p", "{service: vault}"), "spiffe://example.org/vault", "8443,9001");
}

static void an_endpoint_with_a_port_has_just_that(void **state)
{
	assert_scope(VAULT("identities: [vault], endpoints: [{address: 10.0.0.1, port: 7001}, "
			   "{address: 10.0.0.2, port: 7000}, {address: 10.0.0.3, port: 7001}]")
		     POLICY("p", "{service: vault}"), "spiffe://example.org/vault", "7000,7001");
}

static void endpoints_of_both_kinds_add_up(void **state)
{
	assert_scope(VAULT("identities: [vault], endpoints: [{address: 10.0.0.1, port: 7000}, "
			   "{address: 10.0.0.2}]")
		     POLICY("p", "{service: vault}"), "spiffe://example.org/vault",
		     "7000,8443,9001");
}

static void a_service_of_other_hosts_is_no_error(void **state)
{
	assert_scope(WORKLOAD("cart", "{selectors: [{uid: 0}]}") VAULT("identities: [vault]")
		     POLICY("p", "{service: vault, rules: [{to: {ports: [9001]}}]}"),
		     "spiffe://example.org/vault", "8443,9001");
}

static void other_policies_have_no_scope(void **state)
{
	_cleanup_conf_ struct weft_conf *conf =
		conf_of(VAULT("identities: [vault]") POLICY("p", "{rules: [{to: {ports: [1]}}]}"));

	assert_null(conf->policies[0].service);
	assert_int_equal(conf->policies[0].object.scope.identities.count, 0);
	assert_int_equal(conf->policies[0].object.scope.n_ports, 0);
}

static void a_slip_in_the_name_is_noticed(void **state)
{
	assert_refused(SERVICE("cache", "{ports: [{port: 1}], identities: [c]}")
		       VAULT("identities: [vault]") POLICY("p", "{service: valut}"),
		       AT(15) "spec.service: \"valut\": must be the name of a Service, and none has "
		       "it (did you mean \"vault\"?)");
}

static void a_service_without_identities_tells_no_workload(void **state)
{
	assert_refused(VAULT("") POLICY("p", "{service: vault}"),
		       AT(10) "spec.service: \"vault\": has no identities, which say what workloads "
		       "are behind it; give it some, or name a workload instead");
}

static void a_service_of_another_trust_domain_has_no_workload(void **state)
{
	assert_refused(VAULT("identities: [spiffe://other.org/vault, \"spiffe://example.organ/*\"]")
		       POLICY("p", "{service: vault}"),
		       AT(10) "spec.service: \"vault\": no workload can be behind it: none of its "
		       "identities is in the trust domain example.org");
}

static void a_rule_is_for_no_other_port(void **state)
{
	assert_refused(VAULT("identities: [vault], endpoints: [{address: 10.0.0.1}]")
		       POLICY("p", "{service: vault, rules: [{}, {to: {ports: [9001, 443]}}]}"),
		       AT(10) "spec.rules[1].to.ports[1]: 443: must be a port on which Service "
		       "\"vault\" is served: 8443, 9001");
}

/* @n endpoints, each with a port of its own. */
static char *many_ports(unsigned int n, const char *spec)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fputs("apiVersion: weft/v1\nkind: Service\nmetadata: {name: vault}\nspec: {ports: "
	      "[{port: 1}], identities: [vault], endpoints: [", f);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "%s{address: 10.0.0.1, port: %u}", i ? ", " : "", 10000 + i);
	fprintf(f, "]}\n---\napiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\n"
		"spec: %s\n", spec);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void a_service_may_have_as_many_ports_as_a_policy(void **state)
{
	_cleanup_free_ char *good = many_ports(WEFT_PORTS_MAX, "{service: vault}");
	_cleanup_free_ char *bad = many_ports(WEFT_PORTS_MAX + 1, "{service: vault}");
	_cleanup_free_ char *rule = many_ports(WEFT_PORTS_MAX, "{service: vault, rules: [{to: "
					       "{ports: [2]}}]}");
	_cleanup_conf_ struct weft_conf *conf = conf_of(good);

	assert_int_equal(conf->policies[0].object.scope.n_ports, WEFT_PORTS_MAX);
	assert_refused(bad, AT(9) "spec.service: \"vault\": is served on 65 ports, and a policy can "
		       "be for 64; name a workload instead");
	assert_refused(rule, AT(9) "spec.rules[0].to.ports[0]: 2: must be a port on which Service "
		       "\"vault\" is served: 10000, 10001, 10002, 10003, 10004, 10005, 10006, "
		       "10007, 10008, 10009, 10010, 10011, 10012, ...");
}

static void append(const char *line, void *data)
{
	strncat(data, line, 511 - strlen(data));
}

static void a_difference_names_the_service(void **state)
{
	_cleanup_conf_ struct weft_conf *old = conf_of(
		WORKLOAD("w", "{selectors: [{uid: 0}]}") VAULT("identities: [vault]")
		POLICY("p", "{workload: w}"));
	_cleanup_conf_ struct weft_conf *now = conf_of(
		WORKLOAD("w", "{selectors: [{uid: 0}]}") VAULT("identities: [vault]")
		POLICY("p", "{service: vault}"));
	char lines[512] = "";

	assert_int_equal(weft_conf_diff(old, now, append, lines), 2);
	assert_string_equal(lines, "policy p: workload changed from w to (every one)"
			    "policy p: service changed from (none) to vault");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_identities_are_those_of_the_service),
		cmocka_unit_test(an_endpoint_without_a_port_has_the_target_ports),
		cmocka_unit_test(an_endpoint_with_a_port_has_just_that),
		cmocka_unit_test(endpoints_of_both_kinds_add_up),
		cmocka_unit_test(a_service_of_other_hosts_is_no_error),
		cmocka_unit_test(other_policies_have_no_scope),
		cmocka_unit_test(a_slip_in_the_name_is_noticed),
		cmocka_unit_test(a_service_without_identities_tells_no_workload),
		cmocka_unit_test(a_service_of_another_trust_domain_has_no_workload),
		cmocka_unit_test(a_rule_is_for_no_other_port),
		cmocka_unit_test(a_service_may_have_as_many_ports_as_a_policy),
		cmocka_unit_test(a_difference_names_the_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

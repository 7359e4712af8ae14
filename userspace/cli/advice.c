// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each reason means and what to do about it, told to the one who operates
 * the side that the connection was looked at from. See advice.h.
 */
#include "cli/advice.h"

#include "base/array.h"

struct entry {
	const char *meaning;
	const char *client; /* what to do, at the side that connected */
	const char *server; /* NULL: the same */
};

#define SAME NULL

static const struct entry entries[] = {
	[WEFT_REASON_NONE] = { "nothing was refused", SAME, SAME },
	[WEFT_REASON_POLICY_DENIED] = {
		"a policy of this host says no",
		"Look at the policy (weftctl policy show); let an \"allow\" policy match the peer's "
		"identity and the port, or take the \"deny\" away.",
		SAME },
	[WEFT_REASON_PEER_DENIED] = {
		"the server's side said no",
		"A policy or a revocation of the server's host decided, see the detail, and look "
		"there (weftctl policy show, weftctl revocation show, journalctl): allow the "
		"identity of this workload, or give it one that is not revoked.",
		"The client gave up because of what it was told." },
	[WEFT_REASON_PEER_IDENTITY] = {
		"the peer is not one that the service may be",
		"Compare the peer's identity with those of the service (weftctl service show): "
		"either the endpoint runs something else, or the identity is missing in the list.",
		SAME },
	[WEFT_REASON_PEER_CERTIFICATE] = {
		"the peer's certificate was not accepted",
		"See the detail: an expired certificate means that the peer's weftd does not rotate "
		"or a clock is wrong; an unknown issuer that the two hosts do not share a CA.",
		SAME },
	[WEFT_REASON_TLS] = {
		"the TLS handshake failed",
		"See the detail, and what the peer's host recorded. If the peer is not in the mesh, "
		"its port must not be one of a meshed service.",
		SAME },
	[WEFT_REASON_PLAINTEXT] = {
		"plaintext instead of mutual TLS",
		"The peer does not speak mesh.",
		"The client is not in the mesh: make it a workload on its host, or set the port's "
		"mode to permissive (weftctl workload) while it cannot be." },
	[WEFT_REASON_HANDSHAKE_TIMEOUT] = {
		"the peer's side of the handshake took too long",
		"Check that weftd runs and is not overloaded on the peer's host (weftctl status "
		"there), and the network between for loss of large packets (MTU).",
		SAME },
	[WEFT_REASON_NO_DAEMON] = {
		"no daemon took the handshake in time",
		"Start weftd on this host (systemctl status weftd); \"weftctl status\" shows its "
		"workers.",
		SAME },
	[WEFT_REASON_NO_WORKLOAD] = {
		"the process belongs to no workload",
		"Give it an identity: a workload that selects its unit, cgroup, user or executable "
		"(weftctl workload show).",
		SAME },
	[WEFT_REASON_NO_CERTIFICATE] = {
		"the daemon has no certificate for this workload",
		"weftd could not obtain one: see journalctl -u weftd.",
		SAME },
	[WEFT_REASON_NO_ENDPOINT] = {
		"the service has no endpoint that could be tried",
		"Add one, or find out why there is none (weftctl endpoint show).",
		SAME },
	[WEFT_REASON_REFUSED] = {
		"nothing listens there",
		"Start the application at the endpoint, or correct its address and port (weftctl "
		"endpoint show).",
		SAME },
	[WEFT_REASON_UNREACHABLE] = {
		"the network does not lead there",
		"Check routes and firewalls to the endpoint (ip route get), and its address.",
		SAME },
	[WEFT_REASON_SILENT] = {
		"no answer in time",
		"The endpoint's host is down or a firewall drops the packets; the service's "
		"connect-timeout decides how long is waited.",
		SAME },
	[WEFT_REASON_RESET] = {
		"the peer reset the connection",
		"See what the peer's host recorded of it (journalctl there).",
		SAME },
	[WEFT_REASON_TRUNCATED] = {
		"the stream ended without the end that TLS demands (close_notify)",
		"The peer died or somebody cut the connection; what was received may not be all "
		"that was sent.",
		SAME },
	[WEFT_REASON_ALERT] = {
		"the peer ended TLS with a fatal alert",
		"See the detail, and what the peer's host recorded of it.",
		SAME },
	[WEFT_REASON_KEY_UPDATE] = {
		"the peer renewed its keys in a way that cannot be followed, or the key here is worn "
		"out and was not renewed",
		"The peer floods or breaks TLS, or weftd here is older than the module, or the kernel "
		"has no hmac(sha256) or hmac(sha384).",
		SAME },
	[WEFT_REASON_MPTCP] = {
		"MPTCP cannot carry kernel TLS",
		"Have the application use plain TCP (for systemd: not through mptcpize).",
		SAME },
	[WEFT_REASON_RESOURCES] = {
		"memory or descriptors ran out",
		"See the kernel log and journalctl -u weftd; raise the limit that was reached.",
		SAME },
	[WEFT_REASON_DAEMON_DIED] = {
		"the daemon died in the middle of the handshake",
		"See journalctl -u weftd; connecting again works once it runs.",
		SAME },
	[WEFT_REASON_CLOSED] = { "the application closed it", SAME, SAME },
	[WEFT_REASON_ADMIN] = {
		"somebody reset it by hand (weftctl conn del)",
		SAME,
		SAME },
	[WEFT_REASON_REVOKED] = {
		"the peer's identity or certificate is revoked here",
		"If it was revoked by serial, have the peer's certificate renewed; else, if that is no "
		"longer meant, lift the revocation (weftctl revocation show, or take its document "
		"away).",
		SAME },
};
_Static_assert(WEFT_ARRAY_SIZE(entries) == WEFT_REASON_MAX + 1, "a reason without advice");

const char *weft_reason_meaning(unsigned int reason)
{
	if (reason >= WEFT_ARRAY_SIZE(entries))
		return "a reason this weftctl does not know; it is older than the module";
	return entries[reason].meaning;
}

const char *weft_registered_advice(void)
{
	return "If the client is not in the mesh, make it a workload on its host, or take its "
	       "address out of the registered peers (weftctl peer show, or the document of the "
	       "Peer) while it cannot be.";
}

const char *weft_reason_advice(unsigned int reason, enum weft_role role)
{
	if (reason >= WEFT_ARRAY_SIZE(entries))
		return NULL;
	if (role == WEFT_ROLE_SERVER && entries[reason].server)
		return entries[reason].server;
	return entries[reason].client;
}

/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * weft - a service mesh without sidecars: the contract between the kernel
 * module and user space.
 *
 * Generic netlink family "weft", version 1. It exists in every network
 * namespace; each command acts on the namespace of the netlink socket.
 *
 * Every message carries attributes of enum weft_attr. An object travels in one
 * nested attribute (WEFT_A_SERVICE holds enum weft_service_attr, and so on).
 * Attributes are validated strictly: an unknown, short, long or out-of-range
 * one is refused, nothing is half applied, and the extended ack names the
 * attribute (NLMSGERR_ATTR_OFFS) and says in words what is allowed.
 *
 * Who may call: WEFT_CMD_STATUS_GET is open to everybody. Every other command
 * and both multicast groups need CAP_NET_ADMIN in the user namespace that owns
 * the network namespace (-EPERM).
 *
 * Addresses are 16 bytes, network order; IPv4 is written v4-mapped
 * (::ffff:a.b.c.d). Ports are u16 in host order. Times are milliseconds unless
 * said otherwise. Strings are NUL-terminated; their limits below count the
 * characters without the NUL. Zero or absence of an optional attribute means
 * the default named beside it.
 *
 * Configuration
 * -------------
 * The tables of a namespace (workloads, services with their endpoints,
 * policies, revocations, peers) form one *generation*, an immutable snapshot swapped under RCU.
 * Every object has an owner, as a route has a protocol in rtnetlink:
 *
 *   WEFT_OWNER_STATIC  added by hand. NEW and DEL apply at once: the current
 *                      generation plus the change becomes the next one.
 *   WEFT_OWNER_DAEMON  written by weftd, only as a whole:
 *                      GENERATION_BEGIN -> WEFT_A_TRANSACTION
 *                      *_NEW ... each with WEFT_A_TRANSACTION   (stage)
 *                      GENERATION_COMMIT or GENERATION_ABORT
 *                      A commit replaces all objects of this owner and keeps
 *                      the static ones. One transaction is open at a time per
 *                      namespace; it belongs to the netlink socket that began
 *                      it (-EBUSY for others) and is aborted when that socket
 *                      closes.
 *
 * A transaction that is begun with WEFT_A_TRIAL is never committed (-EINVAL): it
 * is asked with FLOW_JUDGE what would become of a connection. There may be one
 * beside the daemon's, and it does not hinder that; the first FLOW_JUDGE puts its
 * generation together (and may say what a commit would), after which nothing can
 * be staged in it (-EBUSY).
 *
 * Names are unique per object type over both owners. A static object whose
 * name the daemon's generation also has wins; the daemon's is left out of the
 * tables and counted in WEFT_STATUS_A_SHADOWED. What a revocation or a peer says
 * holds all the same.
 *
 * Commands
 * --------
 * command             in                              out, errors beside the common ones
 * STATUS_GET          -                               WEFT_A_STATUS
 * GENERATION_BEGIN    [TRIAL]                         WEFT_A_TRANSACTION; -EBUSY one is open
 * GENERATION_COMMIT   TRANSACTION                     WEFT_A_GENERATION, the new number; -ENOENT
 *                                                     no such transaction; -EINVAL objects do not
 *                                                     fit together: nothing changed, still open
 * GENERATION_ABORT    TRANSACTION                     -ENOENT
 * WORKLOAD_NEW        WORKLOAD [TRANSACTION]          -EEXIST unless NLM_F_REPLACE, -ENOSPC limit
 * WORKLOAD_DEL        WORKLOAD{NAME}                  -ENOENT; -EPERM owned by the daemon
 * WORKLOAD_GET        WORKLOAD{NAME}, or a dump       WEFT_A_WORKLOAD; -ENOENT
 * SERVICE_*           as WORKLOAD_*; DEL takes the endpoints along
 * ENDPOINT_NEW        ENDPOINT [TRANSACTION]          as above; -ENOENT no such service (outside a
 *                                                     transaction; inside, the commit says)
 * ENDPOINT_DEL, GET   ENDPOINT{SERVICE,ADDRESS,PORT}; a dump may name a SERVICE
 * POLICY_*            as WORKLOAD_*
 * REVOCATION_*        as WORKLOAD_*
 * PEER_*              as WORKLOAD_*
 * CONN_GET            CONN{ID}, or a dump             WEFT_A_CONN; also connections that ended
 *                                                     lately; -ENOENT. In a dump, one whose
 *                                                     socket its process keeps locked has only
 *                                                     ID, ROLE, STATE, MODE, addresses, PID, UID
 * CONN_DEL            CONN{ID}                        resets it (reason "admin"); -ENOENT
 * WORKER_NEW          -                               registers the calling netlink socket as a
 *                                                     handshake worker until it closes; -EEXIST,
 *                                                     -ENOSPC
 * HANDSHAKE_ACCEPT    CONN{ID}                        WEFT_A_CONN and WEFT_A_FD, a new descriptor
 *                                                     (CLOEXEC) of the application's own socket;
 *                                                     -ENOENT gone, -EALREADY another has it,
 *                                                     -EPERM not a worker
 * HANDSHAKE_JUDGE     CONN{ID, PEER_IDENTITY,         WEFT_A_CONN with ERRNO 0 or EACCES, REASON,
 *                     [PEER_SERIAL]}                  POLICY, GENERATION: the module's verdict on
 *                                                     the peer (both: revocations; then server:
 *                                                     policies; client: the identities the service
 *                                                     may have)
 * HANDSHAKE_DONE      CONN{ID, REASON, ...}           ends what ACCEPT began, see below; -EINVAL
 *                                                     keys missing (the connection then fails),
 *                                                     -ECANCELED it died meanwhile
 * FLOW_JUDGE          TRANSACTION, CONN{ROLE,         CONN{REASON, MODE, [WORKLOAD], [SERVICE],
 *                     WORKLOAD, ...}                  [POLICY], [AUDIT], [REVOCATION],
 *                                                     [REGISTERED]}, see below; else as
 *                                                     GENERATION_COMMIT
 * EVENT_NEXT          [SEQUENCE]                      as EVENT: the first one that is remembered
 *                                                     of those with a greater number; -ENOENT
 * SELFTEST_RUN        -                               runs the self-tests; -EIO one failed (log);
 *                                                     CAP_NET_ADMIN in the initial user namespace
 *
 * FLOW_JUDGE asks for a server's end with REMOTE, LOCAL_PORT and, unless the peer
 * speaks plaintext, PEER_IDENTITY; for a client's with SERVICE and PEER_IDENTITY.
 * REASON is what would be said against it: NONE, POLICY_DENIED (by POLICY, or
 * because no ALLOW matches), PLAINTEXT (at a strict port, or at a permissive one from
 * an address of the peer REGISTERED), PEER_IDENTITY (client), REVOKED (by REVOCATION).
 * WORKLOAD and SERVICE come back when the trial has them: without its workload a
 * process is in no mesh, without its service a connect() goes where it says, and
 * neither is judged. MODE is that of a server's port.
 *
 * Common errors: -EPERM, -EINVAL (bad attribute), -ERANGE (out of range),
 * -ENOMEM, -EOPNOTSUPP (no such command).
 *
 * Dumps take any number of messages; one whose tables changed under it carries
 * NLM_F_DUMP_INTR. Keys are in no message at all: they travel by
 * setsockopt(SOL_TLS, TLS_TX and TLS_RX) on the accepted descriptor, and so do
 * the secrets that later keys are made of (WEFT_TLS_SECRETS).
 *
 * Handshakes
 * ----------
 * The kernel sends WEFT_CMD_HANDSHAKE_READY (CONN{ID}) to one worker. The
 * worker takes the socket with HANDSHAKE_ACCEPT (calls on the descriptor never
 * block and pass the hold), does TLS on it, asks HANDSHAKE_JUDGE with the
 * peer's identity and the serial number of its certificate, installs both keys,
 * hands over the traffic secrets if the connection is to outlive its keys, and
 * says HANDSHAKE_DONE:
 *   CONN{ID, REASON=NONE, PEER_IDENTITY, CIPHER, [RESUMED]}
 *                                                  the connection is LIVE
 *   CONN{ID, REASON=..., ERRNO, DETAIL, [PEER_IDENTITY]}
 *                                                  it failed: a client goes on
 *                                                  to the next endpoint, or its
 *                                                  connect() says ERRNO; a
 *                                                  server's child is reset
 * and closes its descriptor. If the worker dies before: a connection on which
 * no byte was exchanged goes to the next worker, any other fails.
 */
#ifndef _UAPI_LINUX_WEFT_H
#define _UAPI_LINUX_WEFT_H

#include <linux/types.h>

#define WEFT_GENL_NAME		"weft"
#define WEFT_GENL_VERSION	1

/*
 * Rises when the contract changes incompatibly; tools compare it with
 * WEFT_STATUS_A_ABI and say so when they differ.
 */
#define WEFT_ABI		1

/*
 * setsockopt(SOL_TLS, WEFT_TLS_SECRETS, struct weft_tls_secrets) on an accepted
 * descriptor, once, after TLS_TX and TLS_RX: the application traffic secrets
 * that those keys came of. With them the module follows the peer's KeyUpdates
 * and renews the sending key before it is worn out (RFC 8446, 4.6.3 and 5.5),
 * until the connection ends and with no daemon. Without, a KeyUpdate resets the
 * connection, and so does AES-GCM's limit.
 *
 * 0; -EINVAL, not the struct's size, or LEN is not that of the cipher's hash;
 * -ENOTCONN, keys missing; -EBUSY, a second time; -EOPNOTSUPP, the kernel has
 * no such hash; -ECANCELED and -EACCES as for the keys. -ENOPROTOOPT: a module
 * that does not know it.
 */
#define WEFT_TLS_SECRETS	0x57454654	/* kTLS's own are small numbers */
#define WEFT_TLS_SECRET_MAX	48

struct weft_tls_secrets {
	__u32 len;			/* of each: 32 (SHA-256), 48 (SHA-384) */
	__u8 tx[WEFT_TLS_SECRET_MAX];	/* of what this end sends; zeros behind */
	__u8 rx[WEFT_TLS_SECRET_MAX];	/* of what the peer sends */
};

#define WEFT_MCGRP_EVENTS	"events"	/* WEFT_CMD_EVENT */

/* Limits: what the module accepts. */
#define WEFT_NAME_MAX		253	/* names of objects: a DNS name (RFC 1123) */
#define WEFT_IDENTITY_MAX	2048	/* SPIFFE ID, section 2.3 of its specification */
#define WEFT_SELECTOR_MAX	1023	/* text of a selector */
#define WEFT_CONTAINER_MIN	12	/* hex digits of a container's id, as it is listed */
#define WEFT_CONTAINER_MAX	64	/* all of it */
#define WEFT_SHA256_SIZE	32	/* bytes */
#define WEFT_EXE_FILES_MAX	4	/* files of one path and hash */
#define WEFT_DETAIL_MAX		255	/* free text of the daemon */
#define WEFT_SERIAL_MAX		40	/* serial: 20 bytes (RFC 5280, 4.1.2.2), two digits each */
#define WEFT_CIPHER_MAX		63
#define WEFT_WORKLOADS_MAX	4096
#define WEFT_SERVICES_MAX	16384
#define WEFT_ENDPOINTS_MAX	131072
#define WEFT_POLICIES_MAX	4096
#define WEFT_REVOCATIONS_MAX	4096
#define WEFT_REVOKED_MAX	1024	/* identities, and serials, per revocation */
#define WEFT_REVOKED_TOTAL_MAX	65536	/* of all revocations together */
#define WEFT_PEERS_MAX		1024
#define WEFT_SELECTORS_MAX	64	/* per workload */
#define WEFT_PORTS_MAX		64	/* per workload, service, policy and rule */
#define WEFT_ADDRESSES_MAX	16	/* per service */
#define WEFT_IDENTITIES_MAX	64	/* per service, policy and rule */
#define WEFT_NETWORKS_MAX	64	/* per rule, and per peer */
#define WEFT_RULES_MAX		64	/* per policy */
#define WEFT_SERVICE_ENDPOINTS_MAX 1024	/* per service */
#define WEFT_WEIGHT_MAX		65535
#define WEFT_WORKERS_MAX	256	/* per namespace */
#define WEFT_ATTEMPTS_MAX	8	/* endpoints one connect() tries */

enum weft_cmd {
	WEFT_CMD_UNSPEC,
	WEFT_CMD_STATUS_GET,
	WEFT_CMD_GENERATION_BEGIN,
	WEFT_CMD_GENERATION_COMMIT,
	WEFT_CMD_GENERATION_ABORT,
	WEFT_CMD_WORKLOAD_NEW,
	WEFT_CMD_WORKLOAD_DEL,
	WEFT_CMD_WORKLOAD_GET,
	WEFT_CMD_SERVICE_NEW,
	WEFT_CMD_SERVICE_DEL,
	WEFT_CMD_SERVICE_GET,
	WEFT_CMD_ENDPOINT_NEW,
	WEFT_CMD_ENDPOINT_DEL,
	WEFT_CMD_ENDPOINT_GET,
	WEFT_CMD_POLICY_NEW,
	WEFT_CMD_POLICY_DEL,
	WEFT_CMD_POLICY_GET,
	WEFT_CMD_CONN_GET,
	WEFT_CMD_CONN_DEL,
	WEFT_CMD_WORKER_NEW,
	WEFT_CMD_HANDSHAKE_READY,	/* kernel to worker */
	WEFT_CMD_HANDSHAKE_ACCEPT,
	WEFT_CMD_HANDSHAKE_JUDGE,
	WEFT_CMD_HANDSHAKE_DONE,
	WEFT_CMD_EVENT,			/* kernel to WEFT_MCGRP_EVENTS */
	WEFT_CMD_SELFTEST_RUN,
	WEFT_CMD_REVOCATION_NEW,
	WEFT_CMD_REVOCATION_DEL,
	WEFT_CMD_REVOCATION_GET,
	WEFT_CMD_FLOW_JUDGE,
	WEFT_CMD_EVENT_NEXT,
	WEFT_CMD_PEER_NEW,
	WEFT_CMD_PEER_DEL,
	WEFT_CMD_PEER_GET,
	__WEFT_CMD_MAX
};
#define WEFT_CMD_MAX (__WEFT_CMD_MAX - 1)

/* Top level of every message. */
enum weft_attr {
	WEFT_A_UNSPEC,
	WEFT_A_TRANSACTION,	/* u32, never 0 */
	WEFT_A_GENERATION,	/* u64 */
	WEFT_A_FD,		/* s32 */
	WEFT_A_STATUS,		/* nest, enum weft_status_attr */
	WEFT_A_WORKLOAD,	/* nest, enum weft_workload_attr */
	WEFT_A_SERVICE,		/* nest, enum weft_service_attr */
	WEFT_A_ENDPOINT,	/* nest, enum weft_endpoint_attr */
	WEFT_A_POLICY,		/* nest, enum weft_policy_attr */
	WEFT_A_CONN,		/* nest, enum weft_conn_attr */
	WEFT_A_EVENT,		/* u32, enum weft_event */
	WEFT_A_PAD,
	WEFT_A_REVOCATION,	/* nest, enum weft_revocation_attr */
	WEFT_A_TRIAL,		/* u32, 1: the transaction is to be asked, not committed */
	WEFT_A_SEQUENCE,	/* u64, number of an event, from 1 */
	WEFT_A_TIME,		/* u64, ns since 1970, when it happened */
	WEFT_A_PEER,		/* nest, enum weft_peer_attr */
	__WEFT_A_MAX
};
#define WEFT_A_MAX (__WEFT_A_MAX - 1)

enum weft_owner {
	WEFT_OWNER_DAEMON,
	WEFT_OWNER_STATIC,
};

/* What a workload's listeners accept, per port. */
enum weft_mode {
	WEFT_MODE_DEFAULT,	/* in a port entry: as the workload; of a workload: strict */
	WEFT_MODE_DISABLED,	/* not meshed */
	WEFT_MODE_PERMISSIVE,	/* mutual TLS, or plaintext as before; not from a registered peer */
	WEFT_MODE_STRICT,	/* mutual TLS only */
	__WEFT_MODE_MAX
};
#define WEFT_MODE_MAX (__WEFT_MODE_MAX - 1)

/*
 * A workload is a set of processes with one identity. A selector matches when
 * all its parts do; a workload matches when one of its selectors does. Of
 * several workloads the most specific wins: executable, then unit, cgroup or
 * container (the longer path; the root, which everything is below, counts for
 * nothing), then uid, then gid; then the name that sorts first.
 *
 * A workload that has a process only by its user, its group, a slice or the root
 * leaves alone what an operator needs to come back: the listener of ssh
 * (ssh.service, sshd.service, ssh@*.service, sshd@*.service, or systemd for it)
 * at port 22, unless its ports name it, and weftd and the CA (weftd.service, weftd@*.service,
 * weft-ca.service). One that has it only by the root is that of the last resort,
 * and leaves whoever listens at port 22, and callers from the loopback addresses
 * at a listener of root's.
 */
enum weft_workload_attr {
	WEFT_WORKLOAD_A_UNSPEC,
	WEFT_WORKLOAD_A_NAME,		/* string, needed */
	WEFT_WORKLOAD_A_IDENTITY,	/* string, SPIFFE ID, needed in NEW */
	WEFT_WORKLOAD_A_SELECTORS,	/* list of nests, enum weft_selector_attr; needed in NEW */
	WEFT_WORKLOAD_A_MODE,		/* u32, enum weft_mode */
	WEFT_WORKLOAD_A_PORTS,		/* list of nests, enum weft_port_attr: exceptions */
	WEFT_WORKLOAD_A_OWNER,		/* u32, enum weft_owner; out only */
	__WEFT_WORKLOAD_A_MAX
};
#define WEFT_WORKLOAD_A_MAX (__WEFT_WORKLOAD_A_MAX - 1)

enum weft_selector_attr {
	WEFT_SELECTOR_A_UNSPEC,
	WEFT_SELECTOR_A_CGROUP,		/* string, absolute path in cgroup v2: it and all below */
	/* string, "nginx.service": a slice, service or scope of the system's manager; units of a
	 * user's manager are not looked at
	 */
	WEFT_SELECTOR_A_UNIT,
	WEFT_SELECTOR_A_UID,		/* u32, effective user id in the initial user namespace */
	/* string, absolute path of the executable, as the process sees it; of one that was
	 * deleted or replaced since, the path it had. Never matches in a user namespace of one's
	 * own, where everybody may mount anything anywhere, nor a file that is not below the root
	 * directory of the process or the host's: of another mount namespace, or unmounted since.
	 */
	WEFT_SELECTOR_A_EXE,
	WEFT_SELECTOR_A_GID,		/* u32, effective group id in the initial user namespace */
	/* string, the first 12 to 64 lower-case hex digits of a container's id; as Docker,
	 * containerd, CRI-O and Podman name its cgroup, not below a unit of another name
	 */
	WEFT_SELECTOR_A_CONTAINER,
	/* 32 bytes (WEFT_SHA256_SIZE), with EXE: the executable is one of the files that were shown
	 * to have this SHA-256, see EXE_FD; matches nothing until there is one
	 */
	WEFT_SELECTOR_A_EXE_SHA256,
	/* s32, in only: a descriptor of a file that the caller has found to have EXE_SHA256 when
	 * it had EXE_SIZE and EXE_MTIME, which are needed with it. It must be root's and writable
	 * by nobody else, so that root alone can change it. It is added to the last
	 * WEFT_EXE_FILES_MAX - 1 of a selector with the same EXE and EXE_SHA256 in the workload
	 * of this name; without it, they stay. -EBADF it is not open, -EINVAL it is no regular
	 * file, -EPERM others can write to it, -ESTALE it has changed.
	 */
	WEFT_SELECTOR_A_EXE_FD,
	WEFT_SELECTOR_A_EXE_INO,	/* u64, of the last such file: inode number; out only */
	WEFT_SELECTOR_A_EXE_SIZE,	/* u64, bytes: in, of EXE_FD's; out, of the last file */
	WEFT_SELECTOR_A_EXE_MTIME,	/* u64, ns since the epoch, likewise */
	WEFT_SELECTOR_A_PAD,
	__WEFT_SELECTOR_A_MAX
};
#define WEFT_SELECTOR_A_MAX (__WEFT_SELECTOR_A_MAX - 1)

enum weft_port_attr {
	WEFT_PORT_A_UNSPEC,
	WEFT_PORT_A_PORT,		/* u16, 1 to 65535, needed */
	WEFT_PORT_A_TARGET,		/* u16, services: port at the endpoint; 0: the same */
	WEFT_PORT_A_MODE,		/* u32, enum weft_mode, workloads */
	__WEFT_PORT_A_MAX
};
#define WEFT_PORT_A_MAX (__WEFT_PORT_A_MAX - 1)

/*
 * A connect() to ADDRESSES:PORTS goes to one of the endpoints, by weight; to
 * an endpoint's own address and port it goes to just that one. Where that is an
 * endpoint of several services, it counts as the one's whose name sorts first.
 */
enum weft_service_attr {
	WEFT_SERVICE_A_UNSPEC,
	WEFT_SERVICE_A_NAME,		/* string, needed */
	WEFT_SERVICE_A_ADDRESSES,	/* list of 16 byte addresses, virtual or real */
	WEFT_SERVICE_A_PORTS,		/* list of nests, enum weft_port_attr; needed in NEW */
	/* list of strings: SPIFFE IDs its endpoints may have, a final '*' makes a prefix; none: any
	 * of the trust domain
	 */
	WEFT_SERVICE_A_IDENTITIES,
	/* u32, ms an endpoint has to answer, 10 to 600000; then the next one is tried. 0: 2000, but
	 * the last one has TCP's own time (tcp_syn_retries)
	 */
	WEFT_SERVICE_A_CONNECT_TIMEOUT,
	WEFT_SERVICE_A_OWNER,		/* u32, out only */
	WEFT_SERVICE_A_ENDPOINTS,	/* u32, how many, out only */
	__WEFT_SERVICE_A_MAX
};
#define WEFT_SERVICE_A_MAX (__WEFT_SERVICE_A_MAX - 1)

enum weft_endpoint_attr {
	WEFT_ENDPOINT_A_UNSPEC,
	WEFT_ENDPOINT_A_SERVICE,	/* string, needed */
	WEFT_ENDPOINT_A_ADDRESS,	/* 16 bytes, needed */
	WEFT_ENDPOINT_A_PORT,		/* u16; 0: the target of the service's port */
	WEFT_ENDPOINT_A_WEIGHT,		/* u32, 1 to 65535; 0 or absent: 1 */
	WEFT_ENDPOINT_A_OWNER,		/* u32, out only */
	WEFT_ENDPOINT_A_ATTEMPTS,	/* u64, connections tried, out only */
	WEFT_ENDPOINT_A_FAILURES,	/* u64, of these failed, out only */
	WEFT_ENDPOINT_A_ACTIVE,		/* u32, live connections, out only */
	WEFT_ENDPOINT_A_PAD,
	__WEFT_ENDPOINT_A_MAX
};
#define WEFT_ENDPOINT_A_MAX (__WEFT_ENDPOINT_A_MAX - 1)

enum weft_action {
	WEFT_ACTION_ALLOW,
	WEFT_ACTION_DENY,
	WEFT_ACTION_AUDIT,	/* decides nothing: that it matches is told, see CONN_A_AUDIT */
	__WEFT_ACTION_MAX
};
#define WEFT_ACTION_MAX (__WEFT_ACTION_MAX - 1)

/*
 * Judged where the connection arrives, and again when a new generation comes
 * into force, by the policies that select it: by the workload's name and
 * identity and by the port. In this order, as in Istio: a DENY that matches
 * denies; no ALLOW policy selects it: allowed; an ALLOW that matches allows; else
 * denied. A policy without rules matches nothing. Plaintext at a permissive port
 * is judged as well: its peer has an address, but no identity.
 */
enum weft_policy_attr {
	WEFT_POLICY_A_UNSPEC,
	WEFT_POLICY_A_NAME,		/* string, needed */
	WEFT_POLICY_A_ACTION,		/* u32, enum weft_action; needed in NEW */
	WEFT_POLICY_A_WORKLOAD,		/* string, whom it protects; absent: every workload */
	WEFT_POLICY_A_RULES,		/* list of nests, enum weft_rule_attr */
	WEFT_POLICY_A_OWNER,		/* u32, out only */
	/* list of strings, final '*' a prefix: it selects workloads with one of these identities;
	 * none: with any
	 */
	WEFT_POLICY_A_IDENTITIES,
	WEFT_POLICY_A_PORTS,		/* list of nests, enum weft_port_attr: and at these ports;
					 * none: at every port
					 */
	__WEFT_POLICY_A_MAX
};
#define WEFT_POLICY_A_MAX (__WEFT_POLICY_A_MAX - 1)

enum weft_rule_attr {
	WEFT_RULE_A_UNSPEC,
	WEFT_RULE_A_IDENTITIES,		/* list of strings, final '*' a prefix; none: anybody */
	WEFT_RULE_A_PORTS,		/* list of nests, enum weft_port_attr; none: every port */
	WEFT_RULE_A_NETWORKS,		/* list of nests, enum weft_network_attr; none: anywhere */
	__WEFT_RULE_A_MAX
};
#define WEFT_RULE_A_MAX (__WEFT_RULE_A_MAX - 1)

/*
 * Of the address that the connection comes from. IPv4's are within
 * ::ffff:0:0/96, and no shorter prefix holds them: ::/0 is all of IPv6.
 */
enum weft_network_attr {
	WEFT_NETWORK_A_UNSPEC,
	WEFT_NETWORK_A_ADDRESS,		/* 16 bytes, needed; zeros behind the prefix */
	WEFT_NETWORK_A_PREFIX,		/* u32, leading bits, 0 to 128, needed; IPv4's /8 is 104 */
	__WEFT_NETWORK_A_MAX
};
#define WEFT_NETWORK_A_MAX (__WEFT_NETWORK_A_MAX - 1)

/*
 * Who may be at no connection any more, at either end, whatever the policies and
 * the service's identities say; connections that are in use end. Several add up.
 *
 * A serial is that of the certificate a peer shows for itself, not of those that
 * sign it; of a resumed connection, the one shown in the full handshake that it
 * descends from. It is written in lower case, two digits for each byte, without
 * zeros in front ("00" is zero). A peer whose serial no worker told (an older
 * weftd) counts as revoked while any serial is.
 */
enum weft_revocation_attr {
	WEFT_REVOCATION_A_UNSPEC,
	WEFT_REVOCATION_A_NAME,		/* string, needed */
	WEFT_REVOCATION_A_IDENTITIES,	/* list of strings: SPIFFE IDs */
	WEFT_REVOCATION_A_SERIALS,	/* list of strings; NEW has one of either at least */
	WEFT_REVOCATION_A_OWNER,	/* u32, out only */
	__WEFT_REVOCATION_A_MAX
};
#define WEFT_REVOCATION_A_MAX (__WEFT_REVOCATION_A_MAX - 1)

/* What of a peer is revoked. */
enum weft_revoked {
	WEFT_REVOKED_NOTHING,
	WEFT_REVOKED_IDENTITY,
	WEFT_REVOKED_SERIAL,	/* or it is not known, and others are revoked */
};

/*
 * The registry of peers: whoever comes from one of these addresses speaks mesh. A
 * permissive port recognises a peer by an option on its SYN, which somebody on the way
 * can take out, and a SYN cookie does not keep; from a registered address it asks for
 * a handshake all the same, whoever speaks first, and takes no plaintext. What is in
 * use in plaintext from there when the peer comes ends with the reason PLAINTEXT.
 * Others, and ports of other modes, it does not concern; nor is anybody allowed by it:
 * who the peer is its certificate says. Several add up.
 */
enum weft_peer_attr {
	WEFT_PEER_A_UNSPEC,
	WEFT_PEER_A_NAME,		/* string, needed */
	WEFT_PEER_A_NETWORKS,		/* list of nests, enum weft_network_attr; needed in NEW */
	WEFT_PEER_A_OWNER,		/* u32, out only */
	__WEFT_PEER_A_MAX
};
#define WEFT_PEER_A_MAX (__WEFT_PEER_A_MAX - 1)

/* An element of any list. */
enum weft_list_attr {
	WEFT_LIST_A_UNSPEC,
	WEFT_LIST_A_ITEM,
	__WEFT_LIST_A_MAX
};
#define WEFT_LIST_A_MAX (__WEFT_LIST_A_MAX - 1)

enum weft_role {
	WEFT_ROLE_CLIENT,
	WEFT_ROLE_SERVER,
};

enum weft_conn_state {
	WEFT_CONN_CONNECTING,	/* the TCP connection is not up */
	WEFT_CONN_SNIFF,	/* permissive child: TLS or plaintext? */
	WEFT_CONN_WANT,		/* waits for a worker */
	WEFT_CONN_HANDSHAKE,	/* a worker has it */
	WEFT_CONN_LIVE,		/* mutual TLS in the application's socket */
	WEFT_CONN_PASS,		/* plaintext, as permitted */
	WEFT_CONN_DEAD,		/* failed, or over */
};

/*
 * Why a connection ended as it did. The names are what weftctl and the journal
 * print: lower case, '-' for '_'.
 */
#define WEFT_REASONS(R)							\
	R(NONE)			/* no refusal */			\
	R(POLICY_DENIED)	/* a policy here says no */		\
	R(PEER_DENIED)		/* the server's side said no */		\
	R(PEER_IDENTITY)	/* not an identity the service may have */ \
	R(PEER_CERTIFICATE)	/* unknown issuer, expired, no SPIFFE ID */ \
	R(TLS)			/* handshake failed otherwise, see detail */ \
	R(PLAINTEXT)		/* at a strict port, of a registered peer, or passed (no errno) */ \
	R(HANDSHAKE_TIMEOUT)	/* the peer's handshake took too long */ \
	R(NO_DAEMON)		/* no worker within the deadline */	\
	R(NO_WORKLOAD)		/* the process matches no workload */	\
	R(NO_CERTIFICATE)	/* the daemon has none for this workload */ \
	R(NO_ENDPOINT)		/* the service has none (left) */	\
	R(REFUSED)		/* endpoint: connection refused */	\
	R(UNREACHABLE)		/* endpoint: network or host unreachable */ \
	R(SILENT)		/* endpoint: no answer in time */	\
	R(RESET)		/* the peer reset the connection */	\
	R(TRUNCATED)		/* end of stream without close_notify */ \
	R(ALERT)		/* the peer sent a fatal alert */	\
	R(KEY_UPDATE)		/* the peer's cannot be followed, or ours is overdue */ \
	R(MPTCP)		/* MPTCP cannot carry kTLS */		\
	R(RESOURCES)		/* out of memory or descriptors */	\
	R(DAEMON_DIED)		/* in the middle of a handshake */	\
	R(CLOSED)		/* by the application itself */		\
	R(ADMIN)		/* weftctl conn del, drain */		\
	R(REVOKED)		/* the peer's identity or certificate is revoked */

#define WEFT_REASON_ENUM_(n) WEFT_REASON_##n,
enum weft_reason {
	WEFT_REASONS(WEFT_REASON_ENUM_)
	__WEFT_REASON_MAX
};
#undef WEFT_REASON_ENUM_
#define WEFT_REASON_MAX (__WEFT_REASON_MAX - 1)

enum weft_conn_attr {
	WEFT_CONN_A_UNSPEC,
	WEFT_CONN_A_ID,			/* u64, never used twice while the module is loaded */
	WEFT_CONN_A_ROLE,		/* u32, enum weft_role */
	WEFT_CONN_A_STATE,		/* u32, enum weft_conn_state */
	WEFT_CONN_A_MODE,		/* u32, enum weft_mode */
	WEFT_CONN_A_LOCAL,		/* 16 bytes */
	WEFT_CONN_A_LOCAL_PORT,		/* u16 */
	WEFT_CONN_A_REMOTE,		/* 16 bytes: the real peer */
	WEFT_CONN_A_REMOTE_PORT,	/* u16 */
	WEFT_CONN_A_ASKED,		/* 16 bytes: what connect() named */
	WEFT_CONN_A_ASKED_PORT,		/* u16 */
	WEFT_CONN_A_SERVICE,		/* string */
	WEFT_CONN_A_IDENTITIES,		/* list of strings: what the server may be (in ACCEPT) */
	WEFT_CONN_A_WORKLOAD,		/* string: the local one */
	WEFT_CONN_A_IDENTITY,		/* string: the local one */
	WEFT_CONN_A_PEER_IDENTITY,	/* string */
	WEFT_CONN_A_POLICY,		/* string: the policy that decided */
	WEFT_CONN_A_GENERATION,		/* u64: under which it was decided; ACCEPT: now in force */
	WEFT_CONN_A_ERRNO,		/* u32, positive, what the application saw */
	WEFT_CONN_A_REASON,		/* u32, enum weft_reason */
	WEFT_CONN_A_DETAIL,		/* string */
	WEFT_CONN_A_CIPHER,		/* string, such as TLS_AES_128_GCM_SHA256 */
	WEFT_CONN_A_PID,		/* u32, in the initial pid namespace */
	WEFT_CONN_A_UID,		/* u32, in the initial user namespace */
	WEFT_CONN_A_COMM,		/* string */
	WEFT_CONN_A_CGROUP,		/* string, path in cgroup v2 */
	WEFT_CONN_A_AGE,		/* u64, ms since it was marked */
	WEFT_CONN_A_DEADLINE,		/* u32, ms left for the handshake (in ACCEPT) */
	WEFT_CONN_A_ATTEMPTS,		/* list of nests, enum weft_attempt_attr */
	WEFT_CONN_A_PAD,
	WEFT_CONN_A_RESUMED,		/* u32, 1: resumed, no certificate was shown; 0: full */
	WEFT_CONN_A_AUDIT,		/* string: the first AUDIT policy by name that matches */
	WEFT_CONN_A_PEER_SERIAL,	/* string: of its certificate, see weft_revocation_attr */
	WEFT_CONN_A_REVOKED,		/* u32, enum weft_revoked: why the reason is REVOKED */
	WEFT_CONN_A_REVOCATION,		/* string: that says so; none: the serial is unknown */
	WEFT_CONN_A_REGISTERED,		/* string: the peer whose address it has, so that a
					 * permissive port took no plaintext; of one that failed
					 */
	__WEFT_CONN_A_MAX
};
#define WEFT_CONN_A_MAX (__WEFT_CONN_A_MAX - 1)

enum weft_attempt_attr {
	WEFT_ATTEMPT_A_UNSPEC,
	WEFT_ATTEMPT_A_ADDRESS,		/* 16 bytes */
	WEFT_ATTEMPT_A_PORT,		/* u16 */
	WEFT_ATTEMPT_A_REASON,		/* u32, enum weft_reason; NONE: this one it was */
	WEFT_ATTEMPT_A_ERRNO,		/* u32 */
	__WEFT_ATTEMPT_A_MAX
};
#define WEFT_ATTEMPT_A_MAX (__WEFT_ATTEMPT_A_MAX - 1)

/*
 * WEFT_CMD_EVENT: WEFT_A_EVENT, and WEFT_A_CONN or WEFT_A_GENERATION.
 *
 * Verdicts (CONN_LIVE to CONN_FAILED, CONN_AUDIT, and CONN_CLOSED unless REASON is
 * CLOSED or NONE) have SEQUENCE, one more than the verdict before, and TIME as well.
 * The latest thousands are remembered, whether anybody listened or not: who missed
 * some asks with EVENT_NEXT. A number that it passes over is gone for good. Numbers
 * begin anew with another WEFT_STATUS_A_EPOCH, that is with the namespace and when
 * the module is loaded. Verdicts of different CPUs may arrive in another order than
 * that of their numbers.
 */
enum weft_event {
	WEFT_EVENT_UNSPEC,
	WEFT_EVENT_CONN_LIVE,		/* verdict: mutual TLS */
	WEFT_EVENT_CONN_PASS,		/* verdict: plaintext permitted */
	WEFT_EVENT_CONN_DENIED,		/* verdict: EACCES; of plaintext, ECONNRESET */
	WEFT_EVENT_CONN_FAILED,		/* verdict: any other failure */
	WEFT_EVENT_CONN_CLOSED,		/* one in use ended; REASON CLOSED, TRUNCATED, ALERT ... */
	WEFT_EVENT_ENDPOINT_FAILED,	/* one attempt: CONN with its last ATTEMPTS entry */
	WEFT_EVENT_GENERATION,		/* a generation was committed */
	WEFT_EVENT_WORKER_UP,
	WEFT_EVENT_WORKER_DOWN,
	WEFT_EVENT_CONN_AUDIT,		/* a new generation's AUDIT policy matches one in use */
	__WEFT_EVENT_MAX
};
#define WEFT_EVENT_MAX (__WEFT_EVENT_MAX - 1)

enum weft_status_attr {
	WEFT_STATUS_A_UNSPEC,
	WEFT_STATUS_A_ABI,		/* u32, WEFT_ABI of the module */
	WEFT_STATUS_A_VERSION,		/* string, the module's release */
	WEFT_STATUS_A_GENERATION,	/* u64, 0: never configured */
	WEFT_STATUS_A_WORKERS,		/* u32, registered now */
	WEFT_STATUS_A_WORKLOADS,	/* u32 */
	WEFT_STATUS_A_SERVICES,		/* u32 */
	WEFT_STATUS_A_ENDPOINTS,	/* u32 */
	WEFT_STATUS_A_POLICIES,		/* u32 */
	WEFT_STATUS_A_SHADOWED,		/* u32, daemon's objects hidden by static ones */
	WEFT_STATUS_A_LISTENERS,	/* u32, of the namespace, while it has a workload */
	WEFT_STATUS_A_CONNS,		/* u32, all that exist */
	WEFT_STATUS_A_PARKED,		/* u32, of these in WANT */
	WEFT_STATUS_A_LIVE,		/* u32, of these LIVE */
	WEFT_STATUS_A_COUNTERS,		/* list of nests, enum weft_counter_attr */
	WEFT_STATUS_A_PAD,
	WEFT_STATUS_A_UNDECIDED,	/* u32, sockets that did not connect or listen yet */
	WEFT_STATUS_A_CLOSING,		/* u32, of the conns: closed, the end not acknowledged */
	WEFT_STATUS_A_REVOCATIONS,	/* u32 */
	WEFT_STATUS_A_COVERED,		/* u32, of the listeners: of a process in a workload */
	WEFT_STATUS_A_EPOCH,		/* u64, never 0: of events' numbers, see enum weft_event */
	WEFT_STATUS_A_PEERS,		/* u32 */
	__WEFT_STATUS_A_MAX
};
#define WEFT_STATUS_A_MAX (__WEFT_STATUS_A_MAX - 1)

/* Counters name themselves, so that tools need no table of them. */
enum weft_counter_attr {
	WEFT_COUNTER_A_UNSPEC,
	WEFT_COUNTER_A_NAME,		/* string */
	WEFT_COUNTER_A_VALUE,		/* u64 */
	WEFT_COUNTER_A_PAD,
	__WEFT_COUNTER_A_MAX
};
#define WEFT_COUNTER_A_MAX (__WEFT_COUNTER_A_MAX - 1)

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every cap, deadline and default of the module in one place. What user space
 * must know of them is in the uapi header.
 */
#ifndef WEFT_LIMITS_H
#define WEFT_LIMITS_H

/* ms for one endpoint's TCP handshake when the service does not say */
#define WEFT_CONNECT_TIMEOUT_DEFAULT	2000
#define WEFT_CONNECT_TIMEOUT_MIN	10
#define WEFT_CONNECT_TIMEOUT_MAX	600000

/* ms from TCP established to the verdict, waiting for a worker included */
#define WEFT_HANDSHAKE_TIMEOUT_DEFAULT	10000

/* ms before the deadline in which a reset means the peer waited in vain */
#define WEFT_HANDSHAKE_LATE		500

/*
 * KeyUpdates of a peer that come one upon the other. Time and records between
 * them make up for one: each is some ten thousand instructions here.
 */
#define WEFT_KEY_UPDATES_MAX		32
#define WEFT_KEY_UPDATE_RECORDS		4
#define WEFT_KEY_UPDATE_TIME		HZ

/*
 * Records that one key encrypts. RFC 8446, section 5.5 allows AES-GCM 2^24.5 of
 * them; one write may make 2^18 (of 2 GiB, in records of 16 KiB, and some).
 */
#define WEFT_KEY_RECORDS		8388608
#define WEFT_KEY_RECORDS_MIN		16
#define WEFT_KEY_GRACE			(23726566 - 262144 - WEFT_KEY_RECORDS)

/*
 * Closed connections whose end is not acknowledged yet, per namespace, and
 * seconds without an acknowledgment after which TCP alone goes on with one
 */
#define WEFT_CLOSING_MAX		16384
#define WEFT_CLOSING_STALL		60

/* control records taken at close(), one upon the other */
#define WEFT_DRAIN_MAX			64

/* finished connections remembered per namespace for weftctl explain */
#define WEFT_HISTORY_MAX		1024

/*
 * verdicts remembered per namespace until the daemon has written them: more
 * than one cut of thousands of connections makes, or an upgrade of the daemon
 * misses. Each is half a KiB or one; the ring itself is 64 KiB.
 */
#define WEFT_EVENTS_MAX			8192

/* listeners found and marked at a time when policy starts to cover them */
#define WEFT_LISTENERS_BATCH		64

/*
 * ms between two looks for them in a namespace of whoever could make himself a
 * user namespace: each goes through all processes of the host
 */
#define WEFT_RESCAN_PAUSE		250

/*
 * ms after which they are looked for again when memory was short or sockets
 * were locked, each time twice as long
 */
#define WEFT_RESCAN_RETRY		100U
#define WEFT_RESCAN_RETRY_MAX		3200U

/* ms after which a new generation looks again at connections that were busy */
#define WEFT_RECHECK_RETRY		20

/* seconds without a workload after which listeners are let go of */
#define WEFT_UNMARK_TIME		5

/*
 * works of a namespace, and of all, that may wait at a time for sockets that
 * somebody has locked, and ms after which the others look again
 */
#define WEFT_WAITING_MAX		64
#define WEFT_WAITING_TOTAL_MAX		192
#define WEFT_WAITING_RETRY		10

/* ms that one message of a dump waits for conns somebody has in hand */
#define WEFT_DUMP_PATIENCE		50

/* the same after a worker came or went, and ms after which it looks again */
#define WEFT_REQUEUE_PATIENCE		50
#define WEFT_REQUEUE_RETRY		500

/* nesting and text of selectors: path of a process's cgroup or executable */
#define WEFT_PATH_MAX			1024

/* bytes of a conn's attributes, with the longest names and identities */
#define WEFT_CONN_MESSAGE_MAX		(3 * WEFT_IDENTITY_MAX + \
					 2 * WEFT_PATH_MAX)

/*
 * bytes of one object's attribute: what came in must go out again, with the
 * defaults and out-only attributes added, in the 65535 a nest can have; and a
 * service's identities in one nest with a conn
 */
#define WEFT_OBJECT_MAX			56000

/* rows of a generation's address table: endpoints times target ports */
#define WEFT_LOOKUP_MAX			1048576

/*
 * rows of a generation's registry of peers, 65536: an accept() that asks it,
 * and a judgment of plaintext, compares 17 addresses at most
 */
#define WEFT_REGISTRY_MAX		(WEFT_PEERS_MAX * WEFT_NETWORKS_MAX)

#endif

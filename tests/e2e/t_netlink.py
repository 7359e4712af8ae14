#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every netlink command with everything wrong that can be wrong: refused in
words, at the attribute at fault, with nothing changed; without privilege; from
another namespace; in the wrong order; while others do something else.

The right messages and the ways to spoil them are in messages.py.
"""
# timeout: 900
# kernels: 6.12
# seconds: 120
import errno
import os
import socket
import sys

import genl
from genl import C, CLONE_NEWNET, COMMANDS, Genl, NLM_F_DUMP, NLM_F_REPLACE
from harness import Child, check, equal, everything, in_child, run
from messages import (
    FROM_KERNEL, ID, KEY, PEER, POLICY, REVOCATION, SERVICE, WORKLOAD, messages, spoil)

NOBODY = 65534
# The kernel refuses these itself, before the module hears of them, and says nothing.
WORDLESS = ("EPERM", "EOPNOTSUPP")
NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP", 0: "ok"}


def name_of(number):
    return NAMES.get(number, number)


def refused(name, wanted, answer):
    """The answer is the errno wanted, in words."""
    return check(name, name_of(answer.errno) == wanted and (answer.text or wanted in WORDLESS),
                 f"wanted {wanted} in words, got {answer}")


def accepted(name, answer):
    return check(name, not answer.errno, f"got {answer}")


def must(answer):
    if answer.errno:
        raise OSError(answer.errno, answer.text)
    return answer


def in_namespace(function, *arguments):
    """function(Genl, ...) in a child, in a network namespace of its own."""
    def child():
        genl.unshare(CLONE_NEWNET)
        genl.loopback_up()
        with Genl() as nl:
            return function(nl, *arguments)
    return in_child(child)


def service(name, **more):
    return {"SERVICE": {"NAME": name, "PORTS": [{"PORT": 80}], **more}}


def begin(nl, **attrs):
    return must(nl.request("GENERATION_BEGIN", attrs)).object["TRANSACTION"]


def commit(nl, txn):
    return must(nl.request("GENERATION_COMMIT", {"TRANSACTION": txn})).object["GENERATION"]


def configure(nl):
    """Objects of both owners; those of messages.py exist, but look different."""
    txn = begin(nl)
    for command, attrs in (
            ("SERVICE_NEW", service("daemons", ADDRESSES=["240.1.0.1"])),
            ("ENDPOINT_NEW", {"ENDPOINT": {**KEY, "SERVICE": "daemons"}}),
            ("WORKLOAD_NEW", {"WORKLOAD": {"NAME": "daemons", "IDENTITY": ID + "d",
                                           "SELECTORS": [{"UID": 1}]}}),
            ("POLICY_NEW", {"POLICY": {"NAME": "daemons", "ACTION": 0}}),
            ("REVOCATION_NEW", {"REVOCATION": {"NAME": "daemons", "SERIALS": ["01"]}}),
            ("PEER_NEW", {"PEER": {"NAME": "daemons", "NETWORKS": [{"ADDRESS": "::", "PREFIX": 0}]}})):
        must(nl.request(command, {**attrs, "TRANSACTION": txn}))
    commit(nl, txn)
    for command, attrs in (
            ("SERVICE_NEW", service("base", ADDRESSES=["240.1.0.2"])),
            ("ENDPOINT_NEW", {"ENDPOINT": {**KEY, "WEIGHT": 3}}),
            ("SERVICE_NEW", service("web")),
            ("WORKLOAD_NEW", {"WORKLOAD": {"NAME": "shop", "IDENTITY": ID + "old",
                                           "SELECTORS": [{"UID": 2}]}}),
            ("POLICY_NEW", {"POLICY": {"NAME": "guard", "ACTION": 0}}),
            ("REVOCATION_NEW", {"REVOCATION": {"NAME": "leak", "SERIALS": ["02"]}}),
            ("PEER_NEW", {"PEER": {"NAME": "rack", "NETWORKS": [{"ADDRESS": "10.0.0.7", "PREFIX": 128}]}})):
        must(nl.request(command, attrs))


def all_refused(nl, command, message, flags=0, look=everything):
    """Every way to spoil that message is refused, in words, at the right place, and
    changes nothing.  One result for each kind of spoiling."""
    before = look(nl)
    wrong, kinds = {}, {}
    for s in spoil(command, message):
        a = nl.request(command, s.payload, flags)
        complaints = wrong.setdefault(s.kind, [])
        kinds[s.kind] = kinds.get(s.kind, 0) + 1
        if name_of(a.errno) not in s.errnos:
            complaints.append(f"{s.what}: wanted {' or '.join(s.errnos)}, got {a}")
        elif not a.text:
            complaints.append(f"{s.what}: no words, got {a}")
        elif s.at and a.offset not in s.at:
            complaints.append(f"{s.what}: wanted an offset of {sorted(s.at)}, got {a}")
        after = look(nl)
        if after != before:
            complaints.append(f"{s.what}: something changed: {after}, before {before}")
            before = after
    for kind, complaints in wrong.items():
        check(f"{command}: {kind} ({kinds[kind]} messages)", not complaints, *complaints)


# ---- configuration ---------------------------------------------------------------

def spoilt_configuration(nl):
    configure(nl)
    for command, message in messages().items():
        if command.startswith(("CONN_", "HANDSHAKE_")):
            continue
        flags = NLM_F_REPLACE if command.endswith("_NEW") else 0
        if command in ("GENERATION_COMMIT", "GENERATION_ABORT"):
            txn = begin(nl)
            must(nl.request("SERVICE_NEW", {**service("late"), "TRANSACTION": txn}))
            all_refused(nl, command, {"TRANSACTION": txn})
            accepted(f"{command} itself", nl.request(command, {"TRANSACTION": txn}))
            continue
        if command == "FLOW_JUDGE":
            message = messages(trial=begin(nl, TRIAL=1))[command]
        all_refused(nl, command, message, flags)
        if command == "EVENT_NEXT":
            refused("EVENT_NEXT where nothing has happened", "ENOENT", nl.request(command, message))
            refused("EVENT_NEXT of all of that", "ENOENT", nl.request(command, {}))
        elif command not in ("WORKER_NEW", "SELFTEST_RUN"):
            accepted(f"{command} itself", nl.request(command, message, flags))
        if command == "GENERATION_BEGIN":
            nl.close()
            nl = Genl()
        if command.endswith("_DEL"):
            must(nl.request(command[:-3] + "NEW", messages()[command[:-3] + "NEW"]))


def spoilt_transaction(nl):
    """Nothing of a refused message is staged."""
    configure(nl)
    txn = begin(nl)
    for noun in ("WORKLOAD", "SERVICE", "ENDPOINT", "POLICY", "REVOCATION", "PEER"):
        command = noun + "_NEW"
        all_refused(nl, command, messages(transaction=txn)[command])
    before = everything(nl)
    commit(nl, txn)
    after = everything(nl)
    fewer = [n for n in before if n.endswith("_GET") and n not in ("STATUS_GET", "CONN_GET")
             and len(after[n]) != len(before[n]) - 1]
    equal("an empty transaction after refused messages is empty", [], fewer)
    for command, message in messages(transaction=begin(nl)).items():
        if command.endswith("_NEW") and command != "WORKER_NEW":
            accepted(f"{command} itself is staged", nl.request(command, message))


def file_shown(selector):
    """Instead of a descriptor its file is shown."""
    if "EXE_FD" not in selector:
        return selector
    return {**{k: v for k, v in selector.items() if k != "EXE_FD"},
            "EXE_INO": os.fstat(selector["EXE_FD"]).st_ino}


def right_messages_come_back(nl):
    """What is put in comes out again."""
    for noun, whole in (("WORKLOAD", WORKLOAD), ("SERVICE", SERVICE), ("POLICY", POLICY),
                        ("REVOCATION", REVOCATION), ("PEER", PEER)):
        must(nl.request(noun + "_NEW", {noun: whole}))
        got = must(nl.request(noun + "_GET", {noun: {"NAME": whole["NAME"]}})).object[noun]
        shown = {k: v for k, v in got.items() if k in whole}
        wanted = {k: v for k, v in whole.items()}
        if "SELECTORS" in wanted:
            wanted["SELECTORS"] = [file_shown(s) for s in wanted["SELECTORS"]]
        for holder in (shown, wanted):      # defaults are spelled out
            for i, p in enumerate(holder.get("PORTS", [])):
                holder["PORTS"] = list(holder["PORTS"])
                holder["PORTS"][i] = {"PORT": p["PORT"], **{
                    k: v for k, v in p.items() if v and v != p["PORT"]}}
        equal(f"{noun}_GET shows what {noun}_NEW said", wanted, shown)
        equal(f"{noun} is static", C["WEFT_OWNER_STATIC"], got["OWNER"])


def orders(nl):
    """What is fine by itself, but not here and now."""
    configure(nl)
    other = {"SERVICE": {**SERVICE, "NAME": "other", "ADDRESSES": ["240.1.0.1"]}}
    ep = {"ENDPOINT": {**KEY, "SERVICE": "daemons"}}
    far = {"ENDPOINT": {**KEY, "ADDRESS": "10.0.0.77"}}
    for name, wanted, command, attrs in (
            ("a workload that exists", "EEXIST", "WORKLOAD_NEW", {"WORKLOAD": WORKLOAD}),
            ("a service that exists", "EEXIST", "SERVICE_NEW", {"SERVICE": SERVICE}),
            ("a policy that exists", "EEXIST", "POLICY_NEW", {"POLICY": POLICY}),
            ("a revocation that exists", "EEXIST", "REVOCATION_NEW", {"REVOCATION": REVOCATION}),
            ("a revocation of nothing", "EINVAL", "REVOCATION_NEW", {"REVOCATION": {"NAME": "none"}}),
            ("a peer that exists", "EEXIST", "PEER_NEW", {"PEER": PEER}),
            ("a peer that is nowhere", "EINVAL", "PEER_NEW", {"PEER": {"NAME": "none", "NETWORKS": []}}),
            ("an endpoint that exists", "EEXIST", "ENDPOINT_NEW", {"ENDPOINT": KEY}),
            ("an endpoint the daemon has", "EEXIST", "ENDPOINT_NEW", ep),
            ("another service's address", "EEXIST", "SERVICE_NEW", other),
            ("an endpoint of no service", "ENOENT", "ENDPOINT_NEW", {"ENDPOINT": {**KEY, "SERVICE": "no"}}),
            ("no such transaction", "ENOENT", "SERVICE_NEW", {**other, "TRANSACTION": 4711}),
            ("no such transaction for an endpoint", "ENOENT", "ENDPOINT_NEW", {**far, "TRANSACTION": 4711}),
            ("commit of no transaction", "ENOENT", "GENERATION_COMMIT", {"TRANSACTION": 4711}),
            ("abort of no transaction", "ENOENT", "GENERATION_ABORT", {"TRANSACTION": 4711}),
            ("deletion of no workload", "ENOENT", "WORKLOAD_DEL", {"WORKLOAD": {"NAME": "no"}}),
            ("deletion of no service", "ENOENT", "SERVICE_DEL", {"SERVICE": {"NAME": "no"}}),
            ("deletion of no policy", "ENOENT", "POLICY_DEL", {"POLICY": {"NAME": "no"}}),
            ("deletion of no revocation", "ENOENT", "REVOCATION_DEL", {"REVOCATION": {"NAME": "no"}}),
            ("deletion of no peer", "ENOENT", "PEER_DEL", {"PEER": {"NAME": "no"}}),
            ("deletion of no endpoint", "ENOENT", "ENDPOINT_DEL", far),
            ("deletion of an endpoint of no service", "ENOENT", "ENDPOINT_DEL",
             {"ENDPOINT": {**KEY, "SERVICE": "no"}}),
            ("deletion of the daemon's workload", "EPERM", "WORKLOAD_DEL", {"WORKLOAD": {"NAME": "daemons"}}),
            ("deletion of the daemon's service", "EPERM", "SERVICE_DEL", {"SERVICE": {"NAME": "daemons"}}),
            ("deletion of the daemon's policy", "EPERM", "POLICY_DEL", {"POLICY": {"NAME": "daemons"}}),
            ("deletion of the daemon's revocation", "EPERM", "REVOCATION_DEL",
             {"REVOCATION": {"NAME": "daemons"}}),
            ("deletion of the daemon's peer", "EPERM", "PEER_DEL", {"PEER": {"NAME": "daemons"}}),
            ("deletion of the daemon's endpoint", "EPERM", "ENDPOINT_DEL", ep),
            ("no such workload", "ENOENT", "WORKLOAD_GET", {"WORKLOAD": {"NAME": "no"}}),
            ("no such service", "ENOENT", "SERVICE_GET", {"SERVICE": {"NAME": "no"}}),
            ("no such policy", "ENOENT", "POLICY_GET", {"POLICY": {"NAME": "no"}}),
            ("no such revocation", "ENOENT", "REVOCATION_GET", {"REVOCATION": {"NAME": "no"}}),
            ("no such peer", "ENOENT", "PEER_GET", {"PEER": {"NAME": "no"}}),
            ("no such endpoint", "ENOENT", "ENDPOINT_GET", far)):
        before = everything(nl)
        a = nl.request(command, attrs)
        check(f"{command} of {name} is refused", name_of(a.errno) == wanted and a.text,
              f"wanted {wanted} in words, got {a}")
        if everything(nl) != before:
            check(f"{command} of {name} changes nothing", False)
    for command in ("WORKLOAD_GET", "SERVICE_GET", "POLICY_GET", "REVOCATION_GET", "PEER_GET",
                    "CONN_GET"):
        a = nl.dump(command, messages()[command])
        refused(f"a dump of {command} takes no attributes", "EINVAL", a)
        equal(f"and says which one ({command})", genl.HEADER, a.offset)
    refused("a dump of the endpoints of no service", "ENOENT",
            nl.dump("ENDPOINT_GET", {"ENDPOINT": {"SERVICE": "no"}}))
    refused("a dump of endpoints by address", "EINVAL", nl.dump("ENDPOINT_GET", {"ENDPOINT": KEY}))
    equal("a dump of the endpoints of a service", 1,
          len(nl.dump("ENDPOINT_GET", {"ENDPOINT": {"SERVICE": "base"}}).raw))


def strange_commands(nl):
    strange = {n: COMMANDS[n] for n in FROM_KERNEL}
    strange.update({"command 0": 0, "command MAX + 1": C.max("weft_cmd") + 1, "command 255": 255})
    for name, number in strange.items():
        refused(f"{name} is not for us to send", "EOPNOTSUPP", nl.request(number))
    for command in COMMANDS:
        if not command.endswith("_GET") or command == "STATUS_GET":
            refused(f"there is no dump of {command}", "EOPNOTSUPP", nl.request(command, flags=NLM_F_DUMP))


# ---- privilege and namespaces ----------------------------------------------------

def nothing_allowed(nl, who):
    """Every command but STATUS_GET says EPERM, dumps too."""
    wrong = []
    for command, message in messages().items():
        for flags in (0, NLM_F_DUMP) if command.endswith("_GET") else (0,):
            if command == "STATUS_GET":
                continue
            a = nl.request(command, message, flags)
            if name_of(a.errno) != "EPERM" or a.raw:
                wrong.append(f"{command}, flags {flags:#x}: {a}")
    check(f"{who}: every command is refused", not wrong, *wrong)
    accepted(f"{who}: but STATUS_GET", nl.request("STATUS_GET"))


def no_events(nl, who):
    try:
        nl.join()
        check(f"{who}: no events", False, "joined the group")
    except PermissionError:
        check(f"{who}: no events", True)


def unprivileged():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def privileges(nl):
    configure(nl)
    before = everything(nl)

    def user():
        unprivileged()
        with Genl() as mine:
            nothing_allowed(mine, "an ordinary user")
            no_events(mine, "an ordinary user")

    def given():
        with Genl() as roots:
            unprivileged()
            nothing_allowed(roots, "an ordinary user with root's socket")
            no_events(roots, "an ordinary user with root's socket")

    def poor_root():
        genl.become_root_of_user_namespace(NOBODY, net=False)
        with Genl() as mine:
            nothing_allowed(mine, "root of a user namespace without a network")
            no_events(mine, "root of a user namespace without a network")
    in_child(user)
    in_child(given)
    in_child(poor_root)

    # a socket made without privilege stays so in root's hands
    here, there = socket.socketpair()

    def hand_over():
        unprivileged()
        with Genl() as mine:
            socket.send_fds(there, [b"x"], [mine.sock.fileno()])
    in_child(hand_over)
    _, fds, _, _ = socket.recv_fds(here, 1, 1)
    with Genl() as theirs:
        theirs.sock.close()
        theirs.sock = socket.socket(fileno=fds[0])
        nothing_allowed(theirs, "root with an ordinary user's socket")
    equal("and all is as it was", before, everything(nl))


def rich_root(nl):
    """Root of a user namespace with a network of its own: all of it, and no more."""
    configure(nl)
    before = everything(nl)

    def stranger():
        genl.become_root_of_user_namespace(NOBODY, net=True)
        with Genl() as mine:
            seen = {k: v for k, v in everything(mine).items() if k != "STATUS_GET"}
            equal("a fresh namespace shows nothing of the others", {k: [] for k in seen}, seen)
            refused("nor an object by name", "ENOENT",
                    mine.request("SERVICE_GET", {"SERVICE": {"NAME": "base"}}))
            configure(mine)
            must(mine.request("WORKER_NEW"))
            mine.join()
            refused("the self-tests are not its to run", "EPERM", mine.request("SELFTEST_RUN"))
            return everything(mine)
    theirs = in_child(stranger)
    equal("its root may do what root may", 2, len(theirs["WORKLOAD_GET"]))
    equal("and nobody else sees it", before, everything(nl))


# ---- transactions ------------------------------------------------------------------

def transactions(nl):
    other = Genl()
    txn = begin(nl)
    refused("a second transaction of the same socket", "EBUSY", nl.request("GENERATION_BEGIN"))
    refused("a second transaction of another socket", "EBUSY", other.request("GENERATION_BEGIN"))
    for command in ("GENERATION_COMMIT", "GENERATION_ABORT"):
        refused(f"{command} of another's transaction", "EBUSY", other.request(command, {"TRANSACTION": txn}))
        refused(f"{command} of the next transaction", "ENOENT", nl.request(command, {"TRANSACTION": txn + 1}))
    refused("staging in another's transaction", "EBUSY",
            other.request("SERVICE_NEW", {**service("x"), "TRANSACTION": txn}))
    must(nl.request("SERVICE_NEW", {**service("x", ADDRESSES=["240.0.0.1"]), "TRANSACTION": txn}))
    refused("staging twice", "EEXIST",
            nl.request("SERVICE_NEW", {**service("x"), "TRANSACTION": txn}))
    equal("what is staged is not there yet", [], nl.dump("SERVICE_GET").raw)

    must(nl.request("ENDPOINT_NEW", {"ENDPOINT": {**KEY, "SERVICE": "y"}, "TRANSACTION": txn}))
    before = everything(nl)
    refused("commit of an endpoint without its service", "EINVAL",
            nl.request("GENERATION_COMMIT", {"TRANSACTION": txn}))
    equal("changes nothing", before, everything(nl))
    must(nl.request("SERVICE_NEW", {**service("y", ADDRESSES=["240.0.0.1"]), "TRANSACTION": txn}))
    a = nl.request("GENERATION_COMMIT", {"TRANSACTION": txn})
    check("commit of two services with one address", a.errno and a.text, a)
    equal("changes nothing either", before, everything(nl))
    must(nl.request("SERVICE_NEW", {**service("y"), "TRANSACTION": txn}, NLM_F_REPLACE))
    accepted("what was set right is committed", nl.request("GENERATION_COMMIT", {"TRANSACTION": txn}))
    equal("whole", [2, 1], [len(nl.dump(c).raw) for c in ("SERVICE_GET", "ENDPOINT_GET")])
    refused("committed is over", "ENOENT", nl.request("GENERATION_COMMIT", {"TRANSACTION": txn}))

    before = everything(nl)
    txn = begin(other)
    must(other.request("SERVICE_NEW", {**service("z"), "TRANSACTION": txn}))
    other.close()
    equal("closing the socket aborts", before, everything(nl))
    txn = begin(nl)
    must(nl.request("SERVICE_NEW", {**service("z"), "TRANSACTION": txn}))
    accepted("abort", nl.request("GENERATION_ABORT", {"TRANSACTION": txn}))
    equal("undoes all", before, everything(nl))

    def elsewhere(theirs, number):
        refused("a transaction of another namespace", "ENOENT",
                theirs.request("SERVICE_NEW", {**service("z"), "TRANSACTION": number}))
        refused("its commit", "ENOENT", theirs.request("GENERATION_COMMIT", {"TRANSACTION": number}))
        return begin(theirs)
    txn = begin(nl)
    in_namespace(elsewhere, txn)
    accepted("is not disturbed by one there", nl.request("GENERATION_COMMIT", {"TRANSACTION": txn}))


def trials(nl):
    """What is asked changes nothing and hinders nobody."""
    other = Genl()
    server = {"ROLE": C["WEFT_ROLE_SERVER"], "WORKLOAD": "shop", "REMOTE": "10.0.0.9", "LOCAL_PORT": 80}
    client = {"ROLE": C["WEFT_ROLE_CLIENT"], "WORKLOAD": "shop", "SERVICE": "web", "PEER_IDENTITY": ID + "web"}

    def judge(socket, number, flow, **more):
        return socket.request("FLOW_JUDGE", {"TRANSACTION": number, "CONN": {**flow, **more}})

    def says(name, wanted, flow, **more):
        got = must(judge(nl, trial, flow, **more)).object["CONN"]
        equal(name, wanted, (got["REASON"], *(got.get(k) for k in ("POLICY", "WORKLOAD", "SERVICE"))))

    must(nl.request("WORKLOAD_NEW", {"WORKLOAD": {
        **WORKLOAD, "MODE": C["WEFT_MODE_STRICT"],
        "PORTS": [{"PORT": 90, "MODE": C["WEFT_MODE_PERMISSIVE"]}]}}))
    before = everything(nl)
    trial = begin(nl, TRIAL=1)
    refused("a second trial", "EBUSY", other.request("GENERATION_BEGIN", {"TRIAL": 1}))
    txn = begin(other)
    refused("a transaction is not asked", "EINVAL", judge(other, txn, server))
    refused("another's trial is not asked", "EBUSY", judge(other, trial, server))
    refused("no trial is not asked", "ENOENT", judge(nl, trial + 9, server))
    refused("a trial is not committed", "EINVAL", nl.request("GENERATION_COMMIT", {"TRANSACTION": trial}))
    must(nl.request("POLICY_NEW", {"POLICY": {**POLICY, "RULES": POLICY["RULES"][:1]}, "TRANSACTION": trial}))
    must(nl.request("SERVICE_NEW", {"SERVICE": SERVICE, "TRANSACTION": trial}))
    must(nl.request("PEER_NEW", {"PEER": PEER, "TRANSACTION": trial}))
    for what, flow in (("a client's service", client), ("a client's peer", client),
                       ("a server's peer", server), ("a server's port", server)):
        lacking = {"a client's service": "SERVICE", "a client's peer": "PEER_IDENTITY",
                   "a server's peer": "REMOTE", "a server's port": "LOCAL_PORT"}[what]
        refused(f"without {what}", "EINVAL",
                judge(nl, trial, {k: v for k, v in flow.items() if k != lacking}))
    denied, plain, who = (C[f"WEFT_REASON_{n}"] for n in ("POLICY_DENIED", "PLAINTEXT", "PEER_IDENTITY"))
    says("an identity that is let in", (0, None, "shop", None), server, PEER_IDENTITY=ID + "web", LOCAL_PORT=82)
    says("one that a DENY refuses", (denied, "guard", "shop", None), server,
         PEER_IDENTITY=ID + "bad", REMOTE="10.9.9.9")
    says("the same at a port that the DENY is not for", (0, None, "shop", None), server,
         PEER_IDENTITY=ID + "bad", REMOTE="10.9.9.9", LOCAL_PORT=81)
    says("plaintext at a strict port", (plain, None, "shop", None), server)
    says("plaintext at a permissive one", (0, None, "shop", None), server, LOCAL_PORT=90)
    says("from a registered address", (plain, None, "shop", None), server, LOCAL_PORT=90, REMOTE="9.9.255.1")
    equal("of this peer", "rack", must(judge(
        nl, trial, server, LOCAL_PORT=90, REMOTE="9.9.255.1")).object["CONN"].get("REGISTERED"))
    says("who proves an identity there", (0, None, "shop", None), server, LOCAL_PORT=90,
         REMOTE="9.9.255.1", PEER_IDENTITY=ID + "web")
    says("no such workload", (0, None, None, None), server, WORKLOAD="other")
    says("the right answer to a client", (0, None, "shop", "web"), client)
    says("the wrong one", (who, None, "shop", "web"), client, PEER_IDENTITY=ID + "bad")
    says("no such service", (0, None, "shop", None), client, SERVICE="none")
    refused("nothing is added to a trial that judged", "EBUSY",
            nl.request("SERVICE_NEW", {**service("late"), "TRANSACTION": trial}))
    equal("asking changes nothing", before, everything(nl))
    accepted("nor does it hinder a commit", other.request("GENERATION_COMMIT", {"TRANSACTION": txn}))
    nl.request("GENERATION_ABORT", {"TRANSACTION": trial})
    trial = begin(other, TRIAL=1)
    other.close()
    trial = begin(nl, TRIAL=1)
    accepted("closing the socket ends its trial", judge(nl, trial, server))


# ---- dumps and events ----------------------------------------------------------------

MANY = 1500


def stage_many(nl, n):
    txn = begin(nl)
    for i in range(n):
        must(nl.request("SERVICE_NEW", {**service(f"s{i}"), "TRANSACTION": txn}))
        must(nl.request("ENDPOINT_NEW", {"ENDPOINT": {**KEY, "SERVICE": f"s{i}"}, "TRANSACTION": txn}))
    commit(nl, txn)


def dumps(nl):
    stage_many(nl, MANY)
    names = sorted(f"s{i}" for i in range(MANY))
    for command, noun, key in (("SERVICE_GET", "SERVICE", "NAME"), ("ENDPOINT_GET", "ENDPOINT", "SERVICE")):
        a = nl.dump(command)
        check(f"a dump of {MANY} takes several messages ({command})", a.parts > 2, a.parts)
        equal(f"and has each once ({command})", names, [o[noun][key] for o in a.objects])
        check(f"and was not interrupted ({command})", not a.interrupted)
    for change, name in ((("SERVICE_NEW", service("zz")), "added"),
                         (("SERVICE_DEL", {"SERVICE": {"NAME": "zz"}}), "deleted")):
        with Genl() as slow, Genl() as other:
            slow.sock.send(slow.message(COMMANDS["SERVICE_GET"], b"", NLM_F_DUMP))
            must(other.request(*change))
            check(f"a dump says that something was {name} meanwhile", slow.answer().interrupted)
    with Genl() as slow, Genl() as other:
        slow.sock.send(slow.message(COMMANDS["ENDPOINT_GET"], b"", NLM_F_DUMP))
        commit(other, begin(other))
        a = slow.answer()
        check("a dump says that everything is gone meanwhile", a.interrupted and not a.errno, a)
    with Genl() as gone:
        gone.sock.send(gone.message(COMMANDS["SERVICE_GET"], b"", NLM_F_DUMP))
    check("a dump nobody reads is forgotten", True)

    long = {"IDENTITIES": [f"{ID}{i}/".ljust(1900, "a") for i in range(28)]}
    must(nl.request("POLICY_NEW", {"POLICY": {"NAME": "p", "ACTION": 0, "RULES": [long]}}))
    with Genl() as fresh:
        equal("an object of 53 KB is dumped whole", [long],
              fresh.dump("POLICY_GET").object["POLICY"]["RULES"])
    long["IDENTITIES"] += long["IDENTITIES"][:4]
    refused("an object too large to be sent back", "EMSGSIZE",
            nl.request("POLICY_NEW", {"POLICY": {"NAME": "q", "ACTION": 0, "RULES": [long]}}))


def slow_listener(nl):
    with Genl() as listener:
        listener.join()
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        for i in range(200):
            must(nl.request("SERVICE_NEW", service("s"), NLM_F_REPLACE))
        seen, lost = 0, 0
        listener.sock.setblocking(False)
        while True:
            try:
                listener.receive()
                seen += 1
            except BlockingIOError:
                break
            except OSError as e:
                lost += e.errno == errno.ENOBUFS
        check("a slow listener is told that it missed events", lost and seen < 200, f"{seen} seen")
        listener.sock.settimeout(genl.WAIT)
        number = must(nl.request("SERVICE_NEW", service("t"))) and \
            nl.request("STATUS_GET").object["STATUS"]["GENERATION"]
        equal("and hears the next one", ("EVENT", {"EVENT": C["WEFT_EVENT_GENERATION"], "GENERATION": number}),
              listener.next_unasked())


# ---- namespaces that go ---------------------------------------------------------------

def forsaken():
    """A process killed with everything open: its namespace goes with it."""
    reader, writer = os.pipe()

    def leave_all():
        genl.unshare(CLONE_NEWNET)
        genl.loopback_up()
        with Genl() as nl, Genl() as worker:
            must(worker.request("WORKER_NEW"))
            configure(nl)
            txn = begin(nl)
            for i in range(100):
                must(nl.request("SERVICE_NEW", {**service(f"s{i}"), "TRANSACTION": txn}))
            nl.sock.send(nl.message(COMMANDS["SERVICE_GET"], b"", NLM_F_DUMP))
            os.write(writer, b"x")
            os.read(os.pipe()[0], 1)
    child = Child(leave_all)
    os.read(reader, 1)
    child.kill()
    with Genl() as nl:
        txn = begin(nl)     # this namespace never had one open
        accepted("a namespace gone with a transaction, a worker and a dump disturbs nobody",
                 nl.request("GENERATION_ABORT", {"TRANSACTION": txn}))


def claim(function):
    def claimed():
        in_namespace(function)
    claimed.__name__ = function.__name__
    return claimed


if __name__ == "__main__":
    sys.exit(run([claim(f) for f in (
        spoilt_configuration, spoilt_transaction, right_messages_come_back, orders,
        strange_commands, privileges, rich_root, transactions, trials, dumps,
        slow_listener)] + [forsaken]))

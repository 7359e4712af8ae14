#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What an application can do with a connected TCP socket, plain and over weft side
by side: the same cases, the same words.

posix.py run SERVER-NETNS CLIENT-NETNS ADDRESS PORT END FILE [PATTERN]
    Runs the cases over connections from CLIENT-NETNS to ADDRESS:PORT, where it
    listens itself in SERVER-NETNS; nobody listens at PORT + 2.  END is the end that
    is looked at: client, server, or either (each is it for every other case).
    Writes what came of them to FILE, as JSON.  URING in the environment is the
    program of the io_uring cases.
posix.py compare KERNEL PLAIN WEFT
    Of two such files: "ok NAME" where both say the same, or differ as KNOWN says;
    "not ok NAME" for any other difference, and for one in KNOWN that is none.
posix.py page FILE
    weft(7) lists what is in KNOWN, and nothing else.

Nothing but KNOWN knows of the mesh.
"""
import fnmatch
import gc
import json
import os
import re
import select
import signal
import sys
import time
import traceback

import posix_end
import posix_read
import posix_state
import posix_uring
import posix_write
from posix_lib import CASES, WAIT, Place, Stuck, text

assert posix_read and posix_write and posix_end and posix_state and posix_uring

# Case -> what weft says instead, as a shell pattern; the paragraph of weft(7), by
# its tag, that says so and why; the kernels where it is so (none named: all).
KNOWN = {
    "oob_is_sent": ("EOPNOTSUPP (IN+OUT+RDNORM+WRNORM 'abcdef' 0 EINVAL EAGAIN)", "Urgent data"),
    "timestamp": ("ok (('abcd' () 0 None) ('ef' () 0 None))", "Receive timestamps"),
    "transmit_timestamps": ("ok ((RECVERR 16) (SCM_TIMESTAMPING 48)) ((2 24))", "Transmit timestamps"),
    "bad_pointer_beyond_a_write": ("(4 'abcd') 'efgh'", "Bad addresses"),
    "rcvlowat_read_back": ("(ok 1)", "SO_RCVLOWAT"),
    "mmap_of_a_socket": ("19 (3 'abc')", "TCP_ZEROCOPY_RECEIVE"),
    "zerocopy_receive": ("ENOPROTOOPT 4096", "TCP_ZEROCOPY_RECEIVE"),
    "tcp_info_counts_bytes": ("(1022 322)", "Byte counts"),
    "epoll_edges_after_a_read": ("'abc' ((IN) ()) ((IN) ()) ((IN) ()) ('d' (IN)) ((IN) 'efg')",
                                 "Edge-triggered epoll"),
    "ulp_tls": ("EBUSY", "TCP_ULP"),
    "ulp_that_does_not_exist": ("(EBUSY 3 'abc')", "TCP_ULP"),
    "connect_to_nowhere_of_an_accepted_socket": ("(EISCONN ESTABLISHED)", "connect() to AF_UNSPEC"),
    "connect_to_nowhere_of_a_shared_socket": ("(EBUSY ESTABLISHED ESTABLISHED)",
                                              "connect() to AF_UNSPEC"),
    "listen_after_a_refused_connect": ("(ECONNREFUSED EINVAL 0)", "listen() after connect()"),
    # t-posix.sh takes IPv6 there.
    "addrform": ("(EBUSY 3 'abc')", "IPV6_ADDRFORM", "6.12"),
}


# ---- run ----------------------------------------------------------------------

def result_of(case, place, end):
    """What the case yields, in words; where it stops short, why."""
    words = []
    try:
        c, s = place.pair()
        a, b = (c, s) if end == "client" else (s, c)
        for value in case(a, b, place):
            words.append(text(value))
    except Stuck as e:
        words.append(f"waited in vain for {e}")
    except BaseException as e:  # pylint: disable=broad-except
        lines = traceback.extract_tb(e.__traceback__)
        words.append(f"{type(e).__name__}: {e}, line {[x.lineno for x in lines][1:]}")
    return " ".join(words)


def run_case(case, place, end):
    """In a process of its own, which leaves nothing behind."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.write(w, result_of(case, place, end).encode())
        os._exit(0)
    os.close(w)
    p = select.poll()
    p.register(r, select.POLLIN)
    word = os.read(r, 65536).decode() if p.poll(WAIT * 3000) else "does not come back"
    os.close(r)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return word or f"died with status {status:#x}"


def run(server_netns, client_netns, address, port, end, out, pattern="*"):
    place = Place(server_netns, client_netns, address, int(port))
    results, times = {}, {}
    ends = ("client", "server") if end == "either" else (end, end)
    gc.freeze()                 # a fork() copies what it touches
    for number, (name, case) in enumerate(CASES.items()):
        if fnmatch.fnmatchcase(name, pattern):
            began = time.monotonic()
            results[name] = run_case(case, place, ends[number % 2])
            times[name] = round(time.monotonic() - began, 2)
            with open(out + ".now", "w", encoding="ascii") as f:
                json.dump(results, f, indent=1)
    slow = sorted(times, key=times.get, reverse=True)[:8]
    print(f"{len(results)} cases, {sum(times.values()):.0f} s; the longest:",
          *(f"{n} {times[n]}" for n in slow))
    os.rename(out + ".now", out)
    return 0


# What run() says of a case that did not do what it was written for.
BROKEN = re.compile(r"waited in vain for|does not come back|died with status|Error: .*, line \[")

# ---- compare ------------------------------------------------------------------

def compare(kernel, plain, weft):
    with open(plain, encoding="ascii") as f:
        plain = json.load(f)
    with open(weft, encoding="ascii") as f:
        weft = json.load(f)
    bad = [n for n in KNOWN if n not in CASES]
    for name in bad:
        print(f"not ok {name} - is in KNOWN, and no case")
    for name, said in {**plain, **weft}.items():
        # Equal is not enough where a case shows nothing.
        if BROKEN.search(said):
            bad.append(name)
            print(f"not ok {name} - does not come to its end: {said}")
    told = len(bad)
    rest = sorted((set(plain) | set(weft)) - set(bad))
    for name in rest:
        said, instead = plain.get(name, "nothing"), weft.get(name, "nothing")
        want, _, *kernels = KNOWN.get(name, (None, None))
        if kernels and kernel not in kernels:
            want = None
        if said == instead:
            why = want and "is in KNOWN, and does not differ"
        elif want is None:
            why = "differs"
        else:
            why = not fnmatch.fnmatchcase(instead, want) and "differs in another way than KNOWN says"
        if why:
            bad.append(name)
            print(f"not ok {name} - {why}")
            print(f"# plain: {said}\n# weft:  {instead}")
        else:
            print(f"ok {name}" + (" (a known difference)" if want else ""))
    print(f"all {told + len(rest)} cases")
    return 1 if bad else 0


def page(path):
    """The tags of the paragraphs of the section DIFFERENCES."""
    with open(path, encoding="ascii") as f:
        section = re.search(r"\n\.SH DIFFERENCES\n(.*?)\n\.SH ", f.read(), re.S).group(1)
    tags = {re.sub(r"\\f.|\\", "", re.sub(r"^\.[BIR]+ ", "", t)).replace('"', "")
            for t in re.findall(r"^\.TP\n(.*)$", section, re.M)}
    known = {tag for _, tag, *_ in KNOWN.values()}
    for tag in sorted(known | tags):
        if tag not in tags:
            print(f"not ok weft(7) tells of {tag}")
        elif tag not in known:
            print(f"not ok {tag} of weft(7) is tested")
        else:
            print(f"ok weft(7) tells of {tag}")
    print(f"all {len(known | tags)} cases")
    return 0 if tags == known else 1


if __name__ == "__main__":
    args = sys.argv[2:]
    if sys.argv[1:2] == ["run"] and len(args) in (6, 7):
        sys.exit(run(*args))
    elif sys.argv[1:2] == ["compare"] and len(args) == 3:
        sys.exit(compare(*args))
    elif sys.argv[1:2] == ["page"] and len(args) == 1:
        sys.exit(page(*args))
    else:
        sys.exit(__doc__)

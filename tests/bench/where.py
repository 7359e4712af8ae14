#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""where.py SYMBOLS COUNTS N [COUNTS-BEFORE N]: what profile.c counted, per each of
N calls, by kind and by function of the kernel or library of weftd; with a second
file, what has been added since (or has gone).

SYMBOLS is /proc/kallsyms, and lines "map START END FILE" of weftd's libraries.
Other programs' user space is one: they share weftd's addresses of its own text,
not those of its libraries, which bench.sh moves."""
import bisect
import collections
import re
import sys

USER = 1 << 63

# What a function of the kernel is for: the first that matches.
KINDS = [(kind, re.compile(pattern)) for kind, pattern in [
    ("weft.ko", r" \[weft\]$"),
    ("AES-GCM", r" \[(aesni_intel|ghash_clmulni_intel|gcm|ctr|cryptd|crypto_simd)\]$"
                r"|^(crypto|aead|skcipher|scatterwalk|gf128mul|aes|simd)_|^kernel_fpu|^irq_fpu"),
    ("kTLS", r" \[tls\]$|^(tls|strp)_"),
    ("copying, clearing", r"^(memset|memcpy|memmove|rep_movs|clear_page|copy_page|__memcpy|"
                          r"_copy_(to|from)_iter|__check_object|__virt_addr|check_heap)"),
    ("netlink", r"netlink|^genl|^_?_?nla_|^nlmsg"),
    ("TCP and IP", r" \[(veth|nf_\w+)\]$"
                   r"|^(__|do_)?(tcp|inet|inet6|ip|ipv4|sk|sock|skb|__skb|netif|net|dev|napi|nf|fib|"
                   r"icmp|neigh|arp|lock_sock|release_sock|process_backlog|enqueue_to|dst|rt|"
                   r"secure_tcp|csum|loopback|kfree_skb|alloc_skb|qdisc|eth|validate_xmit|rps|"
                   r"bictcp|cubictcp|siphash|sendmsg|recvmsg|sys_(send|recv|connect|accept|socket|"
                   r"shutdown|setsockopt|getsockopt))"),
    ("unix sockets", r"^_?_?(unix|scm)_"),
    ("poll", r"^_?_?(do_)?(ep|epoll|poll|eventfd|pollwake)_|^sys_epoll|^ep_"),
    ("scheduler", r"sched|^_?_?(switch|wake|try_to_wake|enqueue|dequeue|update|pick|put_prev|"
                  r"set_next|select_task|finish_task|prepare_to|finish_wait|ttwu|check_preempt|"
                  r"wakeup|place_entity|reweight|load|cpuacct|resched|context_switch|rb_|futex|"
                  r"hrtimer|timer|run_timer|mod_timer|lapic|tick|clockevents|ktime|timekeeping|"
                  r"psi_|record_times|avg_vruntime|vruntime|_?rcu|call_rcu|softirq|__?do_softirq|irq|handle_softirqs|queue_work|"
                  r"process_one_work|worker|try_to_grab)"),
    ("memory", r"alloc|free|slab|slub|memcg|^_?_?(mem_cgroup|obj_cgroup|page|folio|mm|vma|mas|mt|"
               r"handle_mm|rmqueue|get_page|zap|unmap|clear_page|pte|lru|charge|mod_|percpu|kv?mem|"
               r"do_anonymous|exc_page|asm_exc_page|handle_pte|clear_huge|prep_new)"),
    ("files", r"^_?_?(do_)?(fd|file|fget|fput|vfs|path|link|lookup|walk|dput|dget|d_|inode|iput|"
              r"new_inode|open|close|filp|get_unused|alloc_file|security|apparmor|aa_|proc|seq|"
              r"shmem|ovl|new_sync|generic_file|step_into|may_open|getname|task_work|ext4|copy_page|"
              r"filemap|fault_in|init_file|ksys|rw_verify)|^sys_(open|close|read|write)"),
    ("locks and lists", r"^_raw_|^__list_|^mutex|^__mutex|^__local_bh|^lockref|^down_|^up_"),
    ("system calls", r"syscall|seccomp|^entry_|^do_syscall|^_?_?x64_sys|^arch_exit|^(copy_from|copy_to)"
                     r"|^import_|^__import|iovec"),
]]


class Symbols:
    def __init__(self, path):
        found, self.maps = [], []
        for line in open(path):
            first, *rest = line.split()
            if first == "map":
                self.maps.append((int(rest[0], 16), int(rest[1], 16), rest[2]))
            elif rest[0] in "tTwW":
                found.append((int(first, 16), " ".join(rest[1:3])))
        found.sort()
        self.addresses = [a for a, _ in found]
        self.names = [n for _, n in found]

    def name(self, address):
        if address >= USER:
            i = bisect.bisect_right(self.addresses, address) - 1
            return self.names[i] if i >= 0 else "?"
        for start, end, path in self.maps:
            if start <= address < end and ".so" in path:
                return "weftd: " + path.rsplit("/", 1)[1]
        return "programs" if self.maps else "user space"


def kind(name):
    if name.startswith("weftd: ") or name in ("programs", "user space"):
        return name
    for title, pattern in KINDS:
        if pattern.search(name):
            return title
    return "kernel, other"


def functions(path, n, symbols):
    total = collections.Counter()
    for line in open(path):
        address, count, _ = line.split()
        total[symbols.name(int(address, 16))] += int(count) / n
    return total


def show(counts, least):
    for name, count in sorted(counts.items(), key=lambda x: -abs(x[1])):
        if abs(count) >= least:
            print(f"{count:10.0f}  {name}")


def main():
    symbols = Symbols(sys.argv[1])
    now = functions(sys.argv[2], float(sys.argv[3]), symbols)
    if len(sys.argv) > 5:
        now.subtract(functions(sys.argv[4], float(sys.argv[5]), symbols))
    kinds = collections.Counter()
    for name, count in now.items():
        kinds[kind(name)] += count
    print(f"{sum(now.values()):10.0f}  all")
    show(kinds, 0)
    print()
    show(now, 20)


main()

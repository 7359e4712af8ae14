# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of posix.py: how streams end: shutdown(), close(), RST, and who is told.

a is the end that is looked at, b its peer; p is the place, for further pairs.
"""
import os
import select
import signal
import socket

from posix_lib import (Blocked, arrived, c_recv, c_send, call, case, exactly, fill, inq, is_in,
                       mask, pattern, read_all, readable, recv, reset, send, shut, small, so_error,
                       state, tell)

NOSIGNAL, DONTWAIT, PEEK = socket.MSG_NOSIGNAL, socket.MSG_DONTWAIT, socket.MSG_PEEK


def views(s):
    """Every way to be told."""
    return mask(s), inq(s), recv(s, 10, DONTWAIT), send(s, b"x", NOSIGNAL | DONTWAIT)


# ---- shutdown()

@case
def shutdown_of_writing(a, b, p):
    yield tell(a, b"abc"), shut(a, "WR"), shut(a, "WR"), send(a, b"x", NOSIGNAL)
    yield is_in(a, "FIN_WAIT2"), mask(a), is_in(b, "CLOSE_WAIT"), mask(b)
    yield recv(b), recv(b), recv(b)


@case
def half_close_and_answer(a, b, p):
    shut(a, "WR")
    is_in(b, "CLOSE_WAIT")
    yield recv(b), tell(b, pattern(30000)), exactly(a, 30000), mask(a), mask(b)
    b.close()
    readable(a)
    yield recv(a), mask(a)


@case
def shutdown_of_reading(a, b, p):
    yield shut(a, "RD"), mask(a), recv(a), recv(a), state(a), state(b), mask(b)
    yield tell(a, b"abc"), recv(b)


@case
def shutdown_of_reading_with_data_unread(a, b, p):
    tell(b, b"abc")
    yield shut(a, "RD"), mask(a), inq(a), recv(a, 2), recv(a), recv(a)


@case
def data_after_shutdown_of_reading(a, b, p):
    shut(a, "RD")
    yield tell(b, b"abc"), mask(a), recv(a), recv(a)
    yield tell(b, b"def"), recv(a), shut(a, "RD"), state(b)


@case
def shutdown_of_both(a, b, p):
    yield shut(a, "RDWR"), send(a, b"x", NOSIGNAL), recv(a), is_in(b, "CLOSE_WAIT"), recv(b)
    yield mask(a), mask(b)


@case
def shutdown_of_both_twice(a, b, p):
    yield shut(a, "RDWR"), shut(a, "RDWR"), shut(a, "RD"), shut(a, "WR")
    is_in(b, "CLOSE_WAIT")
    yield shut(b, "RDWR"), is_in(a, "CLOSE", "TIME_WAIT"), shut(a, "RDWR"), shut(b, "WR")


@case
def shutdown_of_both_with_data_unread(a, b, p):
    tell(b, b"abc")
    yield shut(a, "RDWR"), mask(a), recv(a), recv(a), is_in(b, "CLOSE_WAIT"), recv(b)


@case
def shutdown_by_both_ends(a, b, p):
    yield shut(a, "WR"), is_in(b, "CLOSE_WAIT"), shut(b, "WR"), is_in(b, "CLOSE")
    yield is_in(a, "CLOSE", "TIME_WAIT"), views(a), views(b), so_error(a), shut(a, "WR")


@case
def shutdown_by_both_with_data_unread(a, b, p):
    tell(a, b"abc")
    tell(b, b"defg")
    yield shut(a, "WR"), is_in(b, "CLOSE_WAIT"), shut(b, "WR"), is_in(b, "CLOSE")
    yield mask(a), recv(a, 2), recv(a), recv(a), mask(b), recv(b), recv(b)


@case
def shutdown_then_peer_writes_and_closes(a, b, p):
    shut(a, "WR")
    is_in(b, "CLOSE_WAIT")
    tell(b, b"answer")
    b.close()
    yield is_in(a, "CLOSE", "TIME_WAIT"), mask(a), recv(a), recv(a), mask(a)


@case
def shutdown_when_the_peer_has_closed(a, b, p):
    """FIN against FIN, no RST: nobody has written anything."""
    tell(b, b"abc")
    b.close()
    is_in(a, "CLOSE_WAIT")
    yield recv(a, 2), shut(a, "WR"), is_in(a, "CLOSE"), mask(a), recv(a), recv(a), so_error(a)


@case
def shutdown_in_no_known_way(a, b, p):
    yield shut(a, 3), shut(a, -1), shut(a, 99), tell(a, b"abc"), recv(b)


@case
def shutdown_wakes_a_reader(a, b, p):
    reader = Blocked(recv, a)
    yield reader.sleeps(), shut(a, "RD"), reader.result()


@case
def shutdown_of_both_wakes_a_reader(a, b, p):
    reader = Blocked(recv, a)
    yield reader.sleeps(), shut(a, "RDWR"), reader.result()


@case
def peers_shutdown_wakes_a_reader(a, b, p):
    reader = Blocked(recv, a)
    yield reader.sleeps(), shut(b, "WR"), reader.result(), send(a, b"abc"), recv(b)


@case
def shutdown_of_reading_does_not_stop_the_peer(a, b, p):
    shut(a, "RD")
    sender = Blocked(b.sendall, pattern(1000))
    yield sender.result(), state(a), state(b)


# ---- close()

@case
def close_with_all_read(a, b, p):
    tell(b, b"abc")
    recv(a)
    a.close()
    yield is_in(b, "CLOSE_WAIT"), views(b)


@case
def close_without_a_byte(a, b, p):
    a.close()
    yield is_in(b, "CLOSE_WAIT"), mask(b), recv(b), recv(b)


@case
def close_with_data_unread(a, b, p):
    tell(b, b"abc")
    a.close()
    yield is_in(b, "CLOSE"), mask(b), recv(b), recv(b)


@case
def close_with_data_unread_and_sent(a, b, p):
    tell(b, b"abc")
    tell(a, b"def")
    a.close()
    yield is_in(b, "CLOSE"), recv(b, 2), recv(b), recv(b), recv(b)


@case
def close_with_a_part_unread(a, b, p):
    tell(b, b"abcdef")
    yield recv(a, 3)
    a.close()
    yield is_in(b, "CLOSE"), recv(b)


@case
def close_with_the_peers_end_unread(a, b, p):
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    a.close()
    yield is_in(b, "CLOSE", "TIME_WAIT"), recv(b), so_error(b)


@case
def close_with_the_peers_data_and_end_unread(a, b, p):
    tell(b, b"abc")
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    a.close()
    yield is_in(b, "CLOSE"), so_error(b), recv(b)


@case
def close_after_shutdown_of_both(a, b, p):
    tell(b, b"abc")
    shut(a, "RDWR")
    is_in(b, "CLOSE_WAIT")
    a.close()
    yield is_in(b, "CLOSE"), recv(b), recv(b)


@case
def close_with_much_unsent_and_the_peer_ends(a, b, p):
    """What the closed socket still sends survives the peer's end."""
    small(a)
    n = fill(a)
    a.close()
    yield shut(b, "WR")
    got, end = read_all(b)
    yield got == b"f" * n, end, recv(b), so_error(b)


@case
def close_with_much_unsent_and_the_peer_writes(a, b, p):
    small(a)
    fill(a)
    a.close()
    yield send(b, b"late"), is_in(b, "CLOSE"), read_all(b)[1], recv(b)


@case
def close_with_much_unsent_and_the_peer_resets(a, b, p):
    """Nobody can see what becomes of a; that it is gone, the module's unloading tells."""
    small(a)
    fill(a)
    a.close()
    reset(b)
    yield "done"


@case
def close_by_both_with_much_unsent(a, b, p):
    """Each keeps what the other has not read: both are reset."""
    for x in (a, b):
        small(x)
        fill(x)
    a.close()
    yield is_in(b, "CLOSE"), read_all(b)[1]


@case
def data_for_who_has_closed(a, b, p):
    tell(a, b"answer")
    a.close()
    is_in(b, "CLOSE_WAIT")
    yield send(b, b"late"), is_in(b, "CLOSE"), mask(b), recv(b, 3), recv(b), recv(b), so_error(b)
    yield recv(b)


@case
def close_while_a_thread_reads(a, b, p):
    """The descriptor is gone, the socket is not, until the call ends."""
    fd = a.detach()
    x = socket.socket(fileno=os.dup(fd))
    reader = Blocked(recv, x)
    yield reader.sleeps()
    os.close(fd)
    tell(b, b"abc")
    yield reader.result()
    x.close()
    yield is_in(b, "CLOSE_WAIT"), recv(b)


# ---- RST

@case
def reset_of_an_idle_socket(a, b, p):
    reset(b)
    yield is_in(a, "CLOSE"), mask(a), inq(a), recv(a), recv(a), mask(a)


@case
def reset_is_told_once_by_so_error(a, b, p):
    reset(b)
    is_in(a, "CLOSE")
    yield so_error(a), so_error(a), recv(a), send(a, b"x", NOSIGNAL), mask(a)


@case
def reset_is_told_once_by_send(a, b, p):
    reset(b)
    is_in(a, "CLOSE")
    yield send(a, b"x", NOSIGNAL), send(a, b"x", NOSIGNAL), so_error(a), recv(a)


@case
def reset_is_told_once_by_recv(a, b, p):
    reset(b)
    is_in(a, "CLOSE")
    yield recv(a), so_error(a), recv(a), send(a, b"x", NOSIGNAL), recv(a, 10, PEEK)


@case
def reset_is_told_by_splice(a, b, p):
    r, w = os.pipe()
    reset(b)
    is_in(a, "CLOSE")
    yield call(os.splice, a.fileno(), w, 10), call(os.splice, a.fileno(), w, 10)


@case
def reset_wakes_a_reader(a, b, p):
    reader = Blocked(recv, a)
    yield reader.sleeps()
    reset(b)
    yield reader.result(), recv(a), so_error(a)


@case
def reset_wakes_a_reader_that_has_a_part(a, b, p):
    tell(b, b"abc")
    reader = Blocked(exactly, a, 9)
    yield reader.sleeps()
    reset(b)
    yield reader.result(), recv(a), recv(a)


@case
def reset_wakes_a_writer(a, b, p):
    small(a)
    fill(a)
    writer = Blocked(send, a, b"abc", NOSIGNAL)
    yield writer.sleeps()
    reset(b)
    yield writer.result(), send(a, b"x", NOSIGNAL), so_error(a), recv(a)


@case
def reset_wakes_poll(a, b, p):
    poller = Blocked(mask, a, 20000)
    q = select.poll()
    q.register(a, 0)
    waiter = Blocked(q.poll, 20000)
    yield waiter.sleeps()
    reset(b)
    yield [ev for _, ev in waiter.result()], poller.result() != "nothing"


@case
def reset_with_data_unread(a, b, p):
    tell(b, b"abcdef")
    yield recv(a, 2)
    reset(b)
    yield is_in(a, "CLOSE"), mask(a), inq(a), recv(a, 2), recv(a), recv(a), recv(a), so_error(a)


@case
def reset_with_data_unread_and_so_error_read(a, b, p):
    tell(b, b"abcdef")
    reset(b)
    is_in(a, "CLOSE")
    yield so_error(a), recv(a), recv(a)


@case
def reset_with_a_write_first(a, b, p):
    tell(b, b"abcdef")
    reset(b)
    is_in(a, "CLOSE")
    yield send(a, b"x", NOSIGNAL), send(a, b"x", NOSIGNAL), recv(a), recv(a)


@case
def reset_after_half_close(a, b, p):
    shut(a, "WR")
    is_in(b, "CLOSE_WAIT")
    reset(b)
    yield is_in(a, "CLOSE", "TIME_WAIT"), mask(a), recv(a), recv(a), so_error(a)


@case
def reset_after_the_peers_half_close(a, b, p):
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    reset(b)
    yield is_in(a, "CLOSE"), mask(a), recv(a), recv(a), send(a, b"x", NOSIGNAL), so_error(a)


@case
def reset_after_the_end_was_read(a, b, p):
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield recv(a)
    reset(b)
    yield is_in(a, "CLOSE"), recv(a), so_error(a), send(a, b"x", NOSIGNAL), mask(a)


@case
def reset_of_who_has_half_closed_with_much_unsent(a, b, p):
    small(a)
    fill(a)
    shut(a, "WR")
    yield state(a)
    reset(b)
    yield is_in(a, "CLOSE"), mask(a), so_error(a), recv(a), send(a, b"x", NOSIGNAL)


@case
def reset_when_both_have_half_closed(a, b, p):
    """CLOSING: a's end is behind what b does not read, b's has come."""
    small(a)
    fill(a)
    shut(a, "WR")
    shut(b, "WR")
    yield is_in(a, "CLOSING"), mask(a)
    reset(b)
    yield is_in(a, "CLOSE"), mask(a), so_error(a), recv(a), send(a, b"x", NOSIGNAL)


@case
def reset_when_both_have_half_closed_the_peer_first(a, b, p):
    """LAST_ACK, likewise."""
    tell(b, b"abc")
    small(a)
    fill(a)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield shut(a, "WR"), state(a)
    reset(b)
    yield is_in(a, "CLOSE"), mask(a), recv(a, 2), recv(a), recv(a), so_error(a)


@case
def reset_and_names(a, b, p):
    reset(b)
    is_in(a, "CLOSE")
    yield call(a.getpeername), a.getsockname()[1] > 0, shut(a, "WR"), shut(a, "RD"), shut(a, "RDWR")


@case
def own_reset(a, b, p):
    tell(b, b"abc")
    reset(a)
    yield is_in(b, "CLOSE"), recv(b), recv(b)


@case
def own_reset_with_much_unsent(a, b, p):
    small(a)
    fill(a)
    reset(a)
    yield is_in(b, "CLOSE"), read_all(b)[1]


# ---- SIGPIPE

def signals_of(s, data, *flags):
    """What send() says, and how many SIGPIPE it brought."""
    seen = []
    signal.signal(signal.SIGPIPE, lambda *_: seen.append(1))
    return [(c_send(s, data, f), len(seen)) for f in flags]


@case
def sigpipe_after_shutdown(a, b, p):
    shut(a, "WR")
    yield signals_of(a, b"abc", 0, NOSIGNAL, 0, DONTWAIT)


@case
def sigpipe_after_a_reset(a, b, p):
    reset(b)
    is_in(a, "CLOSE")
    yield signals_of(a, b"abc", 0, 0, NOSIGNAL)


@case
def sigpipe_after_the_peer_closed(a, b, p):
    b.close()
    is_in(a, "CLOSE_WAIT")
    yield signals_of(a, b"abc", 0), is_in(a, "CLOSE"), signals_of(a, b"abc", 0, NOSIGNAL, 0)


@case
def sigpipe_of_write_and_splice(a, b, p):
    seen = []
    signal.signal(signal.SIGPIPE, lambda *_: seen.append(1))
    r, w = os.pipe()
    os.write(w, b"abcdef")
    shut(a, "WR")
    yield call(os.write, a.fileno(), b"x"), len(seen), call(os.splice, r, a.fileno(), 6), len(seen)
    with open("/proc/self/exe", "rb") as f:
        yield call(os.sendfile, a.fileno(), f.fileno(), 0, 100), len(seen)


# ---- poll() in every state

@case
def poll_of_an_idle_socket(a, b, p):
    yield mask(a), mask(b)


@case
def poll_with_data(a, b, p):
    tell(b, b"abc")
    yield mask(a), recv(a, 2), mask(a), recv(a), mask(a)


@case
def poll_when_both_have_shut_down_and_data_waits(a, b, p):
    tell(b, b"abc")
    shut(a, "RDWR")
    is_in(b, "CLOSE_WAIT")
    yield mask(a), mask(b)
    shut(b, "RDWR")
    yield is_in(b, "CLOSE"), mask(b), is_in(a, "CLOSE", "TIME_WAIT"), mask(a), recv(a), mask(a)


@case
def poll_hup_alone(a, b, p):
    """With no bit asked for, only errors and the end of both directions are told."""
    q = select.poll()
    q.register(a, 0)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield q.poll(0) != []
    shut(a, "WR")
    is_in(a, "CLOSE")
    yield [ev for _, ev in q.poll(20000)]


@case
def recv_after_everything(a, b, p):
    tell(b, b"abc")
    b.close()
    is_in(a, "CLOSE_WAIT")
    a.shutdown(socket.SHUT_WR)
    is_in(a, "CLOSE")
    yield c_recv(a, 2), c_recv(a, 10, PEEK), c_recv(a), c_recv(a), so_error(a)


@case
def data_and_end_at_once(a, b, p):
    """The end comes with the last byte, and is read after it."""
    for n in (1, 16384, 40000):
        x, y = p.pair()
        writer = Blocked(y.sendall, pattern(n))
        got = exactly(x, n)
        writer.result()
        y.close()
        yield len(got), recv(x), recv(x), mask(x)


@case
def end_waits_behind_a_full_socket(a, b, p):
    small(b)
    n = fill(b)
    shut(b, "WR")
    yield mask(a)
    got, end = read_all(a)
    yield got == b"f" * n, end, is_in(a, "CLOSE_WAIT"), tell(a, b"abc"), recv(b)
    arrived(a)

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
# kernels: 6.12
# debug: no
# seconds: 300
# Programs of the web, of Debian and npm, and those of languages with networking of
# their own: see apps/matrix.sh for what each row claims.
. "$(dirname "$(readlink -f "$0")")/apps/matrix.sh"
matrix_begin
server nginx 80
server haproxy 8081
server go 7004
# As TCP it would be served as well, and say nothing of MPTCP.
contains "go listens with MPTCP" :7004 "$(in_host h2 ss -HlMn 'sport = :7004')"
server java 7005
server node 7001
row curl nginx
row wget nginx
row python nginx
row haproxy nginx
row go-nginx nginx
row curl-haproxy haproxy
row go go
row curl-go go
row java java
row curl-java java
row node node
row curl-node node
if [ -n "$NPM" ]; then
    server express 7003
    server ws 7002
    row undici nginx
    row curl-express express
    row ws ws
fi
matrix foreign

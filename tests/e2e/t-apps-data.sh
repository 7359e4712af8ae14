#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
# kernels: 7.2
# debug: no
# seconds: 400
# Data bases, mail, shells and streams, many of whose servers speak first: see
# apps/matrix.sh for what each row claims.
. "$(dirname "$(readlink -f "$0")")/apps/matrix.sh"
matrix_begin
server redis 6379 redis-server
server postgres 5432 postgresql@15-main
server mariadb 3306
server smtp 25 opensmtpd
server asyncio 7000
server iperf3 5201
server socat 7006
server uring 7007
server ssh 22
server openssl 7008
row redis-cli redis
row redis-benchmark redis
row nginx-stream redis
row psql postgres
row psql-tls postgres
row mariadb mariadb
row curl-smtp smtp
row smtplib smtp
row asyncio asyncio
row iperf3 iperf3
row socat socat
row nc socat
row uring-socat socat
row uring uring
row nc-uring uring
row ssh ssh
row openssl openssl
if [ -n "$NPM" ]; then
    row ioredis redis
    row pg postgres
    row mysql2 mariadb
    row nodemailer smtp
fi
matrix foreign

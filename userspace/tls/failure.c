// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a handshake failed, in the terms of the kernel interface. Any thread.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tls/failure.h"

/* OpenSSL's reason codes of alerts that the peer sent are the alert and this. */
#define ALERT_BASE SSL_AD_REASON_OFFSET
#define ALERT_MAX 255

void weft_failure_set(struct weft_failure *failure, enum weft_reason reason, const char *fmt, ...)
{
	va_list ap;

	if (failure->reason != WEFT_REASON_NONE)
		return;
	failure->reason = reason;
	va_start(ap, fmt);
	vsnprintf(failure->detail, sizeof(failure->detail), fmt, ap);
	va_end(ap);
	for (char *p = failure->detail; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* Alerts about the certificate we sent: RFC 8446, 6.2 */
static bool is_about_certificate(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}

static void from_alert(struct weft_failure *failure, int alert)
{
	if (alert == SSL_AD_ACCESS_DENIED) {
		weft_failure_set(failure, WEFT_REASON_PEER_DENIED,
				 "the peer sent the alert access denied");
		return;
	}
	weft_failure_set(failure, WEFT_REASON_ALERT, "the peer sent alert %d (%s)%s", alert,
			 SSL_alert_desc_string_long(alert),
			 is_about_certificate(alert) ? ": it refuses our certificate" : "");
}

/* The few errors where a hint says more than OpenSSL's reason. */
static const char *hint(int reason)
{
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
		return "the peer does not speak TLS 1.3: ";
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_BAD_RECORD_TYPE:
		return "what the peer sends is not TLS 1.3: ";
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return "the peer offers other protocols than \"weft/1\" (ALPN): ";
	default:
		return "";
	}
}

static void from_queue(struct weft_failure *failure, unsigned long code)
{
	const char *text = ERR_reason_error_string(code);
	int reason = ERR_GET_REASON(code);

	if (reason == ERR_R_MALLOC_FAILURE) {
		weft_failure_set(failure, WEFT_REASON_RESOURCES, "out of memory");
		return;
	}
	if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
		weft_failure_set(failure, WEFT_REASON_TLS, "%s", text ? text : "unknown error");
		return;
	}
	if (reason >= ALERT_BASE && reason <= ALERT_BASE + ALERT_MAX)
		from_alert(failure, reason - ALERT_BASE);
	else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		weft_failure_set(failure, WEFT_REASON_PEER_CERTIFICATE,
				 "the peer sent no certificate");
	else
		weft_failure_set(failure, WEFT_REASON_TLS, "%s%s", hint(reason),
				 text ? text : "unknown error");
}

static void from_socket(struct weft_failure *failure, int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		weft_failure_set(failure, WEFT_REASON_RESET,
				 "the peer reset the connection during the handshake");
		break;
	case ENOMEM:
	case ENOBUFS:
		weft_failure_set(failure, WEFT_REASON_RESOURCES, "%s", strerror(error));
		break;
	default:
		weft_failure_set(failure, WEFT_REASON_TLS, "socket: %s", strerror(error));
	}
}

/* SSL_ERROR_SSL comes first: sending the alert may have failed as well then. */
void weft_failure_from_ssl(struct weft_failure *failure, int error, const struct weft_tls_io *io)
{
	unsigned long code = ERR_get_error();
	bool is_eof = ERR_GET_LIB(code) == ERR_LIB_SSL &&
		      ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;

	ERR_clear_error();
	if (error == SSL_ERROR_SSL && code && !is_eof)
		from_queue(failure, code);
	else if (io->error)
		from_socket(failure, io->error);
	else if (io->eof || is_eof || error == SSL_ERROR_ZERO_RETURN)
		weft_failure_set(failure, WEFT_REASON_RESET,
				 "the peer closed the connection during the handshake");
	else
		weft_failure_set(failure, WEFT_REASON_TLS, "OpenSSL error %d", error);
}
